"""What a model was trained to read before a query and before a document, and in which form it takes it.

Most models take it as the beginning of the text, and pictures and sounds without. A model that is spoken to like a
chat (Qwen3-VL) takes an instruction in a message of its own, before contents of all sorts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mcp_mmretrieval.config.profiles import EmbedderSpec

PromptRole = Literal["query", "document"]

TITLE_PLACEHOLDER = "{title}"
"""Stands in a prompt for the title of the document; `none` where it has none."""
_ASKED, _GIVEN = "Find this.", "a boat"


@dataclass(frozen=True, slots=True)
class Prompts:
    """The two prompts of a model."""

    query: str
    document: str
    instructs: bool
    """Whether it takes them as a message of their own, before contents of all sorts."""

    def before(self, role: PromptRole, title: str = "") -> str:
        """The prompt as the beginning of a text; empty for a model that is instructed apart from it."""
        if self.instructs:
            return ""
        return self._of(role).replace(TITLE_PLACEHOLDER, title.strip() or "none")

    def instruction(self, role: PromptRole) -> str:
        """The prompt as a message of its own; empty for a model that has it at the beginning of a text."""
        return self._of(role) if self.instructs else ""

    @property
    def titled(self) -> bool:
        """Whether a title stands before a document's texts."""
        return TITLE_PLACEHOLDER in self.document

    def _of(self, role: PromptRole) -> str:
        return self.query if role == "query" else self.document


def prompts_of(model: Any, spec: EmbedderSpec) -> Prompts:
    """The prompts of the record, or else those that the model (a SentenceTransformer) brings along."""
    own = model.prompts
    document = next((text for name in ("document", "passage", "corpus") if (text := own.get(name))), "")
    query = (own.get("query") or "") if spec.query_prompt is None else spec.query_prompt
    document = document if spec.document_prompt is None else spec.document_prompt
    return Prompts(query, document, TITLE_PLACEHOLDER not in document and _instructs(model))


def _instructs(model: Any) -> bool:
    """Whether a system message comes out of the chat template as something else than the beginning of the text."""
    if "message" not in model.modalities:
        return False
    asked, given = ({"type": "text", "text": text} for text in (_ASKED, _GIVEN))
    whole = {"type": "text", "text": _ASKED + _GIVEN}
    apart = _rendered(model, {"role": "system", "content": [asked]}, {"role": "user", "content": [given]})
    return _ASKED in apart and "".join(apart.split()) != "".join(
        _rendered(model, {"role": "user", "content": [whole]}).split()
    )


def _rendered(model: Any, *messages: dict[str, Any]) -> str:
    return str(model.processor.apply_chat_template(list(messages), tokenize=False))
