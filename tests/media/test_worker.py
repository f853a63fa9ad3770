"""The worker's own side: files passed on, an empty environment, an end with the server."""

import codecs
import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.media.charset import _NAMES
from mcp_mmretrieval.media.charset_guess import _MET
from mcp_mmretrieval.media.image import IMAGE_FORMATS
from mcp_mmretrieval.media.worker import PassedFile
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Place, Segment, Sound, SplitPart
from tests.support import recordings
from tests.support.heif import HeifPicture, heif
from tests.support.media_files import saved
from tests.support.parsing import DOCUMENT, linux, opened, split


def test_one_descriptor_serves_several_loads_at_once(workers: Workers) -> None:
    places = [Segment(document=DOCUMENT, modality="audio", place=Place(start=at, end=at + 5)) for at in range(20)]
    with opened(recordings.sound("flac", 30.0)) as fd, ThreadPoolExecutor(4) as threads:
        sounds = list(threads.map(lambda place: workers.load(fd, place, name="n"), places))
    for place, sound in zip(places, sounds, strict=True):
        begin = round((place.place.start or 0) * 16_000)
        assert isinstance(sound, Sound)
        expected = recordings.chirp(30.0, 16_000)[begin : begin + 80_000]
        assert np.abs(sound.samples - expected)[100:-100].max() < 0.01


def test_sidecars_come_with_their_names(misbehaving: Workers) -> None:
    with opened("sidecar") as fd, opened("one") as one, opened("two") as two:
        parts = list(misbehaving.split(fd, name="n", document=DOCUMENT, sidecars=[("a.srt", one), ("b.vtt", two)]))
    assert isinstance(parts[0], SplitPart) and parts[0].segment.text == "a.srt=one|b.vtt=two"


def test_a_worker_has_no_environment_and_none_of_the_heavy_packages(misbehaving: Workers) -> None:
    names = split(misbehaving, "environment")[0][0].split()
    assert "HOME" not in names and "PATH" not in names and len(names) < 12
    modules = set(split(misbehaving, "modules")[0][0].split())
    assert {"av", "numpy", "PIL", "mcp_mmretrieval.media.audio"} <= modules
    assert not modules & {"torch", "transformers", "chromadb", "mcp", "pydantic", "sqlite3"}


def test_a_locked_worker_knows_every_encoding_of_texts(misbehaving: Workers) -> None:
    names = sorted({*_NAMES.values(), *_MET, "iso2022_jp_ext", "utf-7", "utf-16-be", "utf-32"})
    found, notes = split(misbehaving, "\n".join(f"codec {name}" for name in names))
    assert found == [codecs.lookup(name).name for name in names] and not notes


@pytest.mark.parametrize("kind", [*IMAGE_FORMATS, "MPO", "LAB TIFF", "P GIF", "CMYK JPEG"])
def test_a_locked_worker_reads_pictures_of_every_kind(workers: Workers, kind: str) -> None:
    mode, _, kind = kind.rpartition(" ")
    image = Image.new(mode or "RGB", (256, 256))
    with opened(heif(HeifPicture(image)) if kind == "HEIF" else saved(image, kind)) as fd:
        picture = workers.load(fd, Segment(document=DOCUMENT, modality="image", place=Place()), name="n")
    assert isinstance(picture, np.ndarray) and picture.shape == (256, 256, 3)


@linux
def test_workers_die_with_the_server() -> None:
    code = (
        "import tempfile, time\nfrom mcp_mmretrieval.config.limits import Limits\n"
        "from mcp_mmretrieval.media.workers import Workers\n"
        "pool = Workers(Limits(), 1, entry='tests.support.misbehaving_worker')\n"
        "file = tempfile.TemporaryFile()\nfile.write(b'pid\\nhang')\nfile.flush()\n"
        "steps = pool.split(file.fileno(), name='n', document='ab' * 32)\n"
        "print(next(steps).segment.text, flush=True)\nnext(steps)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        time.sleep(0.2)  # it hangs now, deaf to its socket
        server.kill()
    deadline = time.monotonic() + 60
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(worker)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


# -- files that are passed on ------------------------------------------------------------------------------------------


def test_two_files_over_one_descriptor_have_positions_of_their_own() -> None:
    with opened("0123456789") as fd:
        one, other = PassedFile(os.dup(fd)), PassedFile(os.dup(fd))
        assert (one.read(3), other.read(2), one.read(2)) == (b"012", b"01", b"34")
        assert (other.seek(-2, io.SEEK_END), other.read()) == (8, b"89")
        assert (one.seek(-1, io.SEEK_CUR), one.read(1)) == (4, b"4")
        assert (one.seek(50), one.read(1)) == (50, b"")
        with pytest.raises(OSError, match="before the file"):
            one.seek(-1)
        other.close()
        one.close()


def test_a_passed_file_closes_its_descriptor_once() -> None:
    with opened("x") as fd:
        number = os.dup(fd)
        passed = PassedFile(number)
        passed.close()
        passed.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_what_a_worker_imports_needs_no_home() -> None:
    nobody = "import pwd\ndef nobody(uid): raise KeyError(uid)\npwd.getpwuid = nobody\n"
    readers = "from mcp_mmretrieval import media\nfor reader in media.READERS: media.reader_module(reader)"
    python = [sys.executable, "-c", nobody + readers]
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    ended = subprocess.run(python, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
