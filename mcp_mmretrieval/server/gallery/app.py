"""The gallery as an MCP App (extension `io.modelcontextprotocol/ui`, revision 2026-01-26): its page, and who is told.

An assistant that shows apps finds the page by the `_meta` of search_media, reads it as a resource, runs it in a
sandboxed frame, and passes it the result of the call. The page then asks for pictures and sound by a tool of its own.
"""

from __future__ import annotations

from typing import Any

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource

from mcp_mmretrieval.server.gallery.page import gallery_page

GALLERY_URI = "ui://mcp-mmretrieval/gallery.html"

SHOWN_IN_GALLERY: dict[str, Any] = {"ui": {"resourceUri": GALLERY_URI}, "ui/resourceUri": GALLERY_URI}
"""`_meta` of the tool whose result the page shows; the flat key is of an older draft, and some hosts read only that."""
FOR_PAGES_ONLY: dict[str, Any] = {"ui": {"visibility": ["app"]}}
"""`_meta` of a tool that is no concern of the model. It names no page: a host would open one for its results."""


def gallery_extension() -> Apps:
    """The extension with the page as its one resource, which is read from disk when it is first asked for."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=GALLERY_URI,
            name="gallery",
            title="Gallery of search results",
            description="The page on which assistants show what search_media found. There is nothing to read in it.",
            mime_type=APP_MIME_TYPE,
            meta={"ui": {"csp": {}, "permissions": {"clipboardWrite": {}}, "prefersBorder": True}},
            fn=gallery_page,
        )
    )
    return apps


def shows_apps(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client says that it shows apps: in its handshake or, since 2026-07-28, in each request."""
    if ctx.method != "initialize":
        return client_supports_apps(ctx)
    capabilities = (ctx.params or {}).get("capabilities") or {}  # the session does not know them yet
    extension = (capabilities.get("extensions") or {}).get(EXTENSION_ID) or {}
    return APP_MIME_TYPE in (extension.get("mimeTypes") or ())


async def hide_from_models(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: a client that did not say that it shows apps is not told of tools for pages.

    It would offer them to its model. Over stateless HTTP before 2026-07-28 nobody says it to `tools/list`.
    """
    result = await call_next(ctx)
    if ctx.method == "tools/list" and isinstance(result, dict) and not shows_apps(ctx):
        return {**result, "tools": [tool for tool in result["tools"] if not _is_for_pages_only(tool)]}
    return result


def _is_for_pages_only(tool: dict[str, Any]) -> bool:
    return "model" not in tool.get("_meta", {}).get("ui", {}).get("visibility", ["model"])
