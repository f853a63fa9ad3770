import threading

import anyio
import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.background import LibraryOpening
from tests.support.library import FakeLibrary, as_library

pytestmark = pytest.mark.anyio


async def test_many_calls_open_it_once(library: FakeLibrary) -> None:
    opened: list[Library] = []

    def open_library() -> Library:
        opened.append(as_library(library))
        return opened[-1]

    opening = LibraryOpening(open_library)
    assert opening.opened is None
    found: list[Library] = []

    async def ask() -> None:
        found.append(await opening.library())

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
    assert len(opened) == 1
    assert found == opened * 20
    assert opening.opened is opened[0]


async def test_a_call_does_not_wait_for_the_delay_of_an_opening_that_was_begun(library: FakeLibrary) -> None:
    opening = LibraryOpening(lambda: as_library(library))
    opening.begin(delay=3_600.0)
    assert opening.opened is None
    with anyio.fail_after(60):
        await opening.library()


async def test_after_a_failure_the_next_call_opens_again(library: FakeLibrary) -> None:
    failures = [LibraryUnavailable("Held by process 7. End it."), MemoryError("a bug")]

    def open_library() -> Library:
        if failures:
            raise failures.pop(0)
        return as_library(library)

    opening = LibraryOpening(open_library)
    with pytest.raises(LibraryUnavailable, match="process 7"):
        await opening.library()
    assert opening.opened is None
    with pytest.raises(LibraryUnavailable, match="internal error"):
        await opening.library()
    assert await opening.library() is as_library(library)


async def test_giving_up_the_wait_does_not_end_the_opening(library: FakeLibrary) -> None:
    opens = threading.Event()

    def open_library() -> Library:
        assert opens.wait(60)
        return as_library(library)

    opening = LibraryOpening(open_library)
    with anyio.move_on_after(0.05) as waiting:
        await opening.library()
    assert waiting.cancelled_caught
    opens.set()
    with anyio.fail_after(60):
        assert await opening.library() is as_library(library)


async def test_closing_closes_what_was_opened_and_nothing_is_opened_afterwards(library: FakeLibrary) -> None:
    opening = LibraryOpening(lambda: as_library(library))
    await opening.library()
    opening.close()
    assert library.closed
    never = LibraryOpening(lambda: as_library(library))
    never.close()
    with pytest.raises(LibraryUnavailable, match="server is ending"):
        await never.library()
