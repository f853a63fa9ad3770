"""What of a document is to be embedded, step by step."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.decoding import DecodedStep, DecodeStep, StepDecoder, decode_steps
from mcp_mmretrieval.adding.document_vectors import DocumentVectors, StoredParts
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.library import Library
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, RED, scanned_pdf
from tests.support.models import PATIENCE, ColourEmbedder


@pytest.fixture
def library(open_library: OpenLibrary, folder: Path) -> Library:
    """Two documents, which have no vectors yet."""
    scanned_pdf(folder / "report.pdf", [RED, BLUE])
    (folder / "note.md").write_text("A red boat.\n\nA blue one.", encoding="utf-8")
    library = open_library(state="loading", slow=True)
    assert library.add().wait(PATIENCE).added == 2
    return library


def begun(library: Library) -> list[DocumentVectors]:
    files = {Path(info.path).name: Path(info.path) for info in library.documents()[0]}
    named = [files[name] for name in ("report.pdf", "note.md") if files[name].exists()]
    return [DocumentVectors(hashlib.sha256(file.read_bytes()).hexdigest()) for file in named]


def steps(library: Library, documents: Sequence[DocumentVectors]) -> Iterator[DecodeStep]:
    return decode_steps(library._catalog, ColourEmbedder(), documents, lambda: False)


def decoder(library: Library) -> StepDecoder:
    return StepDecoder(ColourEmbedder(), library._shared.workers, 6.0)


def decoded(library: Library, step: DecodeStep) -> DecodedStep:
    return decoder(library).decode(step)


def test_what_is_stored_is_asked_once_it_is_known_of_which_reading_the_vectors_are(library: Library) -> None:
    report, _ = begun(library)
    anchors: list[int | None] = []

    def stored(document: str) -> StoredParts:
        anchors.append(report.anchor)
        return {"text": {(1, 0)}}

    assert list(decode_steps(library._catalog, ColourEmbedder(), [report], lambda: False, stored))
    assert anchors == [library._catalog.segments_of(report.document)[0].key]
    assert report.has("text", (1, 0))


def test_texts_come_first_and_each_place_is_a_step(library: Library) -> None:
    report, note = begun(library)
    found = list(steps(library, [report, note]))
    assert [(step.gathered is report, step.place is not None, step.last) for step in found] == [
        (True, False, False),
        (True, True, False),
        (True, True, True),
        (False, False, True),
    ]
    pages = [decoded(library, step) for step in found[1:3]]
    assert [[(item.kind, item.part) for item in made.items] for made in pages] == [[("picture", 0)]] * 2
    assert [int(made.items[0].content[0, 0, 0]) > 128 for made in pages] == [True, False]  # type: ignore[index]
    texts = decoded(library, found[3])
    assert next((item.kind, item.content) for item in texts.items) == ("text", "A red boat.")
    assert texts.items[0].bytes == len("A red boat.")
    assert pages[0].items[0].bytes == pages[0].items[0].content.nbytes  # type: ignore[union-attr]


def test_of_a_document_whose_file_is_away_nothing_more_is_decoded(library: Library, folder: Path) -> None:
    report, note = begun(library)
    (folder / "report.pdf").unlink()
    found = list[DecodeStep]()
    for step in steps(library, [report, note]):
        found.append(step)
        report.absent = report.absent or decoded(library, step).absent is not None
    assert report.absent
    assert [(step.gathered is report, step.place is not None, step.last) for step in found] == [
        (True, False, False),
        (True, True, False),
        (True, False, True),
        (False, False, True),
    ]


def test_a_place_that_cannot_be_decoded_is_left_out(library: Library, folder: Path) -> None:
    documents, file = begun(library), folder / "report.pdf"
    state = file.stat()
    file.write_bytes(file.read_bytes()[:9].ljust(state.st_size, b"\n"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # as far as one can see it is the file that was read
    made = decoded(library, list(steps(library, documents))[1])
    assert (made.items, made.absent) == ([], None)
    assert [(kind, segment.place.page) for kind, segment, _ in made.left_out] == [("picture", 1)]


def test_it_stops_when_it_is_told_to(library: Library) -> None:
    stopped = decoder(library)
    stopped.stop()
    with pytest.raises(Cancelled):
        stopped.decode(list(steps(library, begun(library)))[1])
    with pytest.raises(Cancelled):
        list(decode_steps(library._catalog, ColourEmbedder(), begun(library), lambda: True))


def test_words_of_a_script_that_the_model_was_not_taught_are_said_to_have_no_vector(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ColourEmbedder, "windows", lambda self, text: [])
    (texts,) = steps(library, begun(library)[1:])
    assert texts.last
    made = decoded(library, texts)
    assert made.items == []
    assert {(kind, str(error)) for kind, _, error in made.left_out} == {
        ("text", "the text model was not taught its script; its words are found")
    }


def test_a_document_without_places_has_a_step_that_ends_it(library: Library) -> None:
    (end,) = steps(library, [DocumentVectors("ab" * 32)])
    assert (end.empty, end.last, decoded(library, end)) == (True, True, DecodedStep())


def test_of_a_long_text_some_passages_are_a_step(library: Library, folder: Path) -> None:
    (folder / "note.md").write_text(
        "\n\n".join(f"# {number}\n\n{'A red boat. ' * 60}" for number in range(1_100)), encoding="utf-8"
    )
    assert library.add().wait(PATIENCE).replaced == 1
    found = list(steps(library, begun(library)[1:]))
    assert [(len(step.texts), step.last) for step in found] == [(512, False), (512, False), (76, True)]
    assert len({stored.key for step in found for stored in step.texts}) == 1_100
