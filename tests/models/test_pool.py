"""All models of a library: what is known of them before one is loaded, and that all of them load."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.drawings import clock
from tests.support.models import ModelsByHand
from tests.support.threads import until


def test_the_pool_and_the_models_by_hand_are_the_same_to_a_library(tmp_path: Path) -> None:
    """mypy holds both to the protocol; here, that neither inherits from the other."""
    models: list[LibraryModels] = [ModelPool(Settings(library=tmp_path)), ModelsByHand(Settings(library=tmp_path))]
    assert [type(one).__mro__[1:] for one in models] == [(object,), (object,)]


def test_another_profile_is_wanted_from_the_moment_on_and_nothing_is_loaded_for_it(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path))
    assert (models.maker, models.measured, models.reranks) == (models.spare, True, False)
    models.want(" omni ")
    assert (models.profile, models.measured, models.reranks) == ("omni", False, True)
    assert models.maker != models.spare
    assert models.loading == ""
    with pytest.raises(BadArgument, match="crystal-ball"):
        models.known("crystal-ball")


def test_making_the_bundle_imports_nothing_heavy() -> None:
    code = """
import sys
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.config.settings import Settings
models = ModelPool(Settings())
print(models.embedders.state_of(models.maker), models.message_of(models.maker), models.status_lines(), models.reading)
heavy = {"torch", "numpy", "sentence_transformers", "onnxruntime", "ctranslate2", "cv2"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_an_unknown_profile_is_refused_with_those_there_are(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path, profile="crystal-ball"))
    models.start()
    with pytest.raises(ModelUnavailable, match=r"crystal-ball: no such profile.*builtin"):
        models.embedders.made(models.maker, 10)
    assert models.embedders.state_of(models.maker) == "missing"
    assert "crystal-ball" in models.message_of(models.maker)


def test_what_is_switched_off_is_none_and_says_so(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path, ocr="off", speech="off"))
    assert models.text_reader() is None
    assert models.transcriber() is None
    assert models.reading == {"ocr": "off", "speech": "off"}
    assert models.status_lines()["speech"] == "off"


def test_the_reading_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path))
    assert str(models.reading["ocr"]).startswith("PP-OCRv6 small")
    assert str(models.reading["speech"]).startswith("whisper-")
    assert set(models.status_lines().values()) == {"loaded when first needed"}


@pytest.mark.builtin
def test_everything_loads_and_answers_without_a_word_on_stdout(
    models: ModelPool, capfd: pytest.CaptureFixture[str]
) -> None:
    models.start()
    embedder, reranker = models.embedders.made(models.maker), models.reranker()
    assert models.transcriber() is not None
    assert models.text_reader() is not None
    assert reranker is not None
    assert reranker.score("a cat", ["a cat sleeps"])[0] is not None
    embedder.embed_query("a cat")
    embedder.embed_documents([clock()])
    assert (models.embedders.state_of(models.maker), models.message_of(models.maker)) == ("ready", "")
    assert set(models.status_lines().values()) == {"ready"}
    assert capfd.readouterr().out == ""


TEXTS_ALONE = """
import sys
import tests.support.without_torch
for name in ("onnxruntime", "faster_whisper", "PIL"):
    sys.modules[name] = None
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.pool import ModelPool
models = ModelPool(Settings())
models.start()
embedder, reranker = models.embedders.made(models.maker), models.reranker()
print(sorted((kind, found.shape) for kind, found in embedder.embed_query("a cat").items()))
print(embedder.embed_documents(embedder.windows("A cat sleeps. " * 100)).shape, embedder.identity["name"])
print(reranker.score("a cat", ["a cat sleeps"])[0] > 0.5, models.message_of(models.maker))
"""


@pytest.mark.builtin
def test_texts_are_embedded_where_nothing_but_their_model_can_be_imported() -> None:
    command = [sys.executable, "-c", TEXTS_ALONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "[('picture', (1, 1001)), ('text', (1, 384))]",
        "(4, 384) builtin",
        "True ",
    ], done.stderr


@pytest.mark.builtin
def test_the_text_model_leaves_the_memory_where_nobody_uses_it_and_answers_all_the_same(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path, model_idle_s=0.001))
    embedder = models.embedders.made(models.maker)
    before = embedder.embed_documents(["a cat"])
    until(lambda: models.builtin.rest())
    assert not models.builtin.rest()
    assert (models.embedders.state_of(models.maker), models.status_lines()["text vectors"]) == ("ready", "ready")
    np.testing.assert_array_equal(embedder.embed_documents(["a cat"]), before)
    models.rest()


@pytest.mark.builtin
def test_the_text_model_stays_where_the_setting_says_so_or_it_was_used(tmp_path: Path) -> None:
    for settings in (Settings(library=tmp_path, model_idle_s=0), Settings(library=tmp_path)):
        models = ModelPool(settings)
        assert not models.builtin.rest()  # not loaded
        models.embedders.made(models.maker)
        assert not models.builtin.rest()
