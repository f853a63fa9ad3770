"""Every knob, with its unit and consequence. `settings_from_sources` says where the values come from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from mcp_mmretrieval.config.index_address import EMBEDDED, IndexServer, index_server
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.config.sources import ENV_PREFIX, default_cache_path, default_library_path, settings_from_sources
from mcp_mmretrieval.errors import BadArgument

CONNECTION_SETTINGS = frozenset(
    {"library", "roots", "read_only", "watch", "gallery", "call_budget_s", "http_hosts", "http_origins", "http_auth"}
)
"""Settings that each client of an engine has for itself; the others belong to the library while its engine runs."""

IDLE_SECONDS_CPU = 120.0
"""Default of `model_idle_s` on a CPU, where a model is back soon."""
IDLE_SECONDS_GPU = 900.0
"""Default of `model_idle_s` on a GPU, where large models take half a minute to come back."""


class Settings(BaseModel):
    """What a person may set. Read once at start, passed down, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    library: Path = Field(
        default_factory=lambda: Path(default_library_path()), description="Folder that holds the library."
    )
    cache: Path = Field(
        default_factory=lambda: Path(default_cache_path()),
        description="Folder for what all libraries make of the built-in models' weights, once: 260 MB. It may be "
        "deleted at any time.",
    )
    index: str = Field(
        default=EMBEDDED,
        description="Where a large library's vector index lies: `embedded` (in the library's folder), or "
        "`https://host:port/tenant/database` of a Chroma server; http on loopback only.",
    )
    index_token: SecretStr = Field(
        default=SecretStr(""), description="Sent to that server as `Authorization: Bearer` and `x-chroma-token`."
    )
    index_ca: Path | None = Field(
        default=None, description="File with the certificates of who signed that server's, in place of the public ones."
    )
    index_s: float = Field(
        default=1.0,
        ge=0.05,
        le=60,
        description="Seconds that a search waits for one answer of that server; once they are over it asks no more.",
    )
    ray: str = Field(
        default="",
        description="`HOST:PORT` of the head of a Ray cluster whose nodes read what is added. Empty: it is read here.",
    )
    ray_token_file: Path = Field(
        default_factory=lambda: Path("~/.ray/auth_token").expanduser(),
        description="File with that cluster's token, mode 600. Not given: `~/.ray/auth_token`.",
    )
    ray_files: int = Field(
        default=32, ge=1, le=256, description="Files under way on that cluster: twice its processors keep all busy."
    )
    roots: tuple[Path, ...] = Field(
        default=(),
        description="Folders that may be read, separated as in PATH. None: nothing can be read.",
    )
    read_only: bool = Field(default=False, description="Offer neither adding nor removing.")
    watch: bool = Field(
        default=False,
        description="Keep the library current with the roots by itself: what changes there is added when it is at "
        "rest.",
    )
    gallery: bool = Field(
        default=True,
        description="Show what was found as a page with pictures and sound, in assistants that show such pages (MCP "
        "Apps).",
    )
    slide_pictures: bool = Field(
        default=True,
        description="Show slides as LibreOffice draws them, where it is installed and Linux can lock it in: no "
        "network, no file but the deck.",
    )
    profile: str = Field(
        default="builtin",
        description="Models for text, pictures and sound: a profile's name, `auto`, a folder's absolute path, or "
        "owner/name@commit.",
    )
    reranker: str = Field(
        default="profile",
        description="Reorders what was found: `profile` (the profile's own), `off`, a reranker's name, a folder, or "
        "owner/name@commit.",
    )
    ocr: str = Field(
        default="builtin",
        description="Reads the words in pictures, charts, frames and scanned pages: `builtin`, `off`, or a model.",
    )
    speech: str = Field(
        default="builtin", description="Transcribes speech in sound and film: `builtin`, `off`, or a model."
    )
    rerank_depth: int = Field(default=20, ge=1, le=500, description="Candidates of a search that are reranked at most.")
    rerank_s: float = Field(
        default=5.0, gt=0, le=600, description="Seconds that reranking a search may take where no deadline is given."
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where models from the Hub run: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="Precision of models from the Hub. `auto`: as the profile says for the device.",
    )
    builtin_dtype: Literal["float32", "int8"] = Field(
        default="float32",
        description="Precision of the built-in text model. int8 takes half its memory; texts are embedded again.",
    )
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = Field(
        default="auto", description="How models from the Hub compute attention. `auto`: as the model is made for."
    )
    memory_share: float = Field(
        default=0.9, gt=0, le=1, description="Share of the device's memory that models and their batches may take."
    )
    batch_s: float = Field(
        default=0.45, gt=0, le=5, description="Seconds of one batch of adding, the longest that a search waits for it."
    )
    model_idle_s: float | None = Field(
        default=None,
        ge=0,
        description="Seconds unused after which models leave the memory, to come back when needed. Not given: 120 on a "
        "CPU, 900 on a GPU. 0: never.",
    )
    model_pixels: int = Field(
        default=0, ge=0, description="Pixels of a page or picture as the model sees it. 0: as the profile says."
    )
    model_frames: int = Field(
        default=0, ge=0, le=512, description="Frames of a film as the model sees it. 0: as the profile says."
    )
    sound_s: float = Field(
        default=6.0,
        ge=0.5,
        le=30,
        description="Seconds of sound that get a vector of their own, where the model hears.",
    )
    vector_dims: int = Field(
        default=0,
        ge=0,
        description="Numbers kept of a vector, where the model allows fewer. 0: all. 1,000 vectors of 768: 3.1 MB.",
    )
    vector_dtype: Literal["float32", "float16"] = Field(
        default="float32", description="Stored precision of vectors; float16 takes half the space."
    )
    model_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="JSON: more keyword arguments with which the model is loaded."
    )
    processor_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="JSON: more keyword arguments for the model's processor."
    )
    trust_remote_code: str = Field(
        default="",
        pattern=r"^$|^[\w.-]+/[\w.-]+@[0-9a-f]{40}$",
        description="`owner/name@commit` of the one model whose own code may run on this machine. Empty: none.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Threads for torch, ONNX Runtime and CTranslate2 together. 0: one per core.",
    )
    workers: int = Field(default=2, ge=1, le=16, description="Parser processes at most.")
    call_budget_s: float = Field(
        default=45.0,
        ge=1.0,
        le=3600.0,
        description="Seconds until a tool call answers; adding goes on as a job.",
    )
    engine_idle_s: float = Field(
        default=600.0, ge=0.0, description="Seconds without a client or a job after which the engine ends."
    )
    max_running: int = Field(default=4, ge=1, le=256, description="Calls that are worked on at the same time.")
    max_waiting: int = Field(
        default=128, ge=0, le=10_000, description="Calls that wait for their turn; further ones are told to come back."
    )
    http_hosts: tuple[str, ...] = Field(
        default=(),
        description="Values of Host that HTTP answers to, comma-separated. None: the address, if it is loopback.",
    )
    http_origins: tuple[str, ...] = Field(
        default=(), description="Web origins that may call over HTTP, comma-separated. None: no web page may."
    )
    http_auth: Literal["token", "none"] = Field(
        default="token", description="`none` serves HTTP without a token, on loopback only."
    )
    max_file_mb: int = Field(default=2_000, ge=1, description="Larger files are skipped with a reason.")
    max_pixels_mp: int = Field(
        default=120, ge=1, le=1_000, description="Megapixels of one picture; a JPEG may have more, which are left out."
    )
    max_pages: int = Field(default=2_000, ge=1, description="Pages read of one PDF; the rest is named in a note.")
    max_hours: float = Field(
        default=4.0, gt=0, allow_inf_nan=False, description="Hours read of one recording; the rest is named in a note."
    )
    max_frames: int = Field(default=128, ge=1, le=10_000, description="Frames kept of one film.")
    worker_memory_mb: int = Field(default=3_000, ge=256, description="Memory of one parser process.")
    part_timeout_s: float = Field(
        default=60.0, ge=1, allow_inf_nan=False, description="Seconds for one page, picture or window."
    )
    file_timeout_s: float = Field(
        default=600.0,
        ge=1,
        allow_inf_nan=False,
        description="Seconds of parsing for one file, plus half of its playing time.",
    )

    @field_validator("model_kwargs", "processor_kwargs", mode="before")
    @classmethod
    def _from_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except ValueError as error:
            raise ValueError(f"is not valid JSON: {error}") from error

    @field_validator("roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.split(os.pathsep) if part)
        return value

    @field_validator("http_hosts", "http_origins", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("index")
    @classmethod
    def _refuse_other_addresses(cls, value: str) -> str:
        index_server(value)
        return value

    @field_validator("ray")
    @classmethod
    def _refuse_other_clusters(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and "/" not in host and port.isdecimal() and int(port) < 65_536):
            raise ValueError(f"{value}: is no HOST:PORT. Give the address that `ray start --head` printed.")
        return value

    @field_validator("index_token")
    @classmethod
    def _strip_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()  # one that was read from a file ends in a line break
        if not all("!" <= letter <= "~" for letter in token):
            raise ValueError("holds a blank or a letter that no header can carry. Give the token alone.")
        return SecretStr(token)

    @field_validator("library", "cache", "ray_token_file")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("index_ca")
    @classmethod
    def _expand_if_given(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("roots")
    @classmethod
    def _expand_each(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(path.expanduser().absolute() for path in value)

    def idle_seconds(self, kind: str) -> float:
        """Seconds unused after which a model leaves a device of this kind; infinite where it never does."""
        if self.model_idle_s is None:
            return IDLE_SECONDS_CPU if kind == "cpu" else IDLE_SECONDS_GPU
        return self.model_idle_s or math.inf

    @property
    def index_server(self) -> IndexServer | None:
        """The server that has the vector index; None where it lies in the library's folder."""
        if (server := index_server(self.index)) is None:
            return None
        token = self.index_token.get_secret_value()
        return replace(server, token=token, authority=self.index_ca, search_seconds=self.index_s)

    @property
    def limits(self) -> Limits:
        """The bounds that parsing keeps to."""
        return Limits(
            file_bytes=self.max_file_mb * 1_000_000,
            pixels=self.max_pixels_mp * 1_000_000,
            pages=self.max_pages,
            seconds=self.max_hours * 3600,
            frames=self.max_frames,
            memory_bytes=self.worker_memory_mb * 1_000_000,
            part_timeout=self.part_timeout_s,
            file_timeout=self.file_timeout_s,
        )

    @classmethod
    def read(cls, **options: Any) -> Settings:
        """Settings from the options that are not None, then the environment, then the TOML file.

        Raises BadArgument for an unknown name or a value that makes no sense, and says which.
        """
        return cls.of(settings_from_sources(options))

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Settings:
        """Settings as `settings_from_sources` gathered them. Raises BadArgument."""
        unknown = [name for name in given if name not in cls.model_fields]
        if unknown:
            raise BadArgument(
                f"{ENV_PREFIX}{unknown[0].upper()}: no such setting. Known: {', '.join(sorted(cls.model_fields))}."
            )
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
            raise BadArgument(f"Settings: {'; '.join(lines)}.") from error

    def differs(self, given: Mapping[str, object]) -> list[str]:
        """Names of the library's settings of which `given` asks another value. Raises BadArgument."""
        other = Settings.of(given)
        shared = [name for name in given if name not in CONNECTION_SETTINGS]
        return [name for name in shared if getattr(other, name) != getattr(self, name)]
