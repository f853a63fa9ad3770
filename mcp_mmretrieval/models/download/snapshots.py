"""Where the files of a model lie: a folder of the person's, or one commit of a repository on the Hub, fetched once.

Only descriptions and safetensors are fetched and loaded: pickled weights can run code. A commit is loaded as the folder
that it becomes, so nothing else is fetched while it is loaded, not even what transformers would take in their stead.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_mmretrieval.config.profiles import ModelSpec, model_display_name
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.download.fetch import (
    DownloadProgress,
    fetch_snapshot,
    file_patterns,
    hub_is_offline,
    missing_bytes,
    saved_file_list,
    snapshot_folder,
)

_PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_POINTER = b"version https://git-lfs"
_HEADER = 100_000_000
"""Bytes that the description in a safetensors file may have (its specification)."""


def locate_model(spec: ModelSpec, *, fetch: bool = True, progress: DownloadProgress | None = None) -> tuple[Path, str]:
    """The folder with the model's files, and what names their content: the commit, or a SHA-256 over the folder.

    What is missing of a commit is fetched, unless `fetch` says otherwise or HF_HUB_OFFLINE is set; the Hub is not asked
    for one that is complete. Raises ModelUnavailable where there is no model, it is incomplete or damaged and cannot be
    fetched, its weights are pickled, or its code would come from elsewhere.
    """
    if spec.in_folder:
        folder = Path(spec.model)
        if not folder.is_dir():
            raise ModelUnavailable(f"{spec.model}: no such folder. Name the folder of a model.")
        _check(folder, spec)
        if wrong := model_damage(folder):
            raise ModelUnavailable(f"{spec.model}: does not load: {wrong}. Copy or save the model anew.")
        return folder, _sum(folder, spec)
    if not spec.revision:
        raise ModelUnavailable(f"{spec.model}: no commit is named. Name it as {spec.model}@COMMIT.")
    folder = snapshot_folder(spec)
    wrong = _lack(spec)
    if wrong and fetch and not hub_is_offline():
        fetch_snapshot(spec, progress)
        wrong = _lack(spec)
    if folder.is_dir():
        _check(folder, spec, complete=not wrong)
    if wrong:
        raise ModelUnavailable(
            f"{spec.model} {wrong}. With a network, run: mcp-mmretrieval download {model_display_name(spec)}."
        )
    return folder, spec.revision


def model_damage(folder: Path) -> str | None:
    """What is missing or broken in a model's folder, as the middle of a sentence; None where nothing is seen.

    Looks at the descriptions and the beginnings of the weights, not at every byte.
    """
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() and not file.exists():
            return f"{name} is missing"
        if file.name.endswith(".safetensors.index.json"):
            shards = _json(file).get("weight_map")
            if not isinstance(shards, dict):
                return f"{name} is damaged"
            if gone := sorted(str(shard) for shard in set(shards.values()) if not (file.parent / str(shard)).is_file()):
                return f"{len(gone)} of its {len(set(shards.values()))} parts are missing, {gone[0]} among them"
        if file.suffix == ".safetensors" and (wrong := _weights_damage(file)):
            return f"{name} {wrong}"
        if file.name in {"config.json", "modules.json"} and _json(file) is _NO_JSON:
            return f"{name} is damaged"
    return None


def _lack(spec: ModelSpec) -> str | None:
    """What keeps a commit from being used, as the end of a sentence about it; None where it is complete."""
    folder, files = snapshot_folder(spec), saved_file_list(spec)
    if files is not None and not all(_is(folder / file.path, file.size) for file in files):
        held = sum(file.size for file in files) - missing_bytes(spec, files)
        return f"is on this machine in part only, {held / 1e9:.1f} of {sum(file.size for file in files) / 1e9:.1f} GB"
    if not folder.is_dir() or not any(folder.iterdir()):
        return "is not on this machine"
    if wrong := model_damage(folder):
        return f"is incomplete or damaged: {wrong}"
    if not any(folder.rglob("*.safetensors")) and not any(found for name in _PICKLED for found in folder.rglob(name)):
        return "is incomplete: its weights are missing"
    return None


def _is(file: Path, size: int) -> bool:
    try:
        return file.stat().st_size == size
    except OSError:
        return False


def _check(folder: Path, spec: ModelSpec, *, complete: bool = True) -> None:
    """Raises ModelUnavailable unless the folder holds a model whose weights are all in safetensors."""
    for part in _parts(folder):
        if not any(part.glob("*.safetensors")) and any(found for name in _PICKLED for found in part.glob(name)):
            raise ModelUnavailable(
                f"{spec.model}: its weights are pickled, which can run code, and are not loaded. Save it as "
                "safetensors: load it where you trust it and call save_pretrained, or choose a commit that has them."
            )
    if complete and not any(folder.rglob("*.safetensors")):
        raise ModelUnavailable(
            f"{spec.model}: holds no model. A model's folder has modules.json or config.json, and model.safetensors."
        )
    if spec.own_code and (foreign := _foreign_code(folder)):
        raise ModelUnavailable(
            f"{spec.model}: would run code of {foreign}, which is another repository than the one that "
            "MMRETRIEVAL_TRUST_REMOTE_CODE names. It is not loaded."
        )


def _parts(folder: Path) -> Iterator[Path]:
    """The folders that weights are loaded from."""
    yield folder
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        yield from (folder / str(module["path"]) for module in modules)
    except (OSError, ValueError, TypeError, KeyError):
        return  # a plain transformers model, or one that does not load, and then says why


def _foreign_code(folder: Path) -> str | None:
    """Another repository whose code the model would load: transformers names it before `--` in `auto_map`."""
    for file in folder.rglob("*.json"):
        mapped = _json(file).get("auto_map")
        for value in mapped.values() if isinstance(mapped, dict) else ():
            for named in value if isinstance(value, list) else [value]:
                if "--" in str(named):
                    return str(named).partition("--")[0]
    return None


_NO_JSON: dict[str, Any] = {}


def _json(file: Path) -> dict[str, Any]:
    """A description; `_NO_JSON` where it cannot be read, and an empty one for a list."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _NO_JSON
    return found if isinstance(found, dict) else {}


def _weights_damage(file: Path) -> str | None:
    """Whether a safetensors file is whole, by its description (https://github.com/huggingface/safetensors#format)."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        begin = stream.read(8)
        if begin == _POINTER[:8]:
            return "is a pointer of Git LFS and no weights. Run git lfs pull there"
        length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else _HEADER + 1
        if length > min(_HEADER, size):
            return "is damaged"
        try:
            tensors = json.loads(stream.read(length))
            end = max(
                (tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"), default=0
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return "is damaged"
    if size != 8 + length + end:
        return f"has {size:,} bytes and should have {8 + length + end:,}"
    return None


def _sum(folder: Path, spec: ModelSpec) -> str:
    """SHA-256 in hex over the names and contents of a model's files: other weights are another model."""
    files = sorted({file for name in file_patterns(spec) for file in folder.rglob(name) if file.is_file()})
    whole = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{file.relative_to(folder).as_posix()}\n{content}\n".encode())
    except OSError as error:
        raise ModelUnavailable(f"{error.filename}: cannot be read ({error.strerror}). Change its rights.") from error
    return whole.hexdigest()
