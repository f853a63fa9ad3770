"""Text vectors."""

import shutil
from collections.abc import Callable
from pathlib import Path

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
from mcp_mmretrieval.models.builtin.imagenet import ClassNameVectors
from mcp_mmretrieval.models.builtin.minilm import MiniLM, MiniLMDtype
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.tokens import replace_surrogates
from mcp_mmretrieval.models.weights import MINILM_WHEEL
from mcp_mmretrieval.types import Vectors
from tests.support.threads import beside

pytestmark = pytest.mark.builtin

PROSE = "The ferry's gearbox ran too hot after two hours at sea; a bearing is worn out. "


@pytest.fixture(scope="module")
def embedder(models: ModelPool) -> Embedder:
    return models.embedders.made(models.maker)


@pytest.fixture(scope="module")
def tokens(models: ModelPool) -> Callable[[str], int]:
    """Counts a text's tokens, without the model's own marks."""
    return lambda text: len(models.builtin.text.get().encode_tokens([text])[0][0])


def test_texts_become_unit_vectors_in_the_order_given(embedder: Embedder) -> None:
    texts = [PROSE * count for count in (1, 9, 2, 5)]
    vectors = embedder.embed_documents(texts)
    assert vectors.shape == (4, embedder.dims["text"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([text])[0], vector, atol=1e-5)


def test_no_texts_make_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dims["text"])


def test_a_question_is_nearest_to_what_answers_it(embedder: Embedder) -> None:
    passages = [PROSE, "The new timetable starts in June.", "Revenue in the north rose by a tenth."]
    query = embedder.embed_query("Why did the engine overheat?")["text"]
    assert int(np.argmax(embedder.embed_documents(passages) @ query[0])) == 0


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:9/chart.png",
        "https://www.youtube.com/watch?v=0",
        "data:image/png;base64,iVBORw0KGgo=",
        "s3://bucket/clip.mp4",
    ],
)
def test_a_url_is_just_text(embedder: Embedder, text: str) -> None:
    np.testing.assert_allclose(embedder.embed_query(text)["text"], embedder.embed_documents([f"{text} \n"]), atol=1e-5)


