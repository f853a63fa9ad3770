"""Profiles: which models serve. A record each; the setting `profile` names one, or points at a model of one's own.

To add a model is one record: in `EMBEDDERS` or `RERANKERS`, and for a name of its own one line in `PROFILES`;
docs/recipes.md has the rest. The standard library alone: settings, `doctor` and the command line read the records
without loading anything.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.types import Modality

PictureKind = Literal["photos", "documents"]
Dtype = Literal["float32", "bfloat16", "float16"]
DTYPE_BYTES: Mapping[Dtype, int] = MappingProxyType({"float32": 4, "bfloat16": 2, "float16": 2})
"""Bytes of a number."""

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
    flash: bool = True
    """Whether FlashAttention 2 can compute its attention, where a person has it and asks for it."""
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
    own_code: bool = False
    """Whether code that comes with it may run on this machine. No record says so: a person does, for one commit."""
    parameters: int = 0
    """Millions; 0 where that is not known."""
    memory_mb: int = 0
    """What its weights take in the precision `cuda`; 0 where that is not known."""
    token_kb: int = 0
    """Thousands of bytes that a token of a batch takes beside the weights, in the precision `cuda`.

    Reckoned from its widths, never measured: of its texts or of its pictures, whichever is more.
    """
    licence: str = ""
    good_for: str = ""
    """For a person who chooses."""
    published: tuple[PublishedScore, ...] = ()
    """What its authors or others measured; never measured here."""

    @property
    def in_folder(self) -> bool:
        """Whether it lies in a folder of this machine rather than on the Hub."""
        return self.model.startswith("/")

    @property
    def described(self) -> bool:
        """Whether a record describes it, rather than a person who merely named it."""
        return bool(self.licence)

    @property
    def named(self) -> str:
        """As a setting names it: the folder, or owner/name@commit."""
        return self.model if self.in_folder else f"{self.model}@{self.revision}"

    def dtype_on_gpu(self, *, bfloat16: bool) -> Dtype:
        """The precision that it is loaded in on a GPU, where nobody asks for another. `bfloat16`: the GPU has it."""
        if self.cuda != "bfloat16" or bfloat16:
            return self.cuda
        return "float16" if self.half else "float32"

    def weights_mb(self, dtype: Dtype) -> int:
        """What its weights take in a precision; 0 where that is not known."""
        return self.memory_mb * DTYPE_BYTES[dtype] // DTYPE_BYTES[self.cuda]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSpec(ModelSpec):
    """An embedder for sentence-transformers, and how it is used. What its vectors depend on is part of their space."""

    sees: frozenset[PictureKind] = frozenset({"photos"})
    """What its picture vectors are good for. Pages and charts with many words get one only with `documents`."""
    hears: float = 0.0
    """Seconds of one sound that it takes in as such; 0: transcripts stand for sound."""
    stretch: float = 6.0
    """Seconds of a sound that get a vector of their own, as far as it hears so long."""
    rate: int = 0
    """Samples a second that it was trained on; 0: as its processor says."""
    query_prompt: str | None = None
    """Put before a query in words; None leaves it to what the model brings along."""
    document_prompt: str | None = None
    """Put before a passage; `{title}` becomes the title of its document, or `none`. None leaves it to what the model
    brings along. Pictures and sounds take none."""
    width: int = 0
    """Numbers of its whole vector; 0 where that is not known."""
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
    side: int = 0
    """Longer side, in pixels, of a page or picture at most; 0: as long as `pixels` allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScore:
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

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """What has to be on this machine for it."""
        return tuple(spec for spec in (self.embedder, self.reranker) if spec is not None)

    @property
    def memory_mb(self) -> int:
        """Memory that a GPU which computes in bfloat16 should have for it, see `needed_mb`."""
        return self.needed_mb(bfloat16=True)

    def needed_mb(self, *, bfloat16: bool) -> int:
        """Memory that a GPU should have for it, reckoned: the weights, a quarter more for loading them, and a batch.

        `bfloat16`: the GPU has it; without, most models are loaded in twice the bytes.
        """
        dtypes = {spec.model: spec.dtype_on_gpu(bfloat16=bfloat16) for spec in self.models}
        weights = sum(spec.weights_mb(dtypes[spec.model]) for spec in self.models)
        token_kb = max(
            (spec.token_kb * DTYPE_BYTES[dtypes[spec.model]] / DTYPE_BYTES[spec.cuda] for spec in self.models),
            default=0,
        )
        return int(weights * 1.25 + _BATCH_TOKENS * token_kb / 1_000) + _CUDA_MB if weights else 0


