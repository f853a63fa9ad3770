"""Rerankers whose score is how much rather they would say `yes` than `no`: their head found, and made exact.

As published, they end in a logit a word, in bfloat16: differences of those come in steps of 1/16, so the best
candidates tie, and change with the batch. The difference of the two rows of weights, in float32, gives the same score
without the steps, as the authors' own code does it. It also lets go of the rows of all other words: 1.2 GB of
Qwen3-VL-Reranker-8B.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore

from mcp_mmretrieval.config.profiles import RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import reranker_input

_HEAD_FACTS = ("true_token_id", "false_token_id", "module_input_name")
_RESHAPED = ("final_logit_softcapping", "logits_soft_cap", "logits_scaling", "logit_scale")
"""Settings of models that change their logits once more: there the difference of the rows is not that of the logits."""


def names_its_head(folder: Path) -> bool:
    """Whether `modules.json` leads to the head that it names: that of Qwen3-VL-Reranker-8B names a wrong folder."""
    return all(
        "true_token_id" in reranker_input.read_model_json(folder / str(module.get("path")), "config.json")
        for module in _modules(folder)
        if str(module.get("type", "")).endswith("LogitScore")
    )


def load_with_own_head(folder: Path, spec: RerankerSpec, device: Device, options: dict[str, Any]) -> CrossEncoder:
    """A model that speaks, with the head that lies elsewhere in its folder, or else the words `yes` and `no`.

    All else is as its files say: the template, what stands around a pair, the instruction. Raises ModelUnavailable.
    """
    speaker = Transformer.load(
        str(folder),
        local_files_only=True,
        trust_remote_code=spec.own_code,
        model_kwargs=options,
        processor_kwargs=dict(spec.processor_options),
        init_defaults={"transformer_task": "any-to-any"},
    )
    said = reranker_input.read_model_json(folder, "config_sentence_transformers.json")
    made: CrossEncoder = CrossEncoder(
        modules=[speaker, LogitScore(**_head(folder, speaker, spec))],
        device=device.name,
        prompts=dict(said.get("prompts") or {}),
        default_prompt_name=said.get("default_prompt_name"),
    )
    return made


def score_in_float32(model: CrossEncoder) -> None:
    """Replace a model's rows of logits by the one that its score is, where it has such a head."""
    head: Any = model[-1]
    speaker: Any = model.transformers_model
    if not isinstance(head, LogitScore) or speaker is None:
        return
    rows = speaker.get_output_embeddings()
    config = speaker.config.get_text_config()
    if not isinstance(rows, torch.nn.Linear) or any(getattr(config, name, None) for name in _RESHAPED):
        return
    speaker.set_output_embeddings(_ScoreRow(rows, head.true_token_id, head.false_token_id))
    model[-1] = LogitScore(true_token_id=0, module_input_name=head.module_input_name)


class _ScoreRow(torch.nn.Module):
    """One number a token in place of a logit a word."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, rows: torch.nn.Linear, yes: int, no: int | None) -> None:
        super().__init__()
        self.register_buffer("weight", _difference(rows.weight, yes, no), persistent=False)
        self.register_buffer("bias", None if rows.bias is None else _difference(rows.bias, yes, no), persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Shape (..., 1), in float32, from (..., width) in any precision."""
        return torch.nn.functional.linear(hidden.float(), self.weight[None], self.bias)


def _difference(values: torch.Tensor, yes: int, no: int | None) -> torch.Tensor:
    wanted = values[yes].detach().float()
    return wanted if no is None else wanted - values[no].detach().float()


def _head(folder: Path, speaker: Transformer, spec: RerankerSpec) -> Mapping[str, Any]:
    for config in sorted(folder.glob("*/config.json")):
        said = reranker_input.read_model_json(config.parent, config.name)
        if "true_token_id" in said:
            return {name: said[name] for name in _HEAD_FACTS if name in said}
    vocabulary: dict[str, int] = speaker.tokenizer.get_vocab() if speaker.tokenizer else {}
    if not {"yes", "no"} <= set(vocabulary):
        raise ModelUnavailable(f"{spec.model}: has neither a head nor the words `yes` and `no` to judge by.")
    return {"true_token_id": vocabulary["yes"], "false_token_id": vocabulary["no"]}


def _modules(folder: Path) -> list[dict[str, Any]]:
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return [module for module in modules if isinstance(module, dict)]
    except (OSError, ValueError, TypeError):
        return []
