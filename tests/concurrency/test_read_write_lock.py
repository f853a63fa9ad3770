"""Many readers or one writer; a writer that waits goes first, and a reader need not wait for it."""

import threading

import pytest

from mcp_mmretrieval.concurrency.read_write_lock import ReadWriteLock
from tests.support.threads import PATIENCE, beside


def test_readers_read_beside_each_other() -> None:
    lock, both = ReadWriteLock(), threading.Barrier(2)

    def read() -> None:
        with lock.read_lock(PATIENCE) as acquired:
            assert acquired
            both.wait(PATIENCE)

    thread = beside(read)
    read()
    thread.join(PATIENCE)
    assert not both.broken


def test_a_reader_goes_on_without_the_lock_where_a_writer_keeps_it() -> None:
    lock = ReadWriteLock()
    with lock.write_lock(), lock.read_lock(0.01) as acquired:
        assert not acquired
    with lock.read_lock(0.01) as acquired:
        assert acquired


def test_a_reader_that_waits_gets_the_lock_when_the_writer_is_done() -> None:
    lock, asked, got = ReadWriteLock(), threading.Event(), list[bool]()

    def read() -> None:
        asked.set()
        with lock.read_lock(PATIENCE) as acquired:
            got.append(acquired)

    with lock.write_lock():
        thread = beside(read)
        assert asked.wait(PATIENCE)
        assert got == []
    thread.join(PATIENCE)
    assert got == [True]


def test_a_writer_waits_for_the_readers_and_goes_before_those_that_come_later() -> None:
    lock, wrote = ReadWriteLock(), threading.Event()

    def write() -> None:
        with lock.write_lock():
            wrote.set()

    with lock.read_lock(PATIENCE):
        thread = beside(write)
        later = True
        while later:  # until the writer has come
            with lock.read_lock(0.0) as later:
                pass
        assert not wrote.is_set()
    assert wrote.wait(PATIENCE)
    thread.join(PATIENCE)
    with lock.read_lock(0.0) as acquired:
        assert acquired


def test_a_failure_releases_the_lock() -> None:
    lock = ReadWriteLock()
    with pytest.raises(ZeroDivisionError), lock.write_lock():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), lock.read_lock(0.0):
        raise ZeroDivisionError
    with lock.write_lock(), lock.read_lock(0.0) as acquired:
        assert not acquired
