"""A text as a quotation is compared with it: words in normal form, numbers whole, and where each stands. Pure.

Beyond `normal_form`, a number keeps its decimals and its sign together; signs of currency, `%`, and before a number
those of comparison and of a power count as words: `-5 %` is not `5`, 3.14 is not 3 and 14, `< 5` is not `> 5`, and 10^5
is not 105. `1.500` is another number than `1500`: it may be one and a half.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_mmretrieval.store.normal_form import plain_with_offsets, unspaced_runs, word_spans
from mcp_mmretrieval.store.stop_words import STOP_WORDS

_SIGNS = {"%": "percent", "$": "$", "€": "€", "£": "£", "¥": "¥", "₹": "₹"}
_COMPARISON = re.compile(
    "(?:[<>]=|[<\u2264\u2265\u2276\u00b1^]|>(?!\\s)|(?<=[^\\n>])>)(?=[\\s$\u20ac\u00a3\u00a5\u20b9+\u2212-]*$)"
)
"""Before a number. `>` and a blank at a line's beginning mark a quoted message."""
_KEPT = str.maketrans({"\u2260": "\u2276"})
"""Unequal, which without its stroke were equal, as a sign that stays."""
_EXPONENT = re.compile("(?<=\\d)[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207a\u207b]")
_AMBIGUOUS = re.compile("[1-9][0-9]{0,2}[.][0-9]{3}")
_MINUS = re.compile(r"(?<![\w.,)-])[-\u2212\u2013]$")
_HYPHEN = re.compile(r"[-\u2010\u2011\u00ad]\s*\n\s*|[-\u2010\u2011\u00ad]")
_SCALES = frozenset(
    re.findall(
        r"\w+",
        """
    hundred hundreds thousand thousands million millions billion billions trillion trillions dozen half third quarter
    double triple twice hundert tausend millionen milliarde milliarden mille milliard milliards
    """,
    )
)
"""Words that are numbers, or make one out of another."""
_NEGATIONS = frozenset(
    re.findall(
        r"\w+",
        """
    no not nor never none nothing nobody without neither cannot nicht kein keine keinen nie niemals ohne ne pas jamais
    sans sin nunca non senza mai niet geen
    """,
    )
)


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest part of a text that is compared: letters, a number, or a sign."""

    form: str
    """In normal form; a number with its sign and decimals."""
    number: bool
    start: int
    end: int
    """Where it stands in `QuoteText.source`."""

    @property
    def stream(self) -> str:
        """As it stands in `QuoteText.stream`: 1 and 2 are not 12."""
        return f"\x02{self.form}\x03" if self.number else self.form


@dataclass(frozen=True, slots=True)
class QuoteWord:
    """Atoms that stand together without a blank: `20l9`, `5%`, `can't`."""

    form: str
    numbers: tuple[str, ...]
    name: bool
    """It has a capital letter and is no article or the like."""
    negates: bool
    start: int
    end: int
    stream: str
    """As it stands in `QuoteText.stream`."""


class QuoteText:
    """A text, its atoms, and one string without blanks in which a quotation can be looked for."""

    def __init__(self, text: str) -> None:
        self.source = unicodedata.normalize("NFC", text)
        self.atoms = _atoms(self.source)
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._begins: list[int] = []
        stream, at = [], 0
        for number, atom in enumerate(self.atoms):
            form = atom.stream
            self._starts[at] = number
            self._begins.append(at)
            at += len(form)
            self._ends[at] = number
            stream.append(form)
        self._begins.append(at)
        self.stream = "".join(stream)

    def find(self, quote: QuoteText) -> tuple[int, int] | None:
        """Where in `source` the whole words of a quotation stand first, in their order; None where they do not."""
        return next(self.places(quote), None)

    def places(self, quote: QuoteText, behind: int = 0) -> Iterator[tuple[int, int]]:
        """All such places from a letter of `source` on, in order."""
        first = bisect_left(self.atoms, behind, key=lambda atom: atom.start)
        at = self.stream.find(quote.stream, self._begins[first]) if quote.stream else -1
        while at >= 0:
            end = at + len(quote.stream)
            power = self.stream.startswith("^", end)  # 10 is not what stands in 10^5
            if at in self._starts and end in self._ends and not power:
                yield self.atoms[self._starts[at]].start, self.atoms[self._ends[end]].end
            at = self.stream.find(quote.stream, at + 1)

    def words(self) -> list[QuoteWord]:
        """The atoms as they stand together, in order."""
        words: list[list[Atom]] = []
        for atom in self.atoms:
            before = words[-1][-1] if words else None
            if before and _joined(before, atom, self.source[before.end : atom.start]):
                words[-1].append(atom)
            else:
                words.append([atom])
        return [self._word(atoms) for atoms in words]

    def _word(self, atoms: Sequence[Atom]) -> QuoteWord:
        start, end = atoms[0].start, atoms[-1].end
        form = "".join(atom.form for atom in atoms)
        written = self.source[start:end]
        return QuoteWord(
            form=form,
            numbers=tuple(atom.form for atom in atoms if atom.number or atom.form in _SCALES),
            name=written[:1].isupper() and form not in STOP_WORDS,
            negates=form in _NEGATIONS or re.search(r"n['\u2019]t$", written, re.IGNORECASE) is not None,
            start=start,
            end=end,
            stream="".join(atom.stream for atom in atoms),
        )


def _joined(one: Atom, other: Atom, gap: str) -> bool:
    """Whether two atoms are parts of one word: nothing stands between, or what joins letters, at a line's end too."""
    if gap in ("", "'", "\u2019"):
        return True
    return _HYPHEN.fullmatch(gap) is not None and one.form.isalpha() and other.form.isalpha()


