"""Finds the place in a person's files that answers, whatever the media, and serves it to agents over MCP.

The map, bottom up; a module imports only from floors below (ARCHITECTURE.md says why):

0  errors, types, limits     what goes wrong; Document, Place, Segment, Content; bounds of one file
1  configuration             what was asked for, as written. Also precedence: answers go before bulk work
2  answers, settings, roots  what the library answers; every knob; the allowed folders. Also words
   profiles                  a record for each model that can serve
   front                     the client's side of an engine, in the standard library alone
3  media                     text, image, pdf, audio, video: `split` into places, `load` one; workers isolate them
   choosing                  from settings to records: `auto`, and the limits that the settings lay over a record
4  models, store, ranking    seams, built-in and Hub models; SQLite and Chroma; lanes fused. Also jobs
   measuring                 what the models take of this machine: `bench`
5  reading, opening, targets one file to segments with text; what is pointed at. Also deadlines
   parts, serving            what of a segment gets a vector; which embedder answers, and which is wanted
6  gathering, embedding      vectors of whole documents, gathered over many; the thread that makes them
   examples, moments         what `like` shows; a hit narrowed to the stretch that matched
   reranking, scoring        contents scored as far as there is time; the rerank tool
7  adding, searching         the two lines through the house
8  library                   the product: `from mcp_mmretrieval import Library`
9  server                    the seven MCP tools, the engine that serves them, HTTP
10 cli, __main__             the command line, a client of the same engine; the demo and its media
"""

TYPE_CHECKING = False  # typing's own costs a front a fifth of its start
if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Answer, Filters, Hit
    from mcp_mmretrieval.errors import (
        BadArgument,
        Busy,
        Cancelled,
        DeviceLost,
        EngineUnavailable,
        LibraryUnavailable,
        ModelUnavailable,
        NotAllowed,
        NotInLibrary,
        RetrievalError,
        Unfit,
        UnreadableMedia,
    )
    from mcp_mmretrieval.library import Library

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "BadArgument",
    "Busy",
    "Cancelled",
    "DeviceLost",
    "EngineUnavailable",
    "Filters",
    "Hit",
    "Library",
    "LibraryUnavailable",
    "ModelUnavailable",
    "NotAllowed",
    "NotInLibrary",
    "RetrievalError",
    "Unfit",
    "UnreadableMedia",
    "__version__",
]

_HOMES = {"Library": "library", "Answer": "answers", "Filters": "answers", "Hit": "answers"}
"""The module of each public name; the others stand in `errors`."""


def __getattr__(name: str) -> object:
    # the library imports numpy and more; a front and the handshake go through this package and must not wait for that
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
