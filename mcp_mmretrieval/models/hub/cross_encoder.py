"""Any cross-encoder that sentence-transformers loads: query and candidate go through the model together.

Of texts alone (`cross-encoder/ms-marco-MiniLM-L6-v2`), or of texts, pictures and films (`Qwen/Qwen3-VL-Reranker-2B`):
what it takes in is tried when it is loaded. Its logit is squashed here, in float32: in bfloat16 the best candidates
would tie, as its logits would (`yes_no`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from mcp_mmretrieval.config.profiles import Dtype, RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable, RetrievalError, Unfit
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import from_files, reranker_input, yes_no
from mcp_mmretrieval.models.hub.capabilities import token_limit
from mcp_mmretrieval.models.hub.patches import multiply_patches
from mcp_mmretrieval.models.hub.reranker_input import ModalityInput, RerankerInput, RerankerPreprocessor
from mcp_mmretrieval.models.identity import short_model_name
from mcp_mmretrieval.types import Content, Modality

_JUDGES = ("ForSequenceClassification", "ForCausalLM", "ForConditionalGeneration")
"""Ends of the names of models that come with a head: any other would get one of random numbers."""


class CrossEncoderReranker:
    """A `Reranker` whose score is the verdict. Safe to call from several threads."""

    blends = False

    def __init__(self, spec: RerankerSpec, device: Device, dtype: Dtype = "float32") -> None:
        """Raises ModelUnavailable when the model is missing, does not load, or is no reranker."""
        folder, _ = from_files.locate_quietly(spec)
        self._spec = spec
        self._device = device
        self.name = short_model_name(spec)
        with from_files.load_errors_told(spec, remedy=reranker_input.LOAD_REMEDY, role="a reranker"):
            self._model = _loaded(folder, spec, device, dtype)
            yes_no.score_in_float32(self._model)
            multiply_patches(self._model)
            self._model.eval()
            self._bare = not self._wraps()
            eyes = getattr(self._model.processor, "video_processor", None)
            self._pieces = RerankerPreprocessor(spec, self._model.tokenizer, token_limit(self._model), eyes)
            self._pieces.learn(self._features, self._works)
            device.forget(*reranker_input.cost_labels(self.name))  # a first pass takes many times as long as the next
        if not self._pieces.texts:
            raise ModelUnavailable(
                f"{spec.model}: gives no usable scores of texts. Set MMRETRIEVAL_DTYPE to float32, or "
                "MMRETRIEVAL_RERANKER to another model or to off."
            )

    def under(self, spec: RerankerSpec) -> CrossEncoderReranker:
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
        """The sigmoid of the model's logit, in [0, 1], of each content's best piece; None for what it cannot read.

        Raises ModelUnavailable where it gives no number for any of them, DeviceLost.
        """
        scores: list[float | None] = [None] * len(contents)
        asked = self._pieces.asked(query)
        given = self._pieces.of(contents) if asked is not None else []
        if asked is None or not given:
            return scores
        for piece, score in zip(given, self._squashed(asked, given), strict=True):
            if np.isfinite(score):
                scores[piece.owner] = max(scores[piece.owner] or 0.0, float(score))
        if not any(score is not None for score in scores):
            raise ModelUnavailable(f"{self._spec.model}: gave no usable scores. Set MMRETRIEVAL_DTYPE to float32.")
        return scores

    def _squashed(
        self, asked: RerankerInput, given: Sequence[RerankerInput]
    ) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """A score a piece; NaN for one that does not fit on the device."""
        logits = np.full(len(given), np.nan, np.float32)
        unfit: list[RetrievalError] = []
        for rows in reranker_input.rows_by_modality(given):
            try:
                self._run(asked, given, rows, logits)
            except Unfit as error:
                unfit.append(error)
        if unfit and np.isnan(logits).all():
            raise ModelUnavailable(f"{self._spec.model}: {unfit[0]}") from unfit[0]
        squashed: np.ndarray[tuple[int], np.dtype[np.float32]] = torch.sigmoid(torch.from_numpy(logits)).numpy()
        return squashed

    def _run(self, asked: RerankerInput, given: Sequence[RerankerInput], rows: list[int], logits: Any) -> None:
        """Fill in the logits of pieces of one sort, batch by batch."""

        def run(some: list[int]) -> Any:
            return self._logits(asked, [given[rows[row]] for row in some])

        sizes = [asked.tokens + given[row].tokens for row in rows]
        for some, found in self._device.each(reranker_input.cost_label(self.name, given[rows[0]]), sizes, run):
            logits[[rows[row] for row in some]] = found

    def _logits(
        self, asked: RerankerInput, given: Sequence[RerankerInput]
    ) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """Logits of pairs that go through together; films go alone, as their frames' times are told beside them."""
        logits = np.empty(len(given), np.float32)
        still = [row for row, piece in enumerate(given) if piece.film is None]
        for rows in [still, *([row] for row, piece in enumerate(given) if piece.film is not None)]:
            if rows:
                pairs = [self._pair(asked.given, given[row].given) for row in rows]
                logits[rows] = self._predicted(pairs, self._pieces.film_options(given[rows[0]].film))
        return logits

    def _predicted(self, pairs: list[Any], processing: dict[str, Any]) -> Any:
        return self._model.predict(
            pairs,
            prompt=self._spec.prompt,
            batch_size=len(pairs),
            activation_fn=torch.nn.Identity(),
            show_progress_bar=False,
            convert_to_numpy=True,
            processing_kwargs=processing,
        )

    def _pair(self, query: ModalityInput, document: ModalityInput) -> tuple[Any, Any]:
        """A model of texts alone takes bare strings, and opens none of them."""
        return (query["text"], document["text"]) if self._bare else (query, document)

    def _wraps(self) -> bool:
        """Whether the model takes a pair apart by a template with roles and typed contents."""
        formatter = getattr(self._model[0], "input_formatter", None)
        return "message" in self._model.modalities and getattr(formatter, "message_format", "") != "flat"

    # -- what it takes in -------------------------------------------------------------------------------------------

    def _features(self, given: ModalityInput) -> Any:
        if self._bare and "text" not in given:
            raise ValueError("of texts alone")
        film = reranker_input.one_frame_a_second_metadata(len(given["video"])) if "video" in given else None
        return self._model.preprocess(
            [self._pair({"text": "a"}, given)],
            prompt=self._spec.prompt,
            processing_kwargs=self._pieces.film_options(film),
        )

    def _works(self, given: ModalityInput) -> bool:
        film = reranker_input.one_frame_a_second_metadata(len(given["video"])) if "video" in given else None
        return bool(
            np.isfinite(
                self._squashed(RerankerInput(0, {"text": "a"}, 1.0), [RerankerInput(0, given, 1.0, film)])
            ).all()
        )


