"""Models that sentence-transformers loads: a tiny one of CLIP's architecture, from a folder, without any network."""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, Unfit
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.headed_text import space_identity
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.store.spaces import canonical_identity
from mcp_mmretrieval.types import Film, Picture, Sound, Vectors
from tests.support import tiny
from tests.support.contents import assert_alike
from tests.support.models import ModelsByHand

PATIENCE = 60.0
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["a red boat", "the green hill behind the blue lake", "pump failures by month, 2025", "lake", "x" * 30]


def noise(seed: int, height: int = 48, width: int = 64) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def settings(folder: Path, profile: object, **given: object) -> Settings:
    """Of a library that reads neither pictures nor speech: those models are not what is shown here."""
    return Settings.read(
        library=folder / "library", profile=str(profile), ocr="off", speech="off", workers=1, threads=1, **given
    )


def wanted(library: Library) -> Embedder:
    """The embedder of the wanted profile."""
    models = library._shared.models
    return models.embedders.made(models.maker, PATIENCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.clip(tmp_path_factory.mktemp("models") / "tiny-clip")


@pytest.fixture(scope="module")
def models(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelPool:
    return ModelPool(settings(tmp_path_factory.mktemp("library"), folder))


@pytest.fixture(scope="module")
def embedder(models: ModelPool) -> Embedder:
    return models.embedders.made(models.maker, PATIENCE)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Callable[[list[object]], Vectors]:
    """What sentence-transformers makes of the same, one at a time."""
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def encode(inputs: list[object]) -> Vectors:
        return np.stack([model.encode([given], normalize_embeddings=True)[0] for given in inputs])

    return encode


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_texts_get_the_vectors_of_sentence_transformers_alone_and_in_a_batch(
    embedder: Embedder, plain: Callable[[list[object]], Vectors]
) -> None:
    wanted = plain([{"text": text} for text in TEXTS])
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), wanted, atol=1e-5)
    for text, vector in zip(TEXTS, wanted, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([text])[0], vector, atol=1e-5)


def test_pictures_get_the_vectors_of_sentence_transformers_alone_and_in_a_batch(
    embedder: Embedder, plain: Callable[[list[object]], Vectors]
) -> None:
    pictures = [noise(seed, 40 + seed, 90 - seed) for seed in range(7)]
    wanted = plain([{"image": Image.fromarray(picture)} for picture in pictures])
    np.testing.assert_allclose(embedder.embed_documents(pictures), wanted, atol=1e-5)
    for picture, vector in zip(pictures, wanted, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([picture])[0], vector, atol=1e-5)


def test_texts_and_pictures_share_one_space_of_unit_vectors(embedder: Embedder) -> None:
    assert dict(embedder.dims) == {"text": tiny.DIM, "picture": tiny.DIM}
    for query in ("a red boat", noise(1)):
        found = embedder.embed_query(query)
        assert set(found) == {"text", "picture"}
        for vector in found.values():
            assert vector.shape == (1, tiny.DIM)
            assert vector.dtype == np.float32
            assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_array_equal(found["text"], found["picture"])


def test_each_text_and_each_picture_finds_itself_first(
    embedder: Embedder, plain: Callable[[list[object]], Vectors]
) -> None:
    assert_alike(embedder, TEXTS, plain([{"text": text} for text in TEXTS]))
    pictures = [noise(seed) for seed in range(5)]
    assert_alike(embedder, pictures, plain([{"image": Image.fromarray(picture)} for picture in pictures]))


def test_nothing_makes_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, tiny.DIM)


