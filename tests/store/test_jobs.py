"""Jobs as a catalog keeps them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, JobRow, jobs


def test_jobs_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    first = Catalog(tmp_path / "catalog.db")
    begun = JobRow(id="j1", key="k", asked='{"paths":[]}', state="running", outcome="{}")
    first.put_job(begun)
    first.put_job(JobRow(id="j3", key="k", asked="", state="running", outcome="{}"))
    first.close()
    second = Catalog(tmp_path / "catalog.db")
    second.put_job(JobRow(id="j2", key="k", asked="", state="done", outcome="{}"))
    assert [job.id for job in second.jobs()] == ["j2", "j3", "j1"]
    assert [job.id for job in second.jobs(limit=1)] == ["j2"]
    assert [job.id for job in second.running_jobs()] == ["j1", "j3"]
    path = os.fsdecode(b"/r/caf\xe9")
    second.put_job(replace(begun, state="failed", outcome='{"error":"killed"}', attempts=2, reading=path))
    job = second.job("j1")
    assert job is not None
    assert job.ended is not None
    assert (job.state, job.outcome, job.attempts, job.reading) == ("failed", '{"error":"killed"}', 2, path)
    assert [job.id for job in second.running_jobs()] == ["j3"]
    assert second.job("j4") is None
    assert second.job("j\udcff") is None
    second.close()


def test_the_last_jobs_are_kept_and_what_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS_KEPT", 3)
    catalog = Catalog(tmp_path / "catalog.db")
    catalog.put_job(JobRow(id="running", key="k", asked="", state="running", outcome="{}"))
    for number in range(6):
        catalog.put_job(JobRow(id=f"j{number}", key="k", asked="", state="done", outcome="{}"))
    assert [job.id for job in catalog.jobs()] == ["j5", "j4", "j3", "running"]
    catalog.close()


def test_of_the_last_jobs_those_are_told_apart_that_run_or_have_failed_files(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    outcomes = {"old": '{"failed": [{}]}', "bad": '{"failed": [{}]}', "good": '{"failed": []}', "odd": "{}"}
    for name, outcome in outcomes.items():
        catalog.put_job(JobRow(id=name, key="k", asked="", state="done", outcome=outcome))
    catalog.put_job(JobRow(id="now", key="k", asked="", state="running", outcome='{"failed": []}'))
    assert [job.id for job in catalog.jobs_with_failures(limit=4)] == ["now", "bad"]
    assert [job.id for job in catalog.jobs_with_failures()] == ["now", "bad", "old"]
    catalog.close()
