"""Makes `made.tar.xz` and `told.json`, with the code of an earlier commit: `COMMIT` made those that lie here.

In a clone of this repository, with an environment in which that commit's tests pass:

    git worktree add ../before COMMIT
    cp -r tests/library_made_before ../before/tests/
    cd ../before && python -m tests.library_made_before.make

writes both beside this file in `../before`. It needs `/srv/mmretrieval` to be free, and the built-in models. It asks
the Python API alone; what it imports to draw files has to be named as it was in COMMIT.

To make them anew is right only where a library of before is meant to be read or embedded again.
"""

import io
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mcp_mmretrieval import Library
from mcp_mmretrieval.demo_media.film import film_pictures, read_recording
from mcp_mmretrieval.demo_media.photos import lighthouse_photo
from tests.library_made_before import ARCHIVE, MADE_AT, PATIENCE, TOLD, catalog, history, settle, staged, told
from tests.support import tiny
from tests.support.media_files import pdf

COMMIT = "ca1ab56"
WRITTEN = 1_700_000_000
"""When all files were changed last, in seconds since 1970."""
RATE = 16_000
SCANNED = (
    "Rope and anchor chain",
    "Two spare lanterns",
    "Sails, mended in spring",
)
NOTES = """\
# Pump 4

The impeller was replaced in May, after the bearing had run dry.

# Lost and found

Two umbrellas, a violin, one red child's boot.
"""
SUBTITLES = """\
1
00:00:00,000 --> 00:00:04,000
Put on the life jacket.

2
00:00:04,000 --> 00:00:08,000
Walk to the meeting point on the upper deck.

3
00:00:08,000 --> 00:00:12,000
The crew lowers the rescue boat.
"""


# -- files -------------------------------------------------------------------------------------------------------------


