from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection, client_of, connection_of
from tests.server.conftest import until
from tests.support.library import FakeLibrary, as_library

pytestmark = pytest.mark.anyio


class SharedLibrary(FakeLibrary):
    """Remembers the roots that it was asked for."""

    def within(self, roots: Roots) -> FakeLibrary:
        self.asked["roots"] = roots.folders
        return FakeLibrary()


def connection(library: FakeLibrary, *, own_roots: bool, root: Path) -> Connection:
    opening = LibraryOpening(lambda: as_library(library))
    return Connection(opening, Settings(roots=(root,)), Admission(), own_roots=own_roots)


def call(connection: Connection, peer: object = None) -> Any:
    """What of a call says over which connection it came."""
    request = SimpleNamespace(client=peer)
    return SimpleNamespace(request_context=SimpleNamespace(lifespan_context=connection, request=request))


async def test_a_connection_with_roots_of_its_own_sees_the_library_within_them(tmp_path: Path) -> None:
    shared = SharedLibrary()
    own = connection(shared, own_roots=True, root=tmp_path)
    seen = await own.library()
    assert seen is not as_library(shared)
    assert shared.asked["roots"] == (str(tmp_path),)
    assert await own.library() is seen


class WatchedLibrary(FakeLibrary):
    """Counts who has it watched."""

    followers = 0

    def watch(self) -> "WatchedLibrary":
        self.followers += 1
        return self


class Followed(WatchedLibrary):
    def close(self) -> None:
        self.followers -= 1


def wanting(open_library: Callable[[], Any], **settings: Any) -> Connection:
    return Connection(LibraryOpening(open_library), Settings(**settings), Admission())


async def test_the_library_is_watched_for_a_client_that_wants_it_as_long_as_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.server.connection.WATCH_DELAY_S", 0.01)
    library = Followed()
    async with wanting(lambda: library, watch=True).watching():
        await until(lambda: library.followers == 1)
    assert library.followers == 0
    async with wanting(lambda: library, watch=False).watching():
        pass
    refused = wanting(lambda: library, watch=True, read_only=True)
    async with refused.watching():
        pass
    assert library.followers == 0
    assert "serve without --read-only" in refused.told()[1][0]
    assert wanting(lambda: library, watch=True).told() == ("", ())


async def test_a_library_that_cannot_be_opened_is_watched_once_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.server.connection.WATCH_DELAY_S", 0.01)
    library, failures = Followed(), [LibraryUnavailable("Another process holds it.")]

    def open_library() -> Followed:
        if failures:
            raise failures.pop()
        return library

    async with wanting(open_library, watch=True).watching():
        await until(lambda: library.followers == 1)


async def test_an_error_of_a_watched_client_stays_what_it_is(library: FakeLibrary) -> None:
    with pytest.raises(ConnectionResetError):
        async with wanting(lambda: library, watch=True).watching():
            raise ConnectionResetError


async def test_a_connection_without_sees_it_as_it_was_opened(library: FakeLibrary, tmp_path: Path) -> None:
    assert await connection(library, own_roots=False, root=tmp_path).library() is as_library(library)


def test_calls_are_told_apart_by_the_peers_address_over_http_and_by_their_connection_else(
    library: FakeLibrary, tmp_path: Path
) -> None:
    one, other = (connection(library, own_roots=False, root=tmp_path) for _ in range(2))
    assert connection_of(call(one)) is one
    assert client_of(call(one)) == client_of(call(one)) != client_of(call(other))
    assert client_of(call(one, ["10.0.0.1", 7])) == ("10.0.0.1", 7) == client_of(call(other, ["10.0.0.1", 7]))


class ExpectingLibrary(FakeLibrary):
    """Remembers what is to be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: list[str] = []

    def expect(self, query: str) -> None:
        self.expected.append(query)


async def test_the_library_hears_of_a_query_that_has_to_wait_and_of_no_other(tmp_path: Path) -> None:
    library = ExpectingLibrary()
    own = Connection(LibraryOpening(lambda: as_library(library)), Settings(), Admission(running=1))
    async with own.admission.turn("somebody"):
        own.expect("before it is open")
        await own.library()
        own.expect("pump")
    own.expect("answered at once")
    assert library.expected == ["pump"]
