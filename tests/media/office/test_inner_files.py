"""The files within an Office file: each given once, where it is first met."""

import io

from mcp_mmretrieval.media.office.inner_files import InnerFiles
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Package
from tests.media.test_zipped import packed
from tests.support.office_files import ole

FILES = {"m/a.png": b"one", "m/copy of a.png": b"one", "m/b.png": b"two", "m/c.WMF": b"drawn"}


def opened(files: dict[str, bytes]) -> tuple[InnerFiles, UnreadParts]:
    unread = UnreadParts()
    return InnerFiles(Package(io.BytesIO(packed(files))), unread), unread


def test_pictures_are_numbered_at_their_place_and_the_same_content_is_one() -> None:
    files, unread = opened(FILES)
    first = list(files.pictures([("m/a.png", "A mast"), ("m/copy of a.png", "")], "slide=1", "Title"))
    second = list(files.pictures([("m/a.png", ""), ("m/b.png", "")], "slide=2"))
    assert [(each.part, each.name, each.heading, each.data()) for each in (*first, *second)] == [
        ("slide=1&picture=1", "a.png", "Title > A mast", b"one"),
        ("slide=2&picture=1", "b.png", "", b"two"),
    ]
    assert not list(unread.notes())


def test_metafiles_and_missing_files_are_noted() -> None:
    files, unread = opened(FILES)
    assert not list(files.pictures([("m/c.WMF", ""), ("m/gone.png", "")], "slide=1"))
    assert [about.note for about in unread.notes()] == [
        "Drawings in the formats EMF, WMF or SVM, which were not read (1): slide=1.",
        "Damaged, and not read (1): gone.png, which is missing (slide=1).",
    ]


def test_what_an_object_wraps_is_given() -> None:
    files, _ = opened({"e/oleObject1.bin": ole({"Package": b"PK the document"})})
    (found,) = files.embedded(["e/oleObject1.bin"], "slide=1")
    assert found.part == "slide=1&part=1"
    assert found.data().startswith(b"PK the document")
