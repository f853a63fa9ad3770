"""Models in a process of their own answer as they would here."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import TextReader, Transcriber
from mcp_mmretrieval.models.identity import builtin_ocr_identity
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.process.client import ModelCall
from mcp_mmretrieval.models.process.remote import HUB_VARIABLES, ProcessLoader, process_pool
from mcp_mmretrieval.types import Film, Sound
from tests.support.models import ColourEmbedder

ENTRY = "tests.support.obedient_models"
BLUE = np.full((20, 50, 3), (0, 0, 255), np.uint8)


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[ProcessLoader]:
    made = ProcessLoader(Settings(library=tmp_path), entry=ENTRY)
    yield made
    made.close()


def test_an_embedder_over_there_is_the_same_as_here(loader: ProcessLoader) -> None:
    there, here = loader.embedder("colours"), ColourEmbedder()
    for name in ("identity", "dims", "sees", "hears", "films", "picture_side", "frame_side", "calls_at_once"):
        assert getattr(there, name) == getattr(here, name)
    assert there.windows("one\n\ntwo") == here.windows("one\n\ntwo")
    assert there.windows(" ") == []
    assert np.array_equal(there.embed_documents(["red", "blue"], ["a", "b"]), here.embed_documents(["red", "blue"]))
    film = Film([BLUE, BLUE], (0.0, 1.0))
    assert np.array_equal(there.embed_documents([BLUE, film]), here.embed_documents([BLUE, film]))
    asked, expected = there.embed_query("green"), here.embed_query("green")
    assert asked.keys() == expected.keys()
    assert all(np.array_equal(asked[kind], expected[kind]) for kind in expected)


def test_a_reranker_says_what_it_reads_without_being_sent_it(loader: ProcessLoader) -> None:
    there = loader.reranker("clip")
    assert (there.name, there.by_default, there.blends) == ("shortest first", frozenset(), False)
    assert (there.picture_side, there.frame_side) == (0, 0)
    assert there.reads("a word")
    assert not there.reads(" ")
    assert not there.reads(BLUE)
    assert not there.reads(Film([], ()))
    assert not there.reads(Sound(np.zeros(3, np.float32), 16_000))
    scores = there.score("short", ["a", "a much longer text", BLUE])
    assert scores[2] is None
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0] > scores[1]


def test_readers_say_what_they_read_and_hear(loader: ProcessLoader) -> None:
    reader: TextReader = loader.text_reader()
    transcriber: Transcriber = loader.transcriber()
    assert (reader.identity, transcriber.identity) == (builtin_ocr_identity(), {"name": "seconds"})
    assert reader.read(BLUE) == reader.recognise(BLUE).text == "wide sign"
    heard = transcriber.transcribe(Sound(np.full(8_000, 0.25, np.float32), 16_000), "de")
    assert (heard.language, heard.probability) == ("de", 0.5)
    assert [(cue.start, cue.end, cue.text) for cue in heard.cues] == [(0.0, 0.5, "0.25")]
    with pytest.raises(ValueError, match="no such language"):
        transcriber.transcribe(Sound(np.zeros(8_000, np.float32), 16_000), "xx")


def test_one_process_serves_where_there_is_no_gpu_and_another_the_gpu(tmp_path: Path) -> None:
    assert len(ProcessLoader(Settings(library=tmp_path, device="cpu")).processes) == 1
    kinds = [process.kind for process in ProcessLoader(Settings(library=tmp_path, device="cuda")).processes]
    assert kinds == ["cpu", "gpu"]


def test_a_model_that_left_is_loaded_again_by_its_next_call_and_by_whoever_asks_for_it(loader: ProcessLoader) -> None:
    lazy = LazyModel("embedder", lambda: loader.embedder("colours"))
    embedder = lazy.get(60)
    assert lazy.loaded
    (process,) = loader.processes
    process.rest(0.0)
    assert (lazy.loaded, lazy.resting) == (False, True)
    assert embedder.embed_documents(["red"]).shape == (1, 3)
    assert lazy.get(60).embed_documents(["red"]).shape == (1, 3)
    assert lazy.loaded


@pytest.mark.skipif(sys.platform != "linux", reason="the variables of another process are told by Linux alone")
def test_only_a_process_for_models_of_the_hub_keeps_its_memory_for_the_next_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person has set for torch wins. The built-in models get what the machine gives."""
    monkeypatch.setattr("mcp_mmretrieval.models.process.remote.may_have_gpu", lambda device: device == "cuda")

    def variables(loader: ProcessLoader) -> list[dict[str, str]]:
        """Of each of its processes."""
        found = []
        for process in loader.processes:
            process.call(ModelCall("ocr", "", "load"))
            told = Path(f"/proc/{process.pid}/environ").read_text(encoding="utf-8").rstrip("\0").split("\0")
            found.append(dict(one.split("=", 1) for one in told))
        loader.close()
        return found

    def made(**given: str) -> ProcessLoader:
        return ProcessLoader(Settings(library=tmp_path, **given), entry=ENTRY)  # type: ignore[arg-type]

    (plain,) = variables(made(profile="builtin", device="cpu"))
    assert not plain.keys() & HUB_VARIABLES.keys()
    (shared,) = variables(made(profile="omni", device="cpu"))
    assert HUB_VARIABLES.items() <= shared.items()
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "max_split_size_mb:64")
    readers, hub = variables(made(profile="omni", device="cuda"))
    assert not readers.keys() & (HUB_VARIABLES.keys() - {"PYTORCH_ALLOC_CONF"})
    assert (hub["MALLOC_ARENA_MAX"], hub["PYTORCH_ALLOC_CONF"]) == ("1", "max_split_size_mb:64")


