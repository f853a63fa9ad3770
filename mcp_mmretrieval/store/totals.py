"""How much the catalog holds as a whole, from the tables that triggers keep: see `schema.TOTALS_SQL`.

Each function works within the transaction of its caller and reads a few rows, whatever the size of the library.
"""

from __future__ import annotations

import sqlite3

from mcp_mmretrieval.store.database import scalar
from mcp_mmretrieval.store.schema import TOTALS
from mcp_mmretrieval.types import Modality, VectorKind


def held_documents(db: sqlite3.Connection) -> tuple[int, int]:
    """All documents, and their segments."""
    documents, segments = db.execute("SELECT total(documents), total(segments) FROM document_totals").fetchone()
    return int(documents), int(segments)


def held_by_modality(db: sqlite3.Connection) -> dict[Modality, tuple[int, int]]:
    """Documents of each modality, and their segments; a modality without any is left out."""
    sql = "SELECT modality, documents, segments FROM document_totals WHERE documents ORDER BY modality"
    return {modality: (documents, segments) for modality, documents, segments in db.execute(sql)}


def held_of_modality(db: sqlite3.Connection, modality: Modality) -> tuple[int, int]:
    """Documents that have a segment of a modality, and these segments."""
    sql = "SELECT documents, segments FROM segment_totals WHERE modality = ?"
    found = db.execute(sql, (modality,)).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def embedded_documents(db: sqlite3.Connection, space: int) -> int:
    """How many documents are embedded in a space."""
    return int(scalar(db, "SELECT total(documents) FROM embedded_totals WHERE space = ?", space))


def vectors_by_kind(db: sqlite3.Connection, space: int) -> dict[VectorKind, int]:
    """How many vectors of each kind a space has; a kind without any is left out."""
    sql = "SELECT kind, vectors FROM vector_totals WHERE space = ? AND vectors ORDER BY kind"
    return dict(db.execute(sql, (space,)).fetchall())


def count_anew(db: sqlite3.Connection) -> None:
    """Fill the tables by counting, whatever they say. Reads everything."""
    for table, counted in TOTALS.items():
        db.execute(f"DELETE FROM {table}")
        db.execute(f"INSERT INTO {table} {counted}")


def wrong_totals(db: sqlite3.Connection) -> list[str]:
    """Where the tables differ from counting anew, which reads everything; empty where they agree."""
    found = []
    some = {"pending": "1", "vector_totals": "vectors"}  # a row of none stays where the last of its sort went
    for table, counted in TOTALS.items():
        kept = f"SELECT * FROM {table} WHERE {some.get(table, 'documents')}"
        for one, other in ((kept, counted), (counted, kept)):
            if different := scalar(db, f"SELECT count(*) FROM ({one} EXCEPT {other})"):
                found.append(f"{table}: {different} rows differ from what is held")
                break
    return found
