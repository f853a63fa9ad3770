"""A library's own files, damaged in each way that a disk, a sync or a person may: catalog, log, index, locks and notes.

Each time the library answers as before, or refuses with the file's name and the next step and leaves the catalog as it
is, or makes anew what is disposable, or says what is gone. It never crashes, answers wrongly, or begins empty without a
word.
"""

from __future__ import annotations

import operator
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from _pytest.mark import ParameterSet

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import Scope, index
from tests.attack.forms import FULL
from tests.support.calls import add
from tests.support.models import ColourEmbedder, ModelsByHand

PATIENCE = 60.0
NOTES = {f"{number}.md": "red " + "green " * number + f"word{number}q\n" for number in range(8)}
LATER = "later.md"
"""The note that stands in the log alone."""
INDEX_DEPTH = 3
"""Of so few of the nearest the index says by itself which they are."""

Outcome = Literal["answers", "refuses", "tells"]
Answers = Mapping[str, Sequence[object]]
Damage = Callable[[Path], object]


def zeroed(start: int, end: int) -> Damage:
    return written(start, bytes(end - start))


def written(at: int, data: bytes, name: str = "catalog.db") -> Damage:
    def harm(library: Path) -> None:
        with (library / name).open("r+b") as file:
            file.seek(at)
            file.write(data)

    return harm


def replaced(name: str, data: bytes) -> Damage:
    return lambda library: (library / name).write_bytes(data)


def deleted(*names: str) -> Damage:
    def harm(library: Path) -> None:
        for name in names:
            (library / name).unlink()

    return harm


def cut(name: str, share: float) -> Damage:
    return lambda library: os.truncate(library / name, int((library / name).stat().st_size * share))


def cut_by(name: str, count: int) -> Damage:
    return lambda library: os.truncate(library / name, (library / name).stat().st_size - count)


def folder(name: str) -> Damage:
    def harm(library: Path) -> None:
        take_away(library / name)
        (library / name).mkdir()
        (library / name / "kept").write_text("a stranger's")

    return harm


def link(name: str, *, to: str) -> Damage:
    """A link in the place of a file or folder; what was there lies where it leads, if it is not `nowhere`."""

    def harm(library: Path) -> None:
        where = library.parent / to
        if to != "nowhere" and (library / name).exists():
            (library / name).rename(where)
        take_away(library / name)
        (library / name).symlink_to(where)

    return harm


def pipe(name: str) -> Damage:
    def harm(library: Path) -> None:
        take_away(library / name)
        os.mkfifo(library / name)

    return harm


def pages(change: Callable[[random.Random, list[bytes]], None]) -> Damage:
    """Pages of the catalog changed by chance; the first one stays."""

    def harm(library: Path) -> None:
        data = (library / "catalog.db").read_bytes()
        size = int.from_bytes(data[16:18], "big")
        cut_up = [data[at : at + size] for at in range(0, len(data), size)]
        change(random.Random(7), cut_up)
        (library / "catalog.db").write_bytes(b"".join(cut_up))

    return harm


def _spoil(filling: Callable[[int], bytes], share: float) -> Damage:
    def change(chance: random.Random, cut_up: list[bytes]) -> None:
        rest = range(1, len(cut_up))
        for at in chance.sample(rest, max(1, int(len(rest) * share))):
            cut_up[at] = filling(len(cut_up[at]))

    return pages(change)


def _shuffle(chance: random.Random, cut_up: list[bytes]) -> None:
    rest = cut_up[1:]
    chance.shuffle(rest)
    cut_up[1:] = rest


def statements(script: str) -> Damage:
    def harm(library: Path) -> None:
        with closing(sqlite3.connect(library / "catalog.db")) as db:
            db.executescript(script)

    return harm


def foreign(library: Path) -> None:
    (library / "catalog.db").unlink()
    statements("CREATE TABLE diary (day, entry);")(library)


def doubled(library: Path) -> None:
    (library / "catalog.db").write_bytes((library / "catalog.db").read_bytes() * 2)


