"""PDF: a segment a page; scanned, damaged, locked and hostile files."""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.pdf import reader as module
from mcp_mmretrieval.types import DocumentMetadata, SplitStep
from tests.support.media_files import (
    encrypted_pdf,
    flate_bomb_pdf,
    nested_forms_pdf,
    notes,
    page,
    parts,
    pdf,
    picture,
    scanned_pdf,
    source,
)

LIMITS = Limits()
SENTENCE = "A sentence that is long enough to be a text layer of page {}."
THREE = pdf([SENTENCE.format(number) for number in (1, 2, 3)])


def steps(data: bytes, limits: Limits = LIMITS, start: int = 0) -> list[SplitStep]:
    return list(media.split(source(data, "report.pdf"), limits, start))


def texts(data: bytes, limits: Limits = LIMITS) -> list[str]:
    return [part.segment.text for part in parts(steps(data, limits))]


def drawn(data: bytes, number: int = 1, limits: Limits = LIMITS) -> Any:
    return module.load(source(data), page(number), limits)


def refusal(data: bytes) -> UnreadableMedia:
    with pytest.raises(UnreadableMedia) as failure:
        steps(data)
    return failure.value


# -- pages and their text ----------------------------------------------------------------------------------------------


def test_each_page_is_a_segment_with_its_text() -> None:
    found = steps(THREE)
    assert found[0] == DocumentMetadata(modality="page")
    assert DocumentMetadata(pages=3) in found
    assert [part.segment.place.page for part in parts(found)] == [1, 2, 3]
    assert texts(THREE) == [SENTENCE.format(number) for number in (1, 2, 3)]
    assert {part.segment.modality for part in parts(found)} == {"page"}
    assert all(part.content is None for part in parts(found))


def test_a_start_takes_up_at_that_page() -> None:
    assert [part.segment.place.page for part in parts(steps(THREE, start=2))] == [3]
    assert parts(steps(THREE, start=3)) == []


def test_lines_stay_lines_and_blanks_are_tidied() -> None:
    assert texts(pdf(["First   line\n\nsecond line  \nthird"])) == ["First line\nsecond line\nthird"]


def test_pages_beyond_the_limit_are_named_in_a_note() -> None:
    found = steps(THREE, Limits(pages=1))
    assert [part.segment.place.page for part in parts(found)] == [1]
    assert notes(found) == ["Pages 2 to 3 were left out: the limit is 1 pages of one file."]
    assert notes(steps(THREE, Limits(pages=2))) == ["Page 3 was left out: the limit is 2 pages of one file."]
    assert DocumentMetadata(pages=3) in found


# -- pages as pictures -------------------------------------------------------------------------------------------------


def test_a_scanned_page_carries_its_picture_for_ocr_and_a_blank_one_nothing() -> None:
    found = parts(steps(scanned_pdf(["Scanned words", "", "More words"])))
    assert [part.content is not None for part in found] == [True, False, True]
    assert [part.segment.place.page for part in found] == [1, 2, 3]
    scan = found[0].content
    assert isinstance(scan, np.ndarray)
    assert scan.dtype == np.uint8 and scan.shape[2] == 3
    assert max(scan.shape) == LIMITS.side
    assert scan.min() < 100 and scan.max() == 255


def test_a_page_number_alone_does_not_spare_the_ocr() -> None:
    (part,) = parts(steps(pdf(["12"], graphics="1 0 0 rg 100 100 200 200 re f\n")))
    assert part.segment.text == "12"
    assert part.content is not None


