"""What was removed leaves the file: out of the full-text tables, the log and the file's free pages.

The pages themselves are overwritten as they become free (`Database`). FTS5 only notes that a word is gone, until its
parts are merged. Its own option for that (`secure-delete`) would keep the library from being read by SQLite before
3.42. So the parts are merged, in small steps while nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable

from mcp_mmretrieval.store.database import Database, scalar

FTS_TABLES_WITH_WORDS = ("words", "wholes", "names", "pairs", "sounds")
MERGED_PAGES = 250
"""Pages of a full-text table that are merged in one transaction: 1 MB."""
VACUUMED_PAGES = 256
"""Free pages that are given back in one transaction: 2 MB."""
FREE_SHARE, FREE_PAGES = 0.1, 128
"""Share of the file, and pages, that may be free: the next document fills them again."""


def tidy(database: Database, go_on: Callable[[], bool]) -> bool:
    """Free the file of what was removed, step by step as long as `go_on`; whether that is done."""
    return _forget_words(database, go_on) and _give_back_pages(database, go_on) and database.checkpoint()


def _forget_words(database: Database, go_on: Callable[[], bool]) -> bool:
    with database.reading() as db:
        forgotten = int(scalar(db, "SELECT total(texts) FROM forgotten"))
    if not forgotten:
        return True
    for table in FTS_TABLES_WITH_WORDS:
        while _merged_some(database, table):
            if not go_on():
                return False
    with database.writing("bookkeeping", durable=False) as db:  # those that were removed meanwhile stay counted
        db.execute("UPDATE forgotten SET texts = texts - ?", (forgotten,))
    return True


def _merged_some(database: Database, table: str) -> bool:
    """Merge some parts of a full-text table; whether there were any (https://sqlite.org/fts5.html#the_merge_command)."""
    with database.writing("bookkeeping", durable=False) as db:
        before = db.total_changes
        db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('merge', {-MERGED_PAGES})")
        return db.total_changes - before >= 2


def _give_back_pages(database: Database, go_on: Callable[[], bool]) -> bool:
    while True:
        with database.reading() as db:
            free, pages = scalar(db, "PRAGMA freelist_count"), scalar(db, "PRAGMA page_count")
            able = scalar(db, "PRAGMA auto_vacuum")
        if not able or free <= max(FREE_PAGES, FREE_SHARE * pages):
            return True
        if not go_on():
            return False
        with database.writing("bookkeeping", durable=False) as db:
            db.execute(f"PRAGMA incremental_vacuum({VACUUMED_PAGES})").fetchall()
