"""What is held and was not come to: gone from its folder, or only out of reach, or ignored by now."""

# ruff: noqa: PTH118, PTH119, PTH120
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_mmretrieval.adding.absence import AbsenceJudge, Presence
from mcp_mmretrieval.adding.tally import JobTally
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.roots import Roots, real_path
from mcp_mmretrieval.store import Catalog

EMPTY_NOTE = (
    "nothing is left here, though {files} held from here. They stay, since a drive that is not mounted looks so. If "
    "they are really gone, take them out with remove_documents."
)
AWAY_NOTE = (
    "{files} out of reach (this one is the first): their folder cannot be read, or lay on another drive. They stay. If "
    "they are really gone, take them out with remove_documents."
)


@dataclass(slots=True)
class WalkRecord:
    """What one walk has seen."""

    absence: AbsenceJudge
    waits: Callable[[str], bool] = lambda path: False
    """Whether a file is being written."""
    counted: set[str] = field(default_factory=set)
    """Files that lie there and count."""
    ignored: dict[str, float] = field(default_factory=dict)
    """Paths that an ignore file leaves out, and when it was written."""
    left: dict[str, bool] = field(default_factory=dict)
    """Folders, and whether anything is left in them or above."""


class VanishedPaths:
    """Looks for the held files of one connection that are to be taken out."""

    def __init__(self, catalog: Catalog, roots: Roots) -> None:
        self._catalog = catalog
        self._roots = roots

    def of_folders(self, tally: JobTally, paths: Sequence[str], seen: WalkRecord) -> set[str]:
        """What lies no longer where it was added from. What is only out of reach stays, and is told.

        So stays all of a folder that was asked for, or of a root, in which nothing lies at all: a drive that is not
        mounted looks so.
        """
        vanished = set[str]()
        for folder in self._folders(paths):
            absent = self._absent(tally, folder, seen)
            gone, away = absent["gone"], absent["out of reach"]
            if gone and gone != [folder] and not any(path.startswith(f"{folder}/") for path in seen.counted):
                tally.told(f"{folder}: {EMPTY_NOTE.format(files=counted_files(len(gone)))}")
            else:
                vanished |= set(gone)
            if away:
                tally.told(f"{away[0]}: {AWAY_NOTE.format(files=counted_files(len(away)))}")
        return vanished

    def of_changes(self, tally: JobTally, paths: Sequence[str], seen: WalkRecord) -> set[str]:
        """The same for what changed, of which nobody walked through the root: of that, too, something has to be left.

        What a drive or a root still holds is looked for in the catalog, nearest first.
        """
        vanished = set[str]()
        for path in sorted(map(_in_real_folder, paths)):
            if not self.rooted(path) or not self._catalog.holds_under(path):
                continue
            left = self._still_there(os.path.dirname(path), seen)
            absent = self._absent(tally, path, seen)
            if absent["gone"] and not left:
                root = self._roots.root_of(path)
                tally.told(f"{root}: {EMPTY_NOTE.format(files=counted_files(len(absent['gone'])))}")
            else:
                vanished |= set(absent["gone"])
            if away := absent["out of reach"]:
                tally.told(f"{away[0]}: {AWAY_NOTE.format(files=counted_files(len(away)))}")
        return vanished

    def _absent(self, tally: JobTally, folder: str, seen: WalkRecord) -> dict[Presence, list[str]]:
        """The held files of a folder, or the one at a path, that were not come to, by where they are."""
        absent: dict[Presence, list[str]] = {"gone": [], "out of reach": [], "there": []}
        for file in self._catalog.files_under(folder):
            if tally.job.stop.is_set():
                raise Cancelled("Stopped.")
            if file.path not in seen.counted:
                absent[seen.absence.judge(file)].append(file.path)
        return absent

    def _still_there(self, folder: str, seen: WalkRecord) -> bool:
        """Whether a file still lies in a folder or under its root; a held one is shown to the judge of absence."""
        if folder not in seen.left:
            below = f"{folder.rstrip('/')}/"
            seen.left[folder] = (
                any(path.startswith(below) for path in seen.counted)
                or any(map(seen.absence.lies_unchanged, self._catalog.files_under(folder)))
                or (folder not in self._roots.folders and self._still_there(os.path.dirname(folder), seen))
            )
        return seen.left[folder]

    def ignored(self, paths: Sequence[str], seen: WalkRecord) -> Iterator[str]:
        """What was read before an ignore file came to leave it out.

        What was read after that was named outright, and stays; so do those of this walk.
        """
        if not seen.ignored:
            return
        for folder in self._folders(paths):
            for file in self._catalog.files_under(folder):
                written = None if file.path in seen.counted else _since(file.path, seen.ignored)
                document = None if written is None else self._catalog.document(file.document)
                if document is not None and written is not None and document.read_at < written:
                    yield file.path

    def _folders(self, paths: Sequence[str]) -> list[str]:
        named = [path for given in paths for path in self._roots.readings(given)] if paths else self._roots.folders
        return [path for path in named if self.rooted(path)]

    def rooted(self, path: str) -> bool:
        """Whether it is under a root that is there: of others its absence says nothing."""
        return self._roots.covers(path) and self._roots.root_of(path) not in self._roots.missing

    def moved_from(self, id: str, path: str, absence: AbsenceJudge) -> list[str]:
        """Paths of the same content, within this connection's reach, where nothing lies any more: it moved."""
        return [
            file.path
            for file in self._catalog.files_of_one(id)
            if file.path != path and self.rooted(file.path) and absence.judge(file) == "gone"
        ]


def counted_files(files: int) -> str:
    """A number of files with its verb."""
    return "1 file is" if files == 1 else f"{files} files are"


def _since(path: str, ignored: Mapping[str, float]) -> float | None:
    """When a path, or a folder above it, came to be ignored."""
    while path and path not in ignored:
        path = path.rpartition("/")[0]
    return ignored.get(path)


def _in_real_folder(path: str) -> str:
    """A path by where its folder really lies: itself it may be gone."""
    return os.path.join(real_path(os.path.dirname(path)), os.path.basename(path))
