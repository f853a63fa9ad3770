"""Slides as pictures, where LibreOffice is installed and can be locked in: a PDF of each deck, a page a slide.

LibreOffice runs in a process of its own (`impress.py`). Its PDF is read by the usual workers, as a stranger's file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.front.child import import_variables, kill_child, machine_variables, module_command, start_child
from mcp_mmretrieval.media.office.slides.impress import DRAWING_SECONDS, MAX_PDF_BYTES, NOT_LOCKED

logger = logging.getLogger(__name__)

PROGRAMS = ("soffice", "libreoffice")
MOST_DECKS = 8
"""Decks whose PDF is kept, the least recently seen go first."""
_MODULE = "mcp_mmretrieval.media.office.slides.impress"
_SUFFIX = re.compile(r"\.[a-z]{3,4}")
_SLIDE = re.compile(r"slide=(\d+)")
_STARTING_SECONDS = 30


def slide_number(part: str) -> int | None:
    """Which slide of a deck a part is; None for any other, and for slides of a deck within another file."""
    found = _SLIDE.fullmatch(part)
    return int(found[1]) if found else None


class DrawnSlides:
    """The PDFs of decks, drawn when one is first asked for. Thread-safe; one deck is drawn at a time."""

    def __init__(self, *, wanted: bool) -> None:
        """Looks for LibreOffice once. Where it is not wanted, not there, or cannot be locked in, nothing is drawn."""
        found = map(shutil.which, PROGRAMS) if wanted and sys.platform == "linux" else ()
        self._program = next(filter(None, found), None)
        self._turns = threading.Lock()
        self._kept: OrderedDict[str, IO[bytes] | None] = OrderedDict()
        """By document; None where LibreOffice failed."""

    @property
    def available(self) -> bool:
        """Whether slides are drawn."""
        return self._program is not None

    @contextlib.contextmanager
    def pdf(self, deck: int, *, name: str, document: str) -> Iterator[int | None]:
        """The descriptor of a deck's PDF, open for as long as it is used; None where nothing can be drawn here.

        `deck`: its descriptor. Raises UnreadableMedia for a deck that LibreOffice does not draw.
        """
        with self._turns:
            if document not in self._kept:
                self._kept[document] = self._drawn(deck, PurePath(name).suffix.lower())
            self._kept.move_to_end(document)
            while len(self._kept) > MOST_DECKS:
                _, oldest = self._kept.popitem(last=False)
                if oldest is not None:
                    oldest.close()
            pdf = self._kept[document]
            if pdf is None and self.available:
                raise UnreadableMedia("corrupt", "LibreOffice could not draw these slides; their text is complete")
            descriptor = None if pdf is None else os.dup(pdf.fileno())
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        """Forget all PDFs."""
        with self._turns:
            for pdf in filter(None, self._kept.values()):
                pdf.close()
            self._kept.clear()
            self._program = None

    def _drawn(self, deck: int, suffix: str) -> IO[bytes] | None:
        """A file without a name that holds the PDF; None where none was made."""
        if self._program is None:
            return None
        suffix = suffix if _SUFFIX.fullmatch(suffix) else ".pptx"
        command = module_command(_MODULE, self._program, suffix, str(os.getpid()))
        variables = machine_variables() | import_variables()
        pdf = tempfile.TemporaryFile()  # noqa: SIM115  # it is kept
        os.lseek(deck, 0, os.SEEK_SET)
        process = start_child(command, variables, stdin=deck, stdout=pdf, start_new_session=True)
        try:
            ended = process.wait(DRAWING_SECONDS + _STARTING_SECONDS)
        except subprocess.TimeoutExpired:
            ended = -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            kill_child(process)
        if ended == NOT_LOCKED:
            logger.warning("slides are not drawn: LibreOffice cannot be locked in on this system")
            self._program = None
        if ended or not 0 < os.fstat(pdf.fileno()).st_size <= MAX_PDF_BYTES:
            pdf.close()
            return None
        return pdf
