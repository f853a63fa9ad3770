"""Writing the tables of words: each text, name and title in normal form. Within a transaction of the catalog."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from mcp_mmretrieval.store.normal_form import character_bigrams, forms_beside, normal_words
from mcp_mmretrieval.store.schema import PAIRS_SQL, WHOLE_WORDS_SQL, WORD_TABLES_SQL
from mcp_mmretrieval.store.soundalike import sound_codes
from mcp_mmretrieval.store.stems import language_of, stems_beside
from mcp_mmretrieval.types import MODALITY_TRAITS, Modality, Segment

MAX_FOLDERS = 3
"""Folders above a file whose names count for it."""

_NUMBERING = re.compile(r"[\W\d_]*|[ivxlcdm]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SegmentWords:
    """The words of one segment, as the tables of words take them."""

    heading: str
    text: str
    forms: str
    stems: str
    pairs: str
    sounds: str


def segment_words(segment: Segment, language: str) -> SegmentWords:
    """What words find a segment. Pure. `language`: of its document, see `language_of`."""
    return _words(segment.modality, segment.heading, segment.label, segment.text, language)


def _words(modality: Modality, heading: str, label: str, text: str, language: str) -> SegmentWords:
    """The title of a chapter is a heading, the printed number of a page is none."""
    if label and label not in heading and not _NUMBERING.fullmatch(label):
        heading = f"{heading}\n{label}" if heading else label
    both = f"{heading}\n\n{text}" if heading else text
    return SegmentWords(
        heading=normal_words(heading),
        text=normal_words(text),
        forms=forms_beside(both),
        stems=stems_beside(both, language),
        pairs=character_bigrams(both),
        sounds=sound_codes(text) if MODALITY_TRAITS[modality].listened_to else "",
    )


def forget_whole(db: sqlite3.Connection, document: int) -> None:
    """Take the words of a whole document out, before any of its segments goes: they say what was given."""
    if db.execute("SELECT 1 FROM segments WHERE document = ? LIMIT 1", (document,)).fetchone():
        whole = WHOLE_WORDS_SQL.format(key=document)
        db.execute(f"INSERT INTO wholes(wholes, rowid, text, stems) SELECT 'delete', * FROM ({whole})")


def forget_words(db: sqlite3.Connection, document: int, segment: int) -> None:
    """Take the words of one segment out, and those of its whole document, which are written anew with them."""
    forget_whole(db, document)
    for table in ("words", "pairs", "sounds"):
        db.execute(f"DELETE FROM {table} WHERE rowid = ?", (segment,))


def write_words(
    db: sqlite3.Connection, document: int, words: Iterable[tuple[int, SegmentWords]], language: str
) -> None:
    """The words, by their keys, of those segments of a document that have none, which completes it."""
    for key, each in words:
        columns = (key, each.heading, each.text, each.forms, each.stems)
        db.execute("INSERT INTO words(rowid, heading, text, forms, stems) VALUES (?, ?, ?, ?, ?)", columns)
        if each.pairs:
            db.execute("INSERT INTO pairs(rowid, pair) VALUES (?, ?)", (key, each.pairs))
        if each.sounds:
            db.execute("INSERT INTO sounds(rowid, code) VALUES (?, ?)", (key, each.sounds))
    whole = WHOLE_WORDS_SQL.format(key=document)
    db.execute(f"INSERT INTO wholes(rowid, text, stems) {whole}")
    db.execute("UPDATE documents SET language = ? WHERE key = ?", (language, document))


def write_title(db: sqlite3.Connection, document: int, title: str, keywords: str) -> None:
    """What a document says of itself, in place of what it said before."""
    db.execute("DELETE FROM named WHERE document = ? AND path IS NULL", (document,))
    if title or keywords:
        _write_name(db, document, None, (f"{title}\n\n{keywords}", ""))


def write_path(db: sqlite3.Connection, document: int, path: bytes) -> None:
    """What a file of a document is called, in place of what its path named before."""
    db.execute("DELETE FROM named WHERE path = ?", (path,))
    # a name may hold bytes that are no UTF-8: what cannot be read cannot be asked for either
    name = PurePath(path.decode("utf-8", "replace"))
    folders = " ".join(name.parent.parts[-MAX_FOLDERS:])
    _write_name(db, document, path, (name.stem, f"{folders} {name.suffix}"))


def _write_name(db: sqlite3.Connection, document: int, path: bytes | None, names: tuple[str, str]) -> None:
    name, folders = names
    (language,) = db.execute("SELECT language FROM documents WHERE key = ?", (document,)).fetchone()
    at = db.execute("INSERT INTO named(document, path) VALUES (?, ?)", (document, path)).lastrowid
    words = f"{normal_words(name)} {forms_beside(name)}"
    what = (at, words, normal_words(folders), character_bigrams(f"{name} {folders}"), stems_beside(name, language))
    db.execute("INSERT INTO names(rowid, name, folders, pairs, stems) VALUES (?, ?, ?, ?, ?)", what)


def write_all_words(db: sqlite3.Connection) -> None:
    """All words of a catalog whose tables of words are empty, from the texts, paths and titles that it holds."""
    for document, title, keywords in db.execute("SELECT key, title, keywords FROM documents").fetchall():
        sql = (
            "SELECT s.key, s.modality, t.heading, t.label, t.text FROM segments s JOIN texts t ON t.segment = s.key "
            "WHERE s.document = ? ORDER BY s.ordinal"
        )
        held = db.execute(sql, (document,)).fetchall()
        language = language_of([text for *_, text in held])
        words = (
            (key, _words(modality, heading, label, text, language)) for key, modality, heading, label, text in held
        )
        write_words(db, document, words, language)
        write_title(db, document, title, keywords)
    for path, document in db.execute("SELECT path, document FROM files").fetchall():
        write_path(db, document, path)


def make_word_tables_anew(db: sqlite3.Connection) -> None:
    """Drop all tables of words, whatever is wrong with them, and write all words again."""
    for trigger in ("words_removed", "wholes_removed", "names_removed", "sounds_removed", "pairs_removed"):
        db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for table in ("words", "wholes", "names", "named", "sounds", "pairs"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _statements(WORD_TABLES_SQL + PAIRS_SQL):
        db.execute(statement)
    write_all_words(db)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would end the transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
