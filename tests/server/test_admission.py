"""The order of turns, worked out case by case: after each step everything settles before the next."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from mcp_mmretrieval.errors import Busy
from mcp_mmretrieval.server.admission import Admission

pytestmark = pytest.mark.anyio

SETTLE = 10
"""Rounds of the event loop: more than it takes from any step until each task waits again."""


@dataclass(eq=False)
class Caller:
    """One call, seen from outside."""

    client: str
    number: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    enough: anyio.Event = field(default_factory=anyio.Event)
    state: str = "new"
    busy: Busy | None = None

    def __repr__(self) -> str:
        return f"{self.client}{self.number}"


class House:
    """An admission and those who come to it."""

    def __init__(self, running: int, waiting: int, tasks: TaskGroup) -> None:
        self.places, self.room = running, waiting
        self.admission = Admission(running, waiting)
        self.tasks = tasks
        self.all: list[Caller] = []
        self.served: list[Caller] = []
        """In the order of their turns."""
        self._numbers: Counter[str] = Counter()
        self._passed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By a client that waits: turns of each other one since it began to wait, or had its last turn."""

    async def comes(self, client: str) -> Caller:
        caller = Caller(client, self._numbers[client])
        self._numbers[client] += 1
        if not self.those("waiting", client):
            self._passed[client].clear()
        self.all.append(caller)
        self.tasks.start_soon(self._call, caller)
        await self.settled()
        return caller

    async def leaves(self, caller: Caller) -> None:
        """Its work is done."""
        caller.enough.set()
        await self.settled()

    async def gives_up(self, caller: Caller) -> None:
        caller.scope.cancel()
        await self.settled()

    def those(self, state: str, client: str | None = None) -> list[Caller]:
        return [each for each in self.all if each.state == state and client in (None, each.client)]

    async def settled(self) -> None:
        for _ in range(SETTLE):
            await checkpoint()
        self.is_sound()

    def is_sound(self) -> None:
        running, waiting = self.those("running"), self.those("waiting")
        assert len(running) == self.admission.running <= self.places
        assert len(waiting) == self.admission.waiting <= self.room
        assert len({each.client for each in waiting}) == self.admission.clients
        assert not waiting or len(running) == self.places, "a turn lies idle while a call waits"

    async def empties(self) -> None:
        """Everybody is served in the end, and nothing stays."""
        while running := self.those("running"):
            await self.leaves(running[0])
        assert not self.those("waiting")
        assert (self.admission.running, self.admission.waiting, self.admission.clients) == (0, 0, 0)

    def _serves(self, caller: Caller) -> None:
        self.served.append(caller)
        self._passed[caller.client].clear()
        for other in {each.client for each in self.those("waiting")} - {caller.client}:
            self._passed[other][caller.client] += 1
            assert self._passed[other][caller.client] == 1, f"{other} was passed over twice"

    async def _call(self, caller: Caller) -> None:
        caller.state = "waiting"
        try:
            with caller.scope:
                async with self.admission.turn(caller.client):
                    caller.state = "running"
                    self._serves(caller)
                    await caller.enough.wait()
        except Busy as busy:
            caller.state, caller.busy = "refused", busy
        else:
            caller.state = "cancelled" if caller.scope.cancelled_caught else "done"


async def house_with(running: int, waiting: int, tasks: TaskGroup, callers: Iterable[str]) -> House:
    house = House(running, waiting, tasks)
    for client in callers:
        await house.comes(client)
    return house


async def test_calls_run_at_once_up_to_the_limit_and_the_others_wait_in_line() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(2, 9, tasks, "aaaa")
        assert repr(house.those("running")) == "[a0, a1]"
        await house.leaves(house.all[1])
        assert repr(house.those("running")) == "[a0, a2]"
        await house.empties()
    assert repr(house.served) == "[a0, a1, a2, a3]"


async def test_clients_take_turns_however_many_calls_each_has() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 99, tasks, "xaaaabbbc")
        await house.empties()
    assert repr(house.served) == "[x0, a0, b0, c0, a1, b1, a2, b2, a3]"


async def test_a_client_with_fifty_calls_delays_a_single_one_by_one_turn() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 99, tasks, "g" * 51)
        single = await house.comes("s")
        await house.empties()
    assert house.served.index(single) == 2


async def test_one_more_than_may_wait_is_told_so_at_once() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 3, tasks, "aaaaa")
        assert repr(house.those("refused")) == "[a4]"
        busy = house.all[4].busy
        assert str(busy) == "Busy: 3 calls are waiting. Ask again in about 4 s."
        assert busy is not None
        assert busy.retry_after == 4.0
        await house.empties()


async def test_where_none_may_wait_the_next_is_refused() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 0, tasks, "ab")
        assert repr(house.those("refused")) == "[b0]"
        await house.empties()


