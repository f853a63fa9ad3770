import threading
import time

from mcp_mmretrieval.concurrency.foreground import answering, give_way, pressed


def test_bulk_work_waits_while_an_answer_is_made_and_goes_on_after() -> None:
    went = threading.Event()

    def bulk() -> None:
        give_way(60)
        went.set()

    with answering():
        thread = threading.Thread(target=bulk)
        thread.start()
        assert not went.wait(0.1)
    assert went.wait(10)
    thread.join()


def test_it_does_not_wait_for_ever() -> None:
    with answering():
        began = time.monotonic()
        give_way(0.05)
        assert time.monotonic() >= began + 0.05


def test_steps_are_short_while_questions_come() -> None:
    with answering():
        assert pressed()
    assert pressed()  # the next one is expected
