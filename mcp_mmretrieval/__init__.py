"""Finds the place in a person's files that answers, whatever the media, and serves it to agents over MCP.

The map, bottom up; a module imports only from floors below (ARCHITECTURE.md says why):

0  errors, types, limits     what goes wrong; Document, Place, Segment, Content; bounds of one file
1  answers, settings, roots  what the library answers; every knob; the allowed folders. Also words
2  media                     text, image, pdf, audio, video: `split` into places, `load` one; workers isolate them
3  models, store, ranking    seams and built-in models; SQLite and Chroma; lanes fused. Also jobs
4  reading, embedding        one file to segments with text; segments to vectors. Also opening, targets
5  adding, searching         the two lines through the house
6  library                   the product: `from mcp_mmretrieval import Library`
7  server                    the seven MCP tools
8  cli, __main__             the command line, a client of the same server; the demo and its media
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_mmretrieval.library import Library

__version__ = "0.1.0"
__all__ = ["Library", "__version__"]


def __getattr__(name: str) -> object:
    # the library imports numpy and more; the server's handshake goes through this package and must not wait for that
    if name == "Library":
        from mcp_mmretrieval.library import Library

        return Library
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
