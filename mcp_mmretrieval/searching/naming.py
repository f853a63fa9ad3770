"""Which documents a question names, by title or by file name. Pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

NAMED_SHARE = 0.6
"""Share of a name's words, rare ones weighing more, that a question must hold in order to name the document."""

_WORD = re.compile(r"[^\W\d_]{2,}|\d{2,}")
_EXTENSION = re.compile(r"\.\w{2,5}\b")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
    a an and any article as at audio book by chapter copy deck document draft file figure final for from guide image in
    img it its letter manual new of on or page pages paper pdf photo picture presentation recording report scan section
    slide slides table that the this to untitled version video what which with
    """,
    )
)
"""Words that name no document by themselves."""


@dataclass(frozen=True, slots=True)
class DocumentName:
    """How a document is called."""

    title: str = ""
    path: str = ""
    """Of one of its files; empty for a text without one."""


class NameIndex:
    """The names of all documents that a search may find, by their words."""

    def __init__(self, names: Mapping[str, DocumentName]) -> None:
        """`names`: by the id of the document."""
        self._wholes: list[tuple[str, frozenset[str]]] = []
        self._holding: dict[str, list[int]] = {}
        self._files: dict[str, list[str]] = {}
        for id, name in names.items():
            file = PurePath(name.path).name
            if file:
                self._files.setdefault(file.casefold(), []).append(id)
            for words in {_words(name.title), _words(PurePath(file).stem)}:
                if words - _COMMON:
                    for word in words:
                        self._holding.setdefault(word, []).append(len(self._wholes))
                    self._wholes.append((id, words))

    def named(self, question: str) -> frozenset[str]:
        """The documents that the question names: those whose file it gives, else those whose name it says best."""
        said = question.casefold()
        if _EXTENSION.search(said) and (files := self._files_in(said)):
            return frozenset(id for file in files for id in self._files[file])
        words = _words(question)
        candidates = {number for word in words - _COMMON for number in self._holding.get(word, ())}
        found = [(self._share(self._wholes[number][1], words), number) for number in candidates]
        ranks = {number: (share, len(self._wholes[number][1])) for share, number in found if share >= NAMED_SHARE}
        best = max(ranks.values(), default=None)
        return frozenset(self._wholes[number][0] for number, rank in ranks.items() if rank == best)

    def _files_in(self, said: str) -> list[str]:
        """The files that a question in small letters gives, but none whose name only ends or begins another one."""
        files: list[str] = []
        for file in sorted((file for file in self._files if "." in file and file in said), key=len, reverse=True):
            if re.search(rf"(?<!\w){re.escape(file)}(?!\w)", said, re.ASCII):  # in Chinese no space stands before it
                files.append(file)
                said = said.replace(file, " ")
        return files

    def _share(self, name: Iterable[str], said: frozenset[str]) -> float:
        weights = {word: math.log(1 + (1 + len(self._wholes)) / len(self._holding[word])) for word in name}
        return sum(weights[word] for word in weights if word in said) / sum(weights.values())


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(_HUMP.sub(" ", text)))