_BATCH_TOKENS = 16_384
"""Of a batch of pages that keeps a card busy; where they do not fit, the device halves it."""
_CUDA_MB = 800
"""What CUDA takes for itself, and what lies between the pieces that were asked for."""
_SBERT = "https://www.sbert.net/docs"
_QWEN = "https://github.com/QwenLM/Qwen3-VL-Embedding"
_GEMMA = "https://huggingface.co/google/embeddinggemma-2"
_NEOMME = "https://huggingface.co/blog/Hcompany/neomme"
_ETTIN = "https://huggingface.co/blog/ettin-reranker"
_MMEB = "MMEB-v2, all"
_MMTEB = "MMTEB, mean"
_VIDORE = "ViDoRe v3, nDCG@10"
_ENGLISH = "MTEB English retrieval, nDCG@10"

_QWEN_QUERY = "Retrieve images or text relevant to the user's query."
_QWEN_DOCUMENT = "Represent the user's input."
_QWEN_PIXELS, _QWEN_FRAMES = 1_800 * 32 * 32, 64
"""What its authors let it see when they measure it; they trained it with 1,280 x 32 x 32 pixels."""

EMBEDDERS: Mapping[str, EmbedderSpec] = MappingProxyType(
    {
        "clip": EmbedderSpec(
            model="sentence-transformers/clip-ViT-B-32",
            # has its weights in safetensors; that of openai/clip-vit-base-patch32's main branch has them pickled
            revision="327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
            half=True,
            width=512,
            pixels=448 * 448,  # it sees 224 x 224 of them; its own scaling does the rest
            frame_pixels=448 * 448,
            parameters=151,
            memory_mb=303,
            token_kb=25,
            licence="MIT (OpenAI's CLIP)",
            good_for="Photos and drawings of anything, found by an English description. Weak on passages of text.",
            published=(
                PublishedScore(
                    benchmark="ImageNet, zero-shot",
                    value=63.3,
                    source=f"{_SBERT}/sentence_transformer/pretrained_models.html",
                ),
            ),
        ),
        "omni": EmbedderSpec(
            model="google/embeddinggemma-2",
            revision="914f7f89142e33e77833254d9c9b90c3cef7303b",
            flash=False,  # its global layers have heads of 512 numbers, FlashAttention 2 takes 256
            sees=frozenset({"photos", "documents"}),
            hears=30.0,
            rate=16_000,
            query_prompt="task: search result | query: ",
            document_prompt="title: {title} | text: ",
            width=768,
            truncations=(512, 256, 128),
            pixels=280 * 48 * 48,  # 280 of its tokens, each of 48 x 48 pixels: what its authors chose
            frame_pixels=140 * 48 * 48,
            frames=32,
            parameters=744,
            memory_mb=1_488,
            token_kb=166,
            licence="Apache-2.0, with Gemma's prohibited uses",
            good_for="Everything in one space: text in 100 languages, pages, photos, sound of any kind, and film.",
            published=(
                PublishedScore(benchmark=_MMEB, value=59.01, source=_GEMMA),
                PublishedScore(benchmark=_MMTEB, value=61.36, source=_GEMMA),
            ),
        ),
        "vision-2b": EmbedderSpec(
            model="Qwen/Qwen3-VL-Embedding-2B",
            revision="9f2f7e710d6d81056aa5c0a4f04764fec6bb7bda",
            sees=frozenset({"photos", "documents"}),
            query_prompt=_QWEN_QUERY,
            document_prompt=_QWEN_DOCUMENT,
            width=2_048,
            truncations=(1_536, 1_024, 768, 512, 256, 128, 64),
            pixels=_QWEN_PIXELS,
            frames=_QWEN_FRAMES,
            parameters=2_127,
            memory_mb=4_255,
            token_kb=98,
            licence="Apache-2.0",
            good_for="Pages, charts, photos and film, with a larger card. Hears nothing: transcripts stand for sound.",
            published=(
                PublishedScore(benchmark=_MMEB, value=73.2, source=_QWEN),
                PublishedScore(benchmark=_MMTEB, value=63.87, source=_QWEN),
                PublishedScore(benchmark=_VIDORE, value=52.9, source=_QWEN),
            ),
        ),
        "vision-8b": EmbedderSpec(
            model="Qwen/Qwen3-VL-Embedding-8B",
            revision="2c4565515e0f265c6511776e7193b22c0968ddc7",
            sees=frozenset({"photos", "documents"}),
            query_prompt=_QWEN_QUERY,
            document_prompt=_QWEN_DOCUMENT,
            width=4_096,
            truncations=(2_048, 1_536, 1_024, 768, 512, 256, 128, 64),
            pixels=_QWEN_PIXELS,
            frames=_QWEN_FRAMES,
            parameters=8_145,
            memory_mb=16_290,
            token_kb=106,
            licence="Apache-2.0",
            good_for="As vision-2b, with the best published scores, for a data centre's card.",
            published=(
                PublishedScore(benchmark=_MMEB, value=77.8, source=_QWEN),
                PublishedScore(benchmark=_MMTEB, value=67.88, source=_QWEN),
            ),
        ),
    }
)
"""Records of embedders by a short name."""

