"""Texts as a model's tokenizer takes them: how long they are, and where to cut them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Encoding, Tokenizer

from mcp_mmretrieval.concurrency.priority_lock import PriorityLock

_CHARACTERS = 2_000 / 128
"""Looked at for one token of a window: more than any prose has."""

_FIRST_FAR_LETTER = "\u0250"
"""The first character behind the Latin letters of Unicode's first blocks."""

WordSpan = tuple[int, int, int]
"""First character, character after the last, tokens."""


class SharedTokenizer:
    """A copy of a model's tokenizer. Safe to call from several threads; they take turns.

    The model pads and cuts with its own, which no other thread may use meanwhile; this one need not wait for it.
    """

    def __init__(self, tokenizer: Tokenizer, *, window: int, limit: int) -> None:
        """`window`: tokens of a window. `limit`: tokens that the model takes in at once, its marks included.

        A tokenizer of transformers has its own as `backend_tokenizer`.
        """
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.encode_special_tokens = tokenizer.encode_special_tokens  # the one thing that is not written
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._window = window
        self._slice = int(window * _CHARACTERS)
        self._limit = limit
        self._turns = PriorityLock()

    def windows(self, text: str) -> list[str]:
        """The text cut between words into pieces of at most `window` tokens, one after the other."""
        text = replace_surrogates(text)
        return [text[first:last] for first, last in self._spans(text)]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, as the model will see them."""
        if not texts:
            return []
        with self._turns:
            given = [replace_surrogates(text) for text in texts]
            self._tokenizer.enable_truncation(self._limit)
            try:
                return [found.ids for found in self._tokenizer.encode_batch_fast(given)]
            finally:
                self._tokenizer.no_truncation()

    def known_share(self, text: str, unknown: int | None) -> float:
        """Share of the letters of `text` in tokens from which a model can have learnt something; 1 without letters.

        Not in the token `unknown`, and not in tokens of a single letter of a far script: a tokenizer that
        spells a language letter by letter has hardly seen it. With MiniLM's, unrelated sentences of one such script
        have cosines of 0.5 (Hebrew) to 1.0 (Thai), where English ones have 0.05.
        """
        if not text or max(text) < _FIRST_FAR_LETTER:
            return 1.0
        text = replace_surrogates(text)
        found = self._encoded(text)
        letters = known = 0
        for token, (first, last) in zip(found.ids, found.offsets, strict=True):
            count = sum(char.isalpha() for char in text[first:last])
            far = last - first == 1 and text[first:last] >= _FIRST_FAR_LETTER
            letters += count
            known += 0 if far or token == unknown else count
        return known / letters if letters else 1.0

    def count(self, text: str) -> int:
        """How many tokens a text is, without the model's marks."""
        return len(self._encoded(replace_surrogates(text)))

    def named(self, ids: Sequence[int]) -> list[str]:
        """The tokens as the tokenizer writes them."""
        return [self._tokenizer.id_to_token(token) or "" for token in ids]

    def _encoded(self, text: str) -> Encoding:
        """The whole text, without the model's marks."""
        with self._turns:
            return self._tokenizer.encode(text, add_special_tokens=False)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """First and last character of each window."""
        start = 0
        while start < len(text):
            words = self._words(text, start)
            taken = self._fitting(words)
            if taken:
                yield words[0][0], words[taken - 1][1]
            start = words[taken - 1][1] if taken else start + self._slice

    def _words(self, text: str, start: int) -> list[WordSpan]:
        """Words from a character on. One that the slice may have cut is left out, unless it stands alone."""
        piece = text[start : start + self._slice]
        found = self._encoded(piece)
        words: list[list[WordSpan]] = []
        previous = None
        for word, (first, last) in zip(found.word_ids, found.offsets, strict=True):
            while first < last and piece[first].isspace():  # some tokenizers count the space to the word behind it
                first += 1
            if first == last:  # nothing but a space; it takes a place all the same
                if words:
                    end = words[-1][-1][1]
                    words[-1].append((end, end, 1))
                continue
            token = (start + first, start + last, 1)
            if words and word == previous and not piece[max(0, first - 1)].isspace():
                words[-1].append(token)
            else:
                words.append([token])
            previous = word
        if start + len(piece) < len(text) and len(words) > 1:
            words.pop()
        return [part for word in words for part in self._whole(word)]

    def _whole(self, tokens: list[WordSpan]) -> list[WordSpan]:
        """The word in one; one that is longer than a window, as scripts without spaces have them, by its characters."""
        if len(tokens) <= self._window:
            return [(tokens[0][0], tokens[-1][1], len(tokens))]
        parts: list[WordSpan] = []
        for first, last, count in tokens:
            if parts and (first < parts[-1][1] or first == last):  # several tokens for the bytes of one character
                parts[-1] = (parts[-1][0], max(last, parts[-1][1]), parts[-1][2] + count)
            else:
                parts.append((first, last, count))
        return parts

    def _fitting(self, words: Sequence[WordSpan]) -> int:
        """How many words from the first on fit into a window; at least one, if there is one."""
        room = self._window
        for index, (_, _, tokens) in enumerate(words):
            room -= tokens
            if room < 0:
                return max(1, index)
        return len(words)


def replace_surrogates(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, as question marks. Keeps its length."""
    return text.encode("utf-8", "replace").decode("utf-8")
