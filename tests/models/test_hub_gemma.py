"""EmbeddingGemma 2, tiny: texts, pictures, sounds and films in one space, and what goes wrong with it elsewhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.errors import ModelUnavailable, Unfit
from mcp_mmretrieval.models.device import Device
from mcp_mmretrieval.models.hub import HubEmbedder
from mcp_mmretrieval.types import Content, Film, Sound, Vectors
from tests.models.contents import TEXTS, assert_alike, film, picture, plain, sound
from tests.models.tiny import gemma

QUERY, DOCUMENT = "task: search result | query: ", "title: {title} | text: "
SECONDS = 2.0
"""Of one sound: less than the model takes, so that tests are quick."""


def spec(folder: Path, **given: Any) -> EmbedderSpec:
    """As the published model's record, with smaller caps."""
    caps = {"pixels": 70 * 48 * 48, "frame_pixels": 70 * 48 * 48, "frames": 4, "hears": SECONDS, "rate": 16_000}
    prompts = {"query_prompt": QUERY, "document_prompt": DOCUMENT}
    return EmbedderSpec(**{"model": str(folder), **caps, **prompts, **given})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemma.embedder(tmp_path_factory.mktemp("models") / "tiny-gemma")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> HubEmbedder:
    return HubEmbedder(spec(folder), Device())


@pytest.fixture(scope="module")
def model(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def heard(*samples: np.ndarray) -> list[Any]:
    return [{"audio": {"array": one, "sampling_rate": 16_000}} for one in samples]


def shown(*films: Film) -> list[Any]:
    """Films whose frames are taken as they are."""
    return [
        {
            "video": {
                "array": np.stack(film.pictures).transpose(0, 3, 1, 2),
                "video_metadata": {
                    "fps": 1.0,
                    "total_num_frames": len(film.pictures),
                    "duration": float(len(film.pictures)),
                    "frames_indices": [*range(len(film.pictures))],
                },
            }
        }
        for film in films
    ]


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_it_takes_in_all_sorts_in_one_space(embedder: HubEmbedder) -> None:
    assert dict(embedder.dims) == dict.fromkeys(("text", "picture", "sound"), gemma.DIM)
    assert (embedder.hears, embedder.films) == (SECONDS, 4)
    found = embedder.embed_query(sound(0))
    np.testing.assert_array_equal(found["text"], found["sound"])


def test_texts_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    wanted = plain(model, [{"text": text} for text in TEXTS], prompt="title: none | text: ")
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), wanted, atol=1e-5)
    asked = plain(model, [{"text": text} for text in TEXTS], prompt=QUERY)
    for text, document, query in zip(TEXTS, wanted, asked, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([text])[0], document, atol=1e-5)
        np.testing.assert_allclose(embedder.embed_query(text)["text"][0], query, atol=1e-5)


def test_each_text_finds_itself_first(folder: Path) -> None:
    unprompted = HubEmbedder(spec(folder, query_prompt="", document_prompt=""), Device())
    assert_alike(unprompted, TEXTS, unprompted.embed_documents(TEXTS))


def test_pictures_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    pictures = [picture(seed, 60 + 7 * seed, 90 - 5 * seed) for seed in range(5)]
    inputs = [{"image": Image.fromarray(one)} for one in pictures]
    assert_alike(embedder, pictures, plain(model, inputs, image={"max_soft_tokens": 70}))


def test_sounds_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    sounds = [sound(seed, 0.5 + 0.3 * seed) for seed in range(5)]
    assert_alike(embedder, sounds, plain(model, heard(*(one.samples for one in sounds))))


def test_films_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    films = [film(seed, frames=1 + seed) for seed in range(4)]
    options = {"do_sample_frames": False, "max_soft_tokens": 70}
    assert_alike(embedder, films, plain(model, shown(*films), video=options))


# -- texts ------------------------------------------------------------------------------------------------------------


