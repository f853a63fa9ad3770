"""The seams: what the library asks of a model. Imports nothing heavy; the implementations stand beside.

One door to torch, torchaudio and sentence-transformers: this package. A hub model is a new implementation of one of
these protocols and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from mcp_mmretrieval.types import Content, Cue, Identity, Modality, Sound, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors


class Embedder(Protocol):
    """Places contents where a query finds them. Safe to call from several threads."""

    @property
    def identity(self) -> Identity:
        """Names the space: vectors of unequal identities are never compared."""

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """The kinds of vectors that it makes of documents, and their lengths.

        A model with one shared space gives all kinds the same length. What matters is only that a query's vector of
        a kind can be compared with the documents' vectors of that kind.
        """

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """What its picture vectors are good for. Pages and charts get one only from a model that sees documents."""

    @property
    def hears(self) -> float:
        """Seconds of one sound that it takes in as such; 0: it hears nothing, and transcripts stand for sound."""

    @property
    def films(self) -> int:
        """Frames of one film that it takes in as a film; 0: a film is looked at frame by frame."""

    def windows(self, text: str) -> list[str]:
        """The text cut into pieces that the model takes in whole; one vector each. Empty for blank text."""

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """The query's vector for each kind that it can be compared with, shape (1, dims[kind]), unit length."""

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of contents of one sort, shape (len(contents), dims[kind]), unit rows.

        The kind follows from the sort: str `text`; a picture or film `picture`; sound `sound`. `titles`: one a content,
        of the document that a text stands in, or empty; models whose prompt has no place for it do without. Raises
        Unfit for contents that it cannot take in, DeviceLost.
        """


class Reranker(Protocol):
    """Looks at query and candidate together."""

    @property
    def name(self) -> str:
        """As the answer names the method."""

    @property
    def by_default(self) -> frozenset[Modality]:
        """What it reorders in a search unasked: only where it was measured to help within the time of a search."""

    @property
    def blends(self) -> bool:
        """Whether its score is one more piece of evidence beside a hit's own, rather than the verdict."""

    def reads(self, content: Content) -> bool:
        """Whether it looks at such a content: text, a picture, a film, a sound."""

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
