"""Jobs: what was asked for and what came of it, so that the next process can go on.

A part of the catalog, in the same file and with the same promises.
"""

from __future__ import annotations

import os
import time

from mcp_mmretrieval.store import rows
from mcp_mmretrieval.store.database import Database
from mcp_mmretrieval.store.records import JobRow

JOB_DAYS, MAX_JOBS_KEPT = 90, 1_000
"""Days for which the outcome of a job is kept, and of how many at most."""


class JobTable:
    """The part of a catalog that concerns jobs."""

    _database: Database

    def put_job(self, job: JobRow) -> None:
        """Insert or update. `started` is set once, `ended` when the state is no longer running.

        That a job is done may be lost in a power cut, and what it did may not: begun again it finds nothing to do.
        """
        now = time.time()
        ended = None if job.state == "running" else now
        what = (job.id, job.key, rows.without_surrogates(job.asked), job.state, rows.without_surrogates(job.outcome))
        with self._database.writing("bookkeeping", durable=job.state != "done") as db:
            db.execute(
                f"INSERT INTO jobs({rows.JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE "
                "SET asked = excluded.asked, state = excluded.state, outcome = excluded.outcome, "
                "attempts = excluded.attempts, reading = excluded.reading, ended = excluded.ended",
                (*what, job.attempts, os.fsencode(job.reading), now, ended),
            )
            db.execute("DELETE FROM jobs WHERE ended < ?", (now - JOB_DAYS * 86_400,))
            if ended is not None:
                db.execute(
                    "DELETE FROM jobs WHERE ended IS NOT NULL AND started < "
                    "(SELECT started FROM jobs ORDER BY started DESC LIMIT 1 OFFSET ?)",
                    (MAX_JOBS_KEPT - 1,),
                )

    def job(self, id: str) -> JobRow | None:
        """A job of this or an earlier process."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE id = ?"
            found = db.execute(sql, (rows.without_surrogates(id),)).fetchone()
            return rows.job_from_row(found) if found else None

    def jobs(self, *, limit: int = 20) -> list[JobRow]:
        """The last jobs, newest first."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs ORDER BY started DESC, rowid DESC LIMIT ?"
            return [rows.job_from_row(each) for each in db.execute(sql, (limit,))]

    def jobs_with_failures(self, *, limit: int = 20) -> list[JobRow]:
        """Those of the last jobs that run, or that have failed files, newest first."""
        with self._database.reading() as db:
            sql = (
                f"SELECT {rows.JOB_COLUMNS} FROM (SELECT * FROM jobs ORDER BY started DESC, rowid DESC LIMIT ?) "
                "WHERE state = 'running' OR json_array_length(outcome, '$.failed') > 0"
            )
            return [rows.job_from_row(each) for each in db.execute(sql, (limit,))]

    def running_jobs(self) -> list[JobRow]:
        """All jobs that have not ended, oldest first."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE state = 'running' ORDER BY started, rowid"
            return [rows.job_from_row(each) for each in db.execute(sql)]
