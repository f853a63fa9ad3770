"""What is said of a document of which something has no vector."""

import numpy as np

from mcp_mmretrieval.adding.document_vectors import MAX_REASON_CHARACTERS, DocumentVectors
from mcp_mmretrieval.errors import ModelUnavailable, Unfit
from mcp_mmretrieval.types import Place, Segment


def page(number: int) -> Segment:
    return Segment(document="d", modality="page", place=Place(page=number))


def test_a_note_names_some_places_and_reasons_and_counts_the_others() -> None:
    one = DocumentVectors("d")
    for number in range(1, 6):
        one.leave_out("picture", page(number), 0, Unfit([0], "too many pixels."))
    one.leave_out("picture", page(5), 0, Unfit([0], "too many pixels."))
    assert one.note == "page=1, page=2, page=3 and 2 more as picture (too many pixels)"
    for number in range(4):
        one.leave_out("text", page(1), 0, Unfit([0], f"reason {number} {'x' * 500}"))
    assert one.note.endswith("; and more for 2 other reasons")
    assert max(len(reason) for _, reason in one.left_out) == MAX_REASON_CHARACTERS
    assert not one.put_off  # it would be refused again


def test_it_is_put_off_where_nothing_went_well_for_a_reason_that_may_pass() -> None:
    one = DocumentVectors("d")
    one.leave_out("text", page(1), 0, ModelUnavailable("no memory"))
    assert one.put_off
    one.vectors["text"] = {(1, 0): np.ones(3, np.float32), (1, 1): np.zeros(3, np.float32)}
    (rows,) = one.rows
    assert (rows.kind, rows.segments, rows.parts, rows.vectors.shape) == ("text", [1, 1], [0, 1], (2, 3))
    assert one.put_off is False


def test_it_is_put_off_while_its_file_is_away() -> None:
    one = DocumentVectors("d", absent=True)
    one.vectors["text"] = {(1, 0): np.ones(3, np.float32)}
    assert one.put_off
