"""Libraries whose places are reranked by a model that one can work out by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.types import Content, Film, Modality, Sound
from tests.support.files import PURPLE, RED, picture, scanned_pdf
from tests.support.models import PATIENCE, ModelsByHand


class Bluest:
    """Looks at pictures and films and prefers blue ones; of texts the short ones."""

    name = "bluest"
    by_default: frozenset[Modality] = frozenset({"page", "text"})
    blends = False
    picture_side, frame_side = 1_280, 720

    def __init__(self) -> None:
        self.seen: list[Content] = []

    def reads(self, content: Content) -> bool:
        return not isinstance(content, Sound)

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        self.seen += contents
        return [self._score(content) for content in contents]

    def _score(self, content: Content) -> float:
        if isinstance(content, str):
            return 1 / (10 + len(content))
        shown = content.pictures[0] if isinstance(content, Film) else content
        assert isinstance(shown, np.ndarray)
        return float(shown[..., 2].mean() / 255)


class JudgedModels(ModelsByHand):
    """With a reranker as a person names it, or with none that loads."""

    def __init__(self, settings: Settings, reranker: Reranker | None) -> None:
        super().__init__(settings)
        self._given = reranker

    @property
    def reranks(self) -> bool:
        return True

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        if self._given is None:
            raise ModelUnavailable("tiny: does not load. Set MMRETRIEVAL_RERANKER to off.")
        return self._given


def opened(tmp_path: Path, folder: Path, reranker: Reranker | None, **given: object) -> Library:
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1, **given)
    library = Library.open(settings=settings, models=JudgedModels(settings, reranker))
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)
    return library


def filled(folder: Path) -> None:
    scanned_pdf(folder / "pages.pdf", [RED, PURPLE])
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", PURPLE)
