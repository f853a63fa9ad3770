"""The one rule for which files of a person are read, whoever asks: by adding, by example, by reranking, by showing."""

from __future__ import annotations

import os

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.roots import OpenFile, Roots, StrPath, real_path
from mcp_mmretrieval.roots.secrets import SECRETS_RULE, is_secret

LIBRARY_RULE = "the library itself"


class ReadableFiles:
    """The files under the roots that no rule keeps from being read, however they are named."""

    def __init__(self, roots: Roots, library: StrPath | None = None, most_bytes: int | None = None) -> None:
        """`library`: the folder in which nothing counts; `most_bytes`: of one file."""
        self.roots = roots
        self._library = (real_path(os.fspath(library)) or None) if library is not None else None
        self._most_bytes = most_bytes

    @property
    def has_library(self) -> bool:
        """Whether a folder is named in which nothing counts."""
        return self._library is not None

    def open(self, path: StrPath) -> OpenFile:
        """A file that may be read: as `Roots.open`, and `admitted`."""
        return self.admitted(self.roots.open(path))

    def admitted(self, file: OpenFile) -> OpenFile:
        """An open file, if it may be read; else it is closed.

        Judged is where it really lies, and its size, before a byte of it is read. Raises UnreadableMedia.
        """
        try:
            if rule := self.never(file.path, is_folder=False):
                reason = f"{file.path}: is never read ({rule}). Copy it elsewhere under another name if it should be."
                raise UnreadableMedia("not_found_or_not_allowed", reason)
            if self._most_bytes is not None and file.size > self._most_bytes:
                have, most = file.size / 1e6, self._most_bytes / 1e6
                reason = f"{file.path}: {have:,.0f} MB, more than the limit of {most:,.0f} MB."
                raise UnreadableMedia("too_large", reason)
        except BaseException:
            file.close()
            raise
        return file

    def never(self, real: str, *, is_folder: bool) -> str:
        """The rule that keeps a real path from being read even where it is named outright, or empty."""
        if self._library is not None and (real + "/").startswith(self._library + "/"):
            return LIBRARY_RULE
        *folders, name = real.removeprefix(self.roots.root_of(real)).split("/")
        secret = is_secret(name, is_folder=is_folder) or any(is_secret(part, is_folder=True) for part in folders)
        return SECRETS_RULE if secret else ""
