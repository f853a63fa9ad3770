"""Messages over a socket pair arrive as they were sent, in whatever pieces."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from mcp_mmretrieval.store.channel import Channel
from tests.support.rows import unit

TICK = 0.01


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel, socket.socket]]:
    """Both channels, and the socket of the first one."""
    one, other = socket.socketpair()
    with one, other:
        yield Channel(one, tick=TICK), Channel(other, tick=TICK), one


def never() -> None:
    """Who waits with it waits for ever."""


def test_a_message_and_its_arrays_arrive_as_they_were_sent(ends: tuple[Channel, Channel, socket.socket]) -> None:
    one, other, _ = ends
    keys, vectors = np.array([[1, 0], [2, 5]]), unit(1, 50_000)  # more than a socket holds
    sending = threading.Thread(target=one.send, args=({"do": "upsert", "id": 7}, keys, vectors), kwargs={"wait": never})
    sending.start()
    message, arrays = other.receive(wait=never)
    sending.join()
    assert message == {"do": "upsert", "id": 7}
    assert [each.dtype for each in arrays] == [keys.dtype, vectors.dtype]
    assert np.array_equal(arrays[0], keys)
    assert np.array_equal(arrays[1], vectors)


def test_messages_that_come_together_are_told_apart(ends: tuple[Channel, Channel, socket.socket]) -> None:
    one, other, _ = ends
    one.send({"number": 1}, np.empty((0, 2), np.int64), wait=never)
    one.send({"number": 2}, wait=never)
    first, arrays = other.receive(wait=never)
    assert (first, arrays[0].shape) == ({"number": 1}, (0, 2))
    assert other.receive(wait=never) == ({"number": 2}, [])


def test_who_gives_up_waiting_gets_the_message_whole_the_next_time(
    ends: tuple[Channel, Channel, socket.socket],
) -> None:
    one, other, raw = ends
    elsewhere, here = socket.socketpair()
    with elsewhere, here:
        Channel(elsewhere, tick=TICK).send({"number": 1}, unit(0, 3), wait=never)
        frame = here.recv(1 << 20)

    def give_up() -> None:
        raise TimeoutError

    raw.sendall(frame[:30])
    with pytest.raises(TimeoutError):
        other.receive(wait=give_up)
    raw.sendall(frame[30:])
    message, arrays = other.receive(wait=never)
    assert message == {"number": 1}
    assert np.array_equal(arrays[0], unit(0, 3))
    one.hang_up()


def test_who_sends_to_one_that_does_not_read_may_give_up(ends: tuple[Channel, Channel, socket.socket]) -> None:
    one, _, _ = ends

    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        one.send({}, unit(0, 500_000), wait=give_up)


def test_one_that_hung_up_is_gone_for_both_sides(ends: tuple[Channel, Channel, socket.socket]) -> None:
    one, other, _ = ends
    one.hang_up()
    one.hang_up()
    with pytest.raises(EOFError):
        other.receive(wait=never)
    with pytest.raises(EOFError):
        one.receive(wait=never)