def test_a_path_is_just_text(embedder: Embedder, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    before = embedder.embed_documents([str(file)])
    file.write_bytes(b"not a picture, and never opened")
    np.testing.assert_array_equal(embedder.embed_documents([str(file)]), before)


def test_the_models_own_marks_in_a_text_are_letters(embedder: Embedder, tokens: Callable[[str], int]) -> None:
    text = "before [SEP] after [CLS] [PAD] [MASK]"
    assert tokens(text) > tokens("before after") + 4 * 2
    alone = embedder.embed_documents([text])
    together = embedder.embed_documents([text, PROSE * 3])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


@pytest.mark.parametrize("text", ["\x00\x01", "\ud800 lone surrogate", "🚢" * 300, "\u200b", "a" * 5_000, "漢字" * 400])
def test_odd_text_is_embedded_or_has_no_windows(embedder: Embedder, text: str) -> None:
    windows = embedder.windows(text)
    assert np.isfinite(embedder.embed_documents([text, *windows])).all()


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_blank_text_has_no_windows(embedder: Embedder, text: str) -> None:
    assert embedder.windows(text) == []


def test_a_short_text_is_one_window(embedder: Embedder) -> None:
    assert embedder.windows(f"  {PROSE}\n") == [PROSE.strip()]


@pytest.mark.parametrize(
    "text",
    [PROSE * 60, "Ünïcödé," * 200, "word\n" * 700, "x" * 7_000 + " end", f"first{' ' * 9_000}last"],
    ids=["prose", "without spaces", "lines", "one long word", "far apart"],
)
def test_windows_cover_the_whole_text_and_fit(embedder: Embedder, tokens: Callable[[str], int], text: str) -> None:
    windows = embedder.windows(text)
    assert "".join("".join(windows).split()) == "".join(text.split())
    assert all(tokens(window) <= 128 for window in windows)


def test_a_long_query_counts_to_its_end(embedder: Embedder) -> None:
    query = "The weather was fine. " * 100 + "The gearbox was broken. " * 100
    vector = embedder.embed_query(query)["text"]
    weather, gearbox = embedder.embed_documents(["the weather", "a broken gearbox"]) @ vector[0]
    assert min(weather, gearbox) > 0.3


@pytest.mark.parametrize(
    "text",
    [
        "แมวของเรานอนบนเครื่องทำความร้อน",
        "우리 고양이는 따뜻한 라디에이터 위에서 잔다.",
        "我们的猫睡在温暖的暖气上。",
        "Наша кошка спит на тёплой батарее.",
        "قطتنا تنام على المدفأة الدافئة",
    ],
)
def test_a_script_that_the_model_was_not_taught_gives_no_vectors(embedder: Embedder, text: str) -> None:
    assert embedder.windows(text) == []
    assert embedder.embed_query(text) == {}


@pytest.mark.parametrize(
    "text", ["Unsere Katze schläft im Büro.", "waves of Ω and Σ alone", "Kubernetes 部署指南", "12 ½ €"]
)
def test_a_text_of_letters_that_the_model_knows_keeps_its_vectors(embedder: Embedder, text: str) -> None:
    assert embedder.windows(text) == [text]
    assert "text" in embedder.embed_query(text)


WORDS = [
    *["the", "ferry", "gearbox", "ran", "hot", "after", "two", "hours", "at", "sea", "Unsere", "Katze", "schläft"],
    *["im", "Büro", "C++", "3.14", "[SEP]", "漢字", "Привет", "🚢"],
]
TRICKY = [
    *["", " \n\t ", "[SEP] [MASK]", "a[CLS]b", "[UNK][PAD]", "##ing [sep]", "\ud800 lone surrogate", "🚢🇩🇪", "\u200b"],
    *["\x00\x01", "a" * 5_000, "x" * 101 + " end", "漢字" * 400, "ﬁ e\u0301 ß İ Ünïcödé", "กขค", " " * 3_000 + "x"],
    *["https://example.org/?q=1&b", "line\u2028after\x85line", "1,234.5 €"],
]


def test_tokens_and_vectors_are_those_of_sentence_transformers(models: ModelPool) -> None:
    """So a library that was embedded through it need not be embedded again."""
    from sentence_transformers import SentenceTransformer

    rng = np.random.default_rng(0)
    texts = TRICKY + [" ".join(rng.choice(WORDS, rng.integers(1, 40))) for _ in range(200)]
    given = [{"text": replace_surrogates(text)} for text in texts]  # else it opens what looks like a URL
    options = {"split_special_tokens": True}
    folder = str(MINILM_WHEEL.locate())
    other = SentenceTransformer(folder, device="cpu", local_files_only=True, processor_kwargs=options)
    model = models.builtin.text.get()
    for text, (tokens, _) in zip(TRICKY, model.encode_tokens(TRICKY), strict=True):
        ids = other.tokenizer(replace_surrogates(text), truncation=True, max_length=256)["input_ids"]
        assert tokens == other.tokenizer.convert_ids_to_tokens(ids)[1:-1]
    vectors = np.asarray(other.encode(given, show_progress_bar=False))
    np.testing.assert_allclose(model.encode(texts), vectors, atol=1e-5)


def test_in_int8_vectors_are_much_the_same_and_belong_to_a_space_of_their_own(machine_cache: Path) -> None:
    """How much depends on the library that computes: CTranslate2 takes MKL on Intel's processors alone."""
    dtypes: tuple[MiniLMDtype, ...] = ("float32", "int8")
    exact, small = (MiniLM(1, Device("cpu"), machine_cache, dtype) for dtype in dtypes)
    texts = [text for text in TRICKY if exact.windows(text)]  # others get no vector
    assert len(texts) > 10
    cosines = (exact.encode(texts) * small.encode(texts)).sum(axis=1)
    assert cosines.min() > 0.98
    assert cosines.max() < 1 - 1e-6
    identities = [BuiltinEmbedder(text, None, ClassNameVectors()).identity for text in (exact, small)]
    assert [identity["dtype"] for identity in identities] == ["float32", "int8"]


def test_a_precision_that_the_processor_lacks_is_refused(machine_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: {"float32"})
    with pytest.raises(ModelUnavailable, match=r"does not compute in int8.*MMRETRIEVAL_BUILTIN_DTYPE"):
        MiniLM(1, Device("cpu"), machine_cache, "int8")


def test_a_model_that_rests_comes_back_for_many_who_ask_at_once(machine_cache: Path) -> None:
    model = MiniLM(1, Device("cpu"), machine_cache)
    before = model.encode([PROSE])
    assert not model.rest(3_600.0)
    assert model.rest(0.0)
    assert not model.rest(0.0)
    assert model.windows(PROSE) == [PROSE.strip()]
    found: list[Vectors] = []
    threads = [beside(lambda: found.append(model.encode([PROSE]))) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    for vectors in found:
        np.testing.assert_array_equal(vectors, before)


def test_a_model_that_rests_comes_back_although_its_converted_weights_were_deleted(tmp_path: Path) -> None:
    model = MiniLM(1, Device("cpu"), tmp_path / "cache")
    before = model.encode([PROSE])
    model.rest(0.0)
    shutil.rmtree(tmp_path / "cache")
    np.testing.assert_array_equal(model.encode([PROSE]), before)
    model.rest(0.0)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("in its place", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="MMRETRIEVAL_CACHE"):
        model.encode([PROSE])
