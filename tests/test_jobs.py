import threading
from collections.abc import Iterator

import pytest

from mcp_mmretrieval.errors import BadArgument, Cancelled
from mcp_mmretrieval.jobs import KEPT, Job, Jobs

PATIENCE = 10.0


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs(record=lambda job: None)
    yield jobs
    jobs.close()


def until_stopped(job: Job) -> None:
    assert job.stop.wait(PATIENCE)
    raise Cancelled("Stopped.")


def test_a_job_that_ends_is_done(jobs: Jobs) -> None:
    job = jobs.start("a", lambda job: job.update(added=3))
    outcome = job.wait(PATIENCE)
    assert (outcome.state, outcome.added) == ("done", 3)


def test_the_same_request_waits_for_the_job_that_runs(jobs: Jobs) -> None:
    first = jobs.start("a", until_stopped)
    assert jobs.start("a", until_stopped) is first
    assert jobs.start("b", until_stopped) is not first


def test_the_same_request_after_the_end_is_a_new_job(jobs: Jobs) -> None:
    first = jobs.start("a", lambda job: None)
    first.wait(PATIENCE)
    assert jobs.start("a", lambda job: None) is not first


def test_waiting_ends_with_the_time_and_the_job_goes_on(jobs: Jobs) -> None:
    job = jobs.start("a", until_stopped)
    assert job.wait(0.01).state == "running"
    job.cancel()
    assert job.wait(PATIENCE).state == "cancelled"


def test_leaving_ends_a_job_only_for_its_owner_and_only_when_nobody_else_waits(jobs: Jobs) -> None:
    owner = object()
    job = jobs.start("a", until_stopped, owner)
    job.leave(object())
    with job.attended():
        job.leave(owner)
        assert not job.stop.is_set()
    job.leave(owner)
    assert job.wait(PATIENCE).state == "cancelled"


def test_our_own_error_is_the_jobs_error_and_the_next_job_runs(jobs: Jobs) -> None:
    def fail(job: Job) -> None:
        raise BadArgument("No such folder. Give another.")

    assert jobs.start("a", fail).wait(PATIENCE).error == "No such folder. Give another."
    assert jobs.start("b", lambda job: None).wait(PATIENCE).state == "done"


def test_a_bug_ends_only_its_job_and_is_not_shown(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def fail(job: Job) -> None:
        raise KeyError("secret")

    outcome = jobs.start("a", fail).wait(PATIENCE)
    assert outcome.state == "failed"
    assert "secret" not in outcome.error
    assert "secret" in caplog.text
    assert jobs.start("b", lambda job: None).wait(PATIENCE).state == "done"


def test_start_and_end_are_recorded() -> None:
    ended = threading.Event()
    states: list[str] = []

    def record(job: Job) -> None:
        states.append(job.outcome.state)
        if job.outcome.state != "running":
            ended.set()

    jobs = Jobs(record)
    jobs.start("a", lambda job: None)
    assert ended.wait(PATIENCE)
    jobs.close()
    assert states == ["running", "done"]


def test_old_jobs_are_forgotten_but_not_the_one_that_runs(jobs: Jobs) -> None:
    running = jobs.start("first", until_stopped)
    for number in range(KEPT + 5):
        jobs.start(f"{number}", lambda job: None)
    assert jobs.find(running.id) is running
    running.cancel()
    jobs.start("last", lambda job: None).wait(PATIENCE)
    jobs.start("one more", lambda job: None).wait(PATIENCE)
    assert jobs.find(running.id) is None
    assert len(jobs.all()) <= KEPT