def test_a_page_is_drawn_on_white_at_the_side_asked_for() -> None:
    data = pdf([""], size=(200, 100), graphics="1 0 0 rg 0 0 100 100 re f\n")
    for side in (50, 500, 1280):
        pixels = drawn(data, limits=Limits(side=side))
        assert pixels.shape == (side // 2, side, 3)
        assert tuple(pixels[side // 4, side // 4]) == (255, 0, 0)  # red, green, blue in this order
        assert tuple(pixels[side // 4, -2]) == (255, 255, 255)


@pytest.mark.parametrize("size", [(200_000, 200_000), (1, 200_000), (200_000, 1), (3, 3), (0.5, 0.5), (14_400, 10)])
def test_pages_of_any_size_are_drawn_within_the_side_asked_for(size: tuple[float, float]) -> None:
    data = pdf([""], size=size, graphics="0 0 9 9 re f\n")
    pixels = drawn(data, limits=Limits(side=300))
    assert max(pixels.shape) <= 300 and min(pixels.shape) >= 1
    assert len(parts(steps(data))) == 1


def test_a_page_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnreadableMedia, match="has 3 pages, no page 4"):
        drawn(THREE, 4)


# -- damage ------------------------------------------------------------------------------------------------------------


def with_failing_pages(pages: int, failing: Callable[[int], bool]) -> bytes:
    """A file of so many pages, of which some lead nowhere."""
    data = pdf([SENTENCE.format(number) for number in range(1, pages + 1)])
    kids = re.search(rb"/Kids \[(.*?)\]", data)
    assert kids is not None
    references = kids[1].split(b" 0 R")[:pages]
    kept = b" ".join(b"0 0 R" if failing(n) else reference + b" 0 R" for n, reference in enumerate(references, 1))
    return data.replace(kids[0], b"/Kids [%s]" % kept)


def test_a_page_that_fails_is_named_and_the_others_go_on() -> None:
    found = steps(with_failing_pages(4, lambda number: number == 2))
    assert [part.segment.place.page for part in parts(found)] == [1, 2, 3, 4]
    assert [bool(part.segment.text) for part in parts(found)] == [True, False, True, True]
    assert notes(found) == ["Page 2 could not be read."]
    with pytest.raises(UnreadableMedia, match="page 2 cannot be drawn"):
        drawn(with_failing_pages(4, lambda number: number == 2), 2)


def test_when_page_after_page_fails_the_rest_is_given_up() -> None:
    found = steps(with_failing_pages(60, lambda number: number > 10))
    assert len(parts(found)) == 29
    assert notes(found)[-1] == "Pages 30 to 60 were not read: too many pages before failed."


def test_many_failing_pages_do_not_make_many_notes() -> None:
    found = steps(with_failing_pages(100, lambda number: number % 2 == 0))
    assert len(parts(found)) == 100
    assert len(set(notes(found))) == 20


@pytest.mark.parametrize("pages", [1, 5, 60])
def test_a_file_of_which_no_page_can_be_read_is_damaged(pages: int) -> None:
    failure = refusal(with_failing_pages(pages, lambda number: True))
    assert failure.code == "corrupt"


@pytest.mark.parametrize(
    "data",
    [
        THREE[:200],
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + bytes(5000),
        b"%PDF-1.7\n" + random.Random(3).randbytes(5000),
        THREE.replace(b"/Kids [", b"/Kxds ["),
        THREE.replace(b"/Type /Catalog", b"/Type /Nothing").replace(b"/Pages", b"/Pxges"),
    ],
    ids=["cut", "header", "zeros", "junk", "no-kids", "no-catalog"],
)
def test_files_of_no_use_are_damaged(data: bytes) -> None:
    failure = refusal(data)
    assert failure.code in ("corrupt", "nothing_to_read")
    assert "PDFium:" not in str(failure)


def test_a_pdf_that_pdfium_gives_up_with_success_has_a_clear_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(*_: object) -> None:
        raise pypdfium2.PdfiumError("Failed to load document (PDFium: Success).", err_code=0)

    monkeypatch.setattr(pypdfium2, "PdfDocument", gives_up)
    assert str(refusal(THREE)).endswith(
        "not a PDF that can be read: PDFium gave it up without a reason, as it does with damaged ones."
    )


@pytest.mark.parametrize(
    "data",
    [
        b"junk before\n" * 20 + THREE,
        THREE[: THREE.rindex(b"xref")],
        THREE + b"\njunk behind" * 50,
        THREE.replace(b"startxref\n", b"startxref\n9"),
    ],
    ids=["junk-before", "no-table", "junk-behind", "wrong-table"],
)
def test_files_with_small_damage_are_read_all_the_same(data: bytes) -> None:
    if data.startswith(b"junk") or b"startxref" in data:
        assert module.recognises(source(data))
    assert [part.segment.text for part in parts(module.split(source(data), LIMITS))] == texts(THREE)


def test_a_page_tree_in_a_circle_ends() -> None:
    circle = THREE.replace(b"/Kids [4 0 R", b"/Kids [2 0 R")
    try:
        assert len(parts(steps(circle))) <= 3
    except UnreadableMedia as failure:
        assert failure.code == "corrupt"


def test_a_count_that_lies_does_not_make_pages() -> None:
    lying = THREE.replace(b"/Count 3", b"/Count 1999999999")
    try:
        assert len(parts(steps(lying))) <= 30
    except UnreadableMedia as failure:
        assert failure.code == "corrupt"


@pytest.mark.timeout(60)
def test_damaged_bytes_lead_to_pages_or_a_reason_and_never_to_another_exception() -> None:
    dice = random.Random(4)
    data = pdf([SENTENCE.format(1), ""], title="x", bookmarks=[(0, "a", 1)], graphics="0 0 9 9 re f\n")
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(dice.choice((1, 4, 20))):
            damaged[dice.randrange(9, len(data))] = dice.randrange(256)
        try:
            steps(bytes(damaged), Limits(side=100, pages=50))
        except UnreadableMedia as failure:
            assert failure.code in ("corrupt", "encrypted", "nothing_to_read")


def test_a_picture_with_the_name_of_a_pdf_is_read_as_a_picture() -> None:
    found = list(media.split(source(picture(), "report.pdf"), LIMITS))
    assert found[0] == DocumentMetadata(modality="image")


def test_a_text_about_pdf_is_no_pdf() -> None:
    assert not module.recognises(source(b"The header of such a file is %PDF-1.7, and it ends with a table."))


# -- locked and hostile ------------------------------------------------------------------------------------------------


def test_a_locked_file_says_that_it_needs_a_password() -> None:
    failure = refusal(encrypted_pdf(SENTENCE, user=b"secret"))
    assert failure.code == "encrypted"
    assert "password" in str(failure)


def test_a_file_that_only_its_owner_may_change_is_read() -> None:
    assert texts(encrypted_pdf(SENTENCE)) == [SENTENCE]


READ = """
import resource, sys
from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.pdf import reader
from mcp_mmretrieval.media.source import Source
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
with open(sys.argv[1], "rb") as file:
    for step in media.split(Source(file=file, name="bomb.pdf", document="0" * 64), Limits()):
        pass
print("read to the end")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not bound the memory of a process")
@pytest.mark.timeout(40)
@pytest.mark.parametrize("bomb", [flate_bomb_pdf, lambda: nested_forms_pdf(8)], ids=["flate", "forms"])
def test_a_bomb_costs_the_worker_and_no_more_than_its_bounds(bomb: Callable[[], bytes], tmp_path: Path) -> None:
    """Why PDFs are read in workers: PDFium ends its process. What the engine makes of that is `Workers`' to test."""
    (tmp_path / "bomb.pdf").write_bytes(bomb())
    assert (tmp_path / "bomb.pdf").stat().st_size < 2_000_000
    command = [sys.executable, "-c", READ, str(tmp_path / "bomb.pdf")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode != 0
    assert "read to the end" not in ended.stdout
