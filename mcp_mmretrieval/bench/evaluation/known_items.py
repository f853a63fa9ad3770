"""Questions made from a library itself, for who has none: each asks for one known place by some of its own words.

Known-item search (Azzopardi, de Rijke & Balog 2007) flatters every lane that looks for words, so its figures compare
settings and versions, and say little of what a person finds. Titles ask for their document, and words of a passage, a
page, a picture or a transcript, in their order and without those that say nothing, for the place.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from mcp_mmretrieval.answers import DocumentInfo
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store.stop_words import STOP_WORDS
from mcp_mmretrieval.types import Modality

LISTED_AT_ONCE = 200
"""Documents of one page of the listing."""
FEWEST_WORDS, MOST_WORDS = 4, 8
"""Words of a question that is made of a text."""
MIN_TITLE_WORDS = 3
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_GROUPS: dict[Modality, str] = {
    "text": "passages",
    "page": "pages",
    "image": "captions and words in pictures",
    "audio": "transcripts",
    "video": "transcripts of films",
}


def known_items(library: Library, count: int, seed: int) -> list[JudgedQuestion]:
    """At most so many questions, from documents drawn at random, the same each time for the same library and seed."""
    chance = random.Random(seed)
    documents = [one for one in _documents(library) if one.path]
    chance.shuffle(documents)
    found: list[JudgedQuestion] = []
    for document in documents:
        if len(found) >= count:
            break
        found += list(_items(library, document, chance))[: count - len(found)]
    return found


def _documents(library: Library) -> list[DocumentInfo]:
    found: list[DocumentInfo] = []
    while True:
        page, total = library.documents(limit=LISTED_AT_ONCE, offset=len(found))
        found += page
        if not page or len(found) >= total:
            return found


def _items(library: Library, document: DocumentInfo, chance: random.Random) -> Iterator[JudgedQuestion]:
    title = _WORD.findall(document.title)
    if len(title) >= MIN_TITLE_WORDS and _bare(document.title) != _bare(PurePath(document.path).stem):
        yield _question(document, "titles", document.title, document.path)
    page = chance.randint(1, document.pages) if document.pages else None
    place = f"#page={page}" if page and document.modality == "page" else ""
    try:
        look = library.look(f"{document.id}{place}", content=False)
    except RetrievalError:  # a page without anything on it is no place; the next document may have one
        return
    if words := _words_of(look.text, chance):
        yield _question(document, _GROUPS[document.modality], words, f"{document.path}{place}")


def _question(document: DocumentInfo, group: str, query: str, target: str) -> JudgedQuestion:
    return JudgedQuestion(id=f"{document.id}-{group.split()[0]}", query=query, group=group, grades={target: 1})


def _words_of(text: str, chance: random.Random) -> str:
    """Words of one sentence or line of a text; empty where none has enough."""
    sentences = [_telling(part) for part in re.split(r"[.!?\n]+", text)]
    enough = [words for words in sentences if len(words) >= FEWEST_WORDS]
    return " ".join(chance.choice(enough)[:MOST_WORDS]) if enough else ""


def _telling(part: str) -> Sequence[str]:
    return [word for word in _WORD.findall(part) if word.casefold() not in STOP_WORDS]


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()
