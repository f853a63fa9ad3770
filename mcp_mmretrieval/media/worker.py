"""The parser worker's side: confine yourself, then read one document after the other for the engine.

Started by `workers.py` with a socket, the engine's process id and a bound on memory. Knows nothing but the open files
that come with a task, and says what it finds in the frames of `wire.py`.
"""

import encodings
import faulthandler
import gc
import importlib
import io
import os
import pkgutil
import re
import resource
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import sandbox, wire
from mcp_mmretrieval.media.charset_guess import MODELS_FOLDER
from mcp_mmretrieval.media.failures import failure_of
from mcp_mmretrieval.media.source import MAX_SIDECARS, Sidecar, Source
from mcp_mmretrieval.media.web_type import web_type
from mcp_mmretrieval.types import Content, Segment, SplitPart, SplitStep

SplitFunction = Callable[[Source, Limits, int, str], Iterator[SplitStep]]
LoadFunction = Callable[[Source, Segment, Limits], Content]


class PassedFile(io.RawIOBase):
    """A file that was opened elsewhere, with a position of its own: a descriptor passed on shares its owner's."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The descriptor itself, for mapping it; its position means nothing."""
        return self._fd

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within or beyond the file, as every file does."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: os.fstat(self._fd).st_size}[whence]
        if origin + offset < 0:
            raise OSError("a place before the file")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the two that exist
        """The next bytes; 0 at the end."""
        data = os.pread(self._fd, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the descriptor too."""
        if not self.closed:
            os.close(self._fd)
        super().close()


_status: int | None = None
"""Descriptor of /proc/self/status, where there is one."""


def main(split: SplitFunction | None = None, load: LoadFunction | None = None) -> None:
    """Serve until the engine hangs up. Tests pass a `split` and a `load` that misbehave."""
    number, parent, memory_bytes = map(int, sys.argv[1:4])
    faulthandler.enable()
    os.set_blocking(2, False)  # nobody empties stderr meanwhile: what does not fit is lost
    _import_everything()
    global _status
    _status = _open_status()
    words = sandbox.lock_down(memory_bytes=memory_bytes, parent=parent, readable=[MODELS_FOLDER, *encodings.__path__])
    with socket.socket(fileno=number) as link:
        link.sendall(wire.pack_frame({"sandbox": words}))
        while (task := _next_task(link)) is not None:
            _say(link, {"begun": True})  # whatever happens from here on, the file may be to blame
            _serve(link, *task, split or media.split, load or media.load)


def _import_everything() -> None:
    """Import all that a parser may want: once confined, no module can be opened any more.

    Codecs are an exception, for there are many and few are met: their folder stays readable. Those of East Asia load
    libraries from elsewhere; each that is named here loads another one.
    """
    gc.disable()  # what is imported is no garbage
    for codec in ("big5", "big5hkscs", "euc_jp", "euc_kr", "gb18030", "iso2022_jp"):
        importlib.import_module(f"encodings.{codec}")
    for module in pkgutil.iter_modules(media.__path__):
        if module.name != "worker":  # this one
            importlib.import_module(f"{media.__name__}.{module.name}")
    for reader in media.READERS:
        media.reader_module(reader)
    gc.freeze()
    gc.enable()


def _next_task(link: socket.socket) -> tuple[wire.Header, list[int]] | None:
    """What to do and with which files; None once the engine has hung up."""
    prefix, files, _, _ = socket.recv_fds(link, wire.FRAME_PREFIX.size, 1 + MAX_SIDECARS)
    if not prefix:
        return None
    task, _ = wire.receive_frame(link, lump=0, wait=lambda: None, prefix=prefix)
    return task, files


def _serve(
    link: socket.socket, task: wire.Header, files: Sequence[int], split: SplitFunction, load: LoadFunction
) -> None:
    """Do one task, and say how it ended. A worker that ran out of memory ends: what is left is in pieces."""
    names = [task["name"], *task["sidecars"]]
    opened = [Sidecar(name=name, file=io.BufferedReader(PassedFile(fd))) for name, fd in zip(names, files, strict=True)]
    document, *sidecars = opened
    source = Source(file=document.file, name=document.name, document=task["document"], sidecars=tuple(sidecars))
    limits = Limits(**task["limits"])
    try:
        if task["web_type"]:
            _say(link, {"web_type": web_type(document.file)})
        elif task["segment"] is None:
            steps = (
                media.figures(source, limits, task["start"])
                if task["figures"]
                else split(source, limits, task["start"], task["after"])
            )
            for step in steps:
                header, lump = wire.encode_step(step)
                _say(link, header, lump)
                if task["first"] and isinstance(step, SplitPart):
                    break
        else:
            content, lump = wire.encode_content(
                load(source, wire.decode_segment(task["segment"], source.document), limits)
            )
            _say(link, {"content": content}, lump)
        _say(link, {"done": _peak_memory(_status)})
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)
    except MemoryError:
        _say(link, {"out_of_memory": True})
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this file's outcome; the class names it
        traceback.print_exc()
        failure = failure_of(error)
        _say(link, {"error": {"code": failure.code, "reason": str(failure)}, "done": _peak_memory(_status)})
    finally:
        for sidecar in opened:
            sidecar.file.close()


def _say(link: socket.socket, header: wire.Header, lump: Sequence[memoryview] = ()) -> None:
    link.sendall(wire.pack_frame(header, sum(len(piece) for piece in lump)))
    for piece in lump:
        link.sendall(piece)


def _open_status() -> int | None:
    """Where Linux tells of this process; opened before it is confined."""
    try:
        return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _peak_memory(status: int | None) -> int:
    """Bytes that this process held at its worst.

    Where Linux tells them by itself: what getrusage(2) calls so begins with the memory of whoever started the process.
    """
    if status is not None and (found := re.search(rb"VmHWM:\s+(\d+) kB", os.pread(status, 8192, 0))):
        return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
