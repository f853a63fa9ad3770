"""Finds the place in a person's files that answers, whatever the media, and serves it to agents over MCP.

ARCHITECTURE.md has the map; `import mcp_mmretrieval` offers the Python API and imports nothing heavy.
"""

import os

for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ.setdefault(_switch, "1")  # else ONNX Runtime and the Hub's client, once imported, would phone home

TYPE_CHECKING = False  # typing's own costs a front a fifth of its start
if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Answer, Filters, Hit
    from mcp_mmretrieval.errors import (
        BadArgument,
        Busy,
        Cancelled,
        ClusterUnavailable,
        DeviceLost,
        EngineUnavailable,
        IndexUnavailable,
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
    "ClusterUnavailable",
    "DeviceLost",
    "EngineUnavailable",
    "Filters",
    "Hit",
    "IndexUnavailable",
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
