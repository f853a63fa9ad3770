"""Late interaction over texts and pages: each token of a query looks for its best match (Khattab & Zaharia 2020).

Any model that sentence-transformers loads as `MultiVectorEncoder`, as NeoMME. A candidate's vectors do not depend on
the query, so the next search that meets it again takes them from memory.
"""

from __future__ import annotations

import copy
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

from mcp_mmretrieval.config.profiles import Dtype, RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable, RetrievalError, Unfit
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import from_files, reranker_input
from mcp_mmretrieval.models.hub.capabilities import token_limit
from mcp_mmretrieval.models.hub.patches import multiply_patches
from mcp_mmretrieval.models.hub.reranker_input import ModalityInput, RerankerInput, RerankerPreprocessor
from mcp_mmretrieval.models.identity import short_model_name
from mcp_mmretrieval.types import Content, Modality

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

_KEPT = 256_000_000
"""Bytes of vectors in memory: 500 pages of 1,000 tokens."""
_OTHERS = ("SentenceTransformer", "CrossEncoder", "SparseEncoder")
"""Kinds of models that would be given a projection of random numbers."""


class LateInteractionReranker:
    """A `Reranker` by MaxSim. Safe to call from several threads."""

    blends = False

    def __init__(self, spec: RerankerSpec, device: Device, dtype: Dtype = "float32", kept: int = _KEPT) -> None:
        """`kept`: bytes of vectors kept. Raises ModelUnavailable as a cross-encoder does."""
        folder, _ = from_files.locate_quietly(spec)
        self._spec = spec
        self._device = device
        self._seen = VectorCache(kept)
        self.name = short_model_name(spec)
        with from_files.load_errors_told(spec, remedy=reranker_input.LOAD_REMEDY, role="a reranker"):
            self._model = _loaded(folder, spec, device, dtype)
            multiply_patches(self._model)
            self._model.eval()
            limit = token_limit(self._model)
            shorter = (getattr(self._model[0], name, None) for name in ("query_length", "document_length"))
            self._pieces = RerankerPreprocessor(spec, self._model.tokenizer, min([limit, *filter(None, shorter)]))
            self._pieces.learn(self._features, self._works)
            device.forget(*reranker_input.cost_labels(self.name))  # a first pass takes many times as long as the next
            if self._model[0].transformer_task == "retrieval" and "message" not in self._model.modalities:
                self._pieces.texts = False  # its processor takes every text for a query

    def under(self, spec: RerankerSpec) -> LateInteractionReranker:
        """The same model, loaded once, under another record's caps."""
        made = copy.copy(self)
        made._spec, made._pieces = spec, self._pieces.under(spec)
        return made

    @property
    def by_default(self) -> frozenset[Modality]:
        """See `Reranker`; as the model's record says."""
        return self._spec.by_default

    @property
    def picture_side(self) -> int:
        """See `Embedder`; that of a page which has as many pixels as the model takes."""
        return self._pieces.picture_side

    @property
    def frame_side(self) -> int:
        """See `Embedder`; that of a frame which has as many pixels as the model takes."""
        return self._pieces.frame_side

    def reads(self, content: Content) -> bool:
        """See `Reranker`. What it reads was tried when it was loaded; never a sound, and no text without words."""
        return self._pieces.reads(content)

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        """Mean over the query's tokens of the best cosine in a content's best piece, in [0, 1].

        None for what it cannot read. Raises ModelUnavailable where no vector is usable, DeviceLost.
        """
        scores: list[float | None] = [None] * len(contents)
        asked = self._pieces.asked(query)
        given = self._pieces.of(contents) if asked is not None else []
        if asked is None or not given:
            return scores
        wanted = self._vectors([asked], "query")[0]
        if wanted is None:
            raise ModelUnavailable(f"{self._spec.model}: gave no usable vectors. Set MMRETRIEVAL_DTYPE to float32.")
        for piece, found in zip(given, self._remembered(given), strict=True):
            if found is not None:
                scores[piece.owner] = max(scores[piece.owner] or 0.0, _max_sim(wanted, found))
        return scores

    def _remembered(self, given: Sequence[RerankerInput]) -> list[Vectors | None]:
        keys = [_digest(piece.given) for piece in given]
        found = [self._seen.get(key) for key in keys]
        missing = [row for row, vectors in enumerate(found) if vectors is None]
        for row, vectors in zip(missing, self._vectors([given[row] for row in missing], "document"), strict=True):
            found[row] = vectors
            if vectors is not None:
                self._seen.put(keys[row], vectors)
        return found

    def _vectors(self, given: Sequence[RerankerInput], task: str) -> list[Vectors | None]:
        """Vectors of each piece, shape (tokens, dim), unit rows; None for NaN or without room on the device."""
        found: list[Vectors | None] = [None] * len(given)

        unfit: list[RetrievalError] = []
        for rows in reranker_input.rows_by_modality(given):
            try:
                self._run(given, rows, task, found)
            except Unfit as error:
                unfit.append(error)
        if unfit and not any(vectors is not None for vectors in found):
            raise ModelUnavailable(f"{self._spec.model}: {unfit[0]}") from unfit[0]
        return found

    def _run(self, given: Sequence[RerankerInput], rows: list[int], task: str, found: list[Vectors | None]) -> None:
        """Fill in the vectors of pieces of one sort, batch by batch."""

        def run(some: list[int]) -> Any:
            return self._encoded([given[rows[row]].given for row in some], task)

        sizes = [given[row].tokens for row in rows]
        for some, vectors in self._device.each(reranker_input.cost_label(self.name, given[rows[0]]), sizes, run):
            for row, each in zip(some, vectors, strict=True):
                found[rows[row]] = _unit(np.asarray(each, np.float32))

    def _encoded(self, given: list[ModalityInput], task: str) -> Any:
        encode = self._model.encode_query if task == "query" else self._model.encode_document
        vectors = encode(given, prompt=self._spec.prompt, batch_size=len(given), show_progress_bar=False)
        return [each.float().cpu().numpy() for each in vectors]

    def _features(self, given: ModalityInput) -> Any:
        if "video" in given:
            raise ValueError("takes films by their frames")
        return self._model.preprocess([given], prompt=self._spec.prompt, task="document")

    def _works(self, given: ModalityInput) -> bool:
        return self._vectors([RerankerInput(0, given, 1.0)], "document")[0] is not None


