"""A parser worker that does what the document's first line says; run by the tests of `Workers`."""

import codecs
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import worker
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import Content, EnteredPart, Film, Place, Segment, Sound, SplitPart, SplitStep


def page(source: Source, number: int, text: str = "") -> SplitPart:
    return SplitPart(segment=Segment(document=source.document, modality="page", place=Place(page=number), text=text))


def split(source: Source, limits: Limits, start: int, after: str = "") -> Iterator[SplitStep]:
    """Pages 1 to n, a line of the file each; a page does what its line says. With `enter PART` a file within begins."""
    entered, reached = "", not after
    for number, line in enumerate(source.file.read().decode().splitlines(), 1):
        if line.startswith("enter "):
            reached = reached or entered == after
            entered = line.removeprefix("enter ")
            if reached:
                yield EnteredPart(entered)
        elif reached and (after or number > start):
            yield page(source, number, act(line, source, limits))


def act(line: str, source: Source, limits: Limits) -> str:  # noqa: C901  # a list of misdeeds
    word, _, rest = line.partition(" ")
    match word:
        case "die":
            os.kill(os.getpid(), getattr(signal, rest))
        case "hang":
            while True:
                pass
        case "nap":
            time.sleep(float(rest))
        case "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "fill":
            np.ones(limits.memory_bytes, np.uint8)
        case "raise":
            raise {"KeyError": KeyError, "ValueError": ValueError}[rest]("a secret of the document")
        case "refuse":
            raise UnreadableMedia("encrypted", "it wants a password")
        case "exit":
            sys.exit(int(rest))
        case "pid":
            return str(os.getpid())
        case "sidecar":
            return "|".join(f"{sidecar.name}={sidecar.file.read().decode()}" for sidecar in source.sidecars)
        case "escape":
            return escapes()
        case "environment":
            return " ".join(sorted(os.environ))
        case "modules":
            return " ".join(sys.modules)
        case "codec":
            return codecs.lookup(rest).name
        case "surrogate":
            return "\ud800"
    return line


def escapes() -> str:
    """What works that should not."""
    found = []
    attempts: dict[str, Callable[[], object]] = {
        "read": lambda: Path("/etc/passwd").read_bytes(),
        "list": lambda: list(Path("/").iterdir()),
        "write": lambda: Path("/tmp/escaped").write_text("out"),
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        "kill": lambda: os.kill(os.getppid(), 0),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        found.append(name)
    return " ".join(found)


def load(source: Source, segment: Segment, limits: Limits) -> Content:
    line = source.file.read().decode()
    word, _, rest = line.partition(" ")
    match word:
        case "text":
            return rest
        case "picture":
            height, width = map(int, rest.split())
            return np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
        case "sound":
            return Sound(np.linspace(-1, 1, int(rest), dtype=np.float32), 16_000)
        case "infinite":
            return Sound(np.full(8, np.inf, np.float32), 16_000)
        case "film":
            pictures = [np.full((2, 3, 3), shade, np.uint8) for shade in range(3)]
            return Film(pictures, (1.0, 2.5, 4.0), Sound(np.zeros(5, np.float32), 16_000))
        case "place":
            return repr(segment)
        case _:
            return act(line, source, limits)


if __name__ == "__main__":
    worker.main(split, load)
