"""Where the files of a model lie: a folder of the person's, or one commit of a repository on the Hub, fetched once.

Only descriptions and safetensors are fetched and loaded: pickled weights can run code. A commit is loaded as the folder
that it becomes, so nothing else is fetched while it is loaded, not even what transformers would take in their stead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.profiles import ModelSpec

FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""Names of what a model consists of; patterns of `fnmatch`, in any folder."""
_PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def located(spec: ModelSpec) -> tuple[Path, str]:
    """The folder with the model's files, and what names their content: the commit, or a SHA-256 over the folder.

    Raises ModelUnavailable where there is no model, it cannot be fetched, or its weights are pickled.
    """
    if spec.in_folder:
        folder = Path(spec.model)
        _check(folder, spec)
        return folder, _sum(folder)
    folder = _fetched(spec)
    _check(folder, spec)
    return folder, spec.revision


def _fetched(spec: ModelSpec) -> Path:
    """One commit, from the Hub's cache on this machine where it is there. HF_HUB_OFFLINE: the Hub is not asked."""
    if not spec.revision:
        raise ModelUnavailable(f"{spec.model}: no commit is named. Set MMRETRIEVAL_PROFILE to {spec.model}@COMMIT.")
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        return Path(
            snapshot_download(
                spec.model,
                revision=spec.revision,
                allow_patterns=list(FILES),
                local_files_only=constants.HF_HUB_OFFLINE,
            )
        )
    except Exception as error:  # of the Hub, the network or the disk
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelUnavailable(
            f"{spec.model} is not on this machine and cannot be fetched: {reason.rstrip('.')}. With a network, run: "
            f"hf download {spec.model} --revision {spec.revision}. Without one, set MMRETRIEVAL_PROFILE to the folder "
            "that holds the model."
        ) from error


def _check(folder: Path, spec: ModelSpec) -> None:
    """Raises ModelUnavailable unless the folder holds a model whose weights are all in safetensors."""
    if not folder.is_dir():
        raise ModelUnavailable(f"{spec.model}: no such folder. Set MMRETRIEVAL_PROFILE to the folder of a model.")
    for part in _parts(folder):
        if not any(part.glob("*.safetensors")) and any(found for name in _PICKLED for found in part.glob(name)):
            raise ModelUnavailable(
                f"{spec.model}: its weights are pickled, which can run code, and are not loaded. Save it as "
                "safetensors: load it where you trust it and call save_pretrained, or choose a commit that has them."
            )
    if not any(folder.rglob("*.safetensors")):
        raise ModelUnavailable(
            f"{spec.model}: holds no model. A model's folder has modules.json or config.json, and model.safetensors."
        )


def _parts(folder: Path) -> Iterator[Path]:
    """The folders that weights are loaded from."""
    yield folder
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        yield from (folder / str(module["path"]) for module in modules)
    except (OSError, ValueError, TypeError, KeyError):
        return  # a plain transformers model, or one that does not load, and then says why


def _sum(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of a model's files: other weights are another model."""
    files = sorted({file for name in FILES for file in folder.rglob(name) if file.is_file()})
    whole = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{file.relative_to(folder).as_posix()}\n{content}\n".encode())
    except OSError as error:
        raise ModelUnavailable(f"{error.filename}: cannot be read ({error.strerror}). Change its rights.") from error
    return whole.hexdigest()
