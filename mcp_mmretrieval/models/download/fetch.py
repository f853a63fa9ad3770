"""Fetching a commit of a model from the Hugging Face Hub: what has arrived is kept, and is never fetched again.

It goes into the Hub's own cache, laid out as huggingface_hub does it (blobs by their digest, a folder of links for each
commit), so that other programs find it there.

huggingface_hub starts a file anew when a download was cut: its `file_download._download_to_tmp_and_move` (read in 1.33)
writes to a fresh file of a random name and deletes it on failure. This module can go once it resumes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from mcp_mmretrieval.config.profiles import ModelSpec, model_display_name
from mcp_mmretrieval.errors import ModelUnavailable, first_error_line
from mcp_mmretrieval.models.progress import report_progress

logger = logging.getLogger(__name__)

DownloadProgress = Callable[[int, int, str], None]
"""Is told bytes on this machine, bytes in all, and the file that is being fetched."""

MODEL_FILE_PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""Names of what a model consists of, in any folder; patterns of `fnmatch`. Pickled weights can run code."""
CODE_FILE_PATTERN = "*.py"
"""What is fetched and summed up too where a model's own code may run."""

RETRY_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each attempt to go on; after the last one without a single byte it is given up."""

_WAIT = 30.0
"""Seconds without a byte after which a connection counts as lost."""
_CHUNK = 1 << 20
_MARGIN = 200_000_000
"""Bytes of disk left for others."""
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a commit."""

    path: str
    """Within the model's folder, with slashes."""
    size: int
    digest: str
    """SHA-256 of large files, else SHA-1 as git makes it of a blob. In hex; also its name in the cache."""


def file_patterns(spec: ModelSpec) -> tuple[str, ...]:
    """Patterns of the files that a model consists of."""
    return (*MODEL_FILE_PATTERNS, CODE_FILE_PATTERN) if spec.own_code else MODEL_FILE_PATTERNS


def hub_is_offline() -> bool:
    """Whether HF_HUB_OFFLINE keeps the Hub from being asked."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def snapshot_folder(spec: ModelSpec) -> Path:
    """Where the commit lies in the cache once it is fetched, whether by this program or another."""
    return cached_model_folder(spec.model) / "snapshots" / spec.revision


def saved_file_list(spec: ModelSpec) -> list[HubFile] | None:
    """The files of the commit as the Hub listed them when it was fetched; None where another program fetched it."""
    try:
        return [HubFile(**one) for one in json.loads(_listing(spec).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return None


def fetch_file_list(spec: ModelSpec) -> list[HubFile]:
    """The files of the commit as the Hub lists them, small ones first: where the weights are whole, all else is there.

    Raises ModelUnavailable where it does not answer, or has no such commit or none with weights that are loaded.
    """
    from huggingface_hub import constants

    with _explained(spec):
        found: list[HubFile] = []
        url: str | None = f"{constants.ENDPOINT}/api/models/{spec.model}/tree/{spec.revision}?recursive=true"
        while url:
            with _get(url) as response:
                response.read()
                found += [file for one in response.json() if (file := _file(one, spec)) is not None]
                url = response.links.get("next", {}).get("url")
    if not any(file.path.endswith(".safetensors") for file in found):
        raise ModelUnavailable(
            f"{spec.model}: this commit has no weights in safetensors; pickled ones can run code and are not loaded. "
            f"Choose a commit that has them on https://huggingface.co/{spec.model}/commits/main."
        )
    return sorted(found, key=lambda file: (file.size, file.path))


def missing_bytes(spec: ModelSpec, files: Sequence[HubFile]) -> int:
    """Bytes of the files that are not on this machine yet."""
    return sum(file.size - _held(spec, file) for file in files)


def cached_model_folder(model: str) -> Path:
    """Where the Hub's cache keeps a model, all of its commits, if it has any. The cache is other programs' too."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{model.replace('/', '--')}"