async def test_a_client_below_its_share_pushes_out_the_newest_call_of_the_greediest() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 6, tasks, "gggggg" + "b" + "ss" + "ss")
        assert repr(house.those("refused")) == "[g4, g5, s2, s3]"
        assert repr(house.those("waiting")) == "[g1, g2, g3, b0, s0, s1]"
        await house.empties()


async def test_a_client_that_has_its_share_pushes_out_nobody() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 9, tasks, "x" + "aaaaa" + "b" + "nnn" + "n")
        assert repr(house.those("refused")) == "[n3]"
        await house.empties()


async def test_nobody_is_pushed_out_where_that_would_only_turn_the_tables() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 3, tasks, "xabc" + "d")
        assert repr(house.those("refused")) == "[d0]"
        await house.empties()


async def test_when_to_ask_again_follows_from_how_long_turns_have_lasted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("mcp_mmretrieval.server.admission.anyio.current_time", lambda: now)
    admission = Admission(running=1, waiting=0)
    for seconds in (4.0, 4.0, 14.0):
        async with admission.turn("a"):
            now += seconds
    async with admission.turn("a"):
        with pytest.raises(Busy) as told:
            async with admission.turn("b"):
                pass
    assert told.value.retry_after == pytest.approx(5.0)


async def test_a_turn_is_given_back_when_its_work_fails() -> None:
    admission = Admission(1, 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with admission.turn("a"):
                raise ZeroDivisionError
    assert admission.running == 0


async def test_a_turn_that_comes_in_the_moment_of_giving_up_goes_to_the_next() -> None:
    async with anyio.create_task_group() as tasks:
        house = await house_with(1, 9, tasks, "abc")
        first, second, third = house.all
        first.enough.set()
        while house.admission.waiting == 2:  # until the turn is b's, and b does not know yet
            await checkpoint()
        second.scope.cancel()
        await house.settled()
        assert (second.state, third.state) == ("cancelled", "running")
        await house.empties()


STEPS = ("a", "b", "c", "end", "wait-", "run-")


@pytest.mark.parametrize(("running", "waiting"), [(1, 1), (1, 2), (2, 2)])
async def test_every_short_history_is_sound(running: int, waiting: int) -> None:
    for history in itertools.product(STEPS, repeat=4):
        async with anyio.create_task_group() as tasks:
            house = await house_with(running, waiting, tasks, "a" * running)
            for step in history:
                await take(house, step)
            await house.empties()
        fifo(house)


async def take(house: House, step: str, pick: random.Random | None = None) -> None:
    choose = pick.choice if pick else (lambda callers: callers[0])
    if step in ("a", "b", "c"):
        full = len(house.those("waiting")) == house.room
        before = Counter(each.client for each in house.those("waiting"))
        caller = await house.comes(step)
        if caller.state == "refused":
            assert full
            share = house.room / len({step, *before})
            assert before[step] >= share or max(before.values(), default=0) < before[step] + 2
    elif callers := house.those("waiting" if step == "wait-" else "running"):
        await (house.leaves if step == "end" else house.gives_up)(choose(callers))


def fifo(house: House) -> None:
    """The calls of each client are served in the order in which they came."""
    orders: defaultdict[str, list[int]] = defaultdict(list)
    for caller in house.served:
        orders[caller.client].append(caller.number)
    assert all(order == sorted(order) for order in orders.values())


@pytest.mark.parametrize("seed", range(4))
async def test_random_histories_are_sound_and_nobody_is_passed_over_twice(seed: int) -> None:
    pick = random.Random(seed)
    async with anyio.create_task_group() as tasks:
        house = House(pick.randint(1, 4), pick.randint(0, 12), tasks)
        for _ in range(400):
            await take(house, pick.choices(STEPS, (9, 3, 1, 8, 2, 1))[0], pick)
        await house.empties()
    fifo(house)


async def test_hundreds_of_calls_that_are_cancelled_at_any_moment_leave_no_trace() -> None:
    pick = random.Random(7)
    admission = Admission(3, 5)
    held = most = 0
    ends: Counter[str] = Counter()

    async def call(client: int) -> None:
        nonlocal held, most
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            try:
                async with admission.turn(client):
                    held += 1
                    most = max(most, held)
                    try:
                        for _ in range(pick.randint(0, 9)):
                            await checkpoint()
                    finally:
                        held -= 1
                    ends["done"] += 1
            except Busy:
                ends["busy"] += 1
        ends["cancelled"] += scope.cancelled_caught

    for _ in range(40):
        scopes: list[anyio.CancelScope] = []
        async with anyio.create_task_group() as tasks:
            for _ in range(25):
                tasks.start_soon(call, pick.randint(1, 5))
                for _ in range(pick.randint(0, 2)):
                    await checkpoint()
                if scopes and pick.random() < 0.5:
                    pick.choice(scopes).cancel()
        assert (admission.running, admission.waiting, admission.clients, held) == (0, 0, 0, 0)
    assert most == 3
    assert sum(ends.values()) == 1_000
    assert min(ends["done"], ends["busy"], ends["cancelled"]) > 20
