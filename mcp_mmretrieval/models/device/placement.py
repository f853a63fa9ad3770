"""Where models from the Hub run: on the device that the settings name, unless it was lost. Imports no torch itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import progress
from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog

if TYPE_CHECKING:
    from mcp_mmretrieval.models.device.device import Device

logger = logging.getLogger(__name__)


class DevicePlacement:
    """Decides for one pool of models on which device each is loaded. Thread-safe."""

    def __init__(self, settings: Settings, on_lost: Callable[[str], None]) -> None:
        """`on_lost`: called with the reason when a GPU is lost, by the thread that lost it."""
        self._settings = settings
        self._on_lost = on_lost
        self._losses = LostGpuLog(settings.library)
        self._without = ""

    @property
    def alone(self) -> str:
        """Why no model runs on the GPU that the settings name; empty where they do, or there is none."""
        return self._without or self._losses.alone()

    def do_without(self, reason: str) -> None:
        """For the rest of this process no model is loaded on the GPU."""
        self._without = f"{reason} Until the server is started again, models do without it."

    def tell_losses_to(self, callback: Callable[[str], None]) -> None:
        """From now on `callback` is called when a GPU is lost, in the place of the one before."""
        self._on_lost = callback

    def device_for_load(self, instead: str = "") -> Device:
        """Where models of the Hub's run, or `instead` where a GPU that was lost is left alone.

        The thread that loads reports the device (`progress.report_device`). Raises ModelUnavailable for a device that
        is not there, and for one that is left alone where nothing is named instead.
        """
        from mcp_mmretrieval.models.device import device

        name = self._device_name()
        if name != "cpu" and (alone := self.alone):
            if not instead:
                raise ModelUnavailable(alone)
            name = instead
        runs_on = device.shared_device(self._settings, name)
        runs_on.tell_loss_to(self._lost)
        progress.report_device(runs_on)
        return runs_on

    def _device_name(self) -> str:
        """The device that the settings name, as torch names it. Raises ModelUnavailable for one that is not there."""
        from mcp_mmretrieval.models.device import accelerator

        return accelerator.resolve_device_name(self._settings.device)

    def _lost(self, reason: str) -> None:
        logger.error("%s", reason)
        self._losses.note(reason)
        self._on_lost(reason)
