"""What a model's folder must hold to be loaded, and what is said where it does not."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_mmretrieval.config.profiles import EMBEDDERS, EmbedderSpec, ModelSpec, RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.snapshots import located

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def weights(numbers: int = 10) -> bytes:
    description = json.dumps({"a": {"dtype": "U8", "shape": [numbers], "data_offsets": [0, numbers]}}).encode()
    return struct.pack("<Q", len(description)) + description + bytes(numbers)


def made(folder: Path, **others: str | bytes) -> Path:
    """A model's folder with its least files, and others."""
    files: dict[str, str | bytes] = {"config.json": '{"model_type": "bert"}', "model.safetensors": weights()}
    for name, content in {**files, **others}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def sharded(folder: Path, *names: str) -> Path:
    made(folder, **{name: weights() for name in names})
    index = {"weight_map": {str(number): f"model-{number}-of-3.safetensors" for number in (1, 2, 3)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hub's cache, without the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize("kind", [ModelSpec, EmbedderSpec, RerankerSpec])
def test_models_of_every_kind_are_found_in_their_folder(tmp_path: Path, kind: Callable[..., ModelSpec]) -> None:
    folder, content = located(kind(model=str(made(tmp_path / "model"))))
    assert folder == tmp_path / "model"
    assert len(content) == 64


def test_the_content_of_a_folder_follows_its_files_and_not_where_they_lie(tmp_path: Path) -> None:
    _, one = located(ModelSpec(model=str(made(tmp_path / "one"))))
    _, same = located(ModelSpec(model=str(made(tmp_path / "two"))))
    _, other = located(ModelSpec(model=str(made(tmp_path / "three", **{"model.safetensors": weights(11)}))))
    assert one == same != other


def test_code_counts_where_it_may_run(tmp_path: Path) -> None:
    folder = str(made(tmp_path / "model", **{"modeling.py": "one"}))
    before = located(ModelSpec(model=folder, own_code=True))[1], located(ModelSpec(model=folder))[1]
    (tmp_path / "model" / "modeling.py").write_text("two")
    after = located(ModelSpec(model=folder, own_code=True))[1], located(ModelSpec(model=folder))[1]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_all_shards_make_a_whole(tmp_path: Path) -> None:
    names = [f"model-{number}-of-3.safetensors" for number in (1, 2, 3)]
    assert located(ModelSpec(model=str(sharded(tmp_path / "model", *names))))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder, "no such folder"),
        (lambda folder: made(folder).joinpath("model.safetensors").unlink(), "holds no model"),
        (lambda folder: sharded(folder, "model-2-of-3.safetensors"), "2 of its 3 parts are missing, model-1-of-3"),
        (lambda folder: made(folder, **{"model.safetensors": weights()[:-3]}), "has 77 bytes and should have 80"),
        (lambda folder: made(folder, **{"model.safetensors": weights() + b"x"}), "has 81 bytes and should have 80"),
        (lambda folder: made(folder, **{"model.safetensors": b""}), "model.safetensors is damaged"),
        (lambda folder: made(folder, **{"model.safetensors": b"\xff" * 100}), "model.safetensors is damaged"),
        (lambda folder: made(folder, **{"model.safetensors": struct.pack("<Q", 4) + b"[[[["}), "is damaged"),
        (lambda folder: made(folder, **{"model.safetensors": "version https://git-lfs.github.com/"}), "git lfs pull"),
        (lambda folder: made(folder, **{"config.json": '{"model'}), "config.json is damaged"),
        (lambda folder: made(folder, **{"1_Dense/config.json": "\0"}), "1_Dense/config.json is damaged"),
        (lambda folder: made(folder).joinpath("tokenizer.json").symlink_to("../gone"), "tokenizer.json is missing"),
    ],
)
def test_a_folder_that_is_incomplete_or_damaged_is_refused(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "model")
    with pytest.raises(ModelUnavailable, match=said):
        located(ModelSpec(model=str(tmp_path / "model")))


def test_pickled_weights_are_refused_even_beside_whole_ones_of_another_part(tmp_path: Path) -> None:
    folder = made(tmp_path / "model", **{"1_Dense/pytorch_model.bin": "", "modules.json": '[{"path": "1_Dense"}]'})
    with pytest.raises(ModelUnavailable, match=r"pickled, which can run code"):
        located(ModelSpec(model=str(folder)))


def test_code_of_another_repository_is_never_trusted(tmp_path: Path) -> None:
    mapped = json.dumps({"auto_map": {"AutoModel": "stranger/code--modeling.Model"}})
    folder = str(made(tmp_path / "model", **{"config.json": mapped}))
    assert located(ModelSpec(model=folder))  # without its code it may still load
    with pytest.raises(ModelUnavailable, match=r"would run code of stranger/code"):
        located(ModelSpec(model=folder, own_code=True))


def test_a_commit_that_another_program_fetched_is_used(cache: Path) -> None:
    folder = made(cache / "models--owner--name" / "snapshots" / COMMIT)
    assert located(ModelSpec(model="owner/name", revision=COMMIT)) == (folder, COMMIT)


def test_a_commit_that_another_program_fetched_in_part_is_missed_with_the_command(cache: Path) -> None:
    sharded(cache / "models--owner--name" / "snapshots" / COMMIT, "model-2-of-3.safetensors")
    with pytest.raises(ModelUnavailable, match=rf"2 of its 3 parts.*mcp-mmretrieval download owner/name@{COMMIT}"):
        located(ModelSpec(model="owner/name", revision=COMMIT))


def test_a_commit_of_which_only_descriptions_are_there_is_no_model(cache: Path) -> None:
    folder = made(cache / "models--owner--name" / "snapshots" / COMMIT)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"its weights are missing.*mcp-mmretrieval download owner/name"):
        located(ModelSpec(model="owner/name", revision=COMMIT))


def test_a_record_is_missed_by_its_short_name(cache: Path) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"embeddinggemma-2 is not on this machine.*mcp-mmretrieval download omni\."
    ):
        located(EMBEDDERS["omni"])


def test_a_hub_model_without_a_commit_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="no commit is named"):
        located(ModelSpec(model="owner/name"))