def test_the_title_of_its_document_stands_before_a_text(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    found = embedder.embed_documents(["It leaks.", "It leaks."], titles=["Pump <|image|> 4", ""])
    wanted = plain(
        model, [{"text": "title: Pump < |image|> 4 | text: It leaks."}, {"text": "title: none | text: It leaks."}]
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("mark", ["<|image|>", "<|audio|>", "<|video|>", "<eos>", "<|image>"])
def test_marks_of_media_in_a_text_are_only_words(embedder: HubEmbedder, model: SentenceTransformer, mark: str) -> None:
    text = f"press {mark} twice"
    broken = text.replace(mark, f"{mark[0]} {mark[1:]}")
    found = embedder.embed_documents([text, "a boat"])
    np.testing.assert_allclose(found[:1], plain(model, [{"text": f"title: none | text: {broken}"}]), atol=1e-5)
    assert embedder.embed_query(mark)["text"].shape == (1, gemma.DIM)


def test_a_text_that_would_be_cut_off_is_the_mean_of_its_windows(folder: Path) -> None:
    short = HubEmbedder(spec(folder, processor_options={"model_max_length": 160}, query_prompt=""), Device())
    text = "the green hill behind the blue lake " * 20
    windows = short.windows(text)
    mean = short.embed_documents(windows).mean(axis=0)
    assert len(windows) > 2
    np.testing.assert_allclose(short.embed_documents([text])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_pictures_and_films_are_never_cut_off_by_the_length_of_texts(folder: Path) -> None:
    """Where a picture has more tokens than fit, the processor raises a mismatch between picture and text."""
    short = HubEmbedder(
        spec(folder, processor_options={"model_max_length": 256}, pixels=280 * 48 * 48, frames=32), Device()
    )
    assert short.films == 2
    assert short.embed_documents([picture(0), film(0, frames=9)]).shape == (2, gemma.DIM)


# -- sounds -----------------------------------------------------------------------------------------------------------


def test_a_sound_of_another_rate_is_brought_to_the_models_own(embedder: HubEmbedder) -> None:
    """The model takes all samples for 16 kHz, whatever it is told."""
    wanted = embedder.embed_documents([sound(1)])[0]
    for rate in (32_000, 44_100, 48_000):
        found = embedder.embed_documents([sound(1, rate=rate)])[0]
        assert float(found @ wanted) > 0.99, rate


@pytest.mark.parametrize("rate", [1, 7, 191, 192_001, 2_000_003])
def test_a_sound_of_an_odd_rate_takes_neither_time_nor_memory(embedder: HubEmbedder, rate: int) -> None:
    odd = Sound(sound(0, 1, 16_000).samples[: max(1, rate // 4)], rate)
    assert embedder.embed_documents([odd]).shape == (1, gemma.DIM)


def test_two_channels_are_heard_as_one(embedder: HubEmbedder) -> None:
    mono = sound(2)
    for samples in (np.stack([mono.samples, mono.samples]), np.stack([mono.samples, mono.samples], axis=1)):
        stereo = embedder.embed_documents([Sound(samples, mono.rate)])
        np.testing.assert_allclose(stereo, embedder.embed_documents([mono]), atol=1e-5)


def test_a_longer_sound_than_it_takes_is_the_mean_of_its_pieces(embedder: HubEmbedder) -> None:
    whole = sound(3, 5.0)
    pieces = [Sound(samples, whole.rate) for samples in np.array_split(whole.samples, 3)]
    mean = embedder.embed_documents(pieces).mean(axis=0)
    np.testing.assert_allclose(embedder.embed_documents([whole])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_what_comes_after_30_seconds_counts(folder: Path) -> None:
    """The model's own feature extractor cuts it off without a word."""
    whole = HubEmbedder(spec(folder, hears=30.0), Device())
    beginning = sound(4, 30.0)
    longer = Sound(np.concatenate([beginning.samples, sound(5, 30.0).samples]), 16_000)
    found = whole.embed_documents([beginning, longer])
    assert float(found[0] @ found[1]) < 0.99


# -- films ------------------------------------------------------------------------------------------------------------


def test_of_a_film_of_many_frames_some_are_seen_from_its_beginning_to_its_end(embedder: HubEmbedder) -> None:
    long = film(1, frames=7)
    some = Film([long.pictures[number] for number in (0, 2, 4, 6)], (0.0, 2.0, 4.0, 6.0))
    np.testing.assert_allclose(embedder.embed_documents([long]), embedder.embed_documents([some]), atol=1e-5)


def test_a_film_is_the_same_wherever_in_its_document_it_begins(embedder: HubEmbedder) -> None:
    found = embedder.embed_documents([film(2), film(2, start=3_600.0)])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


# -- what a model was loaded without ----------------------------------------------------------------------------------


def test_a_model_without_towers_takes_texts_alone_and_says_so(tmp_path: Path) -> None:
    """Its processor, and with it sentence-transformers, still says that it takes everything."""
    texts = HubEmbedder(spec(gemma.embedder(tmp_path / "texts", without=("vision", "audio"))), Device())
    assert texts._model.supports("audio")
    assert (dict(texts.dims), texts.sees, texts.hears, texts.films) == ({"text": gemma.DIM}, frozenset(), 0.0, 0)
    contents: list[Content] = [sound(0), picture(0), film(0)]
    for content in contents:
        with pytest.raises(Unfit, match="does not"):
            texts.embed_documents([content])


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        " \n",
        np.zeros((1, 1, 3), np.uint8),
        np.full((40, 60, 3), 255, np.uint8),
        np.zeros((1, 700, 3), np.uint8),
        Sound(np.ones(1, np.float32), 16_000),
        Sound(np.zeros(16_000, np.float32), 16_000),
        Sound(np.full(16_000, np.nan, np.float32), 16_000),
        Film([np.zeros((1, 1, 3), np.uint8)], (0.0,)),
        Film([picture(0), picture(1, 30, 20)], (0.0, 1.0)),
    ],
    ids=[
        "empty text",
        "blank text",
        "one pixel",
        "white picture",
        "a line",
        "one sample",
        "silence",
        "no numbers",
        "film of one pixel",
        "film of frames of two sizes",
    ],
)
def test_whatever_is_there_gets_a_vector(embedder: HubEmbedder, content: Content) -> None:
    found = embedder.embed_documents([content])
    np.testing.assert_allclose(np.linalg.norm(found), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Sound(np.zeros(0, np.float32), 16_000), "empty"),
        (Sound(np.zeros(9, np.float32), 0), "empty"),
        (Film((), ()), "no frames"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
    ],
)
def test_what_is_empty_is_refused_by_its_row_and_the_others_can_go_again(
    embedder: HubEmbedder, content: Content, said: str
) -> None:
    good: Content = sound(0) if isinstance(content, Sound) else picture(0)
    with pytest.raises(Unfit, match=said) as refused:
        embedder.embed_documents([good, content, good])
    assert refused.value.rows == (1,)


def test_the_space_is_another_for_other_caps_prompts_and_lengths(folder: Path, embedder: HubEmbedder) -> None:
    others: list[dict[str, Any]] = [
        {"pixels": 140 * 48 * 48},
        {"frames": 2},
        {"hears": 1.0},
        {"dims": 24},
        {"document_prompt": "text: "},
    ]
    found = [embedder.identity, *(HubEmbedder(spec(folder, **other), Device()).identity for other in others)]
    assert len({tuple(identity.items()) for identity in found}) == len(found)


@pytest.mark.parametrize("kind", ["text", "picture", "sound"])
def test_no_vector_depends_on_its_neighbours(embedder: HubEmbedder, kind: str) -> None:
    made: dict[str, list[Content]] = {
        "text": [TEXTS[3], "pump " * 300],
        "picture": [picture(0, 20, 200), picture(1, 200, 20)],
        "sound": [sound(0, 0.3), sound(1, 2.0)],
    }
    small, large = made[kind]
    alone: Vectors = embedder.embed_documents([small])
    np.testing.assert_allclose(embedder.embed_documents([small, large])[:1], alone, atol=1e-5)


# -- what is beside the model -----------------------------------------------------------------------------------------


def test_half_precision_that_gives_no_numbers_is_named(folder: Path, tmp_path: Path) -> None:
    """As the published model does in float16: its numbers outgrow it, and nothing raises."""
    large = tmp_path / "large"
    shutil.copytree(folder, large)
    weights = load_file(large / "model.safetensors")
    save_file({name: weight * 1e4 for name, weight in weights.items()}, large / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match="no usable vectors of a text in float16"):
        HubEmbedder(spec(large), Device(), "float16")


def test_one_content_without_numbers_is_named_with_the_precision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = HubEmbedder(spec(folder), Device(), "bfloat16")
    pooling = half._model[1]
    forward = pooling.forward

    def broken(features: dict[str, Any], **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = forward(features, **given)
        found["sentence_embedding"][features["attention_mask"].sum(1) > 100] = float("nan")
        return found

    monkeypatch.setattr(pooling, "forward", broken)
    with pytest.raises(Unfit, match=r"in bfloat16\. Set MMRETRIEVAL_DTYPE to float32") as refused:
        half.embed_documents(["a boat", "pump " * 60, "a lake"])
    assert refused.value.rows == (1,)
    assert half.embed_documents(["a boat", "a lake"]).shape == (2, gemma.DIM)


def test_a_torchvision_made_for_another_torch_is_named_with_the_command_that_tells(
    folder: Path, tmp_path: Path
) -> None:
    """All of transformers fails beside it, and blames the model."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')", encoding="utf-8"
    )
    code = """
import sys
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.config.settings import Settings
try:
    Models(Settings.read(library=sys.argv[1], profile=sys.argv[2])).embedder()
except ModelUnavailable as error:
    print(error)
"""
    given = [sys.executable, "-c", code, str(tmp_path / "library"), str(folder)]
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        given, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=240, check=True
    )
    assert "operator torchvision::nms does not exist. Run: mcp-mmretrieval doctor" in ran.stdout