def check_disk_room(needed: int, what: str) -> None:
    """Raises ModelUnavailable where the disk has too little room for so many bytes more. `what` needs them."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free
    if needed and free < needed + _MARGIN:
        raise ModelUnavailable(
            f"{what} needs {needed / 1e9:.1f} GB more at {cache}, and {free / 1e9:.1f} GB are free. Make room, or set "
            "HF_HUB_CACHE to a folder on a larger disk."
        )


def fetch_snapshot(
    spec: ModelSpec, progress: DownloadProgress | None = None, pauses: Sequence[float] = RETRY_PAUSES_SECONDS
) -> Path:
    """Fetch what is missing of a commit, and return its folder. Other processes that fetch it are waited for.

    What is there already is checked byte by byte, and fetched anew where it is damaged. Raises ModelUnavailable where
    that fails or the disk has too little room; what has arrived is kept.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    report = progress or _logged(spec)
    files = fetch_file_list(spec)
    place = cached_model_folder(spec.model)
    with _explained(spec):
        place.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(place / ".fetching.lock"):
            check_disk_room(missing_bytes(spec, files), spec.model)
            _listing(spec).parent.mkdir(exist_ok=True)
            _write(_listing(spec), json.dumps([asdict(file) for file in files]))
            done, total = (
                sum(file.size for file in files) - missing_bytes(spec, files),
                sum(file.size for file in files),
            )
            for file in files:
                report(done, total, file.path)
                done = _one(spec, file, done, _of(file, report, total), pauses)
            report(total, total, "")
    return snapshot_folder(spec)


def _one(spec: ModelSpec, file: HubFile, done: int, report: Callable[[int], None], pauses: Sequence[float]) -> int:
    """Fetch one file and link to it. `done`: bytes held of all files before; returns the same after."""
    blob = _blob(spec, file)
    if _complete(blob, file) and not _intact(blob, file):
        blob.unlink()
        done -= file.size
    if not _complete(blob, file):
        part = _part(spec, file)
        part.parent.mkdir(parents=True, exist_ok=True)
        done = _rest(spec, file, part, done, report, pauses)
        part.replace(blob)
    pointer = snapshot_folder(spec) / file.path
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:  # a file system without links
        shutil.copyfile(blob, pointer)
    return done


def _rest(
    spec: ModelSpec, file: HubFile, part: Path, done: int, report: Callable[[int], None], pauses: Sequence[float]
) -> int:
    """Bring a partial file to its end, through lost connections, and check what it holds."""
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/{spec.model}/resolve/{spec.revision}/{quote(file.path)}"
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()
    digest = _begun(file)
    with part.open("a+b") as stream:
        stream.seek(0)
        held = 0
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            held += len(chunk)
        left = list(pauses)
        while held < file.size:
            before = held
            try:
                for chunk in _bytes(url, held):
                    stream.write(chunk)
                    digest.update(chunk)
                    held += len(chunk)
                    done += len(chunk)
                    report(done)
                if held == before:
                    raise ConnectionError("the connection was closed")
            except Exception as error:
                stream.flush()
                if held > before:
                    left = list(pauses)
                if _final(error) or not left:
                    raise
                logger.info("%s: %s; going on in %.0f s", file.path, first_error_line(error), left[0])
                time.sleep(left.pop(0))
        stream.flush()
        os.fsync(stream.fileno())
    if held != file.size or digest.hexdigest() != file.digest:
        part.unlink()
        raise ModelUnavailable(
            f"{spec.model}: {file.path} arrived damaged, and was thrown away. Fetch it again: "
            f"mcp-mmretrieval download {model_display_name(spec)}."
        )
    return done


def _bytes(url: str, start: int) -> Iterator[bytes]:
    """The content from a position on. Empty where the server has no more."""
    with _get(url, {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}) as response:
        skip = 0 if response.status_code == 206 else start  # a server that knows no ranges sends all of it
        for chunk in response.iter_raw():  # as they arrive: what waits to be a larger one is lost with the connection
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            yield chunk[skip:]
            skip = 0


