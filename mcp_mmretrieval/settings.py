"""Every knob, with its unit and consequence: from the environment (`MMRETRIEVAL_*`) or a TOML file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.limits import Limits

PREFIX = "MMRETRIEVAL_"


def _default_library() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "mcp-mmretrieval" / "library"


class Settings(BaseSettings):
    """What a person may set. Read once at start, passed down, never changed."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    library: Path = Field(default_factory=_default_library, description="Folder that holds the library.")
    roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Folders that may be read, separated as in PATH. None: nothing can be read.",
    )
    read_only: bool = Field(default=False, description="Offer neither adding nor removing.")
    profile: str = Field(default="builtin", description="The set of models.")
    ocr: bool = Field(default=True, description="Read the words in pictures, charts, frames and scanned pages.")
    speech: bool = Field(default=True, description="Transcribe speech in sound and film.")
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
    max_file_mb: int = Field(default=2_000, ge=1, description="Larger files are skipped with a reason.")
    max_pixels_mp: int = Field(default=50, ge=1, le=1_000, description="Megapixels of one picture.")
    max_pages: int = Field(default=2_000, ge=1, description="Pages read of one PDF; the rest is named in a note.")
    max_hours: float = Field(default=4.0, gt=0, description="Hours read of one recording; the rest is named in a note.")
    max_frames: int = Field(default=128, ge=1, le=10_000, description="Frames kept of one film.")
    worker_memory_mb: int = Field(default=3_000, ge=256, description="Memory of one parser process.")
    part_timeout_s: float = Field(default=60.0, ge=1, description="Seconds for one page, picture or window.")
    file_timeout_s: float = Field(
        default=600.0, ge=1, description="Seconds of parsing for one file, plus half of its playing time."
    )

    @field_validator("roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.split(os.pathsep) if part)
        return value

    @field_validator("library")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("roots")
    @classmethod
    def _expand_each(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(path.expanduser().absolute() for path in value)

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
    def read(cls, **given: Any) -> Settings:
        """Settings from what is given, then the environment, then the TOML file that `MMRETRIEVAL_CONFIG` names.

        Raises BadArgument for an unknown name or a value that makes no sense, and says which.
        """
        known = set(cls.model_fields)
        for name in os.environ:
            if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in known | {"config"}:
                raise BadArgument(f"{name}: no such setting. Known: {', '.join(sorted(known))}.")
        try:
            return cls(**{**cls._from_file(), **cls._present(given)})
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
            raise BadArgument(f"Settings: {'; '.join(lines)}.") from error

    @classmethod
    def _from_file(cls) -> dict[str, Any]:
        """The file's values; those that the environment sets are left out, since arguments win over it."""
        name = os.environ.get(f"{PREFIX}CONFIG")
        if not name:
            return {}
        try:
            values = tomllib.loads(Path(name).expanduser().read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadArgument(f"{name}: cannot be read as TOML: {error}.") from error
        return {key: value for key, value in values.items() if f"{PREFIX}{key.upper()}" not in os.environ}

    @staticmethod
    def _present(given: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in given.items() if value is not None}
