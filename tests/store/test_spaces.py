"""What a space remembers, which profile was chosen, and which documents ended the process."""

from collections.abc import Callable

import pytest

from mcp_mmretrieval.store import Catalog, VectorRows
from mcp_mmretrieval.store.spaces import canonical_identity
from mcp_mmretrieval.types import VectorKind
from tests.support.rows import DIM, SPACE, embed, fill, held, put, unit


def test_a_space_keeps_what_made_it_until_it_is_told_otherwise(catalog: Catalog) -> None:
    id = catalog.space(SPACE, made_by="a")
    assert catalog.space(SPACE) == id
    assert catalog.spaces()[0].made_by == "a"
    assert catalog.space(SPACE, made_by="b") == id
    assert catalog.spaces()[0].made_by == "b"


def test_another_precision_is_another_space_of_half_the_size(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["one", "two"])
    whole, half = catalog.space(SPACE), catalog.space(SPACE, half=True)
    assert whole != half
    names = {space.identity: space.id for space in catalog.spaces()}
    assert (names[canonical_identity(SPACE)], names[canonical_identity(SPACE, half=True)]) == (whole, half)
    for space in (whole, half):
        embed(catalog, space, held(catalog, "/r/a"))
    assert catalog.volume(whole).each == {"text": 4 * DIM}
    assert catalog.volume(half).each == {"text": 2 * DIM}
    assert (catalog.volume(half).vectors, catalog.volume(half).embedded) == ({"text": 2}, 1)


def test_what_was_replaced_is_remembered_as_such_and_comes_back_where_it_is_wanted(catalog: Catalog) -> None:
    old, _ = fill(catalog, 1)
    new = catalog.space({"model": "newer"})
    catalog.activate(new, retire=True)
    assert [(space.id, space.active, space.retired) for space in catalog.spaces()] == [
        (old, False, True),
        (new, True, False),
    ]
    assert catalog.space(SPACE, active=True) == old
    assert [(space.id, space.active, space.retired) for space in catalog.spaces()] == [
        (old, True, False),
        (new, False, False),
    ]


def test_the_chosen_profile_is_one_and_the_last(catalog: Catalog) -> None:
    assert catalog.chosen() is None
    catalog.choose("clip", "asked for")
    catalog.choose("omni", "the GPU has 24 GB")
    chosen = catalog.chosen()
    assert chosen is not None
    assert (chosen.profile, chosen.reason) == ("omni", "the GPU has 24 GB")


def test_attempts_are_counted_by_space_and_end_with_vectors_sparing_or_another_reading(catalog: Catalog) -> None:
    for name in "abcd":
        put(catalog, f"/r/{name}")
    a, b, c, d = (held(catalog, f"/r/{name}") for name in "abcd")
    space, other = catalog.space(SPACE), catalog.space({"model": "other"})
    for _ in range(2):
        catalog.attempt(space, [a, b, c, d])
    assert catalog.attempts(space) == dict.fromkeys([a, b, c, d], 2)
    assert catalog.attempts(other) == {}
    embed(catalog, space, a)
    catalog.spare(space, [b])
    put(catalog, "/r/c", ["read again"], content="/r/cone page")
    assert catalog.attempts(space) == {d: 2}
    for _ in range(2):
        catalog.give_up(d, space, "It ended the process.")
    assert catalog.attempts(space) == {}
    assert catalog.documents([d])[d].notes == ("It ended the process.",)
    assert d not in catalog.unembedded(space)
    assert d in catalog.unembedded(other)


def test_attempts_begin_anew_once_some_more_vectors_are_stored(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["one", "two"])
    id, space = held(catalog, "/r/a"), catalog.space(SPACE)
    first = catalog.segments_of(id)[0].key
    for _ in range(2):
        catalog.attempt(space, [id])
    rows = [VectorRows(kind="text", segments=[first], parts=[0], vectors=unit(1, 1))]
    assert catalog.add_vectors(id, space, rows, anchor=first)
    assert catalog.attempts(space) == {id: 1}  # still under way


def test_some_vectors_of_a_document_come_before_the_others_and_those_of_an_earlier_reading_never(
    catalog: Catalog,
) -> None:
    put(catalog, "/r/a", ["one", "two"], content="a")
    id, space = held(catalog, "/r/a"), catalog.space(SPACE)
    first, second = (stored.key for stored in catalog.segments_of(id))

    def vectors(key: int) -> list[VectorRows]:
        return [VectorRows(kind="text", segments=[key], parts=[0], vectors=unit(key, 1))]

    assert catalog.held_parts(space, id) == {}
    assert catalog.add_vectors(id, space, vectors(first), anchor=first)
    assert catalog.held_parts(space, id) == {"text": {(first, 0)}}
    assert (catalog.embedded(space), catalog.unembedded(space)) == (0, [id])
    assert catalog.commit_embedded(id, space, vectors(second), anchor=first)
    assert catalog.held_parts(space, id) == {"text": {(first, 0), (second, 0)}}
    assert (catalog.embedded(space), catalog.unembedded(space)) == (1, [])

    put(catalog, "/r/a", ["three"], content="a", reading=catalog.reading({"reader": "newer"}))
    assert catalog.held_parts(space, id) == {}
    assert not catalog.add_vectors(id, space, [], anchor=first)
    assert not catalog.commit_embedded(id, space, [], anchor=first)
    assert catalog.unembedded(space) == [id]


def test_what_the_index_lacks_is_counted_as_far_as_it_matters(catalog: Catalog) -> None:
    space, _ = fill(catalog, 10)  # five vectors in each row
    assert catalog.behind() == catalog.roughly_behind(1_000) == (50, 50)
    lacks, total = catalog.roughly_behind(3)
    assert 3 <= lacks <= total < 50
    catalog.follow(space, "text", 4)
    catalog.remove_files(["/r/f0", "/r/f9"])
    assert catalog.behind() == catalog.roughly_behind(1_000) == (25 + 10, 40)
    assert catalog.count_after(space, "text", 4, most=1_000) == 25
    assert catalog.count_after(space, "picture", 0, most=1_000) == 0


@pytest.mark.parametrize("ask", [Catalog.behind, lambda catalog: catalog.roughly_behind(1_000)])
def test_what_the_index_lacks_is_counted_in_one_state_of_the_library(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Catalog], tuple[int, int]]
) -> None:
    fill(catalog, 4)
    lanes = catalog.lanes

    def lanes_before_all_is_removed() -> dict[tuple[int, VectorKind], int]:
        found = lanes()
        catalog.remove_files([f"/r/f{number}" for number in range(4)])
        return found

    monkeypatch.setattr(catalog, "lanes", lanes_before_all_is_removed)
    assert ask(catalog) == (20, 20)