RERANKERS: Mapping[str, RerankerSpec] = MappingProxyType(
    {
        "neomme": RerankerSpec(
            model="Hcompany/NeoMME-260M-Retriever",
            revision="0dcb6c924435bd0bf5d504dba9ba2bb63acd8595",
            kind="late",
            by_default=frozenset({"page"}),  # its authors measured it on pages alone
            pixels=2_048 * 2_048,
            side=2_048,  # at which its authors measured it
            parameters=263,
            memory_mb=526,
            token_kb=30,
            licence="Apache-2.0",
            good_for="Pages and charts, fast: a late interaction of words and patches. Not made for photos.",
            published=(PublishedScore(benchmark=_VIDORE, value=52.3, source=_NEOMME),),
        ),
        "lighton-0.8b": RerankerSpec(
            model="lightonai/LightOn-rerank-PW-0.8B",
            revision="e2459c2554b95969a68cba3aa6f0bd696723934f",
            by_default=frozenset({"text"}),
            pixels=600_000,
            parameters=853,
            memory_mb=1_706,
            token_kb=98,  # as Qwen3-VL-2B, which is wider
            licence="Apache-2.0",
            good_for="Passages of text. Its authors' own table has it make the order of pages worse.",
        ),
        "qwen3-vl-2b": RerankerSpec(
            model="Qwen/Qwen3-VL-Reranker-2B",
            revision="4bd860ac4f15ad1897a214615cccc700f8f71818",
            prompt=_QWEN_QUERY,
            pixels=1_280 * 32 * 32,
            frames=_QWEN_FRAMES,
            parameters=2_127,
            memory_mb=4_255,
            token_kb=98,
            licence="Apache-2.0",
            good_for="Pages, charts, photos, film and text, looked at together with the question. Slow without a GPU.",
            published=(
                PublishedScore(benchmark=_VIDORE, value=60.8, source=_QWEN),
                PublishedScore(benchmark="MMEB-v2 retrieval", value=75.2, source=_QWEN),
            ),
        ),
        "qwen3-vl-8b": RerankerSpec(
            model="Qwen/Qwen3-VL-Reranker-8B",
            revision="b212dc8c91a8164aef1ea2de9c1a867611e75c04",
            prompt=_QWEN_QUERY,
            pixels=1_280 * 32 * 32,
            frames=_QWEN_FRAMES,
            parameters=8_767,
            memory_mb=17_534,
            token_kb=106,
            licence="Apache-2.0",
            good_for="As qwen3-vl-2b, with better published scores and four times the weights.",
            published=(
                PublishedScore(benchmark=_VIDORE, value=66.7, source=_QWEN),
                PublishedScore(benchmark="MMEB-v2 retrieval", value=79.2, source=_QWEN),
            ),
        ),
        "minilm": RerankerSpec(
            model="cross-encoder/ms-marco-MiniLM-L6-v2",
            revision="233902d25c440f23af6f7d6e94d2946bac0bee0a",
            half=True,
            window=512,
            parameters=23,
            memory_mb=46,
            token_kb=12,
            licence="Apache-2.0",
            good_for="English passages and the words of pages, quick on a CPU. Looks at no pictures.",
            published=(
                PublishedScore(
                    benchmark="TREC DL 2019, nDCG@10",
                    value=74.3,
                    source=f"{_SBERT}/cross_encoder/pretrained_models.html",
                ),
            ),
        ),
        "ettin-32m": RerankerSpec(
            model="cross-encoder/ettin-reranker-32m-v1",
            revision="b33e5ceb5110773ea9cf5e00c9bedc83a8c2afdd",
            window=1_024,
            parameters=32,
            memory_mb=64,
            token_kb=12,
            licence="Apache-2.0",
            good_for="As minilm: better by its authors' figures, and for longer passages.",
            published=(PublishedScore(benchmark=_ENGLISH, value=57.79, source=_ETTIN),),
        ),
    }
)
"""Records of rerankers by the name that the setting `reranker` takes."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(name="builtin", embedder=None),
            Profile(name="clip", embedder=EMBEDDERS["clip"]),
            Profile(name="omni", embedder=EMBEDDERS["omni"], reranker=RERANKERS["neomme"]),
            Profile(name="vision-2b", embedder=EMBEDDERS["vision-2b"], reranker=RERANKERS["qwen3-vl-2b"]),
            Profile(name="vision-8b", embedder=EMBEDDERS["vision-8b"], reranker=RERANKERS["qwen3-vl-8b"]),
        )
    }
)
"""Sets of models by the name that the setting `profile` takes."""

AUTO_PROFILE = "auto"
"""The profile that is chosen by this machine's memory, once, when the library is made."""


