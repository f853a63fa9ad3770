"""The collections on a server, called as those in a folder."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.store.chroma_rest import ChromaRest
from mcp_mmretrieval.store.index_backend import MAX_NEIGHBOURS, IndexAway
from mcp_mmretrieval.store.remote_chroma import CLOUD_RECORDS, RemoteChroma
from tests.support.chroma_server import ChromaFront, ChromaServer
from tests.support.rows import unit

KEYS = np.array([[number, number % 3] for number in range(1, 21)], dtype=np.int64)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma") / "data")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def chroma(server: ChromaServer, request: pytest.FixtureRequest) -> Iterator[RemoteChroma]:
    with closing(opened(server, request.node.name.partition("[")[0][:60], "me")) as chroma:
        yield chroma


def opened(server: ChromaServer, name: str, holder: str) -> RemoteChroma:
    return RemoteChroma(ChromaRest(IndexServer(origin=server.address)), name, holder)


def test_what_is_added_is_found_read_and_forgotten(chroma: RemoteChroma) -> None:
    vectors = unit(1, 20)
    chroma.make_sure(1, "text")
    chroma.upsert(1, "text", KEYS, vectors)
    keys, scores = chroma.nearest(1, "text", vectors[4], 5)
    assert keys[0].tolist() == [5, 2]
    assert scores == pytest.approx(np.sort(vectors @ vectors[4])[::-1][:5], abs=1e-5)
    held = chroma.vectors(1, "text", KEYS)
    assert np.allclose([held[segment, part] for segment, part in KEYS.tolist()], vectors, atol=1e-6)
    assert chroma.has(1, "text", KEYS)
    chroma.upsert(1, "text", KEYS[:1], vectors[1:2])
    assert chroma.nearest(1, "text", vectors[1], 2)[1] == pytest.approx([1.0, 1.0], abs=1e-5)
    chroma.delete(1, "text", np.array([[3, 0], [999, 0]]))
    assert chroma.count(1, "text") == 19
    assert not chroma.has(1, "text", KEYS)
    assert (3, 0) not in chroma.vectors(1, "text", KEYS)


def test_dropping_a_space_leaves_the_others_and_what_another_engine_holds(
    chroma: RemoteChroma, server: ChromaServer, request: pytest.FixtureRequest
) -> None:
    for space, kind in ((1, "text"), (1, "picture"), (11, "text")):
        chroma.make_sure(space, kind)
    (taken,) = (each for each in chroma.collections() if each.name == chroma.named(1, "picture"))
    server.ask("PUT", f"/{taken.id}", {"new_metadata": {"holder": "another"}})
    chroma.drop(1, ("me",))
    assert {each.name for each in chroma.collections()} == {chroma.named(1, "picture"), chroma.named(11, "text")}
    with pytest.raises(IndexAway, match="was not opened"):
        chroma.count(1, "text")


def test_a_collection_that_another_engine_took_or_made_anew_is_not_gone_on_with(
    chroma: RemoteChroma, server: ChromaServer
) -> None:
    chroma.make_sure(1, "text")
    chroma.make_sure(1, "text")
    name = chroma.named(1, "text")
    server.ask("DELETE", f"/{name}")
    with pytest.raises(IndexAway, match="is gone, or another engine took it"):
        chroma.make_sure(1, "text")
    server.ask("POST", "", {"name": name, "metadata": {"holder": "me"}})
    with pytest.raises(IndexAway, match="is gone, or another engine took it"):
        chroma.make_sure(1, "text")
    made = server.ask("POST", "", {"name": chroma.named(2, "text"), "metadata": {"holder": "another"}})
    assert made["metadata"] == {"holder": "another"}
    with pytest.raises(IndexAway, match="is gone, or another engine took it"):
        chroma.make_sure(2, "text")


def test_of_several_engines_one_goes_on_after_the_last(chroma: RemoteChroma, server: ChromaServer) -> None:
    chroma.make_sure(1, "text")
    name = chroma.named(1, "text").removesuffix("-1-text")
    with closing(opened(server, name, "one")) as one, closing(opened(server, name, "other")) as other:
        assert (one.successor("me"), other.successor("me"), one.successor("me")) == ("one", "one", "one")
        one.take_all()
        assert [(each.name, each.holder) for each in one.collections()] == [(f"{name}-1-text", "one")]


def test_more_collections_than_are_listed_at_once_are_all_told(
    chroma: RemoteChroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.store.remote_chroma.COLLECTIONS_AT_ONCE", 2)
    for space in range(1, 6):
        chroma.make_sure(space, "text")
    assert len({each.name for each in chroma.collections()}) == 5


def test_a_server_that_lists_the_same_for_ever_is_asked_twice(server: ChromaServer) -> None:
    """As one that knows no offset does."""
    one = {"metadata": {"holder": "me"}, "dimension": None}
    listed = json.dumps([one | {"id": str(number), "name": f"same-{number}-text"} for number in range(100)]).encode()
    front = ChromaFront(server.port)
    with closing(front), closing(RemoteChroma(ChromaRest(IndexServer(origin=front.address)), "same", "me")) as chroma:
        front.rule = lambda *_: (200, listed)
        assert len(chroma.collections()) == 100
        assert front.asked["collections"] == 2


def test_long_vectors_go_in_several_requests(server: ChromaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.store.remote_chroma.MAX_REQUEST_BYTES", 8 * 4 * 1_000)
    front = ChromaFront(server.port)
    rest = ChromaRest(IndexServer(origin=front.address))
    with closing(RemoteChroma(rest, "long", "me")) as chroma:
        chroma.make_sure(1, "text")
        chroma.upsert(1, "text", KEYS, unit(1, 20, 1_000))
        assert chroma.count(1, "text") == 20
    assert front.largest == 8
    front.close()


def test_the_cloud_takes_less_than_it_announces(server: ChromaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChromaRest, "connect", lambda _: 5_461)
    for origin, most in (
        ("https://api.trychroma.com", (CLOUD_RECORDS, CLOUD_RECORDS)),
        ("https://chroma.example", (5_461, MAX_NEIGHBOURS)),
    ):
        with closing(RemoteChroma(ChromaRest(IndexServer(origin=origin)), "any", "me")) as chroma:
            assert (chroma.max_batch, chroma.max_neighbours) == most


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"ids": [["x"]], "distances": [[0.1]]}', b'{"ids": null}'])
def test_answers_that_are_none_of_chromas_are_a_server_that_is_away(server: ChromaServer, answer: bytes) -> None:
    front = ChromaFront(server.port)
    rest = ChromaRest(IndexServer(origin=front.address))
    with closing(RemoteChroma(rest, "nonsense", "me")) as chroma:
        chroma.make_sure(1, "text")
        front.rule = lambda *_: (200, answer)
        for ask in (
            lambda: chroma.nearest(1, "text", unit(0, 1), 3),
            lambda: chroma.vectors(1, "text", KEYS),
            lambda: chroma.count(1, "text"),
            lambda: chroma.make_sure(1, "text"),
        ):
            with pytest.raises(IndexAway):
                ask()
    front.close()


@pytest.mark.parametrize(
    "answer",
    [
        b'{"ids": [["1.0", "2.0"]], "distances": [[0.1]]}',
        b'{"ids": [["1.0"]], "distances": [[[0.1]]]}',
        b'{"ids": [["1.0"]], "distances": [[null]]}',
        b'{"ids": [["1.0"]], "distances": [[NaN]]}',
        b'{"ids": [["99999999999999999999.0"]], "distances": [[0.1]]}',
    ],
)
def test_neighbours_without_one_finite_distance_each_are_no_answer(server: ChromaServer, answer: bytes) -> None:
    front = ChromaFront(server.port)
    with closing(front), closing(RemoteChroma(ChromaRest(IndexServer(origin=front.address)), "odd", "me")) as chroma:
        chroma.make_sure(1, "text")
        front.rule = lambda *_: (200, answer)
        with pytest.raises(IndexAway, match="answers otherwise than Chroma does"):
            chroma.nearest(1, "text", unit(0, 1), 3)


def test_nothing_is_sent_once_it_is_closed(chroma: RemoteChroma, tmp_path: Path) -> None:
    chroma.close()
    with pytest.raises(IndexAway, match="was closed"):
        chroma.ping()
