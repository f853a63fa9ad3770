"""Any embedder that sentence-transformers loads: from a folder, or from one commit on the Hugging Face Hub.

A text is only ever a text: sentence-transformers opens strings that look like a URL or name a file, so each goes in
wrapped as `{"text": ...}`, a picture as `{"image": ...}`. And what a text says is never taken for the marks that the
model puts between the parts of its input: those are broken up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from PIL import Image
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval import precedence
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, RetrievalError
from mcp_mmretrieval.models import snapshots
from mcp_mmretrieval.models.batches import alike
from mcp_mmretrieval.models.tokens import Tokens, encodable
from mcp_mmretrieval.models.turns import Turns
from mcp_mmretrieval.profiles import EmbedderSpec
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors

Role = Literal["query", "document"]

_WINDOW = 512
"""Tokens of a window at most, where the record names none: a vector of more says too little of each part."""
_PICTURES = 4
"""Of one forward pass on a CPU, the longest that a search waits behind an add; one while searches come in."""
_PICTURES_CUDA = 32
_LEAST = 16
"""Pixels of a side: of a picture one or three pixels high, processors without torchvision take the rows for colours."""
_LONGEST = 16
"""Longer side to shorter: models that fit the shorter one to theirs would blow a thin line up to gigabytes."""


class HubEmbedder:
    """An `Embedder` with one space for texts and, where the model looks at pictures, for pictures and films.

    Safe to call from several threads; they take turns, a batch at a time.
    """

    def __init__(self, spec: EmbedderSpec, threads: int) -> None:
        """Raises ModelUnavailable when the model is missing, does not load, or gives no usable vectors."""
        folder, self._revision = snapshots.located(spec)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(threads)
        self._spec = spec
        self._cuda = torch.cuda.is_available()
        self._dtype = spec.cuda if self._cuda else spec.cpu
        self._turns = Turns()
        try:
            self._model = SentenceTransformer(
                str(folder),
                device="cuda" if self._cuda else "cpu",
                local_files_only=True,
                trust_remote_code=False,
                truncate_dim=spec.dims or None,
                model_kwargs={"dtype": getattr(torch, self._dtype), "use_safetensors": True},
            )
            self._model.eval()
            self._prompts = self._prompted()
            self._plain = _breaker(self._model.tokenizer)
            self._tokens = self._tokenized()
            self._dims = self._tried()
        except RetrievalError:
            raise
        except Exception as error:  # other people's models fail in any way
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelUnavailable(
                f"{spec.model}: does not load: {reason.rstrip('.')}. Set MMRETRIEVAL_PROFILE to another model."
            ) from error

    @property
    def identity(self) -> Identity:
        """Names the model, its weights, and all else that the vectors depend on."""
        return {
            "name": "hub",
            "model": self._spec.model.rstrip("/").rsplit("/", 1)[-1] if self._spec.in_folder else self._spec.model,
            "revision": self._revision,
            "dim": self._dims["text"],
            "dtype": self._dtype,
            "query prompt": self._prompts["query"],
            "document prompt": self._prompts["document"],
            "window": self._window,
            "pixels": self._spec.pixels,
        }

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """Both kinds have the same length; a model that looks at no pictures has texts alone."""
        return self._dims

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """As its record says; nothing where the model takes no pictures."""
        return self._spec.sees if "picture" in self._dims else frozenset()

    @property
    def hears(self) -> float:
        """Nothing."""
        return 0.0

    @property
    def films(self) -> int:
        """None: frame by frame."""
        return 0

    def windows(self, text: str) -> list[str]:
        """Pieces that the model takes in whole, cut between words."""
        return self._tokens.windows(text)

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """The query's one vector, to be compared with those of each kind. A text of several windows is their mean.

        Raises BadArgument for a blank text, a sound, or a picture that the model does not look at.
        """
        if isinstance(query, str):
            windows = self.windows(query)
            if not windows:
                raise BadArgument("The query has no words. Say what to look for.")
            vector = self._unit(self._texts(windows, "query").mean(axis=0, keepdims=True))
        else:
            vector = self._shown([query])
        return dict.fromkeys(self._dims, vector)

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of texts, or of pictures and films, shape (n, dim). A film is the mean of its frames.

        Raises BadArgument for a sound, a film without frames, or texts and pictures in one call.
        """
        texts = [content for content in contents if isinstance(content, str)]
        if len(texts) == len(contents):
            return self._texts(texts, "document")
        if texts:
            raise BadArgument("Texts and pictures are different kinds: embed them in separate calls.")
        return self._shown(contents)

    def _texts(self, texts: Sequence[str], role: Role) -> Vectors:
        plain = [self._plain(encodable(text)) for text in texts]
        vectors = np.empty((len(texts), self._dims["text"]), np.float32)
        for rows in alike([len(ids) for ids in self._tokens.ids(plain)]):
            vectors[rows] = self._encoded([{"text": plain[row]} for row in rows], role)
        return vectors

    def _shown(self, contents: Sequence[Content]) -> Vectors:
        if "picture" not in self._dims:
            raise BadArgument(f"{self._spec.model} does not look at pictures. Describe it in words as `query`.")
        frames = [_frames(content) for content in contents]
        pictures = [picture for film in frames for picture in film]
        rows = [self._encoded([_wrapped(one, self._spec.pixels) for one in some]) for some in self._few(pictures)]
        ends = np.cumsum([len(film) for film in frames])[:-1]
        means = [of_film.mean(axis=0) for of_film in np.split(np.concatenate(rows), ends)]
        return self._unit(np.stack(means))

    def _few(self, pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
        """Those of one forward pass each."""
        start = 0
        while start < len(pictures):
            most = _PICTURES_CUDA if self._cuda else 1 if precedence.pressed() else _PICTURES
            yield pictures[start : start + most]
            start += most

    def _encoded(self, inputs: list[Any], role: Role | None = None) -> Vectors:
        """Unit rows of one batch. Pictures have no role: they take no prompt, whether asked for or by."""
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        prompt = self._prompts[role] if role else ""
        with self._turns:
            found = encode(inputs, prompt=prompt, batch_size=len(inputs), show_progress_bar=False)
        return self._unit(np.asarray(found, np.float32))

    def _unit(self, vectors: Vectors) -> Vectors:
        """The rows at length 1. Raises BadArgument for one that has no direction."""
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 1e-12).all():
            raise BadArgument(f"{self._spec.model} makes no usable vector of this. Ask in other words.")
        return np.asarray(vectors / lengths, np.float32)

    def _prompted(self) -> dict[Role, str]:
        """The prompts of the record, or those that the model brings along."""
        own = self._model.prompts
        document = next((text for name in ("document", "passage", "corpus") if (text := own.get(name))), "")
        query = self._spec.query_prompt
        return {
            "query": (own.get("query") or "") if query is None else query,
            "document": document if self._spec.document_prompt is None else self._spec.document_prompt,
        }

    def _tokenized(self) -> Tokens:
        """The tokenizer with a window that leaves room for the model's marks and the longer prompt."""
        tokenizer = self._model.tokenizer
        if not self._model.supports("text") or not getattr(tokenizer, "is_fast", False):
            raise ModelUnavailable(f"{self._spec.model}: takes no texts, so that nothing could be asked in words.")
        limit = _limit(self._model)
        self._model.max_seq_length = limit
        prompt = max(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in self._prompts.values())
        room = limit - tokenizer.num_special_tokens_to_add() - prompt
        if room < 1:
            raise ModelUnavailable(f"{self._spec.model}: its prompt fills the {limit} tokens that it takes in.")
        self._window = min(room, self._spec.window or _WINDOW)
        return Tokens(tokenizer, window=self._window, limit=limit)

    def _tried(self) -> dict[VectorKind, int]:
        """The lengths of its vectors, from a text and a picture: a first pass takes ten times as long as the next."""
        tried: dict[VectorKind, Any] = {"text": {"text": "a photo"}}
        if self._model.supports("image"):
            tried["picture"] = _wrapped(np.full((64, 64, 3), 127, np.uint8), self._spec.pixels)
        dims: dict[VectorKind, int] = {}
        for kind, given in tried.items():
            found = np.asarray(self._model.encode([given], prompt="", show_progress_bar=False), np.float32)
            if found.ndim != 2 or not np.isfinite(found).all() or not found.any():
                raise ModelUnavailable(f"{self._spec.model}: gives no usable vectors in {self._dtype}.")
            dims[kind] = found.shape[1]
        if len({*dims.values(), self._spec.dims or dims["text"]}) > 1:
            raise ModelUnavailable(
                f"{self._spec.model}: its vectors have {' and '.join(map(str, dims.values()))} numbers, which do not "
                f"fit {f'the {self._spec.dims} asked for' if self._spec.dims else 'each other'}."
            )
        return dims


