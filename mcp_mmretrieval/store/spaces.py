"""Spaces, and the vectors in them: which one serves, which documents stand in it, what the index follows.

A part of the catalog, in the same file and with the same promises.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.store import rows, totals
from mcp_mmretrieval.store.database import Database, json_list, scalar
from mcp_mmretrieval.store.records import ChosenProfile, IndexClaim, Space, SpaceSize, VectorRows
from mcp_mmretrieval.types import VECTOR_KINDS, Identity, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import Vectors

MAX_ID = (1 << 63) - 1
LEFT_OUT_PREFIX = "Found by words alone, without a vector: "
"""How the note begins that says what of a document has no vector."""


class Spaces:
    """The part of a catalog that concerns vectors."""

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        """Open or make the file; see `Database`."""
        self._database = Database(path, on_commit)
        self._spaces: tuple[int, list[Space]] | None = None

    # -- which there are ------------------------------------------------------------------------------------------

    def space(
        self, identity: Identity, *, dim: int = 0, half: bool = False, made_by: str = "", active: bool = False
    ) -> int:
        """The id of a space, made where it is new; the first one is active, and one that is made `active`.

        `half`: vectors are stored as float16, which makes it another space. `dim`: numbers in a text's vector, kept for
        the record; each kind's own length is that of its first vectors. `made_by`: see `Space`; renewed where given.
        """
        name = canonical_identity(identity, half=half)
        with self._database.writing("spaces") as db:
            db.execute(
                "INSERT INTO spaces(identity, dim, half, active, made_by) "
                "VALUES (?, ?, ?, NOT EXISTS (SELECT 1 FROM spaces WHERE active), ?) "
                "ON CONFLICT DO UPDATE SET made_by = coalesce(nullif(excluded.made_by, ''), made_by), retired = 0",
                (name, dim, half, made_by),
            )
            if active:
                db.execute("UPDATE spaces SET active = (identity = ?)", (name,))
            return int(scalar(db, "SELECT id FROM spaces WHERE identity = ?", name))

    def spaces(self) -> list[Space]:
        """All spaces, oldest first. Asked at every step: remembered until one is made, changed or dropped."""
        version, known = self._database.versions["spaces"], self._spaces
        if known is None or known[0] != version:
            with self._database.reading() as db:
                sql = f"SELECT {rows.SPACE_COLUMNS} FROM spaces ORDER BY id"
                known = self._spaces = version, [rows.space_from_row(each) for each in db.execute(sql)]
        return list(known[1])

    def active_space(self) -> Space | None:
        """The space that serves searches; None before the first one was made."""
        return next((space for space in self.spaces() if space.active), None)

    def activate(self, space: int, *, retire: bool = False) -> None:
        """Let this space serve searches from now on. The others keep their vectors until `drop_space`.

        `retire`: none of the others is needed any more, which is remembered until they are dropped.
        """
        with self._database.writing("spaces") as db:
            if not scalar(db, "SELECT count(*) FROM spaces WHERE id = ?", space):
                raise ValueError(f"There is no space {space}.")
            db.execute("UPDATE spaces SET active = (id = ?)", (space,))
            db.execute("UPDATE spaces SET retired = (id <> ? AND (retired OR ?))", (space, retire))

    def drop_space(self, space: int) -> None:
        """Delete a space and all its vectors. Raises ValueError for the active one."""
        with self._database.writing("spaces") as db:
            if scalar(db, "SELECT count(*) FROM spaces WHERE id = ? AND active", space):
                raise ValueError(f"Space {space} serves searches; activate another one first.")
            db.execute("DELETE FROM vectors WHERE space = ?", (space,))
            db.execute("DELETE FROM spaces WHERE id = ?", (space,))

    def embedded(self, space: int) -> int:
        """How many documents are embedded in a space."""
        with self._database.reading() as db:
            return totals.embedded_documents(db, space)

    def volume(self, space: int) -> SpaceSize:
        """How much stands in a space."""
        with self._database.reading() as db:
            documents, _ = totals.held_documents(db)
            embedded = totals.embedded_documents(db, space)
            vectors = totals.vectors_by_kind(db, space)
            each = {kind: (_dim(db, space, kind) or 0) * (2 if is_half(db, space) else 4) for kind in vectors}
        return SpaceSize(documents=documents, embedded=embedded, vectors=vectors, each=each)

    # -- which profile was chosen ---------------------------------------------------------------------------------

    def chosen(self) -> ChosenProfile | None:
        """The profile that the library keeps to; None where none was chosen yet."""
        with self._database.reading() as db:
            found = db.execute("SELECT profile, reason, chosen_at FROM chosen").fetchone()
            return ChosenProfile(profile=found[0], reason=found[1], chosen_at=found[2]) if found else None

    def choose(self, profile: str, reason: str) -> None:
        """Remember that the library keeps to this profile from now on."""
        with self._database.writing("bookkeeping") as db:
            db.execute("INSERT OR REPLACE INTO chosen VALUES (1, ?, ?, ?)", (profile, reason, time.time()))

    # -- what stands in them --------------------------------------------------------------------------------------

    def unembedded(self, space: int, *, limit: int = 100, skip: Collection[str] = ()) -> list[str]:
        """Documents that were read but are not embedded in a held space, oldest first. `skip`: ids to leave out."""
        with self._database.reading() as db:
            sql = (
                "SELECT d.id FROM pending p CROSS JOIN documents d ON d.key = p.document WHERE p.space = ? "
                "AND d.id NOT IN (SELECT value FROM json_each(?)) ORDER BY p.read_at, p.document LIMIT ?"
            )
            return [id for (id,) in db.execute(sql, (space, json_list(skip), limit))]

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread commits meanwhile is one transaction: on disk when the block ends."""
        with self._database.writing("vectors"):
            yield

    def commit_embedded(
        self, document: str, space: int, groups: Iterable[VectorRows], *, left_out: str = "", anchor: int | None = None
    ) -> bool:
        """Commit all vectors of a document in a space, or the last of them; no `groups` say that it needs none.

        `left_out`: what has no vector and why, which becomes one of its notes in the place of an earlier one. `anchor`:
        a segment of the reading that the vectors are of. False, and nothing stored, if the document was removed or read
        again meanwhile, or the space was dropped. What is embedded already stays as it is. Raises ValueError for
        vectors of a wrong shape or with numbers that are not finite.
        """
        try:
            with self._database.writing("vectors") as db:
                if (key := _awaited(db, document, space, anchor)) is None:
                    return False
                if db.execute("INSERT OR IGNORE INTO embedded VALUES (?, ?)", (key, space)).rowcount:
                    for group in groups:
                        _write_vectors(db, key, space, group)
                    _note(db, key, left_out)
                    db.execute("DELETE FROM attempts WHERE document = ? AND space = ?", (key, space))
                return True
        except _ReadAgain:
            return False

    def add_vectors(self, document: str, space: int, groups: Iterable[VectorRows], *, anchor: int) -> bool:
        """Commit some of a document's vectors while others are still made: searches find them.

        The document waits until `commit_embedded`. Returns and raises as that does. It gets on, so of its attempts only
        the last one is still noted.
        """
        try:
            with self._database.writing("vectors") as db:
                if (key := _awaited(db, document, space, anchor)) is None:
                    return False
                for group in groups:
                    _write_vectors(db, key, space, group)
                db.execute("UPDATE attempts SET count = 1 WHERE document = ? AND space = ?", (key, space))
                return True
        except _ReadAgain:
            return False

    def held_parts(self, space: int, document: str) -> dict[VectorKind, set[tuple[int, int]]]:
        """Segment and part of each vector that a document has in a space, by kind; of most that wait, nothing."""
        from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

        held = dict[VectorKind, set[tuple[int, int]]]()
        with self._database.reading() as db:
            sql = (
                "SELECT v.kind, v.places FROM documents d CROSS JOIN vectors v ON v.document = d.key AND v.space = ? "
                "WHERE d.id = ?"
            )
            for kind, places in db.execute(sql, (space, document)):
                held.setdefault(kind, set()).update(map(tuple, vectors.part_keys(places).tolist()))
        return held

    def vectors_of(
        self, space: int, kind: VectorKind, segments: Collection[int]
    ) -> dict[int, tuple[list[int], Vectors]]:
        """The parts of each segment that have a vector of a kind, and these vectors, of shape (parts, dim).

        A segment without any is left out.
        """
        from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

        sql = (
            "SELECT places, vectors FROM vectors WHERE space = ? AND kind = ? AND document IN "
            "(SELECT document FROM segments WHERE key IN (SELECT value FROM json_each(?))) ORDER BY id"
        )
        with self._database.reading() as db:
            half = is_half(db, space)
            return vectors.vectors_by_segment(
                db.execute(sql, (space, kind, json_list(segments))), set(segments), half=half
            )

    def attempt(self, space: int, documents: Collection[str]) -> None:
        """Note that these documents are about to be embedded.

        `commit_embedded`, `spare` and `give_up` take the note back. A note that a later process finds says that the
        process ended while it embedded this document.
        """
        with self._database.writing("bookkeeping", durable=False) as db:
            db.execute(
                "INSERT INTO attempts SELECT key, ?, 1 FROM documents WHERE id IN (SELECT value FROM json_each(?)) "
                "ON CONFLICT DO UPDATE SET count = count + 1",
                (space, json_list(documents)),
            )

    def attempts(self, space: int) -> dict[str, int]:
        """How often the embedding of a document was begun and neither ended nor spared; others have none."""
        with self._database.reading() as db:
            sql = "SELECT d.id, a.count FROM attempts a JOIN documents d ON d.key = a.document WHERE a.space = ?"
            return dict(db.execute(sql, (space,)).fetchall())

    def spare(self, space: int, documents: Collection[str]) -> None:
        """Take back what `attempt` noted of these documents: they did not end the process."""
        with self._database.writing("bookkeeping", durable=False) as db:
            db.execute(
                "DELETE FROM attempts WHERE space = ? AND document IN "
                "(SELECT key FROM documents WHERE id IN (SELECT value FROM json_each(?)))",
                (space, json_list(documents)),
            )

    def give_up(self, document: str, space: int, note: str) -> None:
        """Leave a document without vectors in a space for good. `note` says why, and becomes one of its notes."""
        with self._database.writing("vectors") as db:
            found = db.execute("SELECT key, notes FROM documents WHERE id = ?", (document,)).fetchone()
            if found is None or not scalar(db, "SELECT count(*) FROM spaces WHERE id = ?", space):
                return
            key, notes = found[0], json.loads(found[1])
            db.execute("INSERT OR IGNORE INTO embedded VALUES (?, ?)", (key, space))
            db.execute("DELETE FROM attempts WHERE document = ? AND space = ?", (key, space))
            if note not in notes:
                db.execute("UPDATE documents SET notes = ? WHERE key = ?", (json.dumps([*notes, note]), key))

    # -- what the index follows -----------------------------------------------------------------------------------

    def lanes(self) -> dict[tuple[int, VectorKind], int]:
        """Up to which row the index follows, for each space and kind that has vectors."""
        with self._database.reading() as db:
            sql = (
                "SELECT s.id, k.value, coalesce(f.upto, 0) FROM spaces s "
                "CROSS JOIN json_each(?) k "
                "LEFT JOIN followed f ON f.space = s.id AND f.kind = k.value "
                "WHERE EXISTS (SELECT 1 FROM vectors v WHERE v.space = s.id AND v.kind = k.value)"
            )
            return {(space, kind): upto for space, kind, upto in db.execute(sql, (json_list(VECTOR_KINDS),))}

    def next_vectors(
        self, space: int, kind: VectorKind, after: int, *, limit: int, upto: int = MAX_ID
    ) -> tuple[int, PartKeys, Vectors]:
        """About `limit` vectors of the rows that follow `after`.

        The last row; segment and part of each vector, shape (n, 2); float32 of shape (n, dim). Row 0 and nothing at
        the end.
        """
        from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

        with self._database.reading() as db:
            sql = (
                "SELECT id, count, places, vectors FROM vectors WHERE space = ? AND kind = ? AND id > ? AND id <= ? "
                "ORDER BY id"
            )
            found, count = [], 0
            for each in db.execute(sql, (space, kind, after, upto)):
                found.append(each)
                count += each[1]
                if count >= limit:
                    break
            last = found[-1][0] if found else 0
            return last, *vectors.vectors_from_blobs([each[2:] for each in found], half=is_half(db, space))

    def follow(self, space: int, kind: VectorKind, upto: int) -> None:
        """Note that the index has the vectors up to this row. Where that is lost it gets some of them again."""
        with self._database.writing("bookkeeping", durable=False) as db:
            db.execute("INSERT OR REPLACE INTO followed VALUES (?, ?, ?)", (space, kind, upto))

    def unfollow(self, claim: IndexClaim | None = None) -> None:
        """Note that the index has no vectors, and so none to forget. `claim`: where it will be; None in a folder."""
        with self._database.writing("bookkeeping") as db:
            db.execute("DELETE FROM followed")
            db.execute("DELETE FROM garbage")
            _write_claim(db, claim)

    def index_claim(self) -> IndexClaim | None:
        """The collections on a server that the catalog follows; None where the index is in a folder, or nowhere."""
        with self._database.reading() as db:
            if not scalar(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'claim'"):
                return None
            found = db.execute("SELECT name, holders FROM claim").fetchone()
            return IndexClaim(found[0], tuple(json.loads(found[1]))) if found else None

    def hold_index(self, claim: IndexClaim | None) -> None:
        """Note who holds the collections that the catalog follows; None: another, for good."""
        with self._database.writing("bookkeeping") as db:
            _write_claim(db, claim)

    def roughly_behind(self, most: int) -> tuple[int, int]:
        """As `behind`, exact up to `most` vectors; beyond, at least as many. Takes no longer in a large library."""
        with self._database.reading() as db:
            lanes = self.lanes()
            lacks = sum(self.count_after(*lane, upto, most=most) for lane, upto in lanes.items())
            total = sum(self.count_after(*lane, 0, most=most) for lane in lanes)
            sql = "SELECT total(length(places) / 16) FROM (SELECT places FROM garbage LIMIT ?)"
            return lacks + int(scalar(db, sql, most)), total

    def count_after(self, space: int, kind: VectorKind, after: int, *, most: int) -> int:
        """How many vectors stand in the rows that follow `after`; `most` or more where there are that many."""
        with self._database.reading() as db:
            sql = (
                "SELECT total(count) FROM "
                "(SELECT count FROM vectors WHERE space = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?)"
            )
            return int(scalar(db, sql, space, kind, after, most))

    def count_upto(self, space: int, kind: VectorKind, upto: int) -> int:
        """How many vectors stand in the rows up to this one."""
        with self._database.reading() as db:
            sql = "SELECT total(count) FROM vectors WHERE space = ? AND kind = ? AND id <= ?"
            return int(scalar(db, sql, space, kind, upto))

    def garbage(self) -> tuple[int, str, int, PartKeys] | None:
        """The next deleted vectors that the index may have still: space, kind, last row, segment and part of each."""
        from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

        with self._database.reading() as db:
            lane = db.execute("SELECT space, kind FROM garbage ORDER BY id LIMIT 1").fetchone()
            if lane is None:
                return None
            sql = "SELECT id, places FROM garbage WHERE space = ? AND kind = ? ORDER BY id LIMIT 64"
            found = db.execute(sql, lane).fetchall()
            return *lane, found[-1][0], vectors.part_keys(b"".join(places for _, places in found))

    def clear_garbage(self, space: int, kind: str | None = None, *, upto: int = MAX_ID) -> None:
        """Note that the index has forgotten a space, or what was deleted of one kind up to a row."""
        with self._database.writing("bookkeeping", durable=False) as db:
            sql = "DELETE FROM garbage WHERE space = ? AND coalesce(kind = ?, 1) AND id <= ?"
            db.execute(sql, (space, kind, upto))

    def behind(self) -> tuple[int, int]:
        """How many vectors the index lacks or has too many, and how many there are."""
        lacks = total = 0
        with self._database.reading() as db:
            for (space, kind), upto in self.lanes().items():
                sql = "SELECT total(count) FROM vectors WHERE space = ? AND kind = ? AND id > ?"
                lacks += int(scalar(db, sql, space, kind, upto))
                total += totals.vectors_by_kind(db, space)[kind]
            surplus = scalar(db, "SELECT total(length(places) / 16) FROM garbage")
        return lacks + int(surplus), total


def canonical_identity(identity: Identity, *, half: bool = False) -> str:
    """An identity of a reading or of a space as text: equal identities give equal texts.

    `half`: the identity of a space that is stored as float16.
    """
    named = {**identity, "stored": "float16"} if half else dict(identity)
    return json.dumps(named, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def is_half(db: sqlite3.Connection, space: int) -> bool:
    """Whether a space is stored as float16."""
    return bool(scalar(db, "SELECT half FROM spaces WHERE id = ?", space))


def _dim(db: sqlite3.Connection, space: int, kind: VectorKind) -> int | None:
    """Numbers in a vector of this kind; None before the first one."""
    sql = (
        "SELECT length(v.vectors) / v.count / (CASE s.half WHEN 1 THEN 2 ELSE 4 END) FROM vectors v "
        "JOIN spaces s ON s.id = v.space WHERE v.space = ? AND v.kind = ? LIMIT 1"
    )
    return scalar(db, sql, space, kind)  # type: ignore[no-any-return]


def _write_claim(db: sqlite3.Connection, claim: IndexClaim | None) -> None:
    # A table that no copy of a catalog has (`backup`): two catalogs must not believe in the same collections.
    db.execute("DROP TABLE IF EXISTS claim")
    if claim is not None:
        db.execute("CREATE TABLE claim (name TEXT NOT NULL, holders TEXT NOT NULL)")
        db.execute("INSERT INTO claim VALUES (?, ?)", (claim.name, json.dumps(claim.holders)))


class _ReadAgain(Exception):
    """A document has other segments by now than those that the vectors are of."""


def _awaited(db: sqlite3.Connection, document: str, space: int, anchor: int | None) -> int | None:
    """The key of a document whose vectors a space takes; None where one is gone, or the segment `anchor` of it is."""
    key = scalar(db, "SELECT max(key) FROM documents WHERE id = ?", document)
    if key is None or not scalar(db, "SELECT count(*) FROM spaces WHERE id = ?", space):
        return None
    if anchor is not None and not scalar(db, "SELECT count(*) FROM segments WHERE key = ?", anchor):
        return None
    return int(key)


def _write_vectors(db: sqlite3.Connection, document: int, space: int, group: VectorRows) -> None:
    from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

    sql = "SELECT key FROM segments WHERE document = ? AND key BETWEEN ? AND ?"
    of_them = (document, min(group.segments, default=0), max(group.segments, default=0))
    held = {each for (each,) in db.execute(sql, of_them)}
    if not held.issuperset(group.segments):
        raise _ReadAgain
    blobs = vectors.vectors_to_blobs(group, dim=_dim(db, space, group.kind), half=is_half(db, space))
    sql = "INSERT INTO vectors(document, space, kind, count, places, vectors) VALUES (?, ?, ?, ?, ?, ?)"
    db.executemany(sql, ((document, space, group.kind, *each) for each in blobs))


def _note(db: sqlite3.Connection, key: int, left_out: str) -> None:
    """Let a document's notes say what has no vector. An earlier note of that sort goes."""
    stored = scalar(db, "SELECT notes FROM documents WHERE key = ?", key)
    if not left_out and LEFT_OUT_PREFIX not in stored:
        return
    held = json.loads(stored)
    notes = [note for note in held if not note.startswith(LEFT_OUT_PREFIX)]
    if left_out:
        notes.append(LEFT_OUT_PREFIX + rows.without_surrogates(left_out))
    if notes != held:
        db.execute("UPDATE documents SET notes = ? WHERE key = ?", (json.dumps(notes), key))
