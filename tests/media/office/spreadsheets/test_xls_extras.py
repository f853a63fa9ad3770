"""What stands beside the cells of an XLS: comments, text boxes, titles of charts, and what is not read."""

import struct

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import SplitStep
from tests.support.media_files import notes, parts, source
from tests.support.office_files import biff, biff_label, biff_text_box, xls


def split(data: bytes) -> list[SplitStep]:
    return list(media.split(source(data, "book.xls"), Limits()))


def test_comments_and_text_boxes_belong_to_their_sheet() -> None:
    data = xls({"A": biff_label(0, 0, "cell") + biff_text_box("Ask the bosun"), "B": biff_text_box("Größe in m")})
    found = [part.segment for part in parts(split(data))]
    assert [(each.place.part, each.text) for each in found] == [
        ("sheet=A", "cell"),
        ("sheet=A", "Ask the bosun"),
        ("sheet=B", "Größe in m"),
    ]


def test_a_text_goes_on_in_further_records() -> None:
    head = biff(0x1B6, struct.pack("<HH6xHH4x", 0, 0, 9, 0))
    box = head + biff(0x3C, b"\0anch") + biff(0x3C, b"\1" + "orage".encode("utf-16-le")) + biff(0x3C, bytes(16))
    (found,) = parts(split(xls({"A": box})))
    assert found.segment.text == "anchorage"


def test_titles_of_charts_are_read() -> None:
    (found,) = parts(split(xls({"A": biff(0x100D, struct.pack("<HBB", 0, 5, 0) + b"Tides")})))
    assert found.segment.text == "Tides"


def test_pictures_and_macros_are_said() -> None:
    drawings = biff(0xEB, b"head\x89PNG\r\n\x1a\n")
    steps = split(xls({"A": biff_label(0, 0, "cell")}, drawings, biff(0xD3)))
    assert notes(steps) == [
        "It has macros. They were not run.",
        "Its pictures were not read: save it as XLSX to have them read.",
    ]
    assert not notes(split(xls({"A": biff_label(0, 0, "cell")}, biff(0xEB, b"only shapes"))))