def test_a_film_is_the_mean_of_its_frames(embedder: Embedder) -> None:
    frames = [noise(seed) for seed in range(3)]
    film = embedder.embed_documents([Film(frames, (0.0, 1.0, 2.0)), frames[0]])
    mean = embedder.embed_documents(frames).mean(axis=0)
    np.testing.assert_allclose(film[0], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(film[1], embedder.embed_documents(frames[:1])[0], atol=1e-5)


def test_what_it_cannot_embed_is_refused(embedder: Embedder) -> None:
    for content in (Sound(np.zeros(16_000, np.float32), 16_000), Film((), ())):
        with pytest.raises(Unfit, match="transcript") as refused:
            embedder.embed_documents([content])
        assert refused.value.rows == (0,)
        with pytest.raises(BadArgument, match="transcript"):
            embedder.embed_query(content)
    with pytest.raises(BadArgument, match="separate calls"):
        embedder.embed_documents(["a boat", noise(0)])


# -- texts ------------------------------------------------------------------------------------------------------------


def test_a_path_is_just_text(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: Callable[[list[object]], Vectors]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.png").write_bytes(b"opening this as a picture fails")
    assert embedder.embed_query("x.png")["text"].shape == (1, tiny.DIM)
    np.testing.assert_allclose(embedder.embed_documents(["x.png"]), plain([{"text": "x.png"}]), atol=1e-5)


def test_a_url_is_just_text_and_nothing_is_fetched(embedder: Embedder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        np.testing.assert_allclose(embedder.embed_documents([url]), embedder.embed_documents([f"{url} \n"]), atol=1e-5)
        embedder.embed_query(url)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "text",
    ["", "\ud800", "\x00", "🙂" * 40, "語" * 500, "x" * 5_000, "a red boat " * 900],
    ids=["empty", "surrogate", "zero", "emoji", "no spaces", "one word", "many words"],
)
def test_any_text_gets_a_vector(embedder: Embedder, text: str) -> None:
    assert embedder.embed_documents([text, "a boat"]).shape == (2, tiny.DIM)


def test_a_blank_query_is_refused(embedder: Embedder) -> None:
    for query in ("", " \n"):
        assert embedder.windows(query) == []
        with pytest.raises(BadArgument, match="no words"):
            embedder.embed_query(query)


# -- records ----------------------------------------------------------------------------------------------------------


def test_vectors_are_cut_where_the_record_says_so(folder: Path) -> None:
    short = HubEmbedder(EmbedderSpec(model=str(folder), dims=8), Device())
    assert dict(short.dims) == {"text": 8, "picture": 8}
    assert float(np.linalg.norm(short.embed_documents(["lake"]))) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ModelUnavailable, match="do not fit the 99"):
        HubEmbedder(EmbedderSpec(model=str(folder), dims=99), Device())


def test_the_identity_follows_the_weights_and_not_where_they_lie(
    embedder: Embedder, folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, moved)
    assert HubEmbedder(EmbedderSpec(model=str(moved)), Device()).identity == embedder.identity
    other = tiny.clip(tmp_path / folder.name, seed=1)
    assert HubEmbedder(EmbedderSpec(model=str(other)), Device()).identity != embedder.identity


def test_a_model_without_pictures_embeds_texts_alone(tmp_path: Path) -> None:
    texts = HubEmbedder(EmbedderSpec(model=str(tiny.bert(tmp_path / "tiny-bert"))), Device())
    assert (dict(texts.dims), texts.sees) == ({"text": tiny.DIM}, frozenset())
    assert list(texts.embed_query("a red boat [SEP]")) == ["text"]
    with pytest.raises(BadArgument, match="does not look at pictures"):
        texts.embed_query(noise(0))


def test_the_layout_in_which_clip_is_published_loads_without_a_word_on_stdout(
    embedder: Embedder, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    published = HubEmbedder(EmbedderSpec(model=str(tiny.as_published(folder, tmp_path / "published"))), Device())
    np.testing.assert_allclose(published.embed_documents(TEXTS), embedder.embed_documents(TEXTS), atol=1e-5)
    np.testing.assert_allclose(published.embed_documents([noise(0)]), embedder.embed_documents([noise(0)]), atol=1e-5)
    assert capfd.readouterr().out == ""


# -- where models come from -------------------------------------------------------------------------------------------


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The Hub's cache, without the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    yield tmp_path / "hub"


def test_a_commit_of_the_hub_is_loaded_from_the_cache(offline: Path, folder: Path, embedder: Embedder) -> None:
    shutil.copytree(folder, offline / "models--owner--name" / "snapshots" / COMMIT)
    fetched = HubEmbedder(EmbedderSpec(model="owner/name", revision=COMMIT), Device())
    assert (fetched.identity["model"], fetched.identity["revision"]) == ("owner/name", COMMIT)
    np.testing.assert_allclose(fetched.embed_documents(TEXTS), embedder.embed_documents(TEXTS), atol=1e-5)


def test_a_commit_that_is_not_there_is_missed_with_the_command_that_fetches_it(offline: Path, tmp_path: Path) -> None:
    models = ModelPool(settings(tmp_path, f"owner/name@{COMMIT}"))
    with pytest.raises(ModelUnavailable, match=f"mcp-mmretrieval download owner/name@{COMMIT}"):
        models.embedders.made(models.maker, PATIENCE)


def nothing(_: Path, made: Path) -> None:
    made.mkdir()


def pickled(folder: Path, made: Path) -> None:
    shutil.copytree(folder, made)
    torch.save(load_file(made / "model.safetensors"), made / "pytorch_model.bin")
    (made / "model.safetensors").unlink()


def damaged(folder: Path, made: Path) -> None:
    shutil.copytree(folder, made)
    (made / "model.safetensors").write_bytes(b"no weights")


def foreign(folder: Path, made: Path) -> None:
    shutil.copytree(folder, made)
    (made / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]')
    (made / "evil.py").write_text("raise SystemExit('code of the model was run')")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder, made: None, "no such folder"),
        (nothing, "holds no model"),
        (pickled, "pickled.*safetensors"),
        (damaged, "does not load"),
        (foreign, "does not load.*third-party code"),
    ],
)
@pytest.mark.builtin
def test_a_folder_that_is_no_usable_model_is_refused_and_the_built_in_ones_go_on_answering(
    make: Callable[[Path, Path], None], said: str, folder: Path, tmp_path: Path
) -> None:
    make(folder, tmp_path / "model")
    files = tmp_path / "files"
    files.mkdir()
    (files / "notes.md").write_text("The red boat left.", encoding="utf-8")
    with Library.open(settings=settings(tmp_path, tmp_path / "model", roots=(files,))) as library:
        assert library.add().wait(PATIENCE).added == 1
        library.settle(PATIENCE)
        answer = library.search("boat")
        assert [hit.citation for hit in answer.hits] == ["notes.md#char=0,18"]
        assert answer.notes == ()
        assert "text" in answer.hits[0].lanes
        (problem,) = (text for text in library.status().problems if "does not serve" in text)
        assert re.search(said, problem)
        with pytest.raises(ModelUnavailable, match=said):
            wanted(library)


