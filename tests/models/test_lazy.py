"""A model is loaded once, in the background; a failure is kept and tried again."""

import re
import threading

import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import progress
from mcp_mmretrieval.models.lazy import LazyModel


class Weighty:
    """A model whose loading is counted, waits for `gate`, and fails as long as `broken` is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.broken: Exception | None = None
        self.loads = 0

    def load(self) -> str:
        self.loads += 1
        assert self.gate.wait(60)
        if self.broken is not None:
            raise self.broken
        return "model"


def test_many_who_ask_at_once_share_one_loading() -> None:
    weighty = Weighty()
    part = LazyModel("toy model", weighty.load)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(part.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    weighty.gate.set()
    for thread in threads:
        thread.join(60)
    assert (found, weighty.loads) == (["model"] * 8, 1)


def test_waiting_ends_with_the_deadline_and_loading_goes_on() -> None:
    weighty = Weighty()
    part = LazyModel("toy model", weighty.load)
    with pytest.raises(ModelUnavailable, match="The toy model is still loading"):
        part.get(0.01)
    weighty.gate.set()
    assert part.get(60) == "model"
    assert weighty.loads == 1


def test_a_failure_is_kept_and_tried_again_when_the_model_is_asked_for() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = ModelUnavailable("The weights are missing. Run: pip install weights.")
    part = LazyModel("toy model", weighty.load)
    assert part.start().exception(10) is weighty.broken
    part.start()
    assert (part.line, weighty.loads) == (str(weighty.broken), 1)
    weighty.broken = None
    assert part.get(60) == "model"
    assert part.line == "ready"


def test_a_library_that_does_not_load_is_named_with_the_next_step() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = OSError("libcudart.so.13: cannot open shared object file")
    with pytest.raises(ModelUnavailable, match=r"The toy model cannot be loaded: libcudart.*doctor"):
        LazyModel("toy model", weighty.load).get(60)


def test_a_bug_reaches_those_who_wait_as_it_is() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = KeyError("a bug")
    with pytest.raises(KeyError):
        LazyModel("toy model", weighty.load).get(60)


class Place:
    """A process as far as a load is concerned."""

    generation = 1


def placed() -> tuple[LazyModel[str], Place, list[str]]:
    """A model in a process, and how often it was loaded."""
    place, loads = Place(), list[str]()

    def load() -> str:
        progress.report_device(place)
        loads.append("loaded")
        return f"model {len(loads)}"

    return LazyModel("toy model", load), place, loads


@pytest.mark.parametrize("generation", [0, 2])
def test_a_model_that_left_with_its_process_comes_back_when_it_is_asked_for(generation: int) -> None:
    part, place, loads = placed()
    assert part.get(60) == "model 1"
    assert (part.loaded, part.resting) == (True, False)
    place.generation = generation  # it ended, or another one was started for other models
    assert (part.loaded, part.resting, part.ready, part.failure) == (False, True, True, None)
    assert part.line.startswith("left memory")
    assert part.get(60) == "model 2"
    assert (part.loaded, part.resting, part.line) == (True, False, "ready")
    assert len(loads) == 2


def test_a_model_that_does_not_come_back_is_missing_again() -> None:
    part, place, loads = placed()
    part.get(60)
    place.generation = 0
    part._load = lambda: (_ for _ in ()).throw(OSError("no memory"))
    with pytest.raises(ModelUnavailable, match="no memory"):
        part.get(60)
    assert not part.ready
    assert len(loads) == 1


def test_how_far_a_load_is_can_be_seen_while_it_runs() -> None:
    gate, told = threading.Event(), threading.Event()

    def load() -> str:
        progress.report_progress("fetching", 1_200_000_000, 4_300_000_000)
        told.set()
        assert gate.wait(60)
        return "model"

    part = LazyModel("toy model", load)
    assert (part.progress, part.takes_long) == ("", False)
    part.start()
    assert told.wait(60)
    assert part.takes_long
    assert re.fullmatch(r"fetching for \d+ s, 1.20 of 4.30 GB", part.line)
    with pytest.raises(ModelUnavailable, match=r"still loading \(fetching for \d+ s, 1.20 of 4.30 GB\)"):
        part.get(0.01)
    gate.set()
    assert part.get(60) == "model"
    assert part.progress == ""
