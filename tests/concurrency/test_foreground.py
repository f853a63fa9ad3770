import sys
import threading
import time

from mcp_mmretrieval.concurrency.foreground import (
    foreground_is_busy,
    foreground_request,
    listen,
    shorten_turns,
    unlisten,
    yield_to_foreground,
)


def test_bulk_work_waits_while_an_answer_is_made_and_goes_on_after() -> None:
    went = threading.Event()

    def bulk() -> None:
        yield_to_foreground(60)
        went.set()

    with foreground_request():
        thread = threading.Thread(target=bulk)
        thread.start()
        assert not went.wait(0.1)
    assert went.wait(60)
    thread.join()


def test_it_does_not_wait_for_ever() -> None:
    with foreground_request():
        began = time.monotonic()
        yield_to_foreground(0.05)
        assert time.monotonic() >= began + 0.05


def test_steps_are_short_while_questions_come() -> None:
    with foreground_request():
        assert foreground_is_busy()
    assert foreground_is_busy()  # the next one is expected


def test_who_begins_to_listen_while_somebody_waits_is_told_so() -> None:
    heard: list[bool] = []
    with foreground_request():
        listen(heard.append)
        with foreground_request():
            pass
    with foreground_request():
        unlisten(heard.append)
    assert heard == [True, False, True]


def test_a_server_hands_pythons_lock_on_sooner() -> None:
    before = sys.getswitchinterval()
    try:
        shorten_turns()
        assert sys.getswitchinterval() < before
    finally:
        sys.setswitchinterval(before)
