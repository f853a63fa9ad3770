"""A design: a network's class and configuration, its processor, and what sentence-transformers puts behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.base.modules import Module, Transformer
from transformers.utils import logging as transformers_logging

_SHARD = "5GB"


@dataclass(frozen=True, kw_only=True)
class Design:
    """All that a folder of the published layout is made of."""

    network: Any
    """A class of transformers' models, made of `config`."""
    config: Any
    processor: Any
    """Processor, or tokenizer of a model of texts alone; saves itself."""
    task: str = "feature-extraction"
    """What sentence-transformers loads it for."""
    output: str = "last_hidden_state"
    """What the network gives that is used, and under which name it is handed on."""
    handed_on_as: str = "token_embeddings"
    modalities: Mapping[str, str] = field(default_factory=lambda: {"text": "forward"})
    """What it takes in, and by which method."""
    then: Sequence[Module] = ()
    """Modules behind the network."""
    kind: str = "SentenceTransformer"
    options: Mapping[str, object] = field(default_factory=dict)
    """More of what stands in config_sentence_transformers.json."""


def design_parameter_count(design: Design) -> int:
    """How many it has, those of the modules behind it included; made on no device."""
    with torch.device("meta"):
        network = design.network(design.config)
    behind = sum(weight.numel() for module in design.then for weight in module.parameters())
    return int(behind + sum(weight.numel() for weight in network.parameters()))


def save_design(design: Design, folder: Path, device: str) -> None:
    """Draw the weights as the architecture begins its training with, and write all files."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder.mkdir(parents=True)
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.device(device):
            network = design.network(design.config)
    finally:
        torch.set_default_dtype(before)
    network.save_pretrained(folder, max_shard_size=_SHARD)
    del network
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    design.processor.save_pretrained(folder)
    _write_layout(design, folder)


def _write_layout(design: Design, folder: Path) -> None:
    """The files by which sentence-transformers knows how to load it."""
    modules = [{"idx": 0, "name": "0", "path": "", "type": _named(Transformer)}]
    for index, module in enumerate(design.then, 1):
        path = f"{index}_{type(module).__name__}"
        (folder / path).mkdir()
        module.save(str(folder / path))
        modules.append({"idx": index, "name": str(index), "path": path, "type": _named(type(module))})
    method = {"method_output_name": design.output}
    takes = {
        name: {"method": by, **method, **({"format": "structured"} if name == "message" else {})}
        for name, by in design.modalities.items()
    }
    said = {"transformer_task": design.task, "modality_config": takes, "module_output_name": design.handed_on_as}
    written = {
        "modules.json": modules,
        "sentence_bert_config.json": said,
        "config_sentence_transformers.json": {"model_type": design.kind, "prompts": {}, **design.options},
    }
    for name, content in written.items():
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")


def _named(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"
