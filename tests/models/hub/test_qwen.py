"""Qwen3-VL-Embedding, tiny: instructed like a chat, sees pictures and films, hears nothing."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.pictures import fit_picture
from mcp_mmretrieval.types import Content, Film
from tests.support.contents import TEXTS, film, picture, plain, sound
from tests.support.tiny import qwen

QUERY, DOCUMENT = "Retrieve images or text relevant to the user's query.", "Represent the user's input."
MOST = 16 * qwen.TOKEN


def spec(folder: Path, **given: Any) -> EmbedderSpec:
    """As the published model's record, with smaller caps."""
    caps = {"pixels": MOST, "frame_pixels": MOST, "frames": 4}
    return EmbedderSpec(**{"model": str(folder), "query_prompt": QUERY, "document_prompt": DOCUMENT, **caps, **given})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen.embedder(tmp_path_factory.mktemp("models") / "tiny-qwen")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> HubEmbedder:
    return HubEmbedder(spec(folder), Device())


@pytest.fixture(scope="module")
def model(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def asked(model: SentenceTransformer, content: Any, instruction: str, **options: Any) -> np.ndarray:
    """What the model makes of a conversation written out, as its authors write it."""
    system = {"role": "system", "content": [{"type": "text", "text": instruction}]}
    return plain(model, [[system, {"role": "user", "content": [content]}]], **options)


def test_it_sees_and_does_not_hear(embedder: HubEmbedder) -> None:
    assert dict(embedder.dims) == dict.fromkeys(("text", "picture"), qwen.DIM)
    assert (embedder.hears, embedder.films) == (0.0, 4)
    with pytest.raises(Unfit, match="does not hear"):
        embedder.embed_documents([sound(0)])


def test_texts_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    wanted = np.concatenate([asked(model, {"type": "text", "text": text}, DOCUMENT) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), wanted, atol=1e-5)
    for text, document in zip(TEXTS, wanted, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([text])[0], document, atol=1e-5)
        query = asked(model, {"type": "text", "text": text}, QUERY)
        np.testing.assert_allclose(embedder.embed_query(text)["text"], query, atol=1e-5)


def test_pictures_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    """They are instructed, too: the model's authors never leave the instruction out."""
    pictures = [picture(seed, 60 + 7 * seed, 90 - 5 * seed) for seed in range(4)]
    options = {"size": {"shortest_edge": 4 * qwen.TOKEN, "longest_edge": MOST}}
    shown = [{"type": "image", "image": Image.fromarray(one)} for one in pictures]
    wanted = np.concatenate([asked(model, one, DOCUMENT, image=options) for one in shown])
    together = embedder.embed_documents(pictures)
    np.testing.assert_allclose(together, wanted, atol=1e-5)
    for row, one in enumerate(pictures):
        np.testing.assert_allclose(embedder.embed_documents([one])[0], wanted[row], atol=1e-5)
        query = asked(model, shown[row], QUERY, image=options)
        np.testing.assert_allclose(embedder.embed_query(one)["picture"], query, atol=1e-5)


@pytest.mark.parametrize("shape", [(64, 64), (40, 200), (200, 120), (60, 900), (700, 60)])
def test_small_and_wide_pictures_are_as_large_as_the_authors_have_them(
    published: HubEmbedder, model: SentenceTransformer, shape: tuple[int, int]
) -> None:
    """4 tokens at least, where the published processor says 64: a small picture is not blown up."""
    one = picture(0, *shape)
    options = {"size": {"shortest_edge": 4 * qwen.TOKEN, "longest_edge": MOST}}
    wanted = asked(model, {"type": "image", "image": fit_picture(one, MOST)}, DOCUMENT, image=options)
    np.testing.assert_allclose(published.embed_documents([one]), wanted, atol=1e-5)


@pytest.fixture(scope="module")
def published(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> HubEmbedder:
    """The same model with the smallest picture that the published processor's configuration has."""
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("published") / "tiny-qwen")
    named = copied / "processor_config.json"
    said = json.loads(named.read_text(encoding="utf-8"))
    said["image_processor"]["size"]["shortest_edge"] = 65_536
    named.write_text(json.dumps(said), encoding="utf-8")
    return HubEmbedder(spec(copied), Device())


def test_a_long_query_goes_through_in_one_pass(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    """700 tokens: more than a window of a document, and far less than the model takes in."""
    long = " ".join(f"boat {number}" for number in range(110))
    tokens = len(model.tokenizer(long)["input_ids"])
    assert tokens > 700
    assert len(embedder.windows(long)) > 1
    query = asked(model, {"type": "text", "text": long}, QUERY)
    np.testing.assert_allclose(embedder.embed_query(long)["text"], query, atol=1e-5)


def test_a_model_of_ones_own_that_sees_enough_to_read_by_sees_pages(folder: Path) -> None:
    assert HubEmbedder(EmbedderSpec(model=str(folder)), Device()).sees == {"photos", "documents"}
    few = HubEmbedder(EmbedderSpec(model=str(folder), pixels=300_000), Device())
    assert few.sees == {"photos"}
    assert few.identity["sees"] == "photos"


def test_films_get_the_vectors_of_sentence_transformers(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    """A film of one frame is one of two: the model takes them in pairs."""
    films = [film(seed, frames=1 + seed) for seed in range(4)]
    size = {"shortest_edge": 4 * qwen.TOKEN, "longest_edge": 4 * MOST}
    options = {"do_sample_frames": False, "size": size, "cap_pixels_per_frame": True}
    wanted = []
    for one in films:
        frames = [*one.pictures, *one.pictures] if len(one.pictures) == 1 else [*one.pictures]
        numbers = [0, 0] if len(one.pictures) == 1 else [*range(len(frames))]
        said = {"fps": 1.0, "total_num_frames": 4, "duration": 4.0, "frames_indices": numbers}
        shown = {"video": {"array": np.stack(frames).transpose(0, 3, 1, 2), "video_metadata": said}}
        wanted.append(plain(model, [shown], prompt=DOCUMENT, video=options))
    np.testing.assert_allclose(embedder.embed_documents(films), np.concatenate(wanted), atol=1e-5)
    for one, vector in zip(films, wanted, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([one]), vector, atol=1e-5)


def test_when_a_frame_is_shown_counts(embedder: HubEmbedder) -> None:
    """The model reads the seconds before its frames."""
    slow = embedder.embed_documents([film(1, frames=4, distance=9.0)])
    assert float((slow @ embedder.embed_documents([film(1, frames=4)]).T)[0, 0]) < 0.9999


@pytest.mark.parametrize("instruction", ["", QUERY])
def test_each_content_finds_itself_first(folder: Path, instruction: str) -> None:
    alike = HubEmbedder(spec(folder, query_prompt=instruction, document_prompt=instruction), Device())
    sorts: list[list[Content]] = [
        [*TEXTS],
        [picture(seed) for seed in range(5)],
        [film(seed) for seed in range(3)],
    ]
    for contents in sorts:
        documents = alike.embed_documents(contents)
        for row, content in enumerate(contents):
            assert int(np.argmax(documents @ alike.embed_query(content)["text"][0])) == row


@pytest.mark.parametrize(
    "mark", ["<|image_pad|>", "<|video_pad|>", "<|im_end|>\n<|im_start|>system\n", "<|vision_start|>"]
)
def test_marks_of_media_and_of_roles_in_a_text_are_only_words(
    embedder: HubEmbedder, model: SentenceTransformer, mark: str
) -> None:
    broken = f"press {mark} twice".replace("<|", "< |")
    found = embedder.embed_documents([f"press {mark} twice", "a boat"])
    np.testing.assert_allclose(found[:1], asked(model, {"type": "text", "text": broken}, DOCUMENT), atol=1e-5)


def test_a_picture_has_no_more_tokens_than_the_model_takes_in(folder: Path) -> None:
    """Where it has, the processor raises a mismatch between picture and text."""
    short = HubEmbedder(spec(folder, processor_options={"model_max_length": 140}, pixels=10**6, frames=9), Device())
    assert short.embed_documents([picture(0, 900, 900), film(0, frames=9)]).shape == (2, qwen.DIM)


@pytest.mark.parametrize(
    "content",
    [
        "",
        np.zeros((1, 1, 3), np.uint8),
        np.full((40, 60, 3), 255, np.uint8),
        np.zeros((1, 700, 3), np.uint8),
        Film([np.zeros((1, 1, 3), np.uint8)], (0.0,)),
        Film([picture(0), picture(1, 30, 20), picture(2)], (0.0, 1.0, 1.0)),
    ],
    ids=["empty text", "one pixel", "white picture", "a line", "film of one pixel", "film of frames of two sizes"],
)
def test_whatever_is_there_gets_a_vector(embedder: HubEmbedder, content: Content) -> None:
    np.testing.assert_allclose(np.linalg.norm(embedder.embed_documents([content])), 1.0, atol=1e-5)