def emptied(library: Path) -> None:
    shutil.rmtree(library / "index")
    (library / "index").mkdir()


def index_a_file(library: Path) -> None:
    shutil.rmtree(library / "index")
    (library / "index").write_bytes(GARBAGE)


def segment_files(harm: Callable[[Path], object]) -> Damage:
    """What Chroma keeps of the vectors beside its database."""

    def harm_all(library: Path) -> None:
        for path in (library / "index").glob("*/*.bin"):
            harm(path)

    return harm_all


def take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def foreign_log(library: Path) -> None:
    shutil.copy(library.parent / "other killed" / "catalog.db-wal", library)


def catalog_of(name: str) -> Damage:
    """A backup in the place of the catalog, beside the log of the one that it replaces."""
    return lambda library: shutil.copy(library.parent / name / "catalog.db", library)


GARBAGE = b"garbage " * 5_000
CATALOG: dict[str, Damage] = {
    "deleted": deleted("catalog.db"),
    "emptied": replaced("catalog.db", b""),
    "garbage": replaced("catalog.db", GARBAGE),
    "a foreign database": foreign,
    "a newer version": statements("PRAGMA user_version = 999"),
    "an older version": statements("PRAGMA user_version = 2"),
    "cut in half": cut("catalog.db", 0.5),
    "cut by a byte": cut_by("catalog.db", 1),
    "cut to its head": lambda library: os.truncate(library / "catalog.db", 100),
    "twice its length": doubled,
    "head zeroed": zeroed(0, 100),
    "size of pages spoilt": written(16, b"\x02\x00"),
    "number of pages spoilt": written(28, b"\x7f\xff\xff\xff"),
    "forms of reading and writing spoilt": written(18, b"\x63\x63"),
    "encoding of texts spoilt": written(56, b"\0\0\0\x02"),
    "list of free pages spoilt": written(32, b"\0\0\xff\xff\0\0\0\x09"),
    "a page zeroed": _spoil(bytes, 0.0),
    "a page of ones": _spoil(lambda size: b"\xff" * size, 0.0),
    "each fifth page zeroed": _spoil(bytes, 0.2),
    "all pages zeroed": _spoil(bytes, 1.0),
    "pages shuffled": pages(_shuffle),
    "a folder": folder("catalog.db"),
    "a link to itself elsewhere": link("catalog.db", to="elsewhere.db"),
    "a link to nowhere": link("catalog.db", to="nowhere"),
    "a pipe": pipe("catalog.db"),
}
LOG: dict[str, Damage] = {
    "log deleted": deleted("catalog.db-wal"),
    "log and its index deleted": deleted("catalog.db-wal", "catalog.db-shm"),
    "log emptied": replaced("catalog.db-wal", b""),
    "log garbage": replaced("catalog.db-wal", GARBAGE),
    "head of the log zeroed": written(0, bytes(32), "catalog.db-wal"),
    "log cut in half": cut("catalog.db-wal", 0.5),
    "log cut by a byte": cut_by("catalog.db-wal", 1),
    "a frame of the log spoilt": written(5_000, b"spoilt", "catalog.db-wal"),
    "log a folder": folder("catalog.db-wal"),
    "log a link to nowhere": link("catalog.db-wal", to="nowhere"),
    "index of the log deleted": deleted("catalog.db-shm"),
    "index of the log garbage": replaced("catalog.db-shm", GARBAGE),
    "index of the log a folder": folder("catalog.db-shm"),
    "a journal of garbage": replaced("catalog.db-journal", GARBAGE),
    "the log of another library": foreign_log,
    "an earlier catalog beside the log": catalog_of("closed"),
    "another catalog beside the log": catalog_of("other"),
}
INDEX: dict[str, Damage] = {
    "index deleted": lambda library: shutil.rmtree(library / "index"),
    "index emptied": emptied,
    "index a file": index_a_file,
    "index a link elsewhere": link("index", to="elsewhere"),
    "index a link to nowhere": link("index", to="nowhere"),
    "database of the index deleted": deleted("index/chroma.sqlite3"),
    "database of the index garbage": replaced("index/chroma.sqlite3", GARBAGE),
    "database of the index cut": cut("index/chroma.sqlite3", 0.5),
    "vectors of the index garbage": segment_files(lambda path: path.write_bytes(GARBAGE)),
    "vectors of the index emptied": segment_files(lambda path: path.write_bytes(b"")),
    "vectors of the index deleted": segment_files(Path.unlink),
    "lock of the index a folder": folder("index.lock"),
    "lock of the index a link to nowhere": link("index.lock", to="nowhere"),
    "mark of the index garbage": replaced("index.closed", GARBAGE),
    "mark of the index a folder": folder("index.closed"),
}
STATE: dict[str, Damage] = {
    "lock emptied": replaced("lock", b""),
    "lock names another process": replaced("lock", b"1\n"),
    "lock garbage": replaced("lock", GARBAGE),
    "lock a folder": folder("lock"),
    "lock a link to nowhere": link("lock", to="nowhere"),
    "lock a pipe": pipe("lock"),
    "a half-made catalog beside": replaced("catalog.db.new", GARBAGE),
    "a folder called as the half-made catalog": folder("catalog.db.new"),
    "stamp garbage": replaced("catalog.stamp", GARBAGE),
    "stamp a folder": folder("catalog.stamp"),
    "log file a folder": folder("engine.log"),
}
GROUPS = {"catalog": CATALOG, "log": LOG, "index": INDEX, "state": STATE}
SHORT = {
    "catalog": ("deleted", "emptied", "cut in half", "a page of ones", "a folder"),
    "log": (
        "log deleted",
        "the log of another library",
        "log cut in half",
        "index of the log garbage",
        "another catalog beside the log",
    ),
    "index": ("index emptied", "vectors of the index garbage"),
    "state": ("lock garbage", "lock a folder", "stamp garbage"),
}
MARK_BYTES = 32 + 3 * 4
MUST_ANSWER = {"an earlier catalog beside the log", "another catalog beside the log"}
"""Where a person put a sound backup in place."""
MAY_TELL = {"deleted"}
"""Where all is gone for good, so that the library begins empty and says so."""


