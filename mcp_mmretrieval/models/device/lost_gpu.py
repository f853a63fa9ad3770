"""What became of the GPU: a device that was lost once is used again by the next process; one lost twice is left alone.

Kept in the library's folder, for only a new process gets a lost device back.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

LOST_GPU_WINDOW_SECONDS = 3_600.0
"""Seconds within which a second loss makes the device be left alone, and for which it is."""
LOSSES_FILE_NAME = "losses.json"


class LostGpuLog:
    """The losses of a library's latest processes."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970."""
        self._file = folder / LOSSES_FILE_NAME
        self._now = now

    def note(self, reason: str) -> None:
        """The device was lost just now. A disk that is full keeps nobody from going on."""
        try:
            made = self._file.with_name(f"{LOSSES_FILE_NAME}.{os.getpid()}")
            noted = [{"at": at, "reason": why} for at, why in [*self._recent(), (self._now(), reason)]]
            made.write_text(json.dumps(noted), encoding="utf-8")
            made.replace(self._file)
        except OSError as error:
            logger.warning("the loss of a device is not recorded: %s", error)

    def alone(self) -> str:
        """Why the device is left alone, and until when; empty where it may be used."""
        recent = self._recent()
        if len(recent) < 2:
            return ""
        at, reason = recent[-1]
        until = time.strftime("%H:%M", time.localtime(at + LOST_GPU_WINDOW_SECONDS))
        return (
            f"The GPU was lost {len(recent)} times within an hour and is left alone until {until}. Last: "
            f"{reason.rstrip('.')}. Look after its driver, memory and temperature, or set "
            "MMRETRIEVAL_DEVICE to cpu."
        )

    def _recent(self) -> list[tuple[float, str]]:
        """When and why, oldest first, of those that count; a file that says something else says nothing."""
        try:
            noted = json.loads(self._file.read_text(encoding="utf-8"))
            losses = [(float(loss["at"]), str(loss["reason"])) for loss in noted]
        except (OSError, ValueError, TypeError, KeyError):
            return []
        return [(at, reason) for at, reason in losses if 0 <= self._now() - at < LOST_GPU_WINDOW_SECONDS]
