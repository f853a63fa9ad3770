import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mcp_mmretrieval.errors import BadArgument, Cancelled, LibraryUnavailable
from mcp_mmretrieval.jobs import ENDED_JOBS_KEPT, JOBS_AT_ONCE, RESUMED_NOTE, SERVER_ENDING_NOTE, AddRequest, Job, Jobs

PATIENCE = 60.0


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


@dataclass
class Records:
    """What was recorded: the state to be kept, the attempts, the file being read, and the state that others saw."""

    kept: list[tuple[str, int, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __call__(self, job: Job) -> None:
        self.kept.append((job.kept.state, job.attempts, job.reading))
        self.seen.append(job.outcome.state)


def test_a_job_is_recorded_when_it_starts_and_before_anybody_hears_of_its_end() -> None:
    records = Records()
    jobs = Jobs(records)
    jobs.start("a", lambda job: None).wait(PATIENCE)
    assert records.kept == [("running", 0, ""), ("done", 0, "")]
    assert records.seen == ["running", "running"]
    jobs.close()


def test_a_wish_to_cancel_is_recorded_before_it_comes_true() -> None:
    records = Records()
    jobs = Jobs(records)
    begun, go = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        begun.set()
        assert go.wait(PATIENCE)
        raise Cancelled("Stopped.")

    job = jobs.start("a", work)
    assert begun.wait(PATIENCE)
    job.cancel()
    assert (job.outcome.state, records.kept[-1][0]) == ("running", "cancelled")
    go.set()
    assert job.wait(PATIENCE).state == "cancelled"
    job.cancel()
    assert [state for state, _, _ in records.kept] == ["running", "cancelled", "cancelled"]
    jobs.close()


def test_a_job_that_was_done_before_it_could_be_cancelled_is_done(jobs: Jobs) -> None:
    job = jobs.start("a", lambda job: job.cancel())
    assert job.wait(PATIENCE).state == "done"


def test_a_job_that_cannot_be_recorded_is_not_begun_and_may_be_asked_for_again() -> None:
    full = True

    def record(job: Job) -> None:
        if full:
            raise LibraryUnavailable("The disk is full. Free some space.")

    jobs = Jobs(record)
    with pytest.raises(LibraryUnavailable):
        jobs.start("a", until_stopped)
    assert not jobs.working
    full = False
    assert jobs.start("a", lambda job: None).wait(PATIENCE).state == "done"
    jobs.close()


def test_a_job_whose_end_cannot_be_recorded_has_ended_all_the_same() -> None:
    def record(job: Job) -> None:
        if job.kept.state != "running":
            raise LibraryUnavailable("The disk is full. Free some space.")

    jobs = Jobs(record)
    assert jobs.start("a", lambda job: None).wait(PATIENCE).state == "done"
    jobs.close()


def test_several_jobs_run_at_once_and_more_wait_in_order(jobs: Jobs) -> None:
    begun: list[str] = []
    changed = threading.Condition()

    def work(job: Job) -> None:
        with changed:
            begun.append(job.key)
            changed.notify_all()
        until_stopped(job)

    def await_begun(*keys: str) -> None:
        with changed:
            assert changed.wait_for(lambda: set(begun) == set(keys), PATIENCE), begun

    keys = [f"{number}" for number in range(JOBS_AT_ONCE + 3)]
    started = [jobs.start(key, work) for key in keys]
    await_begun(*keys[:JOBS_AT_ONCE])
    assert jobs.working
    started[JOBS_AT_ONCE].cancel()
    assert started[JOBS_AT_ONCE].wait(PATIENCE).state == "cancelled"  # although no thread is free
    started[0].cancel()
    await_begun(*keys[:JOBS_AT_ONCE], keys[JOBS_AT_ONCE + 1])
    for job in started:
        job.cancel()
    assert {job.wait(PATIENCE).state for job in started} == {"cancelled"}
    assert not jobs.working


def test_closing_interrupts_what_runs_and_what_waits_and_cancels_nothing() -> None:
    records = Records()
    jobs = Jobs(records)
    started = [jobs.start(f"{number}", until_stopped) for number in range(JOBS_AT_ONCE + 2)]
    jobs.close()
    assert {job.wait().state for job in started} == {"running"}
    assert {job.outcome.notes for job in started} == {(SERVER_ENDING_NOTE,)}
    assert {state for state, _, _ in records.kept} == {"running"}
    with pytest.raises(LibraryUnavailable, match="Start the server"):
        jobs.start("late", until_stopped)


def test_what_was_cancelled_before_the_library_closed_is_cancelled() -> None:
    jobs = Jobs(Records())
    job = jobs.start("a", until_stopped)
    job.cancel()
    jobs.close()
    assert job.outcome.state == "cancelled"


def test_whoever_waits_some_time_for_an_interrupted_job_waits_that_time(jobs: Jobs) -> None:
    job = jobs.start("a", until_stopped)
    jobs.close()
    assert job.wait(0.01).state == "running"


def resumed(jobs: Jobs, attempts: int, work: object) -> Job:
    return jobs.resume("id", "key", work, AddRequest(roots=("/r",)), attempts)  # type: ignore[arg-type]


def test_a_resumed_job_has_its_id_and_key_and_belongs_to_nobody(jobs: Jobs) -> None:
    job = resumed(jobs, 0, until_stopped)
    assert jobs.find("id") is job
    assert jobs.start("key", until_stopped, owner="me") is job
    job.leave("me")
    job.leave(None)
    assert not job.stop.is_set()
    assert job.outcome.notes == (RESUMED_NOTE,)


def test_each_attempt_counts_until_the_job_gets_on_and_only_then_is_the_file_not_noted() -> None:
    records = Records()
    jobs = Jobs(records)

    def work(job: Job) -> None:
        job.reads("/r/a")
        job.got_on()
        job.reads("/r/b")
        job.got_on()

    resumed(jobs, 1, work).wait(PATIENCE)
    kept = [("running", 2, ""), ("running", 2, "/r/a"), ("running", 0, ""), ("done", 0, "")]
    assert records.kept == kept
    records.kept.clear()
    jobs.start("a", work).wait(PATIENCE)
    assert records.kept == [("running", 0, ""), ("done", 0, "")]
    jobs.close()


def test_an_attempt_that_was_interrupted_in_good_order_does_not_count() -> None:
    records = Records()
    jobs = Jobs(records)
    begun = threading.Event()

    def work(job: Job) -> None:
        begun.set()
        until_stopped(job)

    resumed(jobs, 2, work)
    assert begun.wait(PATIENCE)
    jobs.close()
    assert [attempts for _, attempts, _ in records.kept] == [3, 2]


def test_old_jobs_are_forgotten_but_not_the_one_that_runs(jobs: Jobs) -> None:
    running = jobs.start("first", until_stopped)
    for number in range(ENDED_JOBS_KEPT + 5):
        jobs.start(f"{number}", lambda job: None)
    assert jobs.find(running.id) is running
    running.cancel()
    jobs.start("last", lambda job: None).wait(PATIENCE)
    jobs.start("one more", lambda job: None).wait(PATIENCE)
    assert jobs.find(running.id) is None
    assert len(jobs.all()) <= ENDED_JOBS_KEPT
