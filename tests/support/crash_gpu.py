"""Fronts and engines whose device is lost as often as the file `lose` beside the library says.

The device is no CPU as far as the product is concerned; what is lost there are the models of `tests.support.models`.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder, RecognisedText, TextReader, recipe
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.device.placement import DevicePlacement
from mcp_mmretrieval.types import Content, Picture, VectorKind, Vectors
from tests.support.models import ColourEmbedder, ModelsByHand, ShapeReader

ENGINE = (sys.executable, "-P", "-m", "tests.support.crash_gpu")


class Losing:
    """Runs things on a device that is lost as long as there is something to lose."""

    def __init__(self, device: Device, left: Path) -> None:
        self._device = device
        self._left = left

    def run(self, what: Callable[[], object]) -> None:
        for _ in self._device.each("by hand", [1.0], lambda _: self._once(what)):
            pass

    def _once(self, what: Callable[[], object]) -> None:
        left = int(self._left.read_text()) if self._left.exists() else 0
        if left and self._device.kind != "cpu":
            self._left.write_text(str(left - 1))
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        what()


class LosingReader(ShapeReader):
    """Runs there."""

    def __init__(self, losing: Losing) -> None:
        self._losing = losing

    def read(self, picture: Picture) -> str:
        found: list[str] = []
        self._losing.run(lambda: found.append(super(LosingReader, self).read(picture)))
        return found[0]

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class LosingEmbedder(ColourEmbedder):
    """Embeds documents there."""

    def __init__(self, losing: Losing) -> None:
        super().__init__()
        self._losing = losing

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        found: list[Vectors] = []
        self._losing.run(lambda: found.append(super(LosingEmbedder, self).embed_documents(contents, titles)))
        return found[0]

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        return ColourEmbedder().embed_query(query)


class OnMps(DevicePlacement):
    """The product's own placement, on a device that is made without asking for it."""

    def _device_name(self) -> str:
        return "mps"


class LosingModels(ModelsByHand):
    """The profile `colours` on a device that can be lost, and a spare one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._left = settings.library.parent / "lose"
        self._placement = OnMps(settings, on_lost=self.do_without)

    @property
    def alone(self) -> str:
        return self._placement.alone

    def tell_losses_to(self, callback: Callable[[str], None]) -> None:
        self._placement.tell_losses_to(callback)

    def do_without(self, reason: str) -> None:
        self._placement.do_without(reason)

    @property
    def spare(self) -> str:
        return recipe.BUILTIN_RECIPE

    def made(self, maker: str, timeout: float | None = None) -> Embedder:
        if maker != self.maker:
            return super().made(maker, timeout)
        return LosingEmbedder(Losing(self._placement.device_for_load(), self._left))

    def loaded(self, maker: str) -> bool:
        return maker != self.maker or not self.alone

    def failure(self, maker: str) -> BaseException | None:
        return None if self.loaded(maker) else ModelUnavailable(self.alone)

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return LosingReader(Losing(self._placement.device_for_load(instead="cpu"), self._left))


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        from mcp_mmretrieval.cli import exit_code_of
        from mcp_mmretrieval.cli.serving import serve_command
        from mcp_mmretrieval.front.options import serve_parser

        return exit_code_of(lambda: serve_command(serve_parser().parse_args(sys.argv[2:]), ENGINE))
    from mcp_mmretrieval.library import Library
    from mcp_mmretrieval.server import __main__

    return __main__.main(
        open_library=lambda settings: Library.open(settings=settings, models=LosingModels(settings)),
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
