"""A model process that notes each forward pass, for `pipeline.py` and `gpu.py`.

`host.json` in the library's folder says what else it does: `{"card_ms": 40}` puts a stand-in for a card in the place of
the network, which takes 40 ms for each picture and nothing of the processor; `prepare_ms` above 0 does the same to the
model's own processor, for as many cores as there are threads. Notes stand in `forwards.jsonl` there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.process import host

ASKED, NOTES = "host.json", "forwards.jsonl"
DIM = 64
"""Numbers of the vectors that the stand-in makes."""


def stand_in(card_ms: float, prepare_ms: float) -> None:
    """From now on no SentenceTransformer computes anything; with `prepare_ms`, none prepares a picture either."""
    import torch
    from sentence_transformers import SentenceTransformer

    def forward(self: Any, features: Any, **options: Any) -> Any:
        rows = len(features["input_ids"])
        if "pixel_values" in features:
            time.sleep(rows * card_ms / 1_000)
        return {"sentence_embedding": torch.nn.functional.normalize(torch.randn(rows, DIM))}

    before = SentenceTransformer.preprocess

    def preprocess(self: Any, inputs: Any, prompt: str | None = None, **options: Any) -> Any:
        if not prepare_ms or "image" not in inputs[0]:
            return before(self, inputs, prompt, **options)
        time.sleep(len(inputs) * prepare_ms / 1_000)
        return {"input_ids": torch.zeros(len(inputs), 1), "pixel_values": torch.zeros(1)}

    SentenceTransformer.preprocess = preprocess  # type: ignore[method-assign]
    SentenceTransformer.forward = forward  # type: ignore[method-assign, assignment]


def note(file: Path) -> None:
    """From now on each forward pass is noted: when, of how many contents, and the card's memory at the worst.

    Of the first batch of each sort the operations are counted, which is not part of its time.
    """
    import torch

    from mcp_mmretrieval.bench import flops
    from mcp_mmretrieval.models.hub.encoder import Encoder

    forward, counted = Encoder.forward, set[bool]()

    def noted(self: Encoder, features: Any, role: Any) -> Any:
        ids = features.get("input_ids")
        said = (
            {"rows": len(ids), "tokens": ids.numel(), "pictures": "pixel_values" in features} if ids is not None else {}
        )
        if (seen := "pixel_values" in features) not in counted and said.get("tokens", 0) > DIM:
            counted.add(seen)
            said["flop"] = flops.count_flops(lambda: forward(self, features, role))
        began = time.perf_counter()
        found = forward(self, features, role)
        card = torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0
        told = {"began": began, "ended": time.perf_counter(), "gpu_mb": card, **said}
        with file.open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(told) + "\n")
        return found

    Encoder.forward = noted  # type: ignore[method-assign]


def make_loader(settings: Settings) -> InProcessLoader:
    """As the product's, once the network is noted or stood in for."""
    asked = settings.library / ASKED
    said = json.loads(asked.read_text(encoding="utf-8")) if asked.exists() else {}
    loader = InProcessLoader(settings)
    if "card_ms" in said:
        stand_in(said["card_ms"], said["prepare_ms"])
    else:
        note(settings.library / NOTES)
    return loader


if __name__ == "__main__":
    host.main(make_loader)
