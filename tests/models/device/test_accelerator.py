"""Which devices torch knows on a machine."""

import pytest
import torch

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.accelerator import resolve_device_name


@pytest.fixture
def no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CUDA cards, as far as one can see without using them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize(
    ("asked", "named"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
@pytest.mark.usefixtures("cards")
def test_the_setting_names_a_device(asked: str, named: str) -> None:
    assert resolve_device_name(asked) == named


@pytest.mark.parametrize(("apple", "named"), [(True, "mps"), (False, "cpu")])
@pytest.mark.usefixtures("no_cards")
def test_without_a_card_it_is_apples_gpu_or_the_cpu(apple: bool, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)
    assert resolve_device_name("auto") == named


@pytest.mark.usefixtures("no_cards")
def test_a_card_that_is_not_there_is_told() -> None:
    with pytest.raises(ModelUnavailable, match=r"MMRETRIEVAL_DEVICE is cuda:1, but torch sees none .*auto or cpu"):
        resolve_device_name("cuda:1")


@pytest.mark.usefixtures("cards")
def test_a_card_beyond_those_there_is_told() -> None:
    with pytest.raises(ModelUnavailable, match=r"MMRETRIEVAL_DEVICE is cuda:2, but torch sees only 2"):
        resolve_device_name("cuda:2")


def test_an_apple_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelUnavailable, match=r"MMRETRIEVAL_DEVICE is mps, but this machine has no GPU of Apple's"):
        resolve_device_name("mps")
