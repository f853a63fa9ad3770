"""The gallery's page in a real browser, inside a small assistant, over a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval.server.gallery.page import gallery_page

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page

HOST = Path(__file__).with_name("host.html")

POLICIES = {
    "specification": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'",
    "no media": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'none'; media-src 'none'; connect-src 'none'",
    "nothing": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
}
"""What assistants let a page load: as MCP Apps has it, and less."""
ALL_CAPABILITIES: Mapping[str, object] = {"serverTools": {}, "message": {}, "openLinks": {}}


@dataclass(slots=True)
class Shown:
    """A page that is shown, and what went wrong in it."""

    page: Page
    frame: Frame
    complaints: list[str] = field(default_factory=list)
    """Errors of the console, requests for anything but the two pages, and dialogs."""

    async def notify(self, method: str, params: object) -> None:
        await self.page.evaluate("([method, params]) => window.notify(method, params)", [method, params])

    async def seen(self, what: str) -> list[Any]:
        return list(await self.page.evaluate("(what) => window.seen[what]", what))


@asynccontextmanager
async def shown(
    browser: Browser,
    call_tool: Any,
    *,
    policy: str = "specification",
    context: Mapping[str, object] | None = None,
    capabilities: Mapping[str, object] | None = None,
    **options: Any,
) -> AsyncIterator[Shown]:
    """The page in a frame of an assistant, after its handshake. `call_tool` gets name and arguments of each call."""
    opaque = options.pop("opaque", False)
    options.setdefault("viewport", {"width": 760, "height": 900})
    tab = await browser.new_context(**options)
    page = await tab.new_page()
    complaints: list[str] = []

    async def answer(route: Any) -> None:
        address = route.request.url
        if address == "https://host.test/":
            await route.fulfill(content_type="text/html", body=HOST.read_text(encoding="utf-8"))
        elif address == "https://page.test/":
            headers = {"Content-Security-Policy": POLICIES[policy]}
            await route.fulfill(content_type="text/html", body=gallery_page(), headers=headers)
        else:
            if not address.endswith("/favicon.ico"):
                complaints.append(f"request: {address}")
            await route.abort()

    async def dismiss(dialog: Any) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    await tab.route("**/*", answer)
    await page.expose_function("callTool", call_tool)
    await page.goto("https://host.test/")
    wanted = {
        "context": {"theme": "light", "displayMode": "inline", **(context or {})},
        "capabilities": ALL_CAPABILITIES if capabilities is None else capabilities,
        "opaque": opaque,
    }
    await page.evaluate("(wanted) => window.show(wanted)", wanted)
    await page.wait_for_function("window.seen.messages.some((one) => one.method === 'ui/notifications/initialized')")
    try:
        yield Shown(page, page.frames[1], complaints)
    finally:
        await tab.close()
