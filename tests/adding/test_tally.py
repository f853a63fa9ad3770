"""What a job tells of many files: all failures, and of notes as many as are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_mmretrieval.adding.tally import MAX_NOTES, MORE_NOTES, JobTally
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.jobs import Job
from tests.conftest import OpenLibrary
from tests.support.calls import add
from tests.support.media_files import pdf


def test_many_failures_are_all_told_and_not_copied_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = 0
    job, update = Job("key"), Job.update

    def updating(job: Job, **changes: object) -> None:
        nonlocal copied
        failed = changes.get("failed", ())
        assert isinstance(failed, tuple)
        copied += len(failed)
        update(job, **changes)

    monkeypatch.setattr(Job, "update", updating)
    many = 2_000
    with pytest.raises(Cancelled), JobTally(job, lambda: 0) as tally:
        for number in range(many):
            tally.failed(f"/r/{number}", "corrupt", "Damaged.")
            assert len(job.outcome.failed) > 0.9 * number
        raise Cancelled("Stopped.")
    assert [failure.path for failure in job.outcome.failed] == [f"/r/{number}" for number in range(many)]
    assert copied < 40 * many


def test_many_notes_become_few_and_a_pointer_to_the_others(open_library: OpenLibrary, folder: Path) -> None:
    for number in range(MAX_NOTES + 3):
        (folder / f"{number:02}.pdf").write_bytes(pdf([f"Page {number} with a text layer that says enough.", "x"]))
    notes = add(open_library(max_pages=1)).notes
    assert len(notes) == MAX_NOTES + 1
    assert notes[-1] == MORE_NOTES
    assert len(set(notes)) == len(notes)
