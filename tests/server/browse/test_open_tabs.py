from dataclasses import dataclass, field

import anyio
import pytest

from mcp_mmretrieval.server.browse.open_tabs import OpenTabs

pytestmark = pytest.mark.anyio


@dataclass
class Clock:
    """Time that passes only while somebody sleeps; at some moments a tab speaks."""

    words: list[float] = field(default_factory=list)
    now: float = 1_000.0
    tabs: OpenTabs = field(init=False)

    def __post_init__(self) -> None:
        self.tabs = OpenTabs(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.words and self.words[0] <= until:
            self.now = self.words.pop(0)
            self.tabs.heard()
        self.now = until


async def test_it_ends_when_the_last_tab_has_been_silent_for_so_long() -> None:
    clock = Clock(words=[1_030.0, 1_060.0, 1_659.0])
    clock.tabs.heard()
    await clock.tabs.wait_until_gone(600)
    assert clock.now == 1_659.0 + 600


async def test_a_tab_that_comes_in_the_last_second_is_there() -> None:
    clock = Clock(words=[1_600.0, 2_200.0])
    clock.tabs.heard()
    await clock.tabs.wait_until_gone(600)
    assert clock.now == 2_200.0 + 600


async def test_before_the_first_tab_nothing_ends() -> None:
    clock = Clock()
    with anyio.move_on_after(0.05) as waited:
        await clock.tabs.wait_until_gone(0.001)
    assert waited.cancelled_caught and clock.now == 1_000.0
