"""From what a person asks for to the models that serve: `auto` decided, and a record with the settings' own limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from mcp_mmretrieval.config.profiles import PROFILES, EmbedderSpec, ModelSpec, model_of, profile_of, reranker_of
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument

ModelSpecT = TypeVar("ModelSpecT", bound=ModelSpec)

_AUTO_PROFILES = ("vision-8b", "vision-2b", "omni")
"""What `auto` tries, the most demanding first."""
_USABLE_SHARED_MEMORY = 0.5
"""Share that models may count on of a memory that GPU and CPU have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """Where models would run, and the whole memory there, whoever uses it at the moment."""

    kind: Literal["cuda", "mps", "cpu"]
    total_mb: int
    """Millions of bytes. For `mps` and `cpu` the machine's."""
    bfloat16: bool = True
    """Whether it computes in bfloat16; without, most models are loaded in float32, in twice the bytes."""
    lacks: str = ""
    """What keeps a GPU that may be there from being used, and the next step; empty where nothing does."""


def choose_profile(memory: DeviceMemory) -> tuple[str, str]:
    """The profile for a machine that `auto` stands for, and why, in a sentence or two for a person.

    Decided by the kind of card alone, so that the same machine always gets the same answer.
    """
    if memory.lacks:
        return "builtin", f"auto chose builtin, because {memory.lacks}"
    if memory.kind == "cpu":
        return "builtin", (
            "auto chose builtin, because there is no GPU: the larger models would take seconds to minutes a page on a "
            "CPU. Set the profile to omni to use them all the same."
        )
    usable = int(memory.total_mb * (_USABLE_SHARED_MEMORY if memory.kind == "mps" else 1))
    what = "half of this machine's memory is" if memory.kind == "mps" else "the GPU has"
    larger = ""
    for name in _AUTO_PROFILES:
        needed = PROFILES[name].needed_mb(bfloat16=memory.bfloat16)
        if usable >= needed:
            deaf = "" if _hears(name) else " It does not hear: to find sounds by what they sound like, set omni."
            return name, f"auto chose {name}, because {what} {_gb(usable)} and it needs {_gb(needed)}{larger}.{deaf}"
        larger = f"; {name} would need {_gb(needed)}"
    return "builtin", f"auto chose builtin, because {what} only {_gb(usable)}{larger.replace('would need', 'needs')}."


def tuned_spec(spec: ModelSpecT, settings: Settings) -> ModelSpecT:
    """The record with what the settings say of precision, attention, sizes and numbers kept, where they say anything.

    Keyword arguments reach the embedder alone: what is made for one model breaks another. Raises BadArgument for what
    the model cannot do.
    """
    changed: dict[str, Any] = {}
    if settings.dtype != "auto":
        changed["cpu"] = changed["cuda"] = _dtype(spec, settings)
    if settings.model_pixels:
        changed["pixels"] = settings.model_pixels
        changed["frame_pixels"] = min(spec.frame_pixels, settings.model_pixels)
    if settings.model_frames:
        changed["frames"] = _frames(spec, settings.model_frames)
    options = dict(spec.model_options)
    if settings.attention != "auto":
        options["attn_implementation"] = _attention(spec, settings)
    if isinstance(spec, EmbedderSpec):
        options |= settings.model_kwargs
        changed["stretch"] = settings.sound_s
        changed["processor_options"] = {**spec.processor_options, **settings.processor_kwargs}
        if settings.vector_dims:
            changed["dims"] = _dims(spec, settings.vector_dims)
    return replace(trusted_spec(spec, settings), **changed, model_options=options)


def trusted_spec(spec: ModelSpecT, settings: Settings) -> ModelSpecT:
    """The record with whether its own code may run here: only that of the one commit that the settings name."""
    return replace(spec, own_code=bool(spec.revision) and settings.trust_remote_code == spec.named)


def configured_models(settings: Settings, profile: str | None = None) -> dict[str, ModelSpec]:
    """The models beside the built-in ones that the settings name, by what they do, as they are loaded.

    `profile`: what `auto` stands for in this library. Raises BadArgument as `profile_of` and `tuned_spec` do.
    """
    named = profile_of(profile or settings.profile)
    models = {
        "embedder": named.embedder,
        "reranker": reranker_of(settings.reranker, named),
        "ocr": model_of(settings.ocr, "ocr"),
        "speech": model_of(settings.speech, "speech"),
    }
    return {what: tuned_spec(spec, settings) for what, spec in models.items() if spec is not None}


def _dtype(spec: ModelSpec, settings: Settings) -> str:
    if settings.dtype == "float16" and not spec.half:
        raise BadArgument(
            f"{spec.model}: float16 is not known to work with it, and some models give rubbish in it without an error. "
            "Set MMRETRIEVAL_DTYPE to auto, bfloat16 or float32."
        )
    return settings.dtype


def _attention(spec: ModelSpec, settings: Settings) -> str:
    if settings.attention == "flash_attention_2" and not spec.flash:
        raise BadArgument(f"{spec.model}: cannot use FlashAttention 2. Set MMRETRIEVAL_ATTENTION to auto or sdpa.")
    return settings.attention


def _frames(spec: ModelSpec, asked: int) -> int:
    """A film's frames; a model that looks at films frame by frame, as its record says, goes on doing so."""
    return asked if spec.frames or not spec.described else 0


def _dims(spec: EmbedderSpec, asked: int) -> int:
    """How many numbers to keep; 0 for all. Of a model that nobody described, what it allows shows when it is loaded."""
    if asked == spec.width:
        return 0
    if asked in spec.truncations or not spec.described:
        return asked
    allowed = ", ".join(map(str, (spec.width, *spec.truncations)))
    raise BadArgument(
        f"{spec.model}: its vectors cannot be cut to {asked} numbers. Set MMRETRIEVAL_VECTOR_DIMS to one of: "
        f"{allowed}; or to 0 for all."
    )


def _hears(name: str) -> bool:
    embedder = PROFILES[name].embedder
    return embedder is not None and embedder.hears > 0


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB"