def cases() -> Iterator[ParameterSet]:
    for group, kinds in GROUPS.items():
        for kind in kinds if FULL else SHORT[group]:
            yield pytest.param(group, kind, id=f"{group}: {kind}")


class Templates:
    """Libraries over the same files, to be copied: `closed`, `killed` with a last note in its log, and two others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir()
        for name, text in NOTES.items():
            (self.files / name).write_text(text, encoding="utf-8")
        with self.open("closed") as library:
            add(library)
            assert library._shared.store.index.wait(PATIENCE)
            closed = answers(library)
        shutil.copytree(folder / "closed", folder / "further")
        with self.open("further") as library:
            (self.files / LATER).write_text("blue laterq\n", encoding="utf-8")
            add(library)
            assert library._shared.store.index.wait(PATIENCE)
            later = answers(library)
            shutil.copytree(folder / "further", folder / "killed")
        (self.files / "other.md").write_text("blue blue red otherq\n", encoding="utf-8")
        with self.open("other") as library:
            add(library)
            assert library._shared.store.index.wait(PATIENCE)
            other = answers(library)
            shutil.copytree(folder / "other", folder / "other killed")
        for name in ("other.md", LATER):
            (self.files / name).unlink()
        assert closed != later
        self.before: dict[str, tuple[Answers, ...]] = {
            "closed": (closed,),
            "killed": (closed, later),
            "other": (other,),
        }

    def open(self, name: str) -> Library:
        settings = Settings(library=self.folder / name, roots=(self.files,), workers=1)
        return Library.open(settings=settings, models=ModelsByHand(settings))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "MAX_SCANNED_VECTORS", 0)
        patch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
        return Templates(tmp_path_factory.mktemp("templates"))


def answers(library: Library) -> Answers:
    """What a person asks, and what comes: each by itself, since what is lost last may be lost by half."""
    said: dict[str, Sequence[object]] = {}
    for word in ("word3q", "word7q", "laterq", "otherq"):
        said[word] = [(hit.citation, hit.snippet) for hit in library.search(word, lanes=("words",)).hits]
    for colour in ("red", "green", "blue"):
        said[colour] = [(hit.citation, hit.snippet) for hit in library.search(colour, lanes=("text",)).hits]
    said["documents"] = [document.citation for document in library.documents()[0]]
    shared = library._shared
    space = shared.catalog.active_space()
    assert space is not None
    vector = ColourEmbedder().embed_query("green")["text"]
    near = shared.store.index.nearest(space.id, "text", vector, Scope(), depth=INDEX_DEPTH)
    segments = shared.catalog.segments([key for key, _ in near])
    said["nearest"] = [segments[key].segment.text for key, _ in near]
    return said


def judged(templates: Templates, before: tuple[Answers, ...]) -> Outcome:
    """What comes of opening the damaged library. Raises AssertionError for what must not."""
    folder = templates.folder / "library"
    found = content(folder / "catalog.db")
    try:
        library = templates.open("library")
    except LibraryUnavailable as error:
        is_clear(error, folder)
        assert is_left_alone(found, content(folder / "catalog.db")), "refused, and changed all the same"
        return "refuses"
    with library:
        try:
            index_is_settled(library)
            problems = " ".join(library.status().problems)
            said = answers(library)
        except LibraryUnavailable as error:
            is_clear(error, folder)
            return "refuses"
        if all(any(said[asked] == one[asked] for one in before) for asked in said):
            return "answers"
        assert str(folder / "catalog.db") in problems, f"nothing is told of {said}"
        for asked, hits in said.items():
            assert all(any(hit in one[asked] for one in before) for hit in hits), said
        return "tells"


def is_left_alone(before: object, after: object) -> bool:
    """Whether a file is what it was, but for the mark that each opening writes, and SQLite's counters of changes."""
    if not (isinstance(before, bytes) and isinstance(after, bytes)):
        return before == after
    return len(before) == len(after) and sum(map(operator.ne, before, after)) <= MARK_BYTES


