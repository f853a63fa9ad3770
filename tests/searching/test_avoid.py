"""What a search stays away from, and several examples together."""

from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument, NotAllowed
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching.avoid import WORDS_TAKEN, lowered, put_lower
from mcp_mmretrieval.searching.fusion import fuse
from mcp_mmretrieval.searching.query import MAX_EXAMPLES
from mcp_mmretrieval.types import Modality
from tests.searching.conftest import SHORT, Held
from tests.searching.test_like import url
from tests.support import media_files as making
from tests.support.files import BLUE, GREEN, PURPLE, RED, picture, recording
from tests.support.models import PATIENCE

PICTURES: tuple[Modality, ...] = ("image",)
NOTES: tuple[Modality, ...] = ("text",)
MIXED = {"red": RED, "green": GREEN, "blue": BLUE, "yellow": (200, 200, 0), "purple": PURPLE, "cyan": (0, 200, 200)}


@pytest.fixture
def shades(library: Library, folder: Path) -> Library:
    """Six pictures, three notes and a recording of two minutes."""
    for name, colour in MIXED.items():
        picture(folder / f"{name}.png", colour)
    for name, text in {
        "valve": "the valve leaks oil",
        "pump": "the pump leaks water",
        "both": "valve and pump",
    }.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    recording(folder / "call.wav", (440, 120))
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)
    return library


def cited(library: Library, query: str = "", **options: object) -> list[str]:
    return [hit.citation for hit in library.search(query, **options).hits]  # type: ignore[arg-type]


# -- several examples -------------------------------------------------------------------------------------------------


def test_what_is_like_both_examples_comes_before_what_is_like_one_of_them(shades: Library) -> None:
    images = shades.filters(modality=PICTURES)
    assert cited(shades, like=("red.png", "blue.png"), filters=images)[0] == "purple.png"
    assert cited(shades, like=("red.png", "green.png"), filters=images)[0] == "yellow.png"


def test_one_example_in_a_list_answers_as_it_does_alone(shades: Library) -> None:
    alone, listed = shades.search(like="red.png"), shades.search(like=["red.png"])
    assert alone.hits == listed.hits
    assert alone.hits


def test_examples_of_an_earlier_answer_are_given_by_id_citation_and_data(shades: Library) -> None:
    images = shades.filters(modality=PICTURES)
    red = shades.search(like="red.png", filters=images).hits[0].id
    blue = url(making.picture(colour=BLUE))
    assert cited(shades, like=(red, blue), filters=images)[0] == "purple.png"


def test_too_many_examples_are_refused(shades: Library) -> None:
    with pytest.raises(BadArgument, match="like: 9 are given, and at most 8 are compared with"):
        shades.search(like=("red.png",) * (MAX_EXAMPLES + 1))
    with pytest.raises(BadArgument, match="avoid: 9 are given"):
        shades.search("pump", avoid=("red",) * (MAX_EXAMPLES + 1))


# -- what is avoided --------------------------------------------------------------------------------------------------


def test_a_hit_that_is_avoided_never_comes_back_and_the_answer_counts_it(shades: Library) -> None:
    first = shades.search("leaks")
    avoided = first.hits[0]
    answer = shades.search("leaks", avoid=avoided.id)
    assert avoided.id not in {hit.id for hit in answer.hits}
    assert {hit.id for hit in first.hits} - {avoided.id} <= {hit.id for hit in answer.hits}
    (note,) = [note for note in answer.notes if note.startswith("Avoided")]
    assert "1 place left out" in note


def test_a_document_that_is_avoided_does_not_come_back_with_any_of_its_places(shades: Library) -> None:
    assert "call.wav" in " ".join(cited(shades, like="call.wav", limit=50))
    assert "call.wav" not in " ".join(cited(shades, like="call.wav", avoid="call.wav", limit=50))


def test_a_place_that_is_avoided_leaves_the_others_of_its_document(shades: Library) -> None:
    found = cited(shades, like="call.wav", limit=50)
    left = cited(shades, like="call.wav", avoid=found[0], limit=50)
    assert found[0] not in left
    assert any(one.startswith("call.wav") for one in left)


def test_what_holds_the_avoided_words_comes_after_what_does_not(shades: Library) -> None:
    texts = shades.filters(modality=NOTES)
    assert {"valve.md", "both.md"} == {one.partition("#")[0] for one in cited(shades, "valve", filters=texts)[:2]}
    found = [one.partition("#")[0] for one in cited(shades, "valve", avoid="pump", filters=texts)]
    assert found.index("valve.md") < found.index("both.md")
    assert "both.md" in found


def test_words_that_the_query_asks_for_are_wanted_also_where_avoid_repeats_them(shades: Library) -> None:
    texts = shades.filters(modality=NOTES)
    found = [one.partition("#")[0] for one in cited(shades, "pump", avoid="pump valve", filters=texts)]
    assert found[0] == "pump.md"


def test_what_resembles_an_avoided_picture_is_put_lower(shades: Library) -> None:
    images = shades.filters(modality=PICTURES)
    nearly = url(making.picture(colour=(210, 190, 0)))
    plain, kept = (shades.search(like="red.png", avoid=avoid, filters=images) for avoid in ((), (nearly,)))
    before, after = ({hit.citation: hit.score for hit in answer.hits} for answer in (plain, kept))
    assert after.pop("yellow.png") < before.pop("yellow.png")
    assert after == before
    assert any("1 place put lower for being like it (1 of them among these hits)" in note for note in kept.notes)


def test_a_file_that_is_not_there_is_taken_as_words_and_the_answer_says_so(shades: Library) -> None:
    answer = shades.search("leaks", avoid="nowhere.png")
    assert "avoid: nowhere.png was taken as words, since no file here is called so." in answer.notes


def test_a_citation_that_leads_nowhere_is_refused(shades: Library) -> None:
    with pytest.raises(NotAllowed, match="0123456789ab#page=3"):
        shades.search("leaks", avoid="0123456789ab#page=3")


def test_avoiding_alone_asks_for_nothing(shades: Library) -> None:
    with pytest.raises(BadArgument, match="beside `avoid`"):
        shades.search(avoid="pump")


def test_a_hit_that_resembles_what_is_avoided_is_never_called_strong(shades: Library) -> None:
    answer = shades.search("valve", avoid="pump", filters=shades.filters(modality=NOTES))
    both = next(hit for hit in answer.hits if hit.citation.startswith("both.md"))
    assert both.match != "strong"


def test_without_time_for_likeness_words_are_avoided_and_the_answer_says_what_is_missing(held: Held) -> None:
    answer = held.library.search("slow pump", avoid="slow", deadline=SHORT)
    (note,) = [note for note in answer.notes if note.startswith("Avoided")]
    assert note.endswith("only by its words, as there was no time or no model to tell what resembles it.")


def test_the_worst_of_what_is_avoided_counts_and_no_hit_loses_all() -> None:
    fused = fuse({"words": [(1, 0.9), (2, 0.8), (3, 0.7)]})
    losing = lowered(fused, (), {}, [{1: 0.75, 2: 0.2}, {1: 1.0}])
    assert losing == {1: WORDS_TAKEN}
    moved = put_lower(fused, losing)
    assert [hit.key for hit in moved] == [2, 3, 1]
    assert moved[-1].score > 0.0


def test_what_loses_nothing_keeps_its_score_to_the_last_digit() -> None:
    fused = fuse({"words": [(1, 0.9), (2, 0.8)]})
    assert put_lower(fused, {}) == fused
