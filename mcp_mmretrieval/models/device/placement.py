"""Where models from the Hub run: on the device that the settings name, unless it was lost. Imports no torch itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog

if TYPE_CHECKING:
    from mcp_mmretrieval.models.device.device import Device

logger = logging.getLogger(__name__)


class DevicePlacement:
    """Decides on which device each model of a process is loaded. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._losses = LostGpuLog(settings.library)

    def device_for_load(self, instead: str = "") -> Device:
        """Where models of the Hub's run, or `instead` where a GPU that was lost is left alone.

        Raises ModelUnavailable for a device that is not there, and for one that is left alone where nothing is named
        instead.
        """
        from mcp_mmretrieval.models.device import device

        name = self._device_name()
        if name != "cpu" and (alone := self._losses.alone()):
            if not instead:
                raise ModelUnavailable(alone)
            name = instead
        runs_on = device.shared_device(self._settings, name)
        runs_on.tell_loss_to(self._lost)
        return runs_on

    def _device_name(self) -> str:
        """The device that the settings name, as torch names it. Raises ModelUnavailable for one that is not there."""
        from mcp_mmretrieval.models.device import accelerator

        return accelerator.resolve_device_name(self._settings.device)

    def _lost(self, reason: str) -> None:
        logger.error("%s", reason)
        self._losses.note(reason)
