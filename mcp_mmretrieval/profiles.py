"""Profiles: which models serve. A record each; the setting `profile` names one, or points at a model of one's own.

The standard library alone: settings, `doctor` and the command line read the records without loading anything.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.types import Modality

Sees = Literal["photos", "documents"]
Dtype = Literal["float32", "bfloat16", "float16"]

_HUB = re.compile(r"(?P<model>[\w.-]+/[\w.-]+)(?:@(?P<revision>.*))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model that is fetched from the Hub or lies in a folder, and how it is loaded."""

    model: str
    """`owner/name` on the Hugging Face Hub, or the absolute path of a folder."""
    revision: str = ""
    """The commit, in 40 hex digits; empty for a folder, whose content stands for itself."""
    cpu: Dtype = "float32"
    """Half precision costs five times the time on most CPUs."""
    cuda: Dtype = "bfloat16"
    """Where the card has it; float32 where it has not, unless `half` is allowed."""
    half: bool = False
    """Whether float16 was tried: some models give rubbish in it without an error."""
    pixels: int = 1_000_000
    """Larger pictures are scaled down to so many."""
    frame_pixels: int = 300_000
    """The same for each frame of a film."""
    frames: int = 0
    """Frames of one film that it takes in as a film; 0: it looks at films frame by frame, if at all."""
    model_options: Mapping[str, object] = field(default_factory=dict)
    """Keyword arguments for sentence-transformers' `model_kwargs`."""
    processor_options: Mapping[str, object] = field(default_factory=dict)
    """Keyword arguments for sentence-transformers' `processor_kwargs`."""
    parameters: int = 0
    """Millions; 0 where that is not known."""
    memory_mb: int = 0
    """What its weights take in the precision it is loaded in on a CUDA card; 0 where that is not known."""
    licence: str = ""
    good_for: str = ""
    """For a person who chooses."""
    published: tuple[Score, ...] = ()
    """What its authors or others measured; never measured here."""

    @property
    def in_folder(self) -> bool:
        """Whether it lies in a folder of this machine rather than on the Hub."""
        return self.model.startswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSpec(ModelSpec):
    """An embedder for sentence-transformers, and how it is used. What its vectors depend on is part of their space."""

    sees: frozenset[Sees] = frozenset({"photos"})
    """What its picture vectors are good for. Pages and charts with many words get one only with `documents`."""
    hears: float = 0.0
    """Seconds of one sound that it takes in as such; 0: transcripts stand for sound."""
    rate: int = 0
    """Samples a second that it was trained on; 0: as its processor says."""
    query_prompt: str | None = None
    """Put before a query in words; None leaves it to what the model brings along."""
    document_prompt: str | None = None
    """Put before a passage; `{title}` becomes the title of its document, or `none`. None leaves it to what the model
    brings along. Pictures and sounds take none."""
    dims: int = 0
    """Numbers kept of a vector, for models that allow it (Matryoshka); 0: all."""
    truncations: tuple[int, ...] = ()
    """Which smaller numbers of dimensions it was trained for, largest first."""
    window: int = 0
    """Tokens of one window of text; 0: what the model takes in, at most 512."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec(ModelSpec):
    """A model that scores a query and a candidate together, or by late interaction."""

    kind: Literal["cross", "late"] = "cross"
    """A cross-encoder (`CrossEncoder`), or a second stage of many vectors a candidate (`MultiVectorEncoder`)."""
    by_default: frozenset[Modality] = frozenset({"text", "page"})
    """What it reorders in a search unasked."""
    prompt: str | None = None
    """Its instruction; None leaves it to what the model brings along."""
    window: int = 0
    """Tokens of a text that it looks at; 0: what the model takes in, at most 1,024."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A published figure."""

    benchmark: str
    value: float
    source: str
    """Where it stands, for a person to look it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named set of models."""

    name: str
    embedder: EmbedderSpec | None
    """None: the built-in models for text and pictures."""
    reranker: RerankerSpec | None = None
    """None: the built-in one, which reorders nothing unasked."""


CLIP = EmbedderSpec(
    model="sentence-transformers/clip-ViT-B-32",
    revision="327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
    memory_mb=605,
    licence="MIT (OpenAI's CLIP)",
    good_for="Photos and drawings of anything, found by an English description. Weak on passages of text.",
)
"""The revision has its weights in safetensors; that of openai/clip-vit-base-patch32's main branch has them pickled."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (Profile(name="builtin", embedder=None), Profile(name="clip", embedder=CLIP))}
)


def profile_of(setting: str) -> Profile:
    """The profile that the setting names: one of `PROFILES`, the absolute path of a folder, or owner/name@commit.

    Looks at no disk and no network. Raises BadArgument for anything else, and says what would be right.
    """
    setting = setting.strip()
    if setting in PROFILES:
        return PROFILES[setting]
    if setting.startswith(("/", "~")):
        return _of_own(setting, EmbedderSpec(model=str(Path(setting).expanduser())))
    if setting.startswith("."):
        raise BadArgument(f"{setting}: a model's folder is named by its absolute path. {_what_would_do()}")
    if named := _HUB.fullmatch(setting):
        return _of_own(setting, EmbedderSpec(model=named["model"], revision=_commit(setting, named)))
    near = difflib.get_close_matches(setting.lower(), PROFILES, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise BadArgument(f"{setting}: no such profile.{meant} {_what_would_do()}")


def _of_own(setting: str, spec: EmbedderSpec) -> Profile:
    return Profile(name=setting, embedder=spec)


def _commit(setting: str, named: re.Match[str]) -> str:
    """Raises BadArgument for a branch, a tag or nothing: those may be other weights tomorrow."""
    model, revision = named["model"], named["revision"] or ""
    if not _COMMIT.fullmatch(revision):
        raise BadArgument(
            f"{setting}: a model from the Hub needs its commit, so that it stays the same model. Copy the 40 hex "
            f"digits from https://huggingface.co/{model}/commits/main and set MMRETRIEVAL_PROFILE to {model}@COMMIT."
        )
    return revision


def _what_would_do() -> str:
    return (
        f"Set MMRETRIEVAL_PROFILE to one of: {', '.join(PROFILES)}; or to a model of your own: the absolute path of "
        "its folder, or owner/name@commit on the Hugging Face Hub."
    )