def is_clear(error: LibraryUnavailable, folder: Path) -> None:
    """It names what is wrong, and ends with a next step."""
    told = str(error)
    assert told.startswith(str(folder)), told
    assert told.endswith(".") and told.count(". ") >= 1, told


def index_is_settled(library: Library) -> None:
    """Until the index is sound again, or the library says that it does without."""
    kept = library._shared.store.index
    for _ in range(600):
        if kept.wait(0.1) or kept.status().state == "failed":
            return
    raise AssertionError(f"the index is {kept.status()}")


def content(path: Path) -> object:
    """What a file holds; of what is no file, its kind."""
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else (path.exists(), path.is_dir())


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("group", "kind"), list(cases()))
def test_a_damaged_library_answers_as_before_or_says_what_is_wrong(
    templates: Templates, monkeypatch: pytest.MonkeyPatch, group: str, kind: str
) -> None:
    name = "killed" if group == "log" and kind != "the log of another library" else "closed"
    before = templates.before["other" if kind == "another catalog beside the log" else name]
    folder = templates.folder / "library"
    take_away(folder)
    for leftover in ("elsewhere", "elsewhere.db"):
        take_away(templates.folder / leftover)
    shutil.copytree(templates.folder / name, folder)
    GROUPS[group][kind](folder)
    if group == "index":
        monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
        monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    outcome = judged(templates, before)
    print(f"{group}: {kind}: {outcome}")
    if outcome == "tells":
        assert kind in MAY_TELL
    elif group in ("catalog", "log"):
        assert judged(templates, before) == outcome, "another outcome the second time"
    assert outcome == "answers" or (group != "index" and kind not in MUST_ANSWER)
