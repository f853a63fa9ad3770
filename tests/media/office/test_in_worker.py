"""Office files in a locked worker, where nothing more can be imported and nothing opened by name."""

import datetime
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import DocumentMetadata, SplitPart
from tests.media.office.open_document.test_odp import box, headline, odp, page
from tests.media.office.slides.test_pptx import deck, saved_deck
from tests.media.office.spreadsheets.test_sheets import book, ods, ods_cell
from tests.support.media_files import picture
from tests.support.office_files import biff_label, biff_text_box, xls


def full_book(made: Any) -> None:
    added = made.add_worksheet("Q3")
    added.write_datetime(0, 0, datetime.datetime(2026, 3, 1, 14, 30), made.add_format({"num_format": "d.m.yy hh:mm"}))
    added.write_comment("A1", "A comment", {"author": "Ann"})
    chart = made.add_chart({"type": "line"})
    chart.add_series({"values": "=Q3!$A$1"})
    chart.set_title({"name": "A chart"})
    added.insert_chart("F9", chart)
    added.insert_image("F1", "a.png", {"image_data": io.BytesIO(picture())})


def full_deck() -> bytes:
    made = deck("Sails")
    made.slides[0].notes_slide.notes_text_frame.text = "A note"
    made.slides[0].shapes.add_picture(io.BytesIO(picture()), 0, 0)
    return saved_deck(made)


FILES: dict[str, tuple[Callable[[], bytes], list[str]]] = {
    "a.pptx": (full_deck, ["Sails\n\nNotes\n\nA note", ""]),
    "a.odp": (lambda: odp(page(headline("Keels") + box("More"))), ["Keels\n\nMore"]),
    "a.xlsx": (lambda: book(full_book), ["2026-03-01 14:30", "Comment on A1 (Ann): A comment\nA chart", ""]),
    "a.xls": (lambda: xls({"A": biff_label(0, 0, "cell") + biff_text_box("A box")}), ["cell", "A box"]),
    "a.ods": (
        lambda: ods(f'<table:table table:name="A"><table:table-row>{ods_cell("x")}</table:table-row></table:table>'),
        ["x"],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_all_that_is_read_is_read_in_a_worker_and_loaded_there(name: str, tmp_path: Path) -> None:
    make, texts = FILES[name]
    (tmp_path / name).write_bytes(make())
    workers = Workers(Limits(), 1)
    try:
        with (tmp_path / name).open("rb") as file:
            steps = list(workers.split(file.fileno(), name=name, document="ab" * 32))
            found = [step.segment for step in steps if isinstance(step, SplitPart)]
            loaded = [workers.load(file.fileno(), each, name=name) for each in found if each.modality == "text"]
    finally:
        workers.close()
    assert not [step.note for step in steps if isinstance(step, DocumentMetadata) and step.note]
    assert [each.text for each in found] == texts
    assert loaded == [text for text in texts if text]
