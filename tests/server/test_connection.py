from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection, client_of, connection_of
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


async def test_a_connection_without_sees_it_as_it_was_opened(library: FakeLibrary, tmp_path: Path) -> None:
    assert await connection(library, own_roots=False, root=tmp_path).library() is as_library(library)


def test_calls_are_told_apart_by_the_peers_address_over_http_and_by_their_connection_else(
    library: FakeLibrary, tmp_path: Path
) -> None:
    one, other = (connection(library, own_roots=False, root=tmp_path) for _ in range(2))
    assert connection_of(call(one)) is one
    assert client_of(call(one)) == client_of(call(one)) != client_of(call(other))
    assert client_of(call(one, ["10.0.0.1", 7])) == ("10.0.0.1", 7) == client_of(call(other, ["10.0.0.1", 7]))
