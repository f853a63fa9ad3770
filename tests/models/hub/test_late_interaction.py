"""Late interaction that sentence-transformers loads: a tiny NeoMME, from a folder."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sentence_transformers import MultiVectorEncoder

from mcp_mmretrieval.config.profiles import RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.late_interaction import LateInteractionReranker, VectorCache
from mcp_mmretrieval.types import Content, Film, Sound
from tests.models.hub.test_cross_encoder import PICTURES, QUERY, TEXTS, noise
from tests.support import tiny
from tests.support.tiny import rerankers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rerankers.neomme(tmp_path_factory.mktemp("late") / "tiny-neomme")


def made(folder: Path, **given: Any) -> LateInteractionReranker:
    return LateInteractionReranker(RerankerSpec(model=str(folder), kind="late"), Device(), **given)


@pytest.fixture(scope="module")
def neomme(folder: Path) -> LateInteractionReranker:
    return made(folder)


def test_scores_are_the_mean_of_each_query_tokens_best_match(folder: Path, neomme: LateInteractionReranker) -> None:
    plain = MultiVectorEncoder(str(folder), device="cpu")
    given: list[Any] = [*({"text": text} for text in TEXTS), *({"image": Image.fromarray(one)} for one in PICTURES)]
    asked = plain.encode_query([{"text": QUERY}], show_progress_bar=False)
    wanted = plain.similarity(asked, plain.encode_document(given, show_progress_bar=False))[0].tolist()
    contents: list[Content] = [*TEXTS, *PICTURES]
    assert neomme.score(QUERY, contents) == pytest.approx(wanted, abs=1e-5)
    for content, score in zip(contents, wanted, strict=True):
        assert made(folder).score(QUERY, [content]) == pytest.approx([score], abs=1e-5)
    assert 0 < min(wanted) < max(wanted) <= 1
    assert neomme.score(QUERY, [QUERY, "lake"])[0] > (neomme.score(QUERY, ["lake"])[0] or 1.0)  # type: ignore[operator]


def test_a_content_seen_before_is_not_encoded_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = made(folder)
    contents: list[Content] = ["a boat", *PICTURES]
    before = late.score(QUERY, contents)

    def encode(*_: Any, **__: Any) -> Any:
        raise AssertionError("encoded again")

    monkeypatch.setattr(late._model, "encode_document", encode)
    assert (
        late.score(QUERY, [content.copy() if isinstance(content, np.ndarray) else content for content in contents])
        == before
    )
    late.score("another question", contents)
    with pytest.raises(AssertionError):
        late.score(QUERY, [PICTURES[0][:, ::-1]])


def test_vectors_that_were_not_used_for_longest_go_first() -> None:
    kept = VectorCache(3 * 400)
    rows = np.zeros((25, 4), np.float32)
    for name in (b"a", b"b", b"c"):
        kept.put(name, rows)
    kept.get(b"a")
    kept.put(b"c", rows)
    kept.put(b"d", rows)
    assert [kept.get(name) is not None for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    kept.put(b"large", np.zeros((400, 4), np.float32))
    assert kept.get(b"large") is None


def test_what_it_reads_is_found_out_and_all_else_has_no_score(neomme: LateInteractionReranker) -> None:
    sound = Sound(np.zeros(16_000, np.float32), 16_000)
    film = Film(PICTURES[:2], (0.0, 1.0))
    contents: list[Content] = ["a boat", " ", PICTURES[0], sound, film, Film((), ())]
    assert [neomme.reads(content) for content in contents] == [True, False, True, False, True, False]
    scores = neomme.score(QUERY, contents)
    assert [score is not None for score in scores] == [True, False, True, False, True, False]
    assert scores[4] == pytest.approx(max(score or 0.0 for score in neomme.score(QUERY, PICTURES[:2])), abs=1e-6)
    assert neomme.score("", contents) == [None] * 6


def test_paths_urls_and_marks_are_just_text(neomme: LateInteractionReranker, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"opening this as a picture fails")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        texts = [str(path), url, "<img>", "<mask> <mask>", "<doc><img><row>", "\ud800", "x" * 5_000]
        for text in texts:
            assert None not in neomme.score(text, [*texts, PICTURES[0]])
        with pytest.raises(BlockingIOError):
            server.accept()
    assert neomme.score(QUERY, ["a <img> boat"]) == pytest.approx(neomme.score(QUERY, ["a < img> boat"]), abs=1e-6)


def test_pictures_of_any_shape_have_a_score(neomme: LateInteractionReranker) -> None:
    assert None not in neomme.score(QUERY, [noise(0, *shape) for shape in ((1, 1), (3, 64), (640, 2), (900, 1_200))])


def test_a_model_as_transformers_saves_it_takes_documents_for_documents(folder: Path) -> None:
    published = made(rerankers.as_published(folder))
    contents: list[Content] = [*TEXTS, *PICTURES]
    assert None not in published.score(QUERY, contents)
    features = published._features({"text": "a boat"})
    assert published._model.tokenizer.convert_ids_to_tokens(int(features["input_ids"][0, 0])) == "<doc>"


def test_no_usable_vectors_are_no_scores(neomme: LateInteractionReranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neomme, "_encoded", lambda given, task: [np.full((3, 16), np.nan, np.float32)] * len(given))
    with pytest.raises(ModelUnavailable, match="no usable vectors"):
        neomme.score("something new", ["a boat"])


def test_a_model_that_was_not_made_for_it_is_refused(tmp_path: Path) -> None:
    embedder = tiny.bert(tmp_path / "embedder")
    for folder in (embedder, tmp_path / "embedder-hf", rerankers.bert(tmp_path / "cross")):
        with pytest.raises(ModelUnavailable, match="would score at random"):
            made(folder)
