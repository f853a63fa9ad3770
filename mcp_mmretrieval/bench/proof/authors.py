"""The authors' plain call: what their libraries alone make of the same things, with the prompts of the files.

It shares nothing with how the library loads, words and prepares: that is what it is compared with. But pictures are no
larger than the record has a model see them, since that is a choice and no mistake; what the files allow is a fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer
from transformers import AutoProcessor, NeoMMEForRetrieval
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval.bench.proof.published import PROBE_DOCUMENT, PROBE_QUERY, PublishedFacts
from mcp_mmretrieval.config.profiles import EmbedderSpec, ModelSpec, RerankerSpec
from mcp_mmretrieval.models.hub.pictures import fit_picture
from mcp_mmretrieval.types import Content, Film, Sound, Vectors

_NAMES = {"query": ("query",), "document": ("document", "passage", "corpus")}
"""Under which the library looks for a prompt."""
_FRAMES_AS_GIVEN = {"video": {"do_sample_frames": False}}


transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class AuthorsEmbedder:
    """The embedder as its model card has it called."""

    def __init__(self, folder: Path, spec: EmbedderSpec, published: PublishedFacts, *, device: str, dtype: str) -> None:
        """`spec`: for the prompts that the files leave out. Raises whatever loading raises."""
        self._spec = spec
        self._instructed = published.instructed
        self._model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            truncate_dim=spec.dims or None,
            model_kwargs={"dtype": getattr(torch, dtype)},
        )

    def reads(self) -> str:
        """What the model gets to read for `PROBE_QUERY`, its marks included."""
        prompt = self._prompt("query")
        own = self._model.prompts.get("query") if prompt is None else prompt
        given = self._model.preprocess([PROBE_QUERY], prompt=own or None)
        return _decoded(self._model, given)

    def encode(self, contents: Sequence[Content], role: Literal["query", "document"]) -> Vectors:
        """Unit rows of contents of one sort, one at a time, so that none depends on its neighbours."""
        encode: Any = self._model.encode_query if role == "query" else self._model.encode_document
        worded = isinstance(contents[0], str) or self._instructed
        options: dict[str, Any] = {"prompt": self._prompt(role) if worded else "", "show_progress_bar": False}
        if isinstance(contents[0], Film):
            options["processing_kwargs"] = _FRAMES_AS_GIVEN
        rows = np.concatenate(
            [np.asarray(encode([_given(one, self._spec)], **options), np.float32) for one in contents]
        )
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def _prompt(self, role: str) -> str | None:
        """None where the files have one, which the library finds by itself."""
        if any(self._model.prompts.get(name) for name in _NAMES[role]):
            return None
        told = self._spec.query_prompt if role == "query" else self._spec.document_prompt
        return None if told is None else told.replace("{title}", "none")


class AuthorsReranker:
    """The reranker as its model card has it called."""

    def __init__(self, folder: Path, spec: RerankerSpec, *, device: str, dtype: str) -> None:
        """Raises whatever loading raises."""
        kind: Any = MultiVectorEncoder if spec.kind == "late" else CrossEncoder
        options = {"dtype": getattr(torch, dtype)}
        self._spec = spec
        self._model = kind(str(folder), device=device, local_files_only=True, model_kwargs=options)

    def reads(self) -> str:
        """What the model gets to read for `PROBE_QUERY` beside `PROBE_DOCUMENT`; of late interaction, for the query."""
        if self._spec.kind == "late":
            return _decoded(self._model, self._model.preprocess([PROBE_QUERY], task="query"))
        return _decoded(self._model, self._model.preprocess([(PROBE_QUERY, PROBE_DOCUMENT)], prompt=self._spec.prompt))

    def score(self, query: str, contents: Sequence[Content]) -> list[float]:
        """Scores in [0, 1] of contents of one sort."""
        given = [_given(one, self._spec) for one in contents]
        if self._spec.kind == "late":
            asked = self._model.encode_query([query], show_progress_bar=False)
            found = self._model.encode_document(given, batch_size=1, show_progress_bar=False)
            return [float(score) for score in self._model.similarity(asked, found)[0]]
        scores = self._model.predict(
            [(query, one) for one in given],
            prompt=self._spec.prompt,
            batch_size=1,
            activation_fn=torch.nn.Sigmoid(),
            show_progress_bar=False,
        )
        return [float(score) for score in scores]


class AuthorsNeoMME:
    """NeoMME as its authors publish it, without sentence-transformers: that would take pages for queries."""

    def __init__(self, folder: Path, spec: RerankerSpec, *, device: str, dtype: str) -> None:
        """Raises whatever loading raises."""
        self._spec = spec
        self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)  # type: ignore[no-untyped-call]
        model: Any = NeoMMEForRetrieval.from_pretrained(folder, local_files_only=True, dtype=getattr(torch, dtype))
        self._model = model.to(device).eval()

    def reads(self) -> str:
        """What the model gets to read for `PROBE_QUERY`."""
        return str(self._processor.tokenizer.decode(self._inputs(PROBE_QUERY, "query")["input_ids"][0]))

    def score(self, query: str, contents: Sequence[Content]) -> list[float]:
        """MeanMaxSim of contents of one sort."""
        asked = self._rows(query, "query")
        return [
            float((asked @ self._rows(_given(one, self._spec), "document").T).max(dim=1).values.mean())
            for one in contents
        ]

    def _rows(self, given: Any, task: str) -> torch.Tensor:
        inputs = self._inputs(given, task)
        with torch.inference_mode():
            found: torch.Tensor = self._model(**inputs).embeddings[0]
        return found[inputs["attention_mask"][0].bool()].float()

    def _inputs(self, given: Any, task: str) -> Any:
        part = {"type": "text", "text": given} if isinstance(given, str) else {"type": "image", **given}
        conversation = [[{"role": "user", "content": [part]}]]
        made = self._processor.apply_chat_template(
            conversation, task=task, tokenize=True, return_dict=True, return_tensors="pt"
        )
        return made.to(self._model.device)


def authors_reranker(folder: Path, spec: RerankerSpec, *, device: str, dtype: str) -> AuthorsReranker | AuthorsNeoMME:
    """The reranker of a folder, by the library that its files are made for. Raises whatever loading raises."""
    if spec.kind == "late" and not (folder / "modules.json").is_file():
        return AuthorsNeoMME(folder, spec, device=device, dtype=dtype)
    return AuthorsReranker(folder, spec, device=device, dtype=dtype)


def _decoded(model: Any, given: Any) -> str:
    return str(model.tokenizer.decode(given["input_ids"][0]))


def _given(content: Content, spec: ModelSpec) -> Any:
    """A content as sentence-transformers takes it."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sound):
        return {"audio": {"array": content.samples, "sampling_rate": content.rate}}
    if isinstance(content, Film):
        count = len(content.pictures)
        said = {"fps": 1.0, "total_num_frames": count, "duration": float(count), "frames_indices": [*range(count)]}
        frames = [np.asarray(fit_picture(frame, spec.frame_pixels)) for frame in content.pictures]
        return {"video": {"array": np.stack(frames).transpose(0, 3, 1, 2), "video_metadata": said}}
    return {"image": fit_picture(content, spec.pixels)}
