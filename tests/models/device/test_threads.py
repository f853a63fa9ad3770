"""One budget of threads."""

import os

import pytest

from mcp_mmretrieval.models.device import threads


def test_what_was_asked_for_is_the_budget() -> None:
    assert threads.thread_budget(3) == 3


def test_nothing_asked_for_is_no_more_than_the_cores_of_this_machine() -> None:
    assert 1 <= threads.thread_budget(0) <= (os.cpu_count() or 1)


def test_what_the_person_has_set_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    threads.set_thread_environment()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "false"
