"""How much of a page pictures cover."""

import pytest

from mcp_mmretrieval.media.pdf.pictures import picture_coverage
from tests.support.media_files import nested_forms_pdf
from tests.support.pdf_pages import A4, opened, page_pdf

PIXEL = (b"\x80", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray")


def coverage(content: str, *streams: tuple[bytes, str], page: str = "") -> float:
    resources = page or "/Resources << /XObject << /I @0 /X @1 >> >>"
    data = page_pdf(content, streams=[PIXEL, *(streams or [(b"", "")])], page=resources)
    return picture_coverage(opened(data)[0])


def shown(x: float, y: float, width: float, height: float) -> str:
    return f"q {width} 0 0 {height} {x} {y} cm /I Do Q\n"


@pytest.mark.parametrize(
    ("content", "share"),
    [
        ("", 0.0),
        (shown(0, 0, *A4), 1.0),
        (shown(0, 0, A4[0], A4[1] / 2), 0.5),
        (shown(-500, -500, 3000, 3000), 1.0),
        (shown(0, 0, A4[0] / 2, A4[1]) * 3, 0.5),
        ("".join(shown(0, A4[1] / 8 * strip, A4[0], A4[1] / 8) for strip in range(8)), 1.0),
        (f"q 0 {A4[1]} -{A4[0]} 0 {A4[0]} 0 cm /I Do Q", 1.0),
        ("0 0 1 rg 0 0 595 842 re f", 0.0),
    ],
    ids=["none", "whole", "half", "beyond", "thrice", "strips", "turned", "drawing"],
)
def test_the_share_of_the_page_is_that_of_all_its_pictures_together(content: str, share: float) -> None:
    assert coverage(content) == pytest.approx(share, abs=0.05)


def test_a_picture_within_a_drawing_counts_where_it_is_drawn() -> None:
    form = (b"q 297 0 0 842 0 0 cm /I Do Q", "/Type /XObject /Subtype /Form /BBox [0 0 595 842] "
            "/Resources << /XObject << /I @0 >> >>")  # fmt: skip
    assert coverage("q 0.5 0 0 0.5 0 0 cm /X Do Q", form) == pytest.approx(0.125, abs=0.05)


def test_drawings_within_drawings_do_not_take_for_ever() -> None:
    assert picture_coverage(opened(nested_forms_pdf(5))[0]) == 0.0
