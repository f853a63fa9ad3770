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

from mcp_mmretrieval.errors import ModelUnavailable, Unfit
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.types import Content, Film, Sound, Vectors
from tests.support.contents import TEXTS, assert_alike, film, picture, plain, sound
from tests.support.tiny import gemma

QUERY, SECONDS, spec = gemma.QUERY, gemma.SECONDS, gemma.record


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


def test_the_marks_at_both_ends_are_the_tokenizers_where_the_template_leaves_them_out(tmp_path: Path) -> None:
    """As published: the template writes neither; a prompt stands in the text, and the vector is a mean over both."""
    folder = gemma.embedder(tmp_path / "tiny-gemma", template=gemma.PUBLISHED_TEMPLATE)
    embedder = HubEmbedder(spec(folder), Device())
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    ids = embedder._model.preprocess([{"text": "a boat"}])["input_ids"][0].tolist()
    begin, end = (model.tokenizer.convert_tokens_to_ids(gemma.MARKS[name]) for name in ("bos_token", "eos_token"))
    assert (ids[0], ids[-1], ids.count(begin), ids.count(end)) == (begin, end, 1, 1)
    wanted = plain(model, [{"text": text} for text in TEXTS], prompt="title: none | text: ")
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), wanted, atol=1e-5)
    query = plain(model, [{"text": TEXTS[0]}], prompt=QUERY)
    np.testing.assert_allclose(embedder.embed_query(TEXTS[0])["text"], query, atol=1e-5)


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


@pytest.mark.parametrize("mark", ["<|image|>", "<|audio|>", "<|video|>", "<eos>", "<|image>"])
def test_marks_of_media_in_a_text_are_only_words(embedder: HubEmbedder, model: SentenceTransformer, mark: str) -> None:
    text = f"press {mark} twice"
    broken = text.replace(mark, f"{mark[0]} {mark[1:]}")
    found = embedder.embed_documents([text, "a boat"])
    np.testing.assert_allclose(found[:1], plain(model, [{"text": f"title: none | text: {broken}"}]), atol=1e-5)
    assert embedder.embed_query(mark)["text"].shape == (1, gemma.DIM)


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
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.config.settings import Settings
try:
    models = ModelPool(Settings.read(library=sys.argv[1], profile=sys.argv[2]))
    models.embedders.made(models.maker)
except ModelUnavailable as error:
    print(error)
"""
    given = [sys.executable, "-c", code, str(tmp_path / "library"), str(folder)]
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        given, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=240, check=True
    )
    assert "operator torchvision::nms does not exist. Run: mcp-mmretrieval doctor" in ran.stdout
