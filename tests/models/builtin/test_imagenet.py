"""What people ask of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.drawings import clock, crossword, traffic_light

pytestmark = pytest.mark.builtin

SEEN = [crossword(), traffic_light(), clock()]


@pytest.fixture(scope="module")
def embedder(models: ModelPool) -> Embedder:
    return models.embedders.made(models.maker)


@pytest.mark.parametrize(
    ("query", "best"),
    [("a crossword puzzle", 0), ("stop at the red signal", 1), ("what time is it?", 2)],
)
def test_words_find_what_a_picture_shows(embedder: Embedder, query: str, best: int) -> None:
    likeness = embedder.embed_documents(SEEN) @ embedder.embed_query(query)["picture"][0]
    assert int(np.argmax(likeness)) == best
    assert likeness[best] > 0.4
    assert np.sort(likeness)[-2] < 0.2


def test_a_question_about_figures_asks_for_no_object(embedder: Embedder) -> None:
    likeness = embedder.embed_documents(SEEN) @ embedder.embed_query("net revenue in the third quarter")["picture"][0]
    assert likeness.max() < 0.1


def test_the_class_vectors_that_ship_are_those_of_the_models(models: ModelPool) -> None:
    from benchmarks.class_vectors import class_texts
    from mcp_mmretrieval.models.builtin.imagenet import CLASS_VECTORS
    from mcp_mmretrieval.models.builtin.minilm import unit_rows

    some = slice(0, 1000, 97)
    captions, definitions = zip(*class_texts()[some], strict=True)
    made = unit_rows(models.builtin.text.get().encode(captions) + models.builtin.text.get().encode(definitions))
    np.testing.assert_allclose(np.load(CLASS_VECTORS)[some], made, atol=1e-3)


def test_damaged_class_vectors_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mcp_mmretrieval.models.builtin import imagenet

    file = tmp_path / "classes.npy"
    file.write_bytes(imagenet.CLASS_VECTORS.read_bytes()[:-1])
    monkeypatch.setattr(imagenet, "CLASS_VECTORS", file)
    with pytest.raises(ModelUnavailable, match="damaged"):
        imagenet.ClassNameVectors()
