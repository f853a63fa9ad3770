"""The facts of a record and of its authors beside what the files of the model say.

A fact that the files do not tell is told as such: it is neither right nor wrong. Reads descriptions and the headers of
weights, and loads nothing.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_mmretrieval.bench.proof.published import PublishedFacts
from mcp_mmretrieval.config.profiles import DTYPE_BYTES, EmbedderSpec, ModelSpec, RerankerSpec
from mcp_mmretrieval.models.weights import Wheel, file_sha256, locate_package_folder

_DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_SOFT_TOKEN_PIXELS = 48 * 48
"""Of a token of Gemma's pictures."""
_SAID_SENTENCES = "config_sentence_transformers.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact of a model."""

    model: str
    what: str
    expected: str
    found: str
    """As the files say; empty where they do not."""
    file: str
    right: bool

    @property
    def differs(self) -> bool:
        """Whether the files say otherwise."""
        return bool(self.found) and not self.right


def text_fact(model: str, what: str, expected: object, found: object, file: str, *, right: bool | None = None) -> Fact:
    """A fact whose two sides are to be equal, unless `right` says what else."""
    told = "" if found is None else str(found)
    return Fact(
        model=model,
        what=what,
        expected=str(expected),
        found=told,
        file=file,
        right=str(expected) == told if right is None else right,
    )


def model_facts(name: str, spec: ModelSpec, published: PublishedFacts, folder: Path) -> Iterator[Fact]:
    """Every fact of a record, and of its authors, that files may tell. `name`: what the model is called in them."""
    yield from _composition(name, published, folder)
    yield from _weights(name, spec, published, folder)
    if spec.licence:
        found = _licence(folder)
        right = found is not None and found.lower() in spec.licence.lower()
        yield text_fact(name, "licence", spec.licence, found, "README.md", right=right)
    if isinstance(spec, EmbedderSpec):
        yield from _embedder(name, spec, folder)
    if isinstance(spec, RerankerSpec):
        yield from _reranker(name, spec, published, folder)


def wheel_facts(wheel: Wheel) -> Iterator[Fact]:
    """The sums of a wheel's files. Raises ModelUnavailable where it is not installed, OSError for a missing file."""
    folder = locate_package_folder(wheel.distribution, wheel.folder, install=wheel.install)
    for file, expected in wheel.sums.items():
        yield text_fact(wheel.distribution, "SHA-256", expected, file_sha256(folder / file), file)


def _composition(name: str, published: PublishedFacts, folder: Path) -> Iterator[Fact]:
    if published.modules:
        listed = _json(folder / "modules.json")
        found = [str(module["type"]).rpartition(".")[2] for module in listed] if isinstance(listed, list) else None
        yield text_fact(name, "modules", " + ".join(published.modules), found and " + ".join(found), "modules.json")
    if published.pooling:
        said = _json(folder / "1_Pooling" / "config.json")
        older = [key.removeprefix("pooling_mode_") for key, on in said.items() if "pooling_mode_" in key and on is True]
        found_mode = said.get("pooling_mode") or (older[0].removesuffix("_tokens") if older else None)
        yield text_fact(name, "pooling", published.pooling, found_mode, "1_Pooling/config.json")


def _weights(name: str, spec: ModelSpec, published: PublishedFacts, folder: Path) -> Iterator[Fact]:
    stored = _numbers(folder)
    count = sum(stored.values())
    for what, expected, share in (
        ("parameters", spec.parameters * 1_000_000, 0.01),
        ("weights", published.weights, 1e-3),
    ):
        if expected:
            slack = expected * share + (500_000 if what == "parameters" else 0)  # a record has whole millions
            yield text_fact(
                name, what, f"{expected:,}", f"{count:,}", "*.safetensors", right=abs(count - expected) <= slack
            )
    if spec.memory_mb:
        taken = count * DTYPE_BYTES[spec.cuda] / 1e6
        right = abs(taken - spec.memory_mb) <= 0.01 * spec.memory_mb + 1
        yield text_fact(name, f"MB in {spec.cuda}", spec.memory_mb, round(taken), "*.safetensors", right=right)
    if published.stored:
        most = stored.most_common(1)
        yield text_fact(name, "stored in", published.stored, most[0][0] if most else None, "*.safetensors")


