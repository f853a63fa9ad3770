"""A built-in model's weights in the format of what runs them: converted once on a machine, by a child process.

What writes a format imports more than the process that reads it should hold.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.front.child import import_variables, kill_child, machine_variables, module_command, start_child
from mcp_mmretrieval.models.made_once import made_once
from mcp_mmretrieval.models.weights import FREE_OR_ELSEWHERE, INSTALL_BUILTIN, Wheel

CONVERSION_SECONDS = 600.0
"""Seconds that a conversion may take: ten on a quiet machine."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Weights, and the module that converts them; run as a program, it calls `run_conversion`."""

    model: str
    """As a message names it."""
    weights: str
    """The file's name in its wheel."""
    writer: str
    """Distribution whose version the files depend on."""
    program: str

    def converted(self, wheel: Wheel, cache: Path) -> Path:
        """The folder under `cache` that holds the converted weights, made unless it is there and whole.

        Raises ModelUnavailable when the weights are missing or damaged, or `cache` cannot be written.
        """
        weights = wheel.sums[self.weights]
        folder = cache / f"{self.model.lower()}-{weights[:8]}"
        try:
            of = {"weights": weights, self.writer: version(self.writer)}
            return made_once(folder, of, lambda target: self._convert(wheel.locate(), target))
        except PackageNotFoundError as error:
            raise ModelUnavailable(f"The package {self.writer} is not installed. Run: {INSTALL_BUILTIN}.") from error
        except OSError as error:
            raise ModelUnavailable(
                f"{self.model} cannot be converted into {folder}: {error}. {FREE_OR_ELSEWHERE}"
            ) from error

    def _convert(self, source: Path, target: Path) -> None:
        """In a child. Raises ModelUnavailable."""
        command = module_command(self.program, str(source.absolute()), str(target.absolute()))
        with start_child(command, machine_variables() | import_variables(), stderr=subprocess.PIPE) as child:
            try:
                _, said = child.communicate(timeout=CONVERSION_SECONDS)
            except subprocess.TimeoutExpired as error:
                kill_child(child)
                reason = f"it took longer than {CONVERSION_SECONDS:.0f} s"
                raise ModelUnavailable(f"{self.model} cannot be converted: {reason}. {FREE_OR_ELSEWHERE}") from error
        if child.returncode:
            lines = said.decode("utf-8", "replace").strip().splitlines()
            told = (lines or [f"it ended with {child.returncode}"])[-1]
            raise ModelUnavailable(f"{self.model} cannot be converted: {told}. {FREE_OR_ELSEWHERE}")


def run_conversion(convert: Callable[[Path, Path], None]) -> None:
    """The child: convert the weights in the folder of the first argument into the empty folder of the second."""
    sys.modules["torch"] = None  # type: ignore[assignment]  # an import of it now fails, and takes no seconds
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