def _loaded(folder: Path, spec: RerankerSpec, device: Device, dtype: Dtype) -> CrossEncoder:
    kind = (
        reranker_input.read_model_json(folder, "config_sentence_transformers.json").get("model_type") or "CrossEncoder"
    )
    composed = (folder / "modules.json").is_file()
    if kind != "CrossEncoder" or not (composed or reranker_input.architecture_name(folder).endswith(_JUDGES)):
        raise ModelUnavailable(
            f"{spec.model}: is no reranker, and would score at random. Set MMRETRIEVAL_RERANKER to a cross-encoder."
        )
    options = {"dtype": getattr(torch, dtype), "use_safetensors": True, **spec.model_options}
    if composed and not yes_no.names_its_head(folder):
        return yes_no.load_with_own_head(folder, spec, device, options)
    model: CrossEncoder = CrossEncoder(
        str(folder),
        device=device.name,
        local_files_only=True,
        trust_remote_code=spec.own_code,
        model_kwargs=options,
        processor_kwargs=dict(spec.processor_options),
    )
    if model.num_labels != 1:
        raise ModelUnavailable(
            f"{spec.model}: gives {model.num_labels} scores a pair, so it sorts pairs into classes and does not rank. "
            "Set MMRETRIEVAL_RERANKER to a model with one score a pair."
        )
    return model
