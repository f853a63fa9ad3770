"""Models are loaded once, in the background; failures are kept and tried again."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.models import Embedder, loading, underway
from mcp_mmretrieval.models.loading import Loading, Models


class Weighty:
    """A model whose loading is counted, waits for `gate`, and fails as long as `broken` is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.broken: Exception | None = None
        self.loads = 0

    def load(self) -> str:
        self.loads += 1
        assert self.gate.wait(10)
        if self.broken is not None:
            raise self.broken
        return "model"


def test_many_who_ask_at_once_share_one_loading() -> None:
    weighty = Weighty()
    part = Loading("toy model", weighty.load)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(part.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    weighty.gate.set()
    for thread in threads:
        thread.join(10)
    assert (found, weighty.loads) == (["model"] * 8, 1)


def test_waiting_ends_with_the_deadline_and_loading_goes_on() -> None:
    weighty = Weighty()
    part = Loading("toy model", weighty.load)
    with pytest.raises(ModelUnavailable, match="The toy model is still loading"):
        part.get(0.01)
    weighty.gate.set()
    assert part.get(10) == "model"
    assert weighty.loads == 1


def test_a_failure_is_kept_and_tried_again_when_the_model_is_asked_for() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = ModelUnavailable("The weights are missing. Run: pip install weights.")
    part = Loading("toy model", weighty.load)
    assert part.start().exception(10) is weighty.broken
    part.start()
    assert (part.line, weighty.loads) == (str(weighty.broken), 1)
    weighty.broken = None
    assert part.get(10) == "model"
    assert part.line == "ready"


def test_a_library_that_does_not_load_is_named_with_the_next_step() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = OSError("libcudart.so.13: cannot open shared object file")
    with pytest.raises(ModelUnavailable, match=r"The toy model cannot be loaded: libcudart.*doctor"):
        Loading("toy model", weighty.load).get(10)


def test_a_bug_reaches_those_who_wait_as_it_is() -> None:
    weighty = Weighty()
    weighty.gate.set()
    weighty.broken = KeyError("a bug")
    with pytest.raises(KeyError):
        Loading("toy model", weighty.load).get(10)


class Place:
    """A device as far as a load is concerned."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.idle = 0.0


def placed(kind: str) -> tuple[Loading[str], Place, list[str]]:
    """A model on a device, and how often it was loaded."""
    place, loads = Place(kind), list[str]()

    def load() -> str:
        underway.on(place)
        loads.append("loaded")
        return f"model {len(loads)}"

    return Loading("toy model", load), place, loads


def test_a_model_leaves_a_gpu_that_nobody_uses_and_comes_back_when_it_is_asked_for() -> None:
    part, place, loads = placed("cuda")
    assert part.get(10) == "model 1"
    place.idle = 899.0
    assert not part.rest(900.0)
    place.idle = 901.0
    assert part.rest(900.0)
    assert not part.rest(900.0)
    assert (part.loaded, part.ready, part.failure) == (False, True, None)
    assert part.line.startswith("left the GPU")
    assert part.get(10) == "model 2"
    assert (part.loaded, part.resting, part.line) == (True, False, "ready")
    assert len(loads) == 2


def test_on_a_cpu_models_stay() -> None:
    part, place, loads = placed("cpu")
    part.get(10)
    place.idle = 1e6
    assert not part.rest(900.0)
    assert part.loaded
    assert len(loads) == 1


def test_a_model_that_does_not_come_back_is_missing_again() -> None:
    part, place, loads = placed("cuda")
    part.get(10)
    place.idle = 1e6
    part.rest(1.0)
    loads.clear()
    part._load = lambda: (_ for _ in ()).throw(OSError("no memory"))
    with pytest.raises(ModelUnavailable, match="no memory"):
        part.get(10)
    assert not part.ready


def test_how_far_a_load_is_can_be_seen_while_it_runs() -> None:
    gate, told = threading.Event(), threading.Event()

    def load() -> str:
        underway.tell("fetching", 1_200_000_000, 4_300_000_000)
        told.set()
        assert gate.wait(10)
        return "model"

    part = Loading("toy model", load)
    assert (part.progress, part.takes_long) == ("", False)
    part.start()
    assert told.wait(10)
    assert part.takes_long
    assert re.fullmatch(r"fetching for \d+ s, 1.20 of 4.30 GB", part.line)
    with pytest.raises(ModelUnavailable, match=r"still loading \(fetching for \d+ s, 1.20 of 4.30 GB\)"):
        part.get(0.01)
    gate.set()
    assert part.get(10) == "model"
    assert part.progress == ""


def test_who_asks_for_the_state_hears_how_far_the_wanted_model_is(tmp_path: Path) -> None:
    gate, told = threading.Event(), threading.Event()

    class Fetched(Models):
        def _load_space(self, maker: str) -> Embedder:
            underway.tell("fetching", 1, 10**9)
            told.set()
            assert gate.wait(10)
            raise ModelUnavailable("no network")

    models = Fetched(Settings(library=tmp_path))
    models.start()
    assert told.wait(10)
    assert re.fullmatch(r"The models are loading\. Embedder: fetching for \d+ s, 0.00 of 1.00 GB\.", models.message)
    assert models.loading.startswith("embedder: fetching for")
    assert models.parts()["text vectors"].startswith("fetching for")
    gate.set()
    with pytest.raises(ModelUnavailable, match="no network"):
        models.embedder(10)
    assert models.loading == ""


def test_making_the_bundle_imports_nothing_heavy() -> None:
    code = """
import sys
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.config.settings import Settings
models = Models(Settings())
print(models.state, models.parts(), models.reading)
heavy = {"torch", "numpy", "sentence_transformers", "onnxruntime", "ctranslate2", "cv2"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_an_unknown_profile_is_refused_with_those_there_are(tmp_path: Path) -> None:
    models = Models(Settings(library=tmp_path, profile="crystal-ball"))
    models.start()
    with pytest.raises(ModelUnavailable, match=r"crystal-ball: no such profile.*builtin"):
        models.embedder(10)
    assert models.state == "missing"
    assert "crystal-ball" in models.message


def test_what_is_switched_off_is_none_and_says_so(tmp_path: Path) -> None:
    models = Models(Settings(library=tmp_path, ocr="off", speech="off"))
    assert models.text_reader() is None
    assert models.transcriber() is None
    assert models.reading == {"ocr": "off", "speech": "off"}
    assert models.parts()["speech"] == "off"


def test_the_reading_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    models = Models(Settings(library=tmp_path))
    assert str(models.reading["ocr"]).startswith("PP-OCRv6 small")
    assert str(models.reading["speech"]).startswith("whisper-")
    assert set(models.parts().values()) == {"loaded when first needed"}


@pytest.mark.builtin
def test_everything_loads_and_answers_without_a_word_on_stdout(
    models: Models, capfd: pytest.CaptureFixture[str]
) -> None:
    models.start()
    embedder, reranker = models.embedder(), models.reranker()
    assert models.transcriber() is not None
    assert models.text_reader() is not None
    assert reranker is not None
    assert reranker.score("a cat", ["a cat sleeps"])[0] is not None
    embedder.embed_query("a cat")
    assert (models.state, models.message) == ("ready", "")
    assert set(models.parts().values()) == {"ready"}
    assert capfd.readouterr().out == ""


@pytest.mark.builtin
def test_the_installed_torch_set_fits_together() -> None:
    assert loading.problems() == []


@pytest.mark.builtin
def test_without_a_classifier_texts_are_embedded_in_a_space_of_their_own(models: Models) -> None:
    from mcp_mmretrieval.models.builtin import BuiltinEmbedder
    from mcp_mmretrieval.models.device import Device
    from mcp_mmretrieval.models.imagenet import ClassNames
    from mcp_mmretrieval.models.minilm import MiniLM

    whole = models.embedder()
    alone = BuiltinEmbedder(MiniLM(1, Device()), None, ClassNames())
    assert (dict(alone.dims), alone.sees) == ({"text": 384}, frozenset())
    assert alone.identity != whole.identity
    assert list(alone.embed_query("a cat")) == ["text"]
    with pytest.raises(BadArgument, match="no words"):
        alone.embed_query(" \n")