def _atoms(source: str) -> list[Atom]:
    plain, offsets = _with_powers(source, *plain_with_offsets(source.translate(_KEPT)))
    atoms: list[Atom] = []
    behind = 0
    for forms, start, end in _whole_numbers(plain):
        number = forms[0].isdecimal()
        signs = [(at, _SIGNS[char]) for at, char in enumerate(plain[behind:start], behind) if char in _SIGNS]
        if number:
            signs += [(found.start(), found[0]) for found in _COMPARISON.finditer(plain, behind, start)]
        atoms += [Atom(form, False, offsets[at], offsets[at] + 1) for at, form in sorted(signs)]
        behind = end
        if number:
            negative = _MINUS.search(plain, max(0, start - 2), start)
            written = plain[start:end]
            form = written if _AMBIGUOUS.fullmatch(written) else ".".join(forms)
            atoms.append(Atom(f"{'-' if negative else ''}{form}", True, offsets[start], offsets[end - 1] + 1))
        elif unspaced_runs(forms[0]) == forms:
            atoms += [Atom(plain[at], False, offsets[at], offsets[at] + 1) for at in range(start, end)]
        else:
            atoms.append(Atom(forms[0], False, offsets[start], offsets[end - 1] + 1))
    rest = ((at, char) for at, char in enumerate(plain[behind:], behind) if char in _SIGNS)
    return atoms + [Atom(_SIGNS[char], False, offsets[at], offsets[at] + 1) for at, char in rest]


def _with_powers(source: str, plain: str, offsets: Sequence[int]) -> tuple[str, Sequence[int]]:
    """A plain text in which `^` stands before what was raised behind a number."""
    raised = {found.start() for found in _EXPONENT.finditer(source)}
    if not raised:
        return plain, offsets
    marked = [
        (char, at)
        for letter, at in zip(plain, offsets, strict=True)
        for char in (("^", letter) if at in raised else letter)
    ]
    return "".join(char for char, _ in marked), [at for _, at in marked]


def _whole_numbers(plain: str) -> Iterator[tuple[list[str], int, int]]:
    """The words of a plain text, each with where it stands; the parts of one number together."""
    held: tuple[list[str], int, int] | None = None
    for form, start, end in word_spans(plain):
        if held and (held[1], held[2]) == (start, end):
            held[0].append(form)
            continue
        if held:
            yield held
        held = [form], start, end
    if held:
        yield held