def _limit(model: SentenceTransformer) -> int:
    """Tokens that the model takes in at once. Tokenizers that do not know say some huge number."""
    known = [model.max_seq_length or math.inf]
    if (inner := model.transformers_model) is not None:
        known.append(getattr(inner.config.get_text_config(), "max_position_embeddings", None) or math.inf)
    return int(min(8_192, *known))


def _breaker(tokenizer: Any) -> Callable[[str], str]:
    """Puts a space into each mark of the model that a text contains: a chat's roles, the place of a picture.

    Such a mark in a text would crash the whole batch, or let a document speak in another's role.
    """
    if tokenizer is None:
        return lambda text: text
    marks = {mark for mark in (*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()) if len(mark.strip()) > 2}
    if not marks:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)), re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _frames(content: Content) -> Sequence[Picture]:
    if isinstance(content, str | Sound):
        raise BadArgument("This model does not hear sound. Its transcript stands for it.")
    if not isinstance(content, Film):
        return [content]
    if not content.pictures:
        raise BadArgument("This film has no frames. Its transcript stands for it.")
    return content.pictures


def _wrapped(picture: Picture, pixels: int) -> dict[str, Image.Image]:
    """A picture as the model takes it: of at most so many pixels, and neither tiny nor a thin line."""
    made = Image.fromarray(np.ascontiguousarray(picture))
    width, height = _fitted(made.width, made.height, pixels)
    return {"image": made if made.size == (width, height) else made.resize((width, height), Image.Resampling.LANCZOS)}


def _fitted(width: int, height: int, pixels: int) -> tuple[int, int]:
    least = max(width, height) / _LONGEST
    wide, high = max(width, least), max(height, least)
    scale = min(1.0, math.sqrt(pixels / (wide * high)))
    return max(_LEAST, int(wide * scale)), max(_LEAST, int(high * scale))
