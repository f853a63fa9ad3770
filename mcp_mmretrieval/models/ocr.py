"""Reads the words in pictures: PP-OCRv6 small through RapidOCR, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rapidocr import RapidOCR

from mcp_mmretrieval.concurrency.priority_lock import Turns
from mcp_mmretrieval.models.identity import OCR_SIDE, OCR_SURE, ocr
from mcp_mmretrieval.models.layout import Box, lines
from mcp_mmretrieval.models.weights import PADDLE_OCR
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_NARROW = 1 / 24
"""Least shorter side over longer side: RapidOCR refuses narrower pictures."""


class PaddleOcr:
    """A `TextReader`, loaded. Safe to call from several threads; they take turns."""

    def __init__(self, threads: int) -> None:
        """Raises ModelUnavailable when the weights are missing or damaged."""
        folder = PADDLE_OCR.locate()
        cv2.setNumThreads(threads)
        # naming the files keeps RapidOCR from fetching them; `critical` keeps it from logging each empty picture
        self._ocr = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": OCR_SURE,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Det.model_path": str(folder / "PP-OCRv6_det_small.onnx"),
                "Rec.model_path": str(folder / "PP-OCRv6_rec_small.onnx"),
                "Cls.model_path": str(folder / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
                "Det.limit_type": "max",
                "Det.limit_side_len": OCR_SIDE,
            }
        )
        self._turns = Turns()

    @property
    def identity(self) -> Identity:
        """Weights and settings that decide what is read."""
        return ocr()

    def read(self, picture: Picture) -> str:
        """The words in reading order, a line each; see `layout`."""
        with self._turns:
            found: Any = self._ocr(_widened(picture[..., ::-1]))
        if found.boxes is None or found.txts is None:
            return ""
        pieces = zip(found.boxes, found.txts, strict=True)
        # a bar or a bullet reads as some sign: only letters and digits make text
        return "\n".join(lines([_box(corners, text) for corners, text in pieces if any(map(str.isalnum, text))]))


def _box(corners: Sequence[Sequence[float]], text: str) -> Box:
    across, down = zip(*corners, strict=True)
    return Box(float(min(across)), float(min(down)), float(max(across)), float(max(down)), text.strip())


def _widened(picture: Picture) -> Picture:
    """The picture, a very narrow one with white beside it."""
    height, width = picture.shape[:2]
    least = int(np.ceil(max(height, width) * _NARROW))
    missing = (max(0, least - height), max(0, least - width))
    if not any(missing):
        return np.ascontiguousarray(picture)
    return np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=255)
