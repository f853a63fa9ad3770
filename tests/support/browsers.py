"""The browsers of this machine, by Playwright: a Chromium, and Firefox as it is shipped (over WebDriver BiDi)."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES: Mapping[str, Sequence[str]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
"""What the commands are called."""
ALL_WANTED = "TEST_BROWSERS"
"""The variable that makes a failure of a browser that is not there, in place of a skipped test."""
AXE = Path(__file__).parents[2] / ".ci/node_modules/axe-core/axe.min.js"
"""The accessibility checker, where `.ci/run browsers` put it."""

_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--host-resolver-rules=MAP rebound.test 127.0.0.1",
)
_FIREFOX_SETTINGS: dict[str, str | float | bool] = {
    "media.autoplay.default": 0,
    "fission.webContentIsolationStrategy": 0,  # a press in a frame of another process would be lost
    "network.dns.localDomains": "rebound.test",
}


def absent(what: str) -> None:
    """Skip the test, or fail where all browsers are wanted."""
    if os.environ.get(ALL_WANTED):
        pytest.fail(f"{what} is not there, and {ALL_WANTED} wants all")
    pytest.skip(f"{what} is not there")


@asynccontextmanager
async def launched(name: str) -> AsyncIterator[Any]:
    """A browser of this name, headless. Skips the test where it is not there."""
    from playwright import async_api

    path = next(filter(None, map(shutil.which, NAMES[name])), None)
    if path is None:
        absent(NAMES[name][0])
    async_api.expect.set_options(timeout=30_000)
    async with async_api.async_playwright() as started:
        if name == "chromium":
            browser = await started.chromium.launch(executable_path=path, args=_CHROMIUM_ARGUMENTS)
        else:
            # the channel of Firefox without Playwright's patches; it heeds no color_scheme
            browser = await started.firefox.launch(
                channel="moz-firefox", executable_path=path, firefox_user_prefs=_FIREFOX_SETTINGS
            )
        yield browser
        await browser.close()


async def axe_violations(page: Any) -> list[str]:
    """What axe-core finds wrong with a page or frame, with the elements: by WCAG 2 A and AA, and by good practice."""
    if not AXE.exists():
        absent("axe-core")
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}" for one in found]
