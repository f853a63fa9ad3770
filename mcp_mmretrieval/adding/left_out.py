"""Names that are left out wherever they lie: keys and secrets, hidden files, what systems and packages leave."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection

from mcp_mmretrieval.roots.secrets import SECRETS_RULE, is_secret

_SYSTEM_RULE = "system and unfinished files"

_SYSTEM = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("~$*", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "*.lnk"),
            *("*.crdownload", "*.part", "*.partial", "*.download", "*.opdownload", "*.!ut", "$recycle.bin"),
            "system volume information",
        )
    )
)
"""Names, in lower case, of what systems and browsers leave in folders: locks, thumbnails, unfinished downloads."""
_PACKAGE_FOLDERS = {"node_modules", "__pycache__", "__MACOSX"}
_ENVIRONMENT_MARKS = {"pyvenv.cfg", "conda-meta"}


def name_rule(name: str, *, is_folder: bool) -> str:
    """The rule that leaves out what is called so, or empty."""
    if is_secret(name, is_folder=is_folder):
        return SECRETS_RULE
    if name.startswith("."):
        return "hidden"
    if is_folder and name in _PACKAGE_FOLDERS:
        return name
    return _SYSTEM_RULE if _SYSTEM.match(name.lower()) else ""


def holds_environment(names: Collection[str]) -> bool:
    """Whether a folder that holds these names is a virtual environment."""
    return not _ENVIRONMENT_MARKS.isdisjoint(names)
