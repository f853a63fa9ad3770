"""Parser workers: one bad file costs a worker or a part, and never the engine."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import Cancelled, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import DocumentMetadata, Film, SplitPart
from tests.support import recordings
from tests.support.parsing import DOCUMENT, PLACE, failure, opened, split


def test_parts_arrive_in_order_from_the_one_that_was_asked_for(misbehaving: Workers) -> None:
    assert split(misbehaving, "a\nb\nc") == (["a", "b", "c"], "")
    assert split(misbehaving, "a\nb\nc", start=1) == (["b", "c"], "")


def test_a_worker_is_used_again_and_by_two_threads_at_once(misbehaving: Workers) -> None:
    assert split(misbehaving, "pid") == split(misbehaving, "pid")
    with ThreadPoolExecutor(6) as threads:
        texts = list(threads.map(lambda number: split(misbehaving, f"{number}\npid")[0], range(60)))
    assert [int(text[0]) for text in texts] == list(range(60))
    assert len({text[1] for text in texts}) <= 2


def test_a_worker_without_work_rests_and_another_one_takes_the_next_file(misbehaving: Workers) -> None:
    (first,), _ = split(misbehaving, "pid")
    misbehaving.rest(3_600.0)
    assert split(misbehaving, "pid")[0] == [first]
    misbehaving.rest(0.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(first), 0)
    assert split(misbehaving, "pid")[0] != [first]


def test_a_worker_of_a_large_process_is_used_again() -> None:
    held = bytearray(b"1") * 1_200_000_000  # as much as an engine with its models
    pool = Workers(Limits(), 1, entry="tests.support.misbehaving_worker")
    assert split(pool, "pid") == split(pool, "pid")
    pool.close()
    assert held


def test_a_worker_outlives_the_thread_that_had_it_started() -> None:
    pool = Workers(Limits(), 1, entry="tests.support.misbehaving_worker")
    first: list[str] = []
    thread = threading.Thread(target=lambda: first.extend(split(pool, "pid")[0]))
    thread.start()
    thread.join()
    while Path(f"/proc/self/task/{thread.native_id}").exists():  # the system's thread ends a little after Python's
        time.sleep(0.001)
    assert split(pool, "pid")[0] == first
    pool.close()


def test_a_place_is_loaded_amid_a_split_even_by_the_only_worker() -> None:
    pool = Workers(Limits(), 1, entry="tests.support.misbehaving_worker")
    with opened("a\nb") as fd, opened("text loaded") as other:
        for step in pool.split(fd, name="n", document=DOCUMENT):
            assert isinstance(step, SplitPart) and pool.load(other, PLACE, name="n") == "loaded"
    pool.close()


@pytest.mark.parametrize("line", ["die SIGSEGV", "die SIGKILL", "hang", "fill"])
def test_a_page_that_ends_its_worker_is_left_out_and_the_next_ones_are_read(misbehaving: Workers, line: str) -> None:
    texts, note = split(misbehaving, f"one\n{line}\nthree\nfour")
    assert texts == ["one", "three", "four"]
    assert note.startswith("page 2 could not be read: ")


def test_two_pages_in_a_row_are_left_out_by_their_numbers(misbehaving: Workers) -> None:
    texts, note = split(misbehaving, "one\ndie SIGSEGV\ndie SIGSEGV\nfour")
    assert texts == ["one", "four"]
    assert "page 2 could not be read" in note and "page 3 could not be read" in note


def test_the_third_death_fails_the_file(misbehaving: Workers) -> None:
    assert failure(misbehaving, "one\n" + "die SIGSEGV\n" * 3 + "five").code == "parser_crashed"


@pytest.mark.parametrize("line", ["die SIGSEGV", "fill"])
def test_a_file_within_that_kills_its_worker_is_left_out_and_the_others_are_read(
    misbehaving: Workers, line: str
) -> None:
    data = f"body\nenter part=1\none\nenter part=2\n{line}\nnever\nenter part=3\nthree\nenter part=4\nfour\n{line}"
    texts, note = split(misbehaving, data)
    assert texts == ["body", "one", "three", "four"]
    assert note.count("could not be read further") == 2
    assert "part=2 could not be read further: " in note
    assert "part=4 could not be read further: " in note


def test_the_first_file_within_may_be_the_one_that_kills(misbehaving: Workers) -> None:
    texts, note = split(misbehaving, "enter part=1\ndie SIGSEGV\nenter part=2\ntwo")
    assert texts == ["two"]
    assert note.startswith("part=1 could not be read further")


def test_a_file_of_files_that_all_kill_ends(misbehaving: Workers) -> None:
    assert failure(misbehaving, "enter part=1\ndie SIGSEGV\n" * 20).code == "parser_crashed"


def test_a_file_that_has_had_its_time_fails_even_between_deaths() -> None:
    pool = Workers(Limits(part_timeout=1.0, file_timeout=2.0), 1, entry="tests.support.misbehaving_worker")
    begun = time.monotonic()
    error = failure(pool, "one\nhang\nhang\nhang\nhang")
    pool.close()
    assert error.code == "timeout"
    assert time.monotonic() - begun < 60


def test_a_file_whose_parts_never_let_it_wait_has_its_time_too() -> None:
    pool = Workers(Limits(file_timeout=1.0), 1, entry="tests.support.misbehaving_worker")
    error = failure(pool, "nap 0.02\n" * 500)
    pool.close()
    assert error.code == "timeout"
    assert str(error).startswith("reading took longer than 1 s")


def test_a_worker_that_is_killed_while_it_waits_is_replaced_unseen(misbehaving: Workers) -> None:
    os.kill(int(split(misbehaving, "pid")[0][0]), signal.SIGKILL)
    assert split(misbehaving, "a\nb") == (["a", "b"], "")


def test_a_worker_that_is_killed_amid_a_file_costs_one_part(misbehaving: Workers) -> None:
    with opened("pid\n" + "text\n" * 50 + "hang\nend") as fd:
        steps = misbehaving.split(fd, name="n", document=DOCUMENT)
        first = next(steps)
        assert isinstance(first, SplitPart)
        os.kill(int(first.segment.text), signal.SIGKILL)
        rest = list(steps)
    assert isinstance(rest[-1], SplitPart) and rest[-1].segment.text == "end"
    assert any("could not be read" in step.note for step in rest if isinstance(step, DocumentMetadata))


def test_an_iteration_that_is_left_frees_its_worker(misbehaving: Workers) -> None:
    for _ in range(5):
        with opened("a\nhang") as fd:
            steps = misbehaving.split(fd, name="n", document=DOCUMENT)
            assert isinstance(next(steps), SplitPart)
            steps.close()  # type: ignore[attr-defined]
    assert split(misbehaving, "a") == (["a"], "")


def test_stop_ends_a_hanging_file_and_a_waiting_one_at_once() -> None:
    pool = Workers(Limits(), 1, entry="tests.support.misbehaving_worker")
    stop = threading.Event()

    def read(fd: int) -> float:
        with pytest.raises(Cancelled):
            list(pool.split(fd, name="n", document=DOCUMENT, stop=stop))
        return time.monotonic()

    with opened("hang") as fd, ThreadPoolExecutor(2) as threads:
        pool.warm()
        ends = [threads.submit(read, fd), threads.submit(read, fd)]
        time.sleep(0.3)
        stop.set()
        stopped = time.monotonic()
        assert max(end.result() for end in ends) - stopped < 10.0  # of the 60 that a part may take
    assert split(pool, "a") == (["a"], "")
    pool.close()


def test_closing_ends_what_runs_and_refuses_what_comes() -> None:
    pool = Workers(Limits(), 1, entry="tests.support.misbehaving_worker")
    with opened("hang") as fd, ThreadPoolExecutor(1) as threads:
        pool.warm()
        running = threads.submit(lambda: list(pool.split(fd, name="n", document=DOCUMENT)))
        time.sleep(0.2)
        pool.close()
        with pytest.raises(Cancelled):
            running.result(60)
    with pytest.raises(Cancelled):
        split(pool, "a")


@pytest.mark.parametrize("killed", [1, 2])
def test_a_worker_that_is_killed_while_it_starts_is_started_once_more(
    misbehaving: Workers, killed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    misbehaving.rest(0.0)
    started: list[int] = []
    real = subprocess.Popen

    def killing(*given: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = real(*given, **options)
        started.append(process.pid)
        if len(started) <= killed:
            process.kill()
        return process

    monkeypatch.setattr(subprocess, "Popen", killing)
    if killed == 1:
        assert split(misbehaving, "a\nb") == (["a", "b"], "")
    else:
        error = failure(misbehaving, "a")
        assert error.code == "internal"
        assert "does not start (the parser was killed: by the system for lack of memory, or by somebody)" in str(error)
    assert len(started) == 1 + killed  # the next file is read again


def test_a_worker_that_cannot_start_says_so() -> None:
    pool = Workers(Limits(), 1, entry="tests.media.no_such_module")
    with pytest.raises(UnreadableMedia, match="does not start") as error:
        split(pool, "a")
    assert error.value.code == "internal"
    pool.close()


def test_the_parents_side_imports_no_parser() -> None:
    code = "import sys, mcp_mmretrieval.media.workers; print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not modules & {"av", "PIL", "pypdfium2", "resvg_py", "torch", "mcp"}


def test_real_sound_and_film_come_through_a_confined_worker(workers: Workers) -> None:
    assert split(workers, recordings.sound("mp3", 40.0))[0] == ["t=0.0,30.0", "t=25.0,40.0"]
    data = recordings.film("mkv", 12.0)
    with opened(data) as fd, opened(recordings.srt([(1, 2, "spoken")])) as words:
        steps = list(workers.split(fd, name="film.mkv", document=DOCUMENT, sidecars=[("film.srt", words)]))
        part = next(step for step in steps if isinstance(step, SplitPart))
        assert part.segment.text == "spoken" and part.segment.document == DOCUMENT
        assert isinstance(part.content, Film)
        loaded = workers.load(fd, part.segment, name="film.mkv", side=80)
    assert isinstance(loaded, Film) and loaded.times == part.segment.frames
    assert {picture.shape for picture in loaded.pictures} == {(60, 80, 3)}


@pytest.mark.parametrize("data", [b"", b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1/\n", b"RIFF\0\0\0\0WAVE", b"\0" * 5000])
def test_hostile_files_end_in_a_code_and_never_in_a_crash(workers: Workers, data: bytes) -> None:
    try:
        split(workers, data)
    except UnreadableMedia as error:
        assert error.code in ("empty", "corrupt", "unsupported_type", "nothing_to_read")
