"""Encoding in two halves: many threads prepare, and get what one alone would have got."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.encoder import Encoder, take_turns
from mcp_mmretrieval.types import Content
from tests.models.hub.test_qwen import spec
from tests.support.contents import TEXTS, film, picture
from tests.support.threads import until
from tests.support.tiny import qwen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen.embedder(tmp_path_factory.mktemp("models") / "tiny-qwen")


def test_many_threads_get_the_vectors_that_one_gets(folder: Path) -> None:
    embedder = HubEmbedder(spec(folder), Device())
    lots: list[list[Content]] = [
        [*TEXTS],
        [TEXTS[0]],
        [picture(seed, 60 + 7 * seed, 90 - 5 * seed) for seed in range(4)],
        [film(1), film(2)],
        [" ".join(TEXTS) * 3, "a"],
    ]
    alone = [embedder.embed_documents(lot) for lot in lots]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(embedder.embed_documents, lots * 6))
    for number, found in enumerate(together):
        np.testing.assert_allclose(found, alone[number % len(lots)], atol=1e-5)


def test_a_batch_is_prepared_while_another_ones_forward_pass_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device()
    embedder = HubEmbedder(spec(folder), device)
    forward, entered = embedder._encoder.forward, threading.Semaphore(0)

    def slow(features: Any, role: Any) -> Any:
        entered.release()
        until(lambda: device.turns.waiting > 0)  # who waits has prepared
        monkeypatch.setattr(embedder._encoder, "forward", forward)
        return forward(features, role)

    monkeypatch.setattr(embedder._encoder, "forward", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(embedder.embed_documents, [picture(1)])
        assert entered.acquire(timeout=30)
        second = pool.submit(embedder.embed_documents, [picture(2)])
        assert first.result(30).shape == second.result(30).shape


def test_threads_take_turns_on_a_tokenizer(folder: Path) -> None:
    """Else one would be cut where another one's setting says so, or the library would panic."""
    tokenizer = SentenceTransformer(str(folder), device="cpu", local_files_only=True).tokenizer
    kind = type(tokenizer)
    take_turns(tokenizer)
    take_turns(tokenizer)
    assert (isinstance(tokenizer, kind), type(tokenizer).__name__) == (True, kind.__name__)
    text = "one two three four five six seven"

    def cut(length: int) -> int:
        return len(tokenizer([text] * 20, truncation=True, max_length=length, padding="max_length")["input_ids"][7])

    lengths = [2 + number % 5 for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(cut, lengths)) == lengths


def test_for_a_card_a_batch_is_pinned_before_its_turn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    pinned = list[torch.Tensor]()

    def pin(self: torch.Tensor) -> torch.Tensor:
        pinned.append(self)
        return self

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    encoder = Encoder(model)
    encoder.prepare([{"text": "a boat"}], "document", "", {})
    assert not pinned
    encoder._pins = encoder._copies = True
    features = encoder.prepare([{"text": "a boat"}], "document", "", {})
    assert len(pinned) == sum(isinstance(value, torch.Tensor) for value in features.values()) > 0
    wanted = model.encode_document([{"text": "a boat"}], prompt="", show_progress_bar=False)
    np.testing.assert_allclose(encoder.forward(features, "document"), wanted, atol=1e-5)
