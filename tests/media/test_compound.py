"""Files that hold several things: each part has its places, and one that cannot be read spoils no other."""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import compound
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile, RowsPart, TextPart
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import DocumentMetadata, EnteredPart, Segment, SplitStep
from tests.support.media_files import notes, parts, pdf, picture, source

LIMITS = Limits()


def text(words: str, part: str = "", heading: str = "") -> TextPart:
    builder = TextBuilder()
    builder.paragraph(words)
    return TextPart(text=builder.built(), part=part, heading=heading)


def inner(part: str, name: str, data: bytes, **more: str) -> InnerFile:
    return InnerFile(part=part, name=name, data=lambda: data, **more)  # type: ignore[arg-type]


STEPS: Sequence[CompoundStep] = (
    DocumentMetadata(title="A deck"),
    text("Words of a slide.", "slide=1", "Beginning"),
    inner("slide=1&picture=1", "image1.png", picture(), heading="A red square"),
    RowsPart(part="sheet=Q3", top=2, bottom=9, header="Item | Count", text="rope | 3", heading="Q3"),
    inner("part=2", "plan.pdf", pdf(["First page.", "Second page."])),
    text("The end."),
)


def split(steps: Sequence[CompoundStep], after: str = "") -> list[SplitStep]:
    return list(compound.split_parts(iter(steps), source(b""), LIMITS, media.split, after))


def load(steps: Sequence[CompoundStep], segment: Segment) -> object:
    return compound.load_part(iter(steps), source(b""), segment, LIMITS, media.load)


def test_texts_rows_and_files_within_become_places_of_one_document() -> None:
    found = [part.segment for part in parts(split(STEPS))]
    assert [(segment.modality, segment.place.fragment, segment.heading) for segment in found] == [
        ("text", "slide=1&char=0,17", "Beginning"),
        ("image", "slide=1&picture=1", "A red square"),
        ("text", "sheet=Q3&row=2,9", "Q3"),
        ("page", "part=2&page=1", ""),
        ("page", "part=2&page=2", ""),
        ("text", "char=0,8", ""),
    ]
    assert found[2].text == "Item | Count\nrope | 3"


def test_what_was_split_is_loaded_from_the_same_place() -> None:
    for part in parts(split(STEPS)):
        content = load(STEPS, part.segment)
        if part.segment.modality == "text":
            assert content == part.segment.text


def test_rows_longer_than_a_passage_are_cut_at_their_cells_each_under_the_names() -> None:
    cells = [f"cell {number} of the row" for number in range(200)]
    steps = [RowsPart(part="sheet=A", top=7, bottom=7, header="Name | Value", text=" | ".join(cells))]
    found = [part.segment for part in parts(split(steps))]
    assert len(found) > 2
    assert [each.place.first for each in found] == sorted({each.place.first or 0 for each in found})
    assert all(each.place.fragment.startswith("sheet=A&row=7,7&char=") for each in found)
    assert all(each.text.startswith("Name | Value\ncell ") for each in found)
    shown = " | ".join(each.text.split("\n")[1].removesuffix(" |") for each in found)
    assert shown == " | ".join(cells)
    assert [load(steps, each) for each in found] == [each.text for each in found]


def test_a_place_that_is_not_there_is_told() -> None:
    (last,) = parts(split([text("Words.", "slide=7")]))
    with pytest.raises(UnreadableMedia, match="nothing at slide=7"):
        load(STEPS, last.segment)


def test_splitting_goes_on_behind_the_part_that_is_named() -> None:
    def left(after: str) -> list[str]:
        return [part.segment.place.fragment for part in parts(split(STEPS, after))]

    assert left("slide=1&picture=1") == ["sheet=Q3&row=2,9", "part=2&page=1", "part=2&page=2", "char=0,8"]
    assert left("part=2") == ["char=0,8"]


def test_a_part_is_told_before_it_is_read() -> None:
    entered = [step.part for step in split(STEPS) if isinstance(step, EnteredPart)]
    assert entered == ["slide=1&picture=1", "part=2"]


def failing(error: Exception) -> bytes:
    raise error


@pytest.mark.parametrize(
    "error", [UnreadableMedia("encrypted", "b.pdf: it wants a password"), ValueError("secret words")]
)
def test_a_file_within_that_cannot_be_read_costs_a_note(error: Exception) -> None:
    bad = InnerFile(part="part=3", name="b.pdf", data=partial(failing, error))
    steps = split([bad, *STEPS])
    assert len(parts(steps)) == 6
    (note,) = notes(steps)
    assert note.startswith("Not read: b.pdf: ")
    assert "secret" not in note


def test_decoration_that_cannot_be_read_is_no_loss() -> None:
    steps = split([InnerFile(part="picture=1", name="x.emf", data=lambda: bytes(range(256)), dispensable=True)])
    assert not parts(steps)
    assert not notes(steps)


def test_more_files_than_are_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compound, "MAX_INNER_FILES", 2)
    steps = split([inner(f"part={number}", f"{number}.txt", b"Words.") for number in range(1, 5)])
    assert len(parts(steps)) == 2
    assert notes(steps) == ["Only the first 2 files within it were read."]


def test_more_places_than_are_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compound, "MAX_PLACES_WITHIN", 2)
    steps = split([text("Words.", f"slide={number}") for number in range(1, 5)])
    assert len(parts(steps)) == 2
    assert notes(steps) == ["Only the first 2 places were read, up to slide=3."]


def test_files_that_their_reader_bounds_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compound, "MAX_INNER_FILES", 1)
    many = [
        InnerFile(part=f"part={number}", name="a.txt", data=lambda: b"Words.", counted=False) for number in range(1, 4)
    ]
    assert len(parts(split(many))) == 3


def test_what_two_headings_say_is_said_once() -> None:
    def heading(over: str, words: bytes) -> str:
        (part,) = parts(split([inner("part=1", "a.md", words, heading=over)]))
        return part.segment.heading

    assert heading("Keel", b"# Keel\n\nOak.") == "Keel"
    assert heading("Boat > Keel", b"# Keel\n\n## Oak\n\nOld.") == "Boat > Keel > Oak"
    assert heading("Keel \u2014 Ann", b"# Keel\n\nOak.") == "Keel \u2014 Ann"
    assert heading("Boat", b"# Keel\n\nOak.") == "Boat > Keel"


def test_a_heading_that_is_costly_is_asked_for_when_its_file_is_read() -> None:
    asked: list[str] = []

    def heading() -> str:
        asked.append("x")
        return "Late"

    file = InnerFile(part="part=1", name="a.txt", data=lambda: b"Words.", heading=heading)
    (part,) = parts(split([file]))
    assert (part.segment.heading, asked) == ("Late", ["x"])
    load([file], part.segment)
    assert asked == ["x"]


def test_splitting_is_lazy() -> None:
    def endless() -> Iterator[CompoundStep]:
        number = 0
        while True:
            number += 1
            yield text("Words.", f"slide={number}")

    found = compound.split_parts(endless(), source(b""), LIMITS, media.split, "")
    assert [next(found) for _ in range(3)]