def test_processes_rest_as_long_after_their_last_call_as_the_settings_say(tmp_path: Path) -> None:
    for seconds, left in ((0.0, False), (1e-6, True), (3_600.0, False)):
        loader = ProcessLoader(Settings(library=tmp_path, model_idle_s=seconds), entry=ENTRY)
        loader.embedder("colours")
        loader.rest()
        assert (loader.processes[0].generation == 0) == left
        loader.close()


def test_a_model_that_is_let_go_of_is_loaded_anew(loader: ProcessLoader, tmp_path: Path) -> None:
    loader.embedder("colours")
    loader.release("colours")
    loader.embedder("colours")
    assert (tmp_path / "counts" / "count load colours").read_text() == "2"


def test_a_pool_over_a_process_says_why_a_model_is_missing(tmp_path: Path) -> None:
    models: ModelPool = process_pool(Settings(library=tmp_path), entry=ENTRY)
    with pytest.raises(ModelUnavailable, match="changed since this server started"):
        models.transcriber()  # it hears otherwise than the one that was noted
    models.close()


def test_the_memory_of_the_machine_is_asked_for_over_there(loader: ProcessLoader) -> None:
    assert loader.device_memory().total_mb > 0


WITHOUT_TORCH = """
import sys
import tests.support.without_torch
from pathlib import Path
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.demo_media.film import DEMO_SAMPLE_RATE_HZ, read_recording
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.process.remote import process_pool
from mcp_mmretrieval.types import Sound
from tests.support.drawings import canvas, clock, pixels, traffic_light

models = process_pool(Settings(library=Path(sys.argv[1]), device=sys.argv[2]), entry="tests.support.without_torch")
embedder = models.embedders.made(models.maker)
shown = embedder.embed_documents([traffic_light(), clock()])
print(shown.shape, (shown @ embedder.embed_query(clock())["picture"][0]).argmax())
image, pen = canvas(size=(600, 200))
pen.text((40, 60), "HARBOUR", fill="black", font_size=80)
print(models.text_reader().read(pixels(image)))
recording = (read_recording("engine-log.ogg")[: 5 * DEMO_SAMPLE_RATE_HZ] / 32_768).astype("float32")
print([cue.text for cue in models.transcriber().transcribe(Sound(recording, DEMO_SAMPLE_RATE_HZ)).cues])
print(models.auto())
models.want("omni")
try:
    models.embedders.made(models.maker)
except ModelUnavailable as error:
    print(error)
models.close()
"""


@pytest.mark.builtin
@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("cpu", "because there is no GPU"),
        ("cuda", "because torch, .* is not installed. Run: pip install 'mcp-mmretrieval\\[hub\\]', then"),
    ],
)
def test_all_built_in_models_answer_where_torch_is_not_installed_and_others_say_what_is_missing(
    device: str, told: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path), device]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    seen, read, heard, auto, missing = done.stdout.splitlines() or [done.stderr]
    assert (seen, read) == ("(2, 1001) 1", "HARBOUR")
    assert "Northern Star" in heard
    assert re.search(rf"^\('builtin', .auto chose builtin, {told}", auto)
    assert re.search(r"^google/embeddinggemma-2 needs torch, .* Run: pip install 'mcp-mmretrieval\[hub\]'", missing)
