"""A model process whose device is lost as often as the file `lose` beside the library says.

The device is no CPU as far as the product is concerned; what is lost there are the models of `tests.support.models`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import Embedder, RecognisedText, TextReader
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.device.placement import DevicePlacement
from mcp_mmretrieval.models.identity import builtin_ocr_identity
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.process import host
from mcp_mmretrieval.types import Content, Identity, Picture, VectorKind, Vectors
from tests.support.models import ColourEmbedder, ShapeReader


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

    @property
    def identity(self) -> Identity:
        return builtin_ocr_identity()

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


class LosingLoader(InProcessLoader):
    """Loads the embedder of colours, whatever the recipe, and the reader of shapes."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._on_mps = OnMps(settings)
        self._left = settings.library.parent / "lose"

    def embedder(self, maker: str) -> Embedder:
        return LosingEmbedder(Losing(self._on_mps.device_for_load(), self._left))

    def text_reader(self) -> TextReader:
        return LosingReader(Losing(self._on_mps.device_for_load(instead="cpu"), self._left))


if __name__ == "__main__":
    host.main(LosingLoader)
