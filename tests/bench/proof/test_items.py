"""The things to be found and the questions: each is asked for, and none is told apart by its kind alone."""

from collections import Counter

import numpy as np

from mcp_mmretrieval.bench.proof.items import LANE_OF_KIND, ProofItem, proof_items, proof_questions
from mcp_mmretrieval.types import Film, Sound


def test_there_are_about_forty_things_with_others_of_their_kind_beside_each(things: list[ProofItem]) -> None:
    assert 40 <= len(things) <= 50
    assert len({thing.name for thing in things}) == len(things)
    kinds = Counter(thing.kind for thing in things)
    assert set(kinds) == set(LANE_OF_KIND)
    assert min(kinds.values()) >= 5


def test_each_thing_is_asked_for_and_each_question_has_its_answer(things: list[ProofItem]) -> None:
    questions = list(proof_questions())
    assert 60 <= len(questions) <= 70
    assert {question.answer for question in questions} == {thing.name for thing in things}
    worded = [question.asked for question in questions if isinstance(question.asked, str)]
    assert len(set(worded)) == len(worded)


def test_what_is_asked_with_is_no_copy_of_what_is_found(things: list[ProofItem]) -> None:
    by_name = {thing.name: thing.content for thing in things}
    for question in proof_questions():
        found = by_name[question.answer]
        if isinstance(question.asked, Sound) and isinstance(found, Sound):
            assert not np.array_equal(question.asked.samples, found.samples)
        elif isinstance(question.asked, np.ndarray) and isinstance(found, np.ndarray):
            assert question.asked.shape != found.shape


def test_contents_are_as_models_take_them_and_always_the_same(things: list[ProofItem]) -> None:
    for thing, again in zip(things, proof_items(), strict=True):
        if isinstance(thing.content, Sound) and isinstance(again.content, Sound):
            assert thing.content.samples.dtype == np.float32
            assert 0.1 < np.abs(thing.content.samples).max() <= 1
            np.testing.assert_array_equal(thing.content.samples, again.content.samples)
        elif isinstance(thing.content, Film) and isinstance(again.content, Film):
            assert len(thing.content.pictures) == len(thing.content.times) == 6
            assert (thing.content.pictures[0] != thing.content.pictures[-1]).any(), f"{thing.name} does not move"
            np.testing.assert_array_equal(thing.content.pictures, again.content.pictures)
        elif isinstance(thing.content, np.ndarray):
            assert thing.content.dtype == np.uint8
            assert thing.content.shape[2] == 3
            np.testing.assert_array_equal(thing.content, again.content)
        else:
            assert thing.content == again.content