def _embedder(name: str, spec: EmbedderSpec, folder: Path) -> Iterator[Fact]:
    config, said = _config(folder), _json(folder / _SAID_SENTENCES)
    prompts = said.get("prompts") or {}
    for what, expected, names in (
        ("query prompt", spec.query_prompt, ("query",)),
        ("document prompt", spec.document_prompt, ("document", "passage", "corpus")),
    ):
        if expected is not None:
            found = next((prompts[one] for one in names if prompts.get(one)), None)
            yield text_fact(name, what, expected.replace("{title}", "none"), found, _SAID_SENTENCES)
    if spec.width:
        pooled = _json(folder / "1_Pooling" / "config.json")
        width = pooled.get("embedding_dimension") or pooled.get("word_embedding_dimension")
        width, file = (width, "1_Pooling/config.json") if width else (config.get("projection_dim"), "config.json")
        yield text_fact(name, "numbers of a vector", spec.width, width, file)
    ear, eye = (_processor(folder, part) for part in ("feature_extractor", "image_processor"))
    for sense, claimed, part in (
        ("sees", bool(spec.sees), "vision_config"),
        ("sees films", bool(spec.frames), "vision_config"),
        ("hears", bool(spec.hears), "audio_config"),
    ):
        if claimed and spec.described:  # of a model that a person merely named nothing is claimed
            yield text_fact(name, sense, "yes", "yes" if config.get(part) else "no", f"config.json: {part}")
    if spec.hears and spec.rate:
        yield text_fact(name, "sample rate", spec.rate, ear.get("sampling_rate"), "processor_config.json")
    for what, pixels, seen in (
        ("pixels of a picture", spec.pixels, eye),
        ("pixels of a frame", spec.frame_pixels, _processor(folder, "video_processor")),
    ):
        if tokens := seen.get("max_soft_tokens"):
            yield text_fact(name, what, pixels, tokens * _SOFT_TOKEN_PIXELS, "processor_config.json")
        elif seen is eye and (most := (eye.get("size") or {}).get("longest_edge")):
            yield text_fact(name, what, pixels, f"up to {most}", "processor_config.json", right=most >= pixels)


def _reranker(name: str, spec: RerankerSpec, published: PublishedFacts, folder: Path) -> Iterator[Fact]:
    said = _json(folder / _SAID_SENTENCES)
    kinds = {"CrossEncoder": "cross", "MultiVectorEncoder": "late"}
    yield text_fact(name, "kind", spec.kind, kinds.get(str(said.get("model_type"))), _SAID_SENTENCES)
    if spec.prompt is not None:
        prompts = said.get("prompts") or {}
        found = prompts.get(said.get("default_prompt_name") or "query") or None
        yield text_fact(name, "instruction", spec.prompt, found, _SAID_SENTENCES)
    if spec.window:
        most = _text_config(folder).get("max_position_embeddings")
        right = most is not None and most >= spec.window
        yield text_fact(name, "tokens of a text", spec.window, most and f"up to {most}", "config.json", right=right)
    if published.yes_no:
        heads = [_json(file) for file in sorted(folder.glob("*/config.json"))]
        ids = next(
            ((head["true_token_id"], head.get("false_token_id")) for head in heads if "true_token_id" in head), None
        )
        yield text_fact(name, "ids of yes and no", published.yes_no, ids, "*/config.json")


def _numbers(folder: Path) -> Counter[str]:
    """How many numbers the weights are, by the precision that they are stored in."""
    found: Counter[str] = Counter()
    for file in folder.rglob("*.safetensors"):
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length))
        for tensor, said in header.items():
            if tensor != "__metadata__":
                found[_DTYPES.get(said["dtype"], said["dtype"])] += math.prod(said["shape"])
    return found


def _config(folder: Path) -> dict[str, Any]:
    """The model's own, which some lay in the folder of its first module."""
    for place in (folder, *sorted(folder.glob("0_*"))):
        if said := _json(place / "config.json"):
            return dict(said)
    return {}


def _text_config(folder: Path) -> dict[str, Any]:
    config = _config(folder)
    return dict(config.get("text_config") or config)


def _processor(folder: Path, part: str) -> dict[str, Any]:
    """What its processor says of a part: all parts may stand in one file, or each in one of its own."""
    whole = _json(folder / "processor_config.json")
    own = "video_preprocessor_config.json" if part == "video_processor" else "preprocessor_config.json"
    return dict(whole.get(part) or _json(folder / own))


def _licence(folder: Path) -> str | None:
    """As the card says, where it was fetched."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^license: *(\S+)", card.split("\n---", 1)[0], re.MULTILINE)
    return found[1].strip("\"'") if found else None


def _json(file: Path) -> Any:
    """What a file says; an empty dict where it is not there or says nothing."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
