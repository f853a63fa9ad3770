"""Pictures, sounds and films as a model takes them: brought to its size, its rate and its number of frames."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.types import Film, Picture, Sound
from tests.support import tiny
from tests.support.contents import film, picture, plain, sound
from tests.support.tiny import gemma


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemma.embedder(tmp_path_factory.mktemp("models") / "tiny-gemma")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> HubEmbedder:
    return HubEmbedder(gemma.record(folder), Device())


# -- pictures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.clip(tmp_path_factory.mktemp("models") / "tiny-clip")


def noise(seed: int, height: int = 48, width: int = 64) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((1, 1), (16, 16)),
        ((3, 64), (16, 64)),
        ((1, 640), (40, 640)),
        ((640, 20), (640, 40)),
        ((640, 40), (640, 40)),
        ((1_200, 1_600), (866, 1_154)),
    ],
)
def test_pictures_of_odd_shapes_are_brought_to_ones_that_a_model_takes(
    clip: Path, shape: tuple[int, int], seen: tuple[int, int]
) -> None:
    embedder = HubEmbedder(EmbedderSpec(model=str(clip)), Device())
    picture = Image.fromarray(noise(0, *shape)).resize(seen[::-1], Image.Resampling.LANCZOS)
    model = SentenceTransformer(str(clip), device="cpu", local_files_only=True)
    wanted = plain(model, [{"image": picture}])
    np.testing.assert_allclose(embedder.embed_documents([noise(0, *shape)]), wanted, atol=1e-5)


def test_a_larger_picture_than_the_record_allows_is_scaled_down_first(clip: Path) -> None:
    embedder = HubEmbedder(EmbedderSpec(model=str(clip)), Device())
    capped = HubEmbedder(EmbedderSpec(model=str(clip), pixels=40 * 30), Device())
    small = Image.fromarray(noise(3, 120, 160)).resize((40, 30), Image.Resampling.LANCZOS)
    wanted = embedder.embed_documents([np.asarray(small)])
    np.testing.assert_allclose(capped.embed_documents([noise(3, 120, 160)]), wanted, atol=1e-5)
    assert capped.identity != embedder.identity


def test_pictures_and_films_are_never_cut_off_by_the_length_of_texts(folder: Path) -> None:
    """Where a picture has more tokens than fit, the processor raises a mismatch between picture and text."""
    short = HubEmbedder(
        gemma.record(folder, processor_options={"model_max_length": 256}, pixels=280 * 48 * 48, frames=32), Device()
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
    whole = HubEmbedder(gemma.record(folder, hears=30.0), Device())
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
