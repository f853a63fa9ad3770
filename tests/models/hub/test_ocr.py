"""Text recognition by models of real architectures with random weights: what they write is what transformers writes."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from mcp_mmretrieval.concurrency.priority_lock import urgent_turns
from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.ocr import DEFAULT_OCR_PROMPT, HubTextReader, _words
from mcp_mmretrieval.types import Picture
from tests.support.drawings import bar_chart, traffic_light
from tests.support.tiny import bert, ocr

MOST = 12


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("ocr")
    return {"llava": ocr.llava(made / "llava", seed=2), "trocr": ocr.trocr(made / "trocr", seed=1)}


def loaded(folder: Path, *, device: Device | None = None, pixels: int = 1_000_000, most: int = MOST) -> HubTextReader:
    return HubTextReader(ModelSpec(model=str(folder), pixels=pixels), device or Device(), "float32", 1, most)


def by_transformers(folder: Path, picture: Picture) -> str:
    model: Any = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    processor: Any = transformers.AutoProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    model.generation_config.max_length = None
    if folder.name == "trocr":
        given = processor(images=Image.fromarray(picture), return_tensors="pt")
    else:
        given = processor(images=Image.fromarray(picture), text=f"<image>{DEFAULT_OCR_PROMPT}", return_tensors="pt")
    tokens = model.generate(**given, max_new_tokens=MOST, do_sample=False)[0]
    start = 0 if folder.name == "trocr" else given["input_ids"].shape[1]
    return str(processor.decode(tokens[start:], skip_special_tokens=True)).strip()


@pytest.mark.parametrize("name", ["llava", "trocr"])
def test_it_writes_what_transformers_writes(folders: dict[str, Path], name: str) -> None:
    reader = loaded(folders[name])
    read = [reader.read(picture) for picture in (bar_chart(), traffic_light())]
    assert read == [by_transformers(folders[name], picture) for picture in (bar_chart(), traffic_light())]
    assert read[0] != read[1]


def test_a_picture_of_one_shade_is_not_looked_at(folders: dict[str, Path]) -> None:
    reader = loaded(folders["llava"])
    assert reader.read(np.full((200, 300, 3), 255, np.uint8)) == ""
    assert reader.read(np.full((1, 1, 3), 80, np.uint8)) == ""


@pytest.mark.parametrize("name", ["llava", "trocr"])
@pytest.mark.parametrize("shape", [(1, 2), (1, 3_000), (3_000, 1), (2, 3), (20, 4_000)])
def test_a_picture_of_any_shape_is_read(folders: dict[str, Path], name: str, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    assert isinstance(loaded(folders[name], pixels=40_000).read(picture), str)


def test_lines_are_kept_as_written_without_fences_and_repetitions() -> None:
    written = "```text\nEngine log\n  6 July \n\n---\nEngine room\nEngine room\n```"
    assert _words(written) == "Engine log\n6 July\nEngine room"
    assert _words("the " * 400) == ""


def test_a_search_waits_for_one_token_and_not_for_the_page(folders: dict[str, Path]) -> None:
    device = Device()
    reader = loaded(folders["llava"], device=device, most=400)
    reader._model.generation_config.eos_token_id = None  # so that it writes to the end
    done = threading.Event()
    order: list[str] = []

    def read() -> None:
        reader.read(bar_chart())
        order.append("page")
        done.set()

    begun = threading.Event()
    reader._model.register_forward_pre_hook(lambda *_: begun.set())
    threading.Thread(target=read).start()
    assert begun.wait(60)
    with urgent_turns(), device.turns:
        order.append("search")
    assert done.wait(60)
    assert order == ["search", "page"]


def test_a_model_that_does_not_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"a bert does not write what it sees.*MMRETRIEVAL_OCR"):
        loaded(bert(tmp_path / "bert"))