def make_media(folder: Path) -> None:
    """One file of each kind, and what is left out or cannot be read."""
    folder.mkdir()
    (folder / "notes.md").write_text(NOTES, encoding="utf-8")
    (folder / "draft.md").write_text("The first draft of a letter to the harbour master.\n", encoding="utf-8")
    (folder / "gone.txt").write_text("This will not be here for long.\n", encoding="utf-8")
    (folder / "moving.txt").write_text("A recipe for fish soup with saffron.\n", encoding="utf-8")
    pages = ["The harbour office counted forty boats in June alone.", "Diesel for the ferries cost a tenth more."]
    (folder / "report.pdf").write_bytes(pdf(pages))
    sign("WHARF CLOSED", "ON MONDAY").save(folder / "sign.png", optimize=True)
    lighthouse_photo().resize((480, 320)).save(folder / "lighthouse.jpg", quality=70)
    write_speech(folder / "drill.ogg", read_recording("safety-drill.ogg"))
    write_film(folder / "film.mp4")
    (folder / "film.srt").write_text(SUBTITLES, encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (folder / ".mmretrievalignore").write_text("*.tmp\n", encoding="utf-8")
    (folder / "left-out.tmp").write_text("Nobody reads this.\n", encoding="utf-8")
    dated(folder)


def make_changes(folder: Path) -> None:
    """A file replaced, one moved, one removed."""
    (folder / "draft.md").write_text("The second draft: the crane needs a new rope.\n", encoding="utf-8")
    (folder / "moving.txt").rename(folder / "soup.txt")
    (folder / "gone.txt").unlink()
    dated(folder)


def make_long(folder: Path) -> None:
    """A recording of three windows, and a scan of three pages."""
    folder.mkdir()
    log, drill = read_recording("engine-log.ogg"), read_recording("safety-drill.ogg")
    samples = np.zeros(70 * RATE, np.int16)
    for second, spoken in ((0, log), (32, drill), (56, drill)):
        samples[second * RATE : second * RATE + len(spoken)] = spoken[: len(samples) - second * RATE]
    write_speech(folder / "log.ogg", samples)
    pages = [sign(*line.split(" ", 1)) for line in SCANNED]
    pages[0].save(folder / "scan.pdf", save_all=True, append_images=pages[1:])
    dated(folder)


def make_little(folder: Path) -> None:
    """A text and a picture."""
    folder.mkdir()
    (folder / "boat.txt").write_text("a red boat in the harbour\n", encoding="utf-8")
    (folder / "hill.txt").write_text("the green hill\n", encoding="utf-8")
    Image.new("RGB", (64, 48), "red").save(folder / "red.png")
    Image.new("RGB", (64, 48), "green").save(folder / "green.png")
    dated(folder)


def sign(*lines: str) -> Image.Image:
    """Large words on white."""
    picture = Image.new("L", (560, 220), "white")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((30, 30 + 80 * number), line, font=ImageFont.load_default(56), fill="black")
    return picture


def write_speech(path: Path, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
    """Ogg and Opus, as small as speech can be."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = 12_000
        for start in range(0, len(samples), 320):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 320], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_film(path: Path) -> None:
    """The demo's film, small and without its voice."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=3, options={"preset": "slow", "crf": "30"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        for picture in list(film_pictures())[::4]:
            container.mux(
                video.encode(av.VideoFrame.from_ndarray(np.asarray(picture.resize((320, 180))), format="rgb24"))
            )
        container.mux(video.encode(None))


def dated(folder: Path) -> None:
    for path in folder.iterdir():
        os.utime(path, (WRITTEN, WRITTEN))


# -- libraries ---------------------------------------------------------------------------------------------------------


def make_held(base: Path) -> dict[str, Any]:
    """Everything added, with jobs that ended in all ways."""
    folder, media = base / "held", base / "media"
    make_media(media)
    with Library.open(folder, roots=[media]) as library:
        assert library.add(dry_run=True).wait(PATIENCE).added == 10
        first = library.add().wait(PATIENCE)
        assert (first.added, len(first.failed), len(first.skipped)) == (9, 1, 2), first
        make_changes(media)
        second = library.add().wait(PATIENCE)
        assert (second.replaced, second.moved, second.removed, second.unchanged) == (1, 1, 1, 6), second
        assert library.add(text="The green valve is behind the pump.", title="Valve").wait(PATIENCE).added == 1
        assert len(library.add([str(media / "missing.txt"), "/etc/hostname"]).wait(PATIENCE).failed) == 2
        for _ in range(100):
            job = library.add()
            job.cancel()
            if job.wait(PATIENCE).state == "cancelled":
                break
        else:
            raise AssertionError("it ends before it can be cancelled")
        settle(library)
    with Library.open(folder, roots=[]) as library:
        assert library.add().wait(PATIENCE).state == "failed"
    with Library.open(folder, roots=[media]) as library:
        settle(library)
        return {**told(library, "held", media), "jobs": history(library)}


def make_halved(base: Path) -> dict[str, Any]:
    """Killed while both files are read; and then how many places there are once the jobs have gone on."""
    folder, long = base / "halved", base / "long"
    make_long(long)
    child = subprocess.Popen([sys.executable, "-m", __spec__.name, "halve", str(folder), str(long)])
    wait_for_staged(folder, 3)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    shutil.copytree(folder, base / "killed", ignore=shutil.ignore_patterns("cache"))  # before SQLite tidies up
    left = staged(folder)
    with Library.open(folder, roots=[long]) as library:
        jobs = [library.add([str(long / name)]) for name in ("log.ogg", "scan.pdf")]
        assert [job.wait(PATIENCE).added for job in jobs] == [1, 1]
        found = {one.citation: one.segments for one in library.documents()[0]}
        ids = {one.citation: one.id for one in library.documents()[0]}
    assert found == {"log.ogg": 3, "scan.pdf": 3}, found
    counts = {name: len(left.get(document, ())) for document in left for name in ids if document.startswith(ids[name])}
    assert counts.keys() == found.keys(), f"{counts}: one had not begun, or had ended; try again"
    assert all(0 < counts[name] < found[name] for name in found), f"{counts}: too early or too late; try again"
    shutil.rmtree(folder)
    (base / "killed").rename(folder)
    return {"jobs": {Path(name).name: job.id for name, job in zip(found, jobs, strict=True)}, "segments": found}


def wait_for_staged(folder: Path, places: int) -> None:
    """Until so many places are kept of files that are still read."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(sqlite3.OperationalError):  # its tables are being made
            if sum(map(len, staged(folder).values())) >= places:
                return
        time.sleep(0.01)
    raise AssertionError("nothing is kept of what is read")


def halve(folder: Path, long: Path) -> None:
    """The process that is killed. The scan begins when the recording is in its last window: a page takes less time."""
    with Library.open(folder, roots=[long]) as library:
        log = library.add([str(long / "log.ogg")])
        wait_for_staged(folder, 2)
        library.add([str(long / "scan.pdf")]).wait()
        log.wait()


def make_hub(base: Path) -> dict[str, Any]:
    """With a model in a folder."""
    folder, little, model = base / "hub", base / "little", base / "models" / "tiny"
    make_little(little)
    model.parent.mkdir()
    tiny.clip(model)
    shutil.rmtree(model.with_name("tiny-hf"))
    os.environ["MMRETRIEVAL_PROFILE"] = str(model)
    with Library.open(folder, roots=[little]) as library:
        assert library.add().wait(PATIENCE).added == 4
        settle(library)
    del os.environ["MMRETRIEVAL_PROFILE"]
    with Library.open(folder, roots=[little]) as library:
        settle(library)
        return {**told(library, "hub", little), "jobs": history(library)}


def without_rubbish(index: Path) -> None:
    """Clear what Chroma's files have in the room for more vectors: whatever lay in memory."""
    for header in index.glob("*/header.bin"):
        _, _, _, held, size = struct.unpack("<iQQQQ", header.read_bytes()[:36])
        for name, each in (("data_level0.bin", size), ("length.bin", 4)):
            data = header.with_name(name).read_bytes()
            header.with_name(name).write_bytes(data[: held * each].ljust(len(data), b"\0"))


# -- together ----------------------------------------------------------------------------------------------------------


def packed(base: Path) -> None:
    """The archive; no cache, no owner, no time but that of the files."""
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for path in sorted(base.rglob("*")):
            name = path.relative_to(base)
            if path.is_socket() or path.name.endswith("-shm") or (len(name.parts) > 1 and name.parts[1] == "cache"):
                continue
            info = archive.gettarinfo(path, str(name))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = WRITTEN
            archive.addfile(info, io.BytesIO(path.read_bytes()) if path.is_file() else None)


def main() -> None:
    os.environ["MMRETRIEVAL_DEVICE"] = "cpu"
    base = Path(MADE_AT)
    base.mkdir()
    said = {"made": time.time(), "commit": COMMIT, "chromadb": version("chromadb")}
    said |= {"held": make_held(base), "halved": make_halved(base), "hub": make_hub(base)}
    for name in ("held", "hub"):
        with catalog(base / name) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        without_rubbish(base / name / "index")
    packed(base)
    TOLD.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{ARCHIVE}: {ARCHIVE.stat().st_size} bytes; {MADE_AT} can go\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["halve"]:
        halve(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
