"""The sessions of ONNX Runtime: how they compute."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession  # type: ignore[import-untyped]

from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
from mcp_mmretrieval.models.builtin.ocr import PaddleOcr
from mcp_mmretrieval.models.device.device import Device
from tests.support.drawings import bar_chart

pytestmark = pytest.mark.builtin


def sober(session: InferenceSession, threads: int) -> bool:
    """Whether threads that wait for work sleep: spinning took a quarter of the processor time of OCR."""
    options = session.get_session_options()
    spins = options.get_session_config_entry("session.intra_op.allow_spinning")
    return (spins, options.intra_op_num_threads, options.inter_op_num_threads) == ("0", threads, 1)


def test_no_thread_of_ocr_spins_in_any_of_its_steps() -> None:
    reader = PaddleOcr(2)
    assert reader.read(bar_chart()).startswith("Revenue by region 2026")
    ocr: Any = reader._ocr
    assert [sober(step.session.session, 2) for step in (ocr.text_det, ocr.text_cls, ocr.text_rec)] == [True] * 3


def test_no_thread_of_the_classifier_spins(machine_cache: Path) -> None:
    classifier = ImageNetClassifier(2, Device("cpu"), machine_cache)
    assert classifier.probabilities([np.zeros((32, 32, 3), np.uint8)]).shape == (1, 1000)
    assert sober(classifier._net, 2)
