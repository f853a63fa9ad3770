"""Texts as a hub model reads them: its own marks broken up, its prompts before them, in pieces that it does not cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.hub.capabilities import token_limit
from mcp_mmretrieval.models.hub.prompts import PromptRole, Prompts
from mcp_mmretrieval.models.hub.special_tokens import SpecialTokens
from mcp_mmretrieval.models.tokens import SharedTokenizer, replace_surrogates

_WINDOW = 512
"""Tokens of a window at most, where the record names none: a vector of more says too little of each part."""
_TITLE = 32
"""Tokens of a document's title that stand before its texts."""


class TextPreprocessor:
    """How one model reads texts. Safe to call from several threads."""

    def __init__(self, model: Any, spec: EmbedderSpec, prompts: Prompts) -> None:
        """`model`: a SentenceTransformer. Raises ModelUnavailable where it takes no texts, or has no room for them."""
        tokenizer = model.tokenizer
        if "text" not in model.modalities or not getattr(tokenizer, "is_fast", False):
            raise ModelUnavailable(f"{spec.model}: takes no texts, so that nothing could be asked in words.")
        self._prompts = prompts
        self._marks = SpecialTokens(tokenizer)
        limit = token_limit(model)
        model.max_seq_length = limit
        around = max(_around(model, prompts, role) for role in ("query", "document"))
        if prompts.titled:
            around += _TITLE
        self.room = limit - around
        """Tokens that are left for a content beside what stands around it."""
        if self.room < 1:
            raise ModelUnavailable(f"{spec.model}: its prompt fills the {limit} tokens that it takes in.")
        self._around = around - tokenizer.num_special_tokens_to_add()
        self.window = min(self.room, spec.window or _WINDOW)
        """Tokens of a piece of text."""
        self._tokens = SharedTokenizer(tokenizer.backend_tokenizer, window=self.window, limit=limit + 1)
        self._titles = SharedTokenizer(tokenizer.backend_tokenizer, window=_TITLE, limit=limit)
        self._limit = limit

    def windows(self, text: str) -> list[str]:
        """Pieces that the model takes in whole, cut between words."""
        return self._tokens.windows(text)

    def read(self, text: str, role: PromptRole, title: str = "") -> list[tuple[str, float]]:
        """The text as the model gets it, with its number of tokens; several where it would be cut off."""
        before = self._prompts.before(role, self._short(title))
        plain = self._marks.broken(replace_surrogates(text))
        (size,) = self._sizes([plain])
        if size <= self._limit:
            return [(before + plain, size)]
        windows = self._tokens.windows(plain)
        return [(before + window, size) for window, size in zip(windows, self._sizes(windows), strict=True)]

    def _sizes(self, texts: Sequence[str]) -> list[float]:
        """Tokens with all that stands around a text; more than the limit are not counted."""
        return [float(len(ids) + self._around) for ids in self._tokens.ids(texts)]

    def _short(self, title: str) -> str:
        """The beginning of a title, where the model has a place for it."""
        if not title or not self._prompts.titled:
            return ""
        return next(iter(self._titles.windows(self._marks.broken(replace_surrogates(title)))), "")


def _around(model: Any, prompts: Prompts, role: PromptRole) -> int:
    """Tokens of an empty text: the prompt, a chat's roles, the marks at both ends."""
    features = model[0].preprocess([{"text": prompts.before(role)}], prompt=prompts.instruction(role))
    return int(features["input_ids"].shape[-1])
