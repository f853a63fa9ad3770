"""The built-in embedder: texts and pictures in spaces of their own, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.types import Film
from tests.support.drawings import clock, crossword, silence, traffic_light

pytestmark = pytest.mark.builtin

SEEN = [crossword(), traffic_light(), clock()]


@pytest.fixture(scope="module")
def embedder(models: ModelPool) -> Embedder:
    return models.embedders.made(models.maker)


def test_a_picture_finds_its_like_and_the_text_about_it(embedder: Embedder) -> None:
    query = embedder.embed_query(SEEN[1])
    assert int(np.argmax(embedder.embed_documents(SEEN) @ query["picture"][0])) == 1
    texts = ["The clock strikes four.", "The traffic lights at the crossing were red.", "She solves a crossword."]
    assert int(np.argmax(embedder.embed_documents(texts) @ query["text"][0])) == 1


def test_what_it_looks_at_and_what_it_is_called_are_those_of_every_library_so_far(embedder: Embedder) -> None:
    """Another side would leave unlike vectors in one space; another name would have every library embedded again."""
    assert (embedder.picture_side, embedder.frame_side) == (640, 640)
    names = ["name", "text", "window", "dtype", "picture", "crops", "classes", "temperature", "none"]
    assert list(embedder.identity) == names


def test_a_film_is_what_its_frames_show(embedder: Embedder) -> None:
    film = Film([SEEN[1], SEEN[1], SEEN[2]], (0.0, 1.0, 2.0))
    still = Film([SEEN[1]], (0.0,))
    vectors = embedder.embed_documents([film, still, SEEN[1]])
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[2] > 0.7


def test_what_has_no_vector_is_refused_with_the_reason(embedder: Embedder) -> None:
    with pytest.raises(BadArgument, match=r"do not hear sound\. Its transcript stands for it"):
        embedder.embed_documents([silence(1)])
    with pytest.raises(BadArgument, match="no frames"):
        embedder.embed_documents([Film([], ())])
    with pytest.raises(BadArgument, match="separate calls"):
        embedder.embed_documents(["text", SEEN[0]])


def test_without_a_classifier_texts_are_embedded_in_a_space_of_their_own(
    models: ModelPool, machine_cache: Path
) -> None:
    from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
    from mcp_mmretrieval.models.builtin.imagenet import ClassNameVectors
    from mcp_mmretrieval.models.builtin.minilm import MiniLM
    from mcp_mmretrieval.models.device.device import Device

    whole = models.embedders.made(models.maker)
    alone = BuiltinEmbedder(MiniLM(1, Device(), machine_cache), None, ClassNameVectors())
    assert (dict(alone.dims), alone.sees) == ({"text": 384}, frozenset())
    assert alone.identity != whole.identity
    assert list(alone.embed_query("a cat")) == ["text"]
    with pytest.raises(BadArgument, match="no words"):
        alone.embed_query(" \n")


def test_it_has_the_words_that_it_was_taught_and_neither_names_nor_numbers(embedder: Embedder) -> None:
    assert all(map(embedder.has_word, ["badger", "Violin", "blackbird", "stapler"]))
    assert not any(map(embedder.has_word, ["Kowalczyk", "dogarin", "XK-4711", "INV-2024-117"]))


def test_queries_together_have_the_vectors_that_each_has_alone(models: ModelPool) -> None:
    embedder = models.builtin.load_embedder()
    queries = ["fog", "Which month had the most pump failures, and why?", "ฝน ตก หนัก มาก", "a ferry " * 90, "anchor"]
    together = embedder.embed_queries(queries)
    assert together[2] == {}  # a script that it was not taught
    for query, vectors in zip(queries, together, strict=True):
        alone = embedder.embed_query(query)
        assert alone.keys() == vectors.keys()
        for kind in alone:
            np.testing.assert_allclose(vectors[kind], alone[kind], atol=1e-6)
    with pytest.raises(BadArgument, match="no words"):
        embedder.embed_queries(["fog", "  "])
