"""Tensors are read from a file of torch's as torch reads them, and a pickle that would do anything else is refused."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mcp_mmretrieval.models.builtin.torch_file import read_tensors
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL


def saved(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    file = folder / "tensors.pth"
    torch.save(tensors, file, _use_new_zipfile_serialization=False)
    return file


def test_tensors_are_those_that_were_saved_views_of_one_storage_too(tmp_path: Path) -> None:
    base = torch.arange(24, dtype=torch.float32)
    tensors = {
        "whole": base,
        "turned": base.reshape(4, 6).T,
        "middle": base[5:9],
        "one": torch.tensor(7),
        "none": torch.zeros(0, 3),
    }
    found = read_tensors(saved(tensors, tmp_path))
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor.numpy(), strict=True)


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("attacked",)


def test_a_pickle_that_runs_code_is_refused_and_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tensors.pth").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(pickle.UnpicklingError, match=r"mkdir has no place in a file of tensors"):
        read_tensors(Path("tensors.pth"))
    assert not Path("attacked").exists()


def test_numbers_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.HalfStorage has no place"):
        read_tensors(saved({"half": torch.ones(2, dtype=torch.float16)}, tmp_path))


def test_a_file_of_another_format_or_cut_short_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "zip.pth"
    torch.save({"ones": torch.ones(2)}, other)
    with pytest.raises(pickle.UnpicklingError):
        read_tensors(other)
    other.write_bytes(b"".join(pickle.dumps(value) for value in (1, 2, {"little_endian": True})))
    with pytest.raises(ValueError, match="not of the format"):
        read_tensors(other)
    whole = saved({"ones": torch.ones(200)}, tmp_path)
    whole.write_bytes(whole.read_bytes()[:-4])
    with pytest.raises(ValueError, match="size of buffer"):
        read_tensors(whole)


@pytest.mark.builtin
def test_the_classifiers_weights_are_those_that_torch_reads() -> None:
    (name,) = EFFICIENTNET_WHEEL.sums
    file = EFFICIENTNET_WHEEL.locate() / name
    expected, found = torch.load(file, weights_only=True), read_tensors(file)
    assert list(found) == list(expected)
    assert all(np.array_equal(found[key], tensor.numpy()) for key, tensor in expected.items())