class VectorCache:
    """Vectors by the digest of their content, those used last; at most so many bytes. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._held: OrderedDict[bytes, Vectors] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> Vectors | None:
        """Vectors of shape (tokens, dim); None where they are not, or no longer, kept."""
        with self._guard:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: bytes, vectors: Vectors) -> None:
        """Keep the vectors of a content, and let go of those that were not used for longest."""
        with self._guard:
            if key not in self._held:
                self._bytes += vectors.nbytes
            self._held[key] = vectors
            while self._bytes > self._most:
                self._bytes -= self._held.popitem(last=False)[1].nbytes


def _loaded(folder: Path, spec: RerankerSpec, device: Device, dtype: Dtype) -> MultiVectorEncoder:
    options = {"dtype": getattr(torch, dtype), "use_safetensors": True, **spec.model_options}
    kind = reranker_input.read_model_json(folder, "config_sentence_transformers.json").get("model_type")
    composed = (folder / "modules.json").is_file()
    if kind in _OTHERS or not (composed or reranker_input.is_late_interaction(folder)):
        raise ModelUnavailable(
            f"{spec.model}: makes no vectors for late interaction, and would score at random. Set MMRETRIEVAL_RERANKER "
            "to a model of that kind."
        )
    if not composed and reranker_input.architecture_name(folder) == "NeoMMEForRetrieval":
        return _neomme(folder, spec, device, options)
    return MultiVectorEncoder(
        str(folder),
        device=device.name,
        local_files_only=True,
        trust_remote_code=spec.own_code,
        model_kwargs=options,
        processor_kwargs=dict(spec.processor_options),
    )


def _neomme(folder: Path, spec: RerankerSpec, device: Device, options: dict[str, Any]) -> MultiVectorEncoder:
    """NeoMME as transformers has it, with its template: without, documents would be taken for queries."""
    output = {"method": "forward", "method_output_name": "embeddings"}
    tower = Transformer(
        str(folder),
        transformer_task="retrieval",
        model_kwargs={"local_files_only": True, **options},
        processor_kwargs={"local_files_only": True, **spec.processor_options},
        config_kwargs={"local_files_only": True},
        modality_config={"text": output, "image": output, "message": {**output, "format": "structured"}},
        module_output_name="token_embeddings",
    )
    return MultiVectorEncoder(modules=[tower, MultiVectorMask()], device=device.name)


def _digest(given: ModalityInput) -> bytes:
    """SHA-256 of a text, or of the pixels and the size of a picture."""
    ((kind, value),) = given.items()
    whole = hashlib.sha256(kind.encode())
    if kind == "text":
        whole.update(value.encode())
    else:
        whole.update(f"{value.size}".encode())
        whole.update(value.tobytes())
    return whole.digest()


def _unit(vectors: Vectors) -> Vectors | None:
    """The rows at length 1; None where one is no number, or there are none."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not vectors.size or not np.isfinite(lengths).all():
        return None
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _max_sim(query: Vectors, document: Vectors) -> float:
    return float((query @ document.T).max(axis=1).mean(dtype=np.float32).clip(0.0, 1.0))
