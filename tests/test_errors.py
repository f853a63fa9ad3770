"""What can go wrong: a tree that its docstring draws, and messages that end with the next step."""

import inspect
import re

import pytest

from mcp_mmretrieval import errors
from mcp_mmretrieval.errors import FAILURE_CODES, Busy, NotAllowed, RetrievalError, Unfit, UnreadableMedia


def test_the_docstring_draws_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above = [""]
    for bars, name in re.findall(r"^([│├└─ ]*)([A-Z]\w+)  ", errors.__doc__ or "", re.MULTILINE):
        depth = len(bars) // 4
        drawn[name] = above[depth]
        above[depth + 1 :] = [name]
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    parents = {each.__name__: each.__base__.__name__ if each.__base__ else "" for each in classes}
    assert drawn.pop("RetrievalError") == ""
    assert parents.pop("RetrievalError") == "Exception"
    assert drawn == parents


def test_a_path_that_is_outside_and_one_that_is_missing_are_told_alike_with_the_next_step() -> None:
    assert str(NotAllowed("a.pdf")) == (
        "a.pdf: not found under the allowed folders. Call status to see which folders are allowed."
    )


@pytest.mark.parametrize(
    ("waiting", "retry_after", "told"),
    [
        (1, 0.0, "Busy: 1 call is waiting. Ask again in about 1 s."),
        (7, 2.1, "Busy: 7 calls are waiting. Ask again in about 3 s."),
    ],
)
def test_who_is_turned_away_is_told_how_many_wait_and_when_to_come_again(
    waiting: int, retry_after: float, told: str
) -> None:
    error = Busy(waiting, retry_after)
    assert (str(error), error.retry_after) == (told, retry_after)


def test_an_error_keeps_what_its_catcher_decides_by() -> None:
    unreadable = UnreadableMedia("encrypted", "a.pdf: needs a password.")
    assert unreadable.code in FAILURE_CODES
    assert str(unreadable) == "a.pdf: needs a password."
    assert Unfit([3, 1], "Too long.").rows == (3, 1)
    assert isinstance(unreadable, RetrievalError)
