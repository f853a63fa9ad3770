"""What names a document, and when reading it ends early."""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import Cancelled, UnreadableMedia
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.digest import document_digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("inside")
    return tmp_path


@pytest.fixture
def roots(root: Path) -> Roots:
    return Roots([root])


def test_the_digest_is_the_sha256_of_the_bytes(roots: Roots, root: Path) -> None:
    with roots.open("a.txt") as file:
        assert document_digest(file) == hashlib.sha256(b"inside").hexdigest()
        assert document_digest(file) == hashlib.sha256(b"inside").hexdigest()  # whatever was read before


def test_sidecars_and_where_one_ends_belong_to_the_digest(roots: Roots, root: Path) -> None:
    for name, text in (("x", "1"), ("y", "23"), ("z", "12"), ("w", "3")):
        (root / name).write_text(text)
    with ExitStack() as stack:
        a, x, y, z, w = (stack.enter_context(roots.open(name)) for name in ("a.txt", "x", "y", "z", "w"))
        digests = [
            document_digest(a),
            document_digest(a, [x]),
            document_digest(a, [x, y]),
            document_digest(a, [z, w]),
            document_digest(a, [y, x]),
        ]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("longer than before"),
        lambda path: path.write_text(""),
        lambda path: os.utime(path, ns=(1, 1)),
    ],
    ids=["longer", "shorter", "touched"],
)
def test_a_file_that_changed_since_it_was_opened_has_no_digest(
    roots: Roots, root: Path, change: Callable[[Path], object]
) -> None:
    with roots.open("a.txt") as file:
        change(root / "a.txt")
        with pytest.raises(UnreadableMedia) as failure:
            document_digest(file)
    assert failure.value.code == "changed_while_read"


def blocks(monkeypatch: pytest.MonkeyPatch, after_each: Callable[[], object]) -> list[int]:
    """Offsets at which the file is read; something happens after each."""
    read: list[int] = []
    pread = os.pread

    def reading(fd: int, size: int, offset: int) -> bytes:
        read.append(offset)
        block = pread(fd, size, offset)
        after_each()
        return block

    monkeypatch.setattr(os, "pread", reading)
    return read


def test_it_stops_at_the_next_block_for_who_does_not_wait(
    roots: Roots, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(root / "a.txt", 400_000_000_000)  # sparse
    stop = threading.Event()
    with roots.open("a.txt") as file:
        read = blocks(monkeypatch, stop.set)
        with pytest.raises(Cancelled):
            document_digest(file, stop=stop)
    assert len(read) == 1


def test_a_file_that_grows_is_read_no_further_than_it_was_long(
    roots: Roots, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow() -> None:
        with (root / "a.txt").open("ab") as growing:
            growing.write(bytes(4_000_000))

    with roots.open("a.txt") as file:
        read = blocks(monkeypatch, grow)
        grow()
        with pytest.raises(UnreadableMedia) as failure:
            document_digest(file)
    assert failure.value.code == "changed_while_read"
    assert len(read) == 1
