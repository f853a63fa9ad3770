"""The seams: what the library asks of a model. Imports nothing heavy; the implementations stand beside.

One door to torch, torchaudio and sentence-transformers: this package. A hub model is a new implementation of one of
these protocols and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from mcp_mmretrieval.types import Content, Cue, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors

Identity = Mapping[str, str | int | float | bool]
"""What makes two runs of a model interchangeable: name, revision, settings. Plain values, stored and compared."""


class Embedder(Protocol):
    """Places contents in one space. Called by one thread at a time."""

    @property
    def identity(self) -> Identity:
        """Names the space: vectors of unequal identities are never compared."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """What its picture vectors are good for. Pages and charts get one only from a model that sees documents."""

    @property
    def hears(self) -> bool:
        """Whether sound itself has a vector, beside its transcript."""

    def windows(self, text: str) -> list[str]:
        """The text cut into overlapping pieces that the model takes in whole; one vector each. Empty for blank text."""

    def embed_query(self, query: Content) -> Vectors:
        """Vector of a query, shape (1, dim), unit length."""

    def embed_documents(self, contents: Sequence[Content]) -> Vectors:
        """Vectors of contents that stand in the library, shape (len(contents), dim), unit rows."""


class Reranker(Protocol):
    """Looks at query and candidate together."""

    @property
    def name(self) -> str:
        """As the answer names the method."""

    @property
    def by_default(self) -> bool:
        """Whether a search uses it unasked: only where it was measured to help within the time of a search."""

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        """Relevance of each content in [0, 1], in the order given; None for one that it cannot read."""


class Transcriber(Protocol):
    """Speech to text."""

    @property
    def identity(self) -> Identity:
        """Part of the reading's identity."""

    def transcribe(self, sound: Sound) -> list[Cue]:
        """What is said, with seconds from the beginning of the given sound. Empty where nobody speaks."""


class TextReader(Protocol):
    """Pictures to text (OCR)."""

    @property
    def identity(self) -> Identity:
        """Part of the reading's identity."""

    def read(self, picture: Picture) -> str:
        """The words in a picture in reading order, a line each. Empty where there are none."""
