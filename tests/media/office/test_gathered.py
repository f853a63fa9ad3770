"""What a document holds beside its text: pictures once each, files, and notes on all that is not read."""

from mcp_mmretrieval.media.compound import InnerFile
from mcp_mmretrieval.media.office.gathered import Gathered, MemoryParts
from tests.support.media_files import abouts


def gathered(**files: bytes) -> Gathered:
    return Gathered(MemoryParts({name.replace("_", "."): data for name, data in files.items()}))


def inner(found: Gathered) -> list[tuple[str, str, object, bytes, bool]]:
    steps = (step for step in found.steps() if isinstance(step, InnerFile))
    return [(step.part, step.name, step.heading, step.data(), step.dispensable) for step in steps]


def notes(found: Gathered) -> list[str]:
    return [about.note for about in abouts(found.steps())]  # type: ignore[arg-type]


def test_a_picture_is_one_however_often_it_stands_there() -> None:
    found = gathered(a_png=b"red", b_png=b"red", c_png=b"blue")
    found.picture("a.png", dispensable=True)
    found.picture("b.png", "A red square")
    found.picture("c.png")
    assert inner(found) == [
        ("picture=1", "a.png", "A red square", b"red", False),
        ("picture=2", "c.png", "", b"blue", False),
    ]
    assert found.met == 3


def test_a_caption_is_said_of_the_pictures_before_it() -> None:
    found = gathered(a_png=b"1", b_png=b"2", c_png=b"3")
    found.picture("a.png")
    found.no_caption()
    found.picture("b.png")
    found.picture("c.png", "alternative")
    found.caption("Figure 1")
    assert [step[2] for step in inner(found)] == ["", "Figure 1", "alternative"]


def test_files_are_parts() -> None:
    found = gathered(a_xlsx=b"PK")
    found.file("a.xlsx", "sales")
    found.file("a.xlsx")
    assert inner(found) == [("part=1", "a.xlsx", "sales", b"PK", False)]


def test_all_that_is_not_read_is_said() -> None:
    found = gathered(a_emf=b"1", b_wmf=b"2", bad_xml=b"<a")
    found.picture("a.emf")
    found.picture("a.emf")
    found.picture("b.wmf", dispensable=True)
    found.picture("none.png")
    found.file("none.bin")
    found.linked("picture")
    found.linked("file")
    found.linked("file")
    assert found.xml("bad.xml") is None
    found.hidden, found.deleted = 1, 1_200
    assert notes(found) == [
        "What a reader of it cannot see was left out: 1 character of hidden text.",
        "What tracked changes delete was left out: 1,200 characters.",
        "Not read: 1 drawing in a format of Windows (EMF, WMF).",
        "What lies elsewhere and is only linked was not fetched: 1 picture, 2 files.",
        "1 picture in it could not be read: missing in the file.",
        "1 file in it could not be read: missing in the file.",
        "Not read: bad.xml: its XML is damaged",
    ]