def profile_of(setting: str) -> Profile:
    """The profile that the setting names: one of `PROFILES`, the absolute path of a folder, or owner/name@commit.

    Looks at no disk and no network; `auto` is not known here, `choose_profile` decides it. Raises BadArgument for
    anything else, and says what would be right.
    """
    setting = setting.strip()
    if setting in PROFILES:
        return PROFILES[setting]
    if setting == AUTO_PROFILE:
        raise BadArgument(
            f"{AUTO_PROFILE}: is decided when a library is made. Set MMRETRIEVAL_PROFILE to {', '.join(PROFILES)}."
        )
    model, revision = _of_own(setting, "PROFILE", (*PROFILES, AUTO_PROFILE))
    return Profile(name=setting, embedder=EmbedderSpec(model=model, revision=revision))


def reranker_of(setting: str, profile: Profile) -> RerankerSpec | None:
    """The reranker that the setting names: `profile`, `off`, one of `RERANKERS`, a folder, or owner/name@commit.

    None: none but the built-in one, or with `off` none at all. Raises BadArgument as `profile_of` does.
    """
    setting = setting.strip()
    if setting == "profile":
        return profile.reranker
    if setting == "off":
        return None
    if setting in RERANKERS:
        return RERANKERS[setting]
    model, revision = _of_own(setting, "RERANKER", ("profile", "off", *RERANKERS))
    return RerankerSpec(model=model, revision=revision)


def model_of(setting: str, variable: str) -> ModelSpec | None:
    """The model that `ocr` or `speech` names: a folder, or owner/name@commit. None for `builtin` and `off`.

    `variable`: the setting's name, for the message. Raises BadArgument as `profile_of` does.
    """
    setting = setting.strip()
    if setting in {"builtin", "off"}:
        return None
    model, revision = _of_own(setting, variable, ("builtin", "off"))
    return ModelSpec(model=model, revision=revision)


def model_display_name(spec: ModelSpec) -> str:
    """What a person calls it: the short name of its record, else as a setting names it."""
    records = {**EMBEDDERS, **RERANKERS}
    return next((name for name, record in records.items() if record.named == spec.named), spec.named)


def _of_own(setting: str, variable: str, known: tuple[str, ...]) -> tuple[str, str]:
    """Folder or owner/name, and commit, of a model of a person's own. `known`: what else the setting takes."""
    would_do = (
        f"Set MMRETRIEVAL_{variable.upper()} to one of: {', '.join(known)}; or to a model of your own: the absolute "
        "path of its folder, or owner/name@commit on the Hugging Face Hub."
    )
    folder = os.path.expanduser(setting)  # noqa: PTH111  Path's own raises for a user who is not there
    if folder.startswith("/"):
        return str(Path(folder)), ""
    if setting.startswith((".", "~")):
        raise BadArgument(f"{setting}: a model's folder is named by its absolute path. {would_do}")
    if named := _HUB.fullmatch(setting):
        return named["model"], _commit(setting, named, variable)
    near = difflib.get_close_matches(setting.lower(), known, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    what = variable.lower() if variable.upper() in {"PROFILE", "RERANKER"} else "model"
    raise BadArgument(f"{setting}: no such {what}.{meant} {would_do}")


def _commit(setting: str, named: re.Match[str], variable: str) -> str:
    """Raises BadArgument for a branch, a tag or nothing: those may be other weights tomorrow."""
    model, revision = named["model"], named["revision"] or ""
    if not _COMMIT.fullmatch(revision):
        raise BadArgument(
            f"{setting}: a model from the Hub needs its commit, so that it stays the same model. Copy the 40 hex "
            f"digits from https://huggingface.co/{model}/commits/main and set MMRETRIEVAL_{variable.upper()} to "
            f"{model}@COMMIT."
        )
    return revision
