"""MiniLM's weights in CTranslate2's format: half a second, once on a machine. Run as a program, it converts them.

`ctranslate2.specs` imports torch wherever it is installed, which would cost the engine five seconds and the memory. The
child does without it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.models.builtin.conversion import Conversion, run_conversion
from mcp_mmretrieval.models.weights import MINILM_WHEEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from ctranslate2.specs import TransformerEncoderModelSpec  # type: ignore[import-untyped]
    from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

_WEIGHTS = "model.safetensors"
_ATTENTION = ("query", "key", "value")


def converted_minilm(cache: Path) -> Path:
    """The folder under `cache` that `ctranslate2.Encoder` loads, made unless it is there and whole.

    Raises ModelUnavailable when the weights are missing or damaged, or `cache` cannot be written.
    """
    return Conversion("MiniLM", _WEIGHTS, "ctranslate2", __spec__.name).converted(MINILM_WHEEL, cache)


# -- the child


def minilm_spec(source: Path) -> TransformerEncoderModelSpec:
    """The model of a folder with BERT's weights, as CTranslate2 specifies it, in float32.

    Without BERT's pooler, which a mean over the tokens does not use.
    """
    from ctranslate2 import specs  # type: ignore[import-untyped]
    from safetensors.numpy import load_file

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    weights = load_file(source / _WEIGHTS)
    encoder = specs.TransformerEncoderSpec(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        pre_norm=False,
        activation=specs.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,  # words, and which of two texts a token stands in
        embeddings_merge=specs.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    _set_norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        name = f"encoder.layer.{number}"
        attention = layer.self_attention
        _set_linear(attention.linear[0], weights, *(f"{name}.attention.self.{part}" for part in _ATTENTION))
        _set_linear(attention.linear[1], weights, f"{name}.attention.output.dense")
        _set_norm(attention.layer_norm, weights, f"{name}.attention.output.LayerNorm")
        _set_linear(layer.ffn.linear_0, weights, f"{name}.intermediate.dense")
        _set_linear(layer.ffn.linear_1, weights, f"{name}.output.dense")
        _set_norm(layer.ffn.layer_norm, weights, f"{name}.output.LayerNorm")
    spec = specs.TransformerEncoderModelSpec(encoder)
    spec.config.layer_norm_epsilon = config["layer_norm_eps"]
    spec.config.unk_token = "[UNK]"
    spec.register_vocabulary((source / "vocab.txt").read_text(encoding="utf-8").splitlines())
    return spec


def _set_norm(norm: LayerNormSpec, weights: Weights, name: str) -> None:
    norm.gamma, norm.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def _set_linear(linear: LinearSpec, weights: Weights, *names: str) -> None:
    """Several maps of one input as one, their outputs one after the other."""
    import numpy as np

    linear.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
    linear.bias = np.concatenate([weights[f"{name}.bias"] for name in names])


def main(source: Path, target: Path) -> None:
    """Convert `source` into the empty folder `target`."""
    spec = minilm_spec(source)
    spec.validate()
    spec.save(str(target))


if __name__ == "__main__":
    run_conversion(main)