# -- the whole product ------------------------------------------------------------------------------------------------


def test_texts_and_pictures_are_found_in_one_list(folder: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    names = [f"{seed}.png" for seed in range(6)]
    for seed, name in enumerate(names):
        Image.fromarray(noise(seed)).save(files / name)
    (files / "notes.md").write_text("The red boat left the harbour.", encoding="utf-8")
    with Library.open(settings=settings(tmp_path, folder, roots=(files,))) as library:
        assert library.add().wait(PATIENCE).added == 7
        assert library.settle(PATIENCE)
        for name in names:
            assert library.search(like=name).hits[0].citation == name
        found = library.search("red boat", limit=10, lanes=("text", "picture")).hits
        assert {hit.citation for hit in found} == {"notes.md#char=0,30", *names}
        assert library.search("red boat").hits[0].citation == "notes.md#char=0,30"  # by its words, too
        parts = library.status().models
        assert parts["text vectors"] == parts["picture vectors"] == f"{folder}: ready"


def test_another_profile_embeds_again_and_nothing_of_the_old_space_stays(folder: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    Image.fromarray(noise(0)).save(files / "a.png")
    (files / "notes.md").write_text("The red boat left.", encoding="utf-8")
    by_hand = settings(tmp_path, "builtin", roots=(files,))
    with Library.open(settings=by_hand, models=ModelsByHand(by_hand)) as library:
        assert library.add().wait(PATIENCE).added == 2
        assert library.settle(PATIENCE)
        before = library.search("red boat", lanes=("text",)).hits[0].id
    other = tiny.clip(tmp_path / "other", seed=1)
    for profile in (folder, other, folder):
        with Library.open(settings=settings(tmp_path, profile, roots=(files,))) as library:
            wanted(library)
            library.search("red")  # vectors of the old space are shorter, or of another model: none is compared
            assert library.settle(PATIENCE)
            (space,) = library._catalog.spaces()
            assert space.identity == canonical_identity(space_identity(wanted(library)))
            assert library.search("The red boat left.", lanes=("text",)).hits[0].id == before
            assert library.search(like="a.png").hits[0].citation == "a.png"
