"""Drawings of OpenDocument: their words, and the files that they show."""

import io

import pytest

from mcp_mmretrieval.media.office.open_document.odf_drawings import OdfDrawings
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Package, parse_xml
from tests.media.test_zipped import packed


def added(shape: str) -> tuple[OdfDrawings, list[str]]:
    unread = UnreadParts()
    drawings = OdfDrawings(Package(io.BytesIO(packed({}))), unread, "slide 1")
    drawings.add(parse_xml(f'<r xmlns:x="xlink" xmlns:d="draw">{shape}</r>'.encode())[0])
    return drawings, [about.note for about in unread.notes()]


def test_words_of_shapes_and_what_is_said_of_them() -> None:
    drawings, _ = added("<ellipse><title>Buoy</title><desc>red</desc><p>Keep clear</p></ellipse>")
    assert drawings.builder.built().text == "Keep clear\n\nDrawing: Buoy. red"


def test_a_picture_is_the_first_form_that_a_frame_has() -> None:
    drawings, told = added(
        '<frame><image x:href="Pictures/a.svg"/><image x:href="Pictures/a.png"/><desc>A buoy</desc></frame>'
    )
    assert drawings.pictures == [("Pictures/a.svg", "A buoy")]
    assert drawings.builder.built().text == "Picture: A buoy"
    assert not told


@pytest.mark.parametrize("address", ["https://example.org/b.mp4", "../b.mp4", "/home/b.mp4", "file:///b.mp4"])
def test_what_lies_elsewhere_is_noted(address: str) -> None:
    drawings, told = added(f'<frame><plugin x:href="{address}"/></frame>')
    assert not drawings.objects
    assert told == ["Files that are only linked, which were not fetched (1): b.mp4 (slide 1)."]


def test_what_lies_within_is_gathered() -> None:
    drawings, _ = added('<frame><plugin x:href="vnd.sun.star.Package:Media/b.mp4"/></frame>')
    assert drawings.objects == ["Media/b.mp4"]


def test_what_is_only_printed_or_never_shown_is_left_out_and_noted() -> None:
    for display in ("none", "printer"):
        drawings, told = added(f'<rect d:display="{display}"><p>unseen</p></rect>')
        assert drawings.builder.length == 0
        assert told == ["Hidden shapes, which were left out (1): slide 1."]