@contextmanager
def _get(url: str, headers: dict[str, str] | None = None) -> Iterator[Any]:
    """An answer of the Hub. Raises what huggingface_hub raises for refusals."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    sent = {**build_hf_headers(library_name="mcp-mmretrieval"), **(headers or {})}
    with get_session().stream("GET", url, headers=sent, timeout=_WAIT, follow_redirects=True) as response:
        if response.status_code >= 400:
            response.read()
        hf_raise_for_status(response)
        yield response


def _final(error: Exception) -> bool:
    """Whether to try again makes no sense: a refusal of the Hub, or the disk."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return bool(status < 500 and status not in {408, 429})
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}


@contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """Turns whatever goes wrong into what the person should know and do."""
    try:
        yield
    except ModelUnavailable:
        raise
    except Exception as error:  # of the Hub, the network or the disk
        again = f"mcp-mmretrieval download {model_display_name(spec)}"
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            told = f"the disk at {cached_model_folder(spec.model).parent} is full. Make room, then run: {again}."
        elif status in {401, 403}:
            told = (
                f"the Hub asks who you are. Agree to its licence on https://huggingface.co/{spec.model}, run: "
                f"hf auth login, then: {again}."
            )
        elif status == 404:
            told = f"the Hub has no such model or commit ({spec.revision}). Look it up on https://huggingface.co."
        else:
            told = f"{first_error_line(error)}. What has arrived is kept. With a network, run: {again}."
        raise ModelUnavailable(f"{spec.model} cannot be fetched: {told}") from error


def _file(listed: dict[str, Any], spec: ModelSpec) -> HubFile | None:
    """What the Hub says of a file, where it is one of the model's. Raises ValueError for a path outside."""
    path = PurePosixPath(str(listed["path"]))
    if listed.get("type") != "file" or not any(fnmatch(path.name, name) for name in file_patterns(spec)):
        return None
    large = listed.get("lfs") or {}
    digest = str(large.get("oid") or listed["oid"])
    if path.is_absolute() or ".." in path.parts or "\\" in str(path) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"the Hub names a file {path}, which cannot be right")
    return HubFile(str(path), int(listed["size"]), digest)


def _held(spec: ModelSpec, file: HubFile) -> int:
    """Bytes of a file that need not be fetched."""
    blob, part = _blob(spec, file), _part(spec, file)
    if _complete(blob, file):
        return file.size
    return min(part.stat().st_size, file.size) if part.exists() else 0


def _of(file: HubFile, report: DownloadProgress, total: int) -> Callable[[int], None]:
    return lambda done: report(done, total, file.path)


def _begun(file: HubFile) -> hashlib._Hash:
    """The hash that the file's digest is one of, at its beginning."""
    return hashlib.sha256() if len(file.digest) == 64 else hashlib.sha1(f"blob {file.size}\0".encode())


def _intact(blob: Path, file: HubFile) -> bool:
    digest = _begun(file)
    with blob.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == file.digest


def _complete(blob: Path, file: HubFile) -> bool:
    return blob.is_file() and blob.stat().st_size == file.size


def _blob(spec: ModelSpec, file: HubFile) -> Path:
    return cached_model_folder(spec.model) / "blobs" / file.digest


def _part(spec: ModelSpec, file: HubFile) -> Path:
    """Not `.incomplete`: huggingface_hub writes over those from their beginning."""
    return cached_model_folder(spec.model) / "blobs" / f"{file.digest}.part"


def _listing(spec: ModelSpec) -> Path:
    return cached_model_folder(spec.model) / ".listed" / f"{spec.revision}.json"


def _write(path: Path, text: str) -> None:
    made = path.with_name(f"{path.name}.new")
    made.write_text(text, encoding="utf-8")
    made.replace(path)


def _logged(spec: ModelSpec) -> DownloadProgress:
    """Progress for the log: a line at each tenth."""
    told = -1

    def report(done: int, total: int, _: str) -> None:
        nonlocal told
        report_progress(*(("fetching", done, total) if done < total else ("loading", 0, 0)))
        if total and (tenth := done * 10 // total) > told:
            told = tenth
            logger.info("fetching %s: %.1f of %.1f GB", spec.model, done / 1e9, total / 1e9)

    return report
