"""A library is compared with itself and with the files that it was made from."""

import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.library.checking import Finding, check_library
from mcp_mmretrieval.roots import changed_ns
from mcp_mmretrieval.store import Catalog, Document, File, Scope, Store
from tests.support.rows import READING, fill, pages, put, sha, tear


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three documents of files that are there, by words alone."""
    with Store.open(tmp_path / "library") as store:
        for name in ("a", "b", "c"):
            file = tmp_path / f"{name}.txt"
            file.write_text(name)
            add(store.catalog, str(file))
    return tmp_path / "library"


def add(catalog: Catalog, path: str) -> None:
    state = os.stat(path) if len(path) < 255 else None  # noqa: PTH116
    document = Document(id=sha(path), modality="text", reading=catalog.reading(READING), title=path)
    size, mtime = (state.st_size, state.st_mtime_ns) if state else (1, 1)
    file = File(path=path, document=document.id, size=size, mtime_ns=mtime)
    catalog.commit_read(document, pages(document.id, [path], modality="text"), file=file)


def wrong(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.part, finding.text) for finding in found if finding.wrong]


def texts(found: list[Finding], part: str) -> str:
    return "\n".join(finding.text for finding in found if finding.part == part)


def test_a_sound_library_has_nothing_wrong(library: Path) -> None:
    found = check_library(library, repair=False)
    assert wrong(found) == []
    assert texts(found, "catalog") == "3 documents, 3 places: sound\n3 documents wait for their vectors"
    assert texts(found, "index") == "there is none, and it is not needed for 0 vectors"
    assert texts(found, "files") == "3 as they were added"


def test_files_that_are_gone_hidden_or_changed_are_named(library: Path, tmp_path: Path) -> None:
    hidden = str(tmp_path / ("x" * 300))  # the system looks at no such name
    with closing(Catalog(library / "catalog.db")) as catalog:
        add(catalog, hidden)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("longer than before")
    found = {finding.paths: finding for finding in check_library(library, repair=True) if finding.part == "files"}
    assert found[str(tmp_path / "a.txt"),].wrong and "gone" in found[str(tmp_path / "a.txt"),].text
    assert not found[str(tmp_path / "b.txt"),].wrong and "changed since" in found[str(tmp_path / "b.txt"),].text
    assert found[hidden,].wrong and "out of reach" in found[hidden,].text
    with closing(Catalog(library / "catalog.db")) as catalog:
        assert catalog.counts(Scope(None)).documents == 4


def test_a_time_beyond_what_is_kept_is_no_change(library: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "a.txt", ns=(0, 2**63 + 10**18))
    state = (tmp_path / "a.txt").stat()
    with closing(Catalog(library / "catalog.db")) as catalog:
        held = catalog.file(str(tmp_path / "a.txt"))
        assert held is not None
        catalog.attach(replace(held, mtime_ns=changed_ns(state)))
    assert texts(check_library(library, repair=False), "files") == "3 as they were added"


def test_what_can_be_mended_is_told_first_and_mended_when_asked_to(library: Path) -> None:
    with closing(Catalog(library / "catalog.db")) as catalog, catalog._database.writing() as db:
        db.execute("UPDATE document_totals SET documents = 99")
    found = check_library(library, repair=False)
    assert wrong(found) == [("catalog", "document_totals: 1 rows differ from what is held")]
    assert "`mcp-mmretrieval check --repair`" in texts(found, "catalog")
    found = check_library(library, repair=True)
    assert wrong(found) == []
    assert "the totals were counted anew" in texts(found, "catalog")
    assert "\n3 documents, 3 places: sound" in texts(found, "catalog")
    assert wrong(check_library(library, repair=False)) == []


def test_what_cannot_be_mended_calls_for_a_backup(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 200)
    tear(tmp_path / "library" / "catalog.db")
    found = check_library(tmp_path / "library", repair=True)
    assert wrong(found)
    assert "mcp-mmretrieval backup --restore FILE" in texts(found, "catalog")


@pytest.mark.parametrize("harm", ["gone", "garbage", "folder"])
def test_a_catalog_that_cannot_be_opened_is_told_and_none_is_made(library: Path, harm: str) -> None:
    path = library / "catalog.db"
    path.unlink()
    if harm == "garbage":
        path.write_bytes(b"garbage " * 5_000)
    elif harm == "folder":
        path.mkdir()
    found = check_library(library, repair=False)
    assert [part for part, _ in wrong(found)] == ["catalog"]
    assert "mcp-mmretrieval backup --restore FILE" in texts(found, "catalog")
    assert path.is_file() == (harm == "garbage")


def test_the_log_of_another_catalog_is_set_aside_before_it_is_looked_at(library: Path, tmp_path: Path) -> None:
    shutil.copy(library / "catalog.db", tmp_path / "backup.db")
    with Store.open(library) as store:
        put(store.catalog, "/r/later", ["words " * 5_000])
        shutil.copytree(library, tmp_path / "killed")
    shutil.copy(tmp_path / "backup.db", tmp_path / "killed" / "catalog.db")
    found = check_library(tmp_path / "killed", repair=False)
    assert wrong(found) == []
    assert "catalog.db.aside-1-wal" in texts(found, "catalog") and "3 documents, 3 places: sound" in texts(
        found, "catalog"
    )


def test_beside_a_server_all_but_the_index_is_looked_at_and_nothing_repaired(library: Path) -> None:
    with Store.open(library):
        found = check_library(library, repair=False)
        assert wrong(found) == []
        assert "not looked at, for a server has it open" in texts(found, "index")
        with pytest.raises(LibraryUnavailable, match="another mcp-mmretrieval process"):
            check_library(library, repair=True)


def test_where_there_is_no_library_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(LibraryUnavailable, match="holds no library"):
        check_library(tmp_path / "typo", repair=False)
    assert not (tmp_path / "typo").exists()
