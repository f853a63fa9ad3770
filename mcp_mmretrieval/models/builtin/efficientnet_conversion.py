"""EfficientNet-lite1 in ONNX, made of its weights once on a machine, in a second. Run as a program, it makes it.

The network is that of github.com/ml-illustrated/efficientnet-lite-pytorch, for which the weights are: inverted
bottlenecks (Sandler et al. 2018) without squeeze and excitation, ReLU6, padded as TensorFlow pads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval.models.builtin.conversion import Conversion, run_conversion
from mcp_mmretrieval.models.builtin.torch_file import Tensors, read_tensors
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, TensorProto

EFFICIENTNET_SIDE = 240
"""Pixels that EfficientNet-lite1 was trained on."""
EFFICIENTNET_FILE = "efficientnet-lite1.onnx"
"""Takes pictures, shape (n, 3, 240, 240), pixels from -1 to 1; gives the classes' probabilities, shape (n, 1000)."""

_STAGES = ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1))
"""Blocks of each stage, and the stride of its first; all but the very first block widen."""
_EPSILON = 1e-3
"""Added to a variance before its root is taken."""
_OPSET, _IR = 13, 8
"""Versions of ONNX, old enough for every ONNX Runtime that may be installed."""


def converted_efficientnet(cache: Path) -> Path:
    """The folder under `cache` with `EFFICIENTNET_FILE`, made unless it is there and whole.

    Raises ModelUnavailable when the weights are missing or damaged, or `cache` cannot be written.
    """
    (weights,) = EFFICIENTNET_WHEEL.sums
    return Conversion("EfficientNet", weights, "onnx", __spec__.name).converted(EFFICIENTNET_WHEEL, cache)


# -- the child


class _Graph:
    """A chain of nodes, each of which takes what the one before it gives."""

    def __init__(self, weights: Tensors, given: str) -> None:
        """`given`: name of what the first node takes."""
        self._weights = weights
        self.last = given
        """Name of what the last node gives."""
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, *others: str, **attributes: Any) -> None:
        """A node that takes `others` too."""
        from onnx import helper

        given, self.last = self.last, f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [given, *others], [self.last], **attributes))

    def add_conv(self, layer: str, norm: str, *, stride: int = 1) -> None:
        """A convolution with the batch norm behind it in its own numbers; of one channel each where it is deep."""
        weights, bias = _folded(self._weights, layer, norm)
        _, depth, side, _ = weights.shape
        self.add(
            "Conv",
            self.constant(f"{layer}.weight", weights),
            self.constant(f"{layer}.bias", bias),
            auto_pad="SAME_UPPER",
            kernel_shape=[side, side],
            strides=[stride, stride],
            group=len(weights) if depth == 1 else 1,
        )

    def add_relu6(self) -> None:
        """Numbers below 0 become 0, and above 6, 6."""
        self.add("Clip", "zero", "six")

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Its name, once it is there."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name


def efficientnet_model(weights: Tensors) -> ModelProto:
    """The network with these weights."""
    import numpy as np
    from onnx import TensorProto, helper

    graph = _Graph(weights, "pictures")
    graph.constant("zero", np.array(0, np.float32))
    graph.constant("six", np.array(6, np.float32))
    graph.add_conv("_conv_stem", "_bn0", stride=2)
    graph.add_relu6()
    number = 0
    for blocks, stride in _STAGES:
        for repeat in range(blocks):
            _add_block(graph, f"_blocks.{number}", stride=1 if repeat else stride, widens=number > 0, skips=repeat > 0)
            number += 1
    graph.add_conv("_conv_head", "_bn1")
    graph.add_relu6()
    graph.add("GlobalAveragePool")
    graph.add("Flatten")
    last = [graph.constant(name, np.ascontiguousarray(weights[name])) for name in ("_fc.weight", "_fc.bias")]
    graph.add("Gemm", *last, transB=1)
    graph.add("Softmax", axis=1)
    side, classes = EFFICIENTNET_SIDE, len(weights["_fc.bias"])
    given = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, side, side])
    shown = helper.make_tensor_value_info(graph.last, TensorProto.FLOAT, ["n", classes])
    made = helper.make_graph(graph.nodes, "EfficientNet-lite1", [given], [shown], graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def _add_block(graph: _Graph, name: str, *, stride: int, widens: bool, skips: bool) -> None:
    """An inverted bottleneck; `skips`: what it takes is added to what it gives."""
    given = graph.last
    if widens:
        graph.add_conv(f"{name}._expand_conv", f"{name}._bn0")
        graph.add_relu6()
    graph.add_conv(f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
    graph.add_relu6()
    graph.add_conv(f"{name}._project_conv", f"{name}._bn2")
    if skips:
        graph.add("Add", given)


def _folded(weights: Tensors, layer: str, norm: str) -> Sequence[NDArray[np.float32]]:
    """The weights of a convolution, and the biases, that do what it does with the batch norm behind it."""
    import numpy as np

    kernel = weights[f"{layer}.weight"].astype(np.float64)
    gain, bias, mean, variance = (
        weights[f"{norm}.{name}"].astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + _EPSILON)
    return (kernel * scale[:, None, None, None]).astype(np.float32), (bias - mean * scale).astype(np.float32)


def main(source: Path, target: Path) -> None:
    """Convert the weights in `source` into the empty folder `target`."""
    import onnx

    (weights,) = EFFICIENTNET_WHEEL.sums
    model = efficientnet_model(read_tensors(source / weights))
    onnx.checker.check_model(model)
    onnx.save(model, target / EFFICIENTNET_FILE)


if __name__ == "__main__":
    run_conversion(main)
