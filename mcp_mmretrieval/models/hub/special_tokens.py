"""The marks that a model puts between the parts of its input: a chat's roles, the place of a picture.

Such a mark in somebody's text would crash the whole batch, or let a document speak in another's role.
"""

from __future__ import annotations

import re
from typing import Any


class SpecialTokens:
    """A model's own marks, as its tokenizer knows them. Safe to call from several threads."""

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer`: with `all_special_tokens` and `get_added_vocab`."""
        known = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
        marks = sorted((mark for mark in known if len(mark.strip()) > 2), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, marks)), re.IGNORECASE) if marks else None

    def broken(self, text: str) -> str:
        """The text with a space in each mark that stands in it, behind the mark's first character."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
