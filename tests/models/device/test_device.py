"""Which device models run on, in which precision, and whether they fit."""

import subprocess
import sys

import pytest
import torch

from mcp_mmretrieval.config.profiles import Dtype, EmbedderSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable, Unfit
from mcp_mmretrieval.models.device import device as module
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.device.device import Device

SPEC = EmbedderSpec(model="some/model")
GIGABYTE = 1_000_000_000
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def settings(**given: object) -> Settings:
    return Settings.model_validate({"library": "/nowhere", **given})


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Device:
    """A card of compute capability 7.5."""
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, name: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (7, 5))
    return Device("cuda:0")


def test_there_is_one_device_of_a_name_in_a_process() -> None:
    assert module.shared_device(settings(device="cpu")) is module.shared_device(settings(), "cpu")


@pytest.mark.parametrize(
    ("asked", "spec", "expected"),
    [
        ("auto", EmbedderSpec(model="m"), "float32"),
        ("auto", EmbedderSpec(model="m", cpu="bfloat16"), "float32"),
        ("bfloat16", EmbedderSpec(model="m"), "bfloat16"),
        ("float16", EmbedderSpec(model="m", half=True), "float16"),
    ],
)
def test_on_a_cpu_without_amx_it_is_float32_unless_asked_otherwise(
    asked: str, spec: EmbedderSpec, expected: Dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert Device("cpu").dtype(spec, settings(dtype=asked)) == expected


def test_on_a_cpu_with_amx_it_is_as_the_record_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert Device("cpu").dtype(EmbedderSpec(model="m", cpu="bfloat16"), settings()) == "bfloat16"
    assert Device("cpu").dtype(EmbedderSpec(model="m"), settings()) == "float32"


def test_an_old_card_takes_float32_and_float16_only_where_that_was_tried(card: Device) -> None:
    assert card.dtype(SPEC, settings()) == "float32"
    assert card.dtype(EmbedderSpec(model="m", half=True), settings()) == "float16"
    assert card.dtype(EmbedderSpec(model="m", cuda="float32"), settings()) == "float32"
    with pytest.raises(ModelUnavailable, match=r"cuda:0 does not compute in bfloat16\..*float32"):
        card.dtype(SPEC, settings(dtype="bfloat16"))


def test_a_newer_card_takes_what_the_record_says(card: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (8, 0))
    assert card.dtype(SPEC, settings()) == "bfloat16"


@pytest.mark.parametrize("name", ["cpu", "cuda:0"])
def test_float16_is_refused_where_the_model_was_not_made_for_it(card: Device, name: str) -> None:
    device = card if name == card.name else Device(name)
    with pytest.raises(ModelUnavailable, match=r"some/model: .*float16.*MMRETRIEVAL_DTYPE to auto"):
        device.dtype(SPEC, settings(dtype="float16"))


def test_attention_is_left_to_the_model_unless_asked_for(card: Device) -> None:
    assert card.attention("bfloat16", settings()) is None
    assert card.attention("bfloat16", settings(attention="eager")) == "eager"
    with pytest.raises(
        ModelUnavailable, match=r"FlashAttention needs a CUDA device and bfloat16 or float16 and .*sdpa"
    ):
        Device("cpu").attention("float32", settings(attention="flash_attention_2"))


def test_a_model_is_admitted_only_into_its_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: (6 * GIGABYTE, 10 * GIGABYTE))
    device = Device("cpu", memory_share=0.8)
    device.admit("some/model", int(3.1 * GIGABYTE))
    with pytest.raises(
        ModelUnavailable,
        match=r"some/model: needs 4\.1 GB on cpu, where models may still take 4\.0 GB: 6\.0 GB of 10\.0 GB are free\. "
        r".*MMRETRIEVAL_PROFILE.*MMRETRIEVAL_MEMORY_SHARE above 0\.8",
    ):
        device.admit("some/model", int(3.3 * GIGABYTE))


def test_this_machine_has_memory() -> None:
    free, total = Device("cpu").memory()
    assert 0 < free <= total


@pytest.mark.gpu
@needs_cuda
def test_a_card_says_what_it_has_and_computes_in() -> None:
    device = module.shared_device(settings(device="cuda"))
    free, total = device.memory()
    assert 0 < free <= total
    assert device.dtype(SPEC, settings()) in ("bfloat16", "float32")
    with pytest.raises(ModelUnavailable, match=r"huge/model: needs .* on cuda:0.*MMRETRIEVAL_DEVICE to cpu"):
        device.admit("huge/model", total)


@pytest.mark.gpu
@needs_cuda
def test_a_batch_that_does_not_fit_on_a_card_goes_in_halves_and_a_content_that_never_fits_fails_alone() -> None:
    device = module.shared_device(settings(device="cuda"))
    free, total = device.memory()
    row = free // 6  # a first batch has eight of them
    sizes, lengths = [1_000.0] * 32 + [1_000_000.0], list[int]()

    def run(rows: list[int]) -> list[float]:
        lengths.append(len(rows))
        held = [torch.ones(total if number == 32 else row, dtype=torch.uint8, device=device.name) for number in rows]
        return [float(one[-1]) for one in held]

    done: list[int] = []
    with pytest.raises(Unfit) as told:
        for rows, found in device.each("ones", sizes, run):
            assert found == [1.0] * len(rows)
            done += rows
    assert told.value.rows == (32,)
    assert sorted(done) == list(range(32))
    assert not device.lost
    assert lengths[:2] == [1, 8]
    assert max(lengths[2:]) <= 4


@pytest.mark.gpu
@needs_cuda
def test_a_card_is_lost_after_an_assertion_on_it() -> None:
    """In a process of its own: none gets the card back afterwards."""
    code = """
import torch
from mcp_mmretrieval.errors import DeviceLost
from mcp_mmretrieval.models.device import device as module
from mcp_mmretrieval.config.settings import Settings
device = module.shared_device(Settings(library="/nowhere", device="cuda"))
def run(rows):
    table = torch.zeros(4, device=device.name)
    return float(table[torch.tensor([9], device=device.name)].cpu()[0])
for _ in range(2):
    try:
        list(device.each("table", [1], run))
    except DeviceLost as error:
        print("lost:", bool(device.lost))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout.split() == ["lost:", "True"] * 2, ended.stderr
