"""Reads the words in pictures: PP-OCRv6 small through RapidOCR, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from omegaconf import flag_override
from PIL import Image
from rapidocr import RapidOCR
from rapidocr.main import RapidOCRError
from rapidocr.utils.process_img import map_boxes_to_original

from mcp_mmretrieval.concurrency.priority_lock import PriorityLock
from mcp_mmretrieval.models import RecognisedText
from mcp_mmretrieval.models.builtin.layout import (
    TextBox,
    columns_from_the_right,
    lines_in_reading_order,
    runs_down_in_han,
    turn_of_page,
)
from mcp_mmretrieval.models.builtin.onnx_session import cpu_session
from mcp_mmretrieval.models.builtin.scripts import LineRead, script_note
from mcp_mmretrieval.models.builtin.tiles import TILE_PIXELS, joined_lines, tiles_of
from mcp_mmretrieval.models.identity import OCR_MIN_CONFIDENCE, OCR_SIDE_PIXELS, builtin_ocr_identity
from mcp_mmretrieval.models.weights import PADDLE_OCR_WHEEL
from mcp_mmretrieval.small_print import small_print
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.models.builtin.tiles import Corners
    from mcp_mmretrieval.types import Picture

_NARROW = 1 / 24
"""Least shorter side over longer side: RapidOCR refuses narrower pictures."""
_UPSIDE_DOWN = "180"
_ASKED = 3
"""Lines that tell whether a page is written from the top down."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at a picture gave."""

    boxes: list[TextBox]
    note: str
    vertical: bool
    """Whether it is written from the top down, in columns from the right."""


_MODEL_FILES = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
"""The weights of each step: lines are found, read, and told whether they stand on their head."""


class PaddleOcr:
    """A `TextReader`, loaded. Safe to call from several threads; they take turns."""

    def __init__(self, threads: int) -> None:
        """Raises ModelUnavailable when the weights are missing or damaged."""
        folder = PADDLE_OCR_WHEEL.locate()
        cv2.setNumThreads(threads)
        self._ocr = RapidOCR(
            params={
                "Global.log_level": "critical",  # else it logs each empty picture
                "Global.text_score": OCR_MIN_CONFIDENCE,
                "Det.limit_type": "max",
                "Det.limit_side_len": OCR_SIDE_PIXELS,
            }
        )
        # sessions of our own: RapidOCR would fetch files that it does not find, and its threads spin while they wait
        with flag_override(self._ocr.cfg, "allow_objects", True):
            for step, file in _MODEL_FILES.items():
                self._ocr.cfg[step].session = cpu_session(folder / file, threads, arena=False)
        self._turns = PriorityLock()

    @property
    def identity(self) -> Identity:
        """Weights and settings that decide what is read."""
        return builtin_ocr_identity()

    def read(self, picture: Picture) -> str:
        """The words in reading order, a line each; see `layout`."""
        return self.recognise(picture).text

    def recognise(self, picture: Picture) -> RecognisedText:
        """The words, also of a picture that stands on its side or its head: it is turned and read again."""
        with self._turns:
            seen = self._seen(picture)
            turn = 0 if seen.vertical else turn_of_page(seen.boxes)
            if turn:
                upright = self._seen(np.rot90(picture, -turn // 90))
                if turn_of_page(upright.boxes):  # neither way is upright
                    turn = 0
                else:
                    seen = upright
        lines = columns_from_the_right(seen.boxes) if seen.vertical else lines_in_reading_order(seen.boxes)
        return RecognisedText("\n".join(lines), turn, seen.note)

    def _seen(self, picture: Picture) -> _Seen:
        """The pieces of text that are read for sure, and what there is to tell of them."""
        image = np.ascontiguousarray(picture[..., ::-1])
        if max(image.shape) <= TILE_PIXELS:
            lines, crops = self._detected(image)
        else:
            lines = self._lines(image)
            crops = self._ocr.crop_text_regions(image, np.array(lines))
        if not crops:
            return _Seen([], "", vertical=False)
        read = self._read_lines(crops)
        sure = [
            (_box(corners, text, flipped), crop)
            for corners, crop, (text, score, flipped) in zip(lines, crops, read, strict=True)
            # a bar or a bullet reads as some sign: only letters and digits make text
            if score >= OCR_MIN_CONFIDENCE and any(map(str.isalnum, text))
        ]
        boxes = [box for box, _ in sure]
        lengths = (crop.shape[1] / crop.shape[0] for crop in crops)
        note = script_note([LineRead(*line[:2], length) for line, length in zip(read, lengths, strict=True)])
        vertical = runs_down_in_han(boxes) and self._signs_stand_upright(sure)
        return _Seen(boxes, note, vertical)

    def _signs_stand_upright(self, sure: Sequence[tuple[TextBox, Picture]]) -> bool:
        """Whether the signs of lines that run down stand upright: else it is a page on its side."""
        longest = sorted(sure, key=lambda piece: len(piece[0].text))[-_ASKED:]
        rows = []
        for _, crop in longest:
            side = crop.shape[0]
            signs = [np.rot90(crop[:, at : at + side], -1) for at in range(0, crop.shape[1] - side + 1, side)]
            rows.append(np.ascontiguousarray(np.concatenate(signs, axis=1)) if signs else crop)
        read: Any = self._ocr.recognize_txt(rows)
        common = [len(set(text) & set(box.text)) for text, (box, _) in zip(read.txts, longest, strict=True)]
        return 2 * sum(common) > sum(len(set(box.text)) for box, _ in longest)

    def _read_lines(self, crops: list[Picture]) -> list[tuple[str, float, bool]]:
        """The text of each line, its score, and whether it stood on its head."""
        turned, sides = self._ocr.cls_and_rotate(crops)
        read: Any = self._ocr.recognize_txt(turned)
        found = [(text, float(score), False) for text, score in zip(read.txts, read.scores, strict=True)]
        sure = self._ocr.cfg.Cls.cls_thresh
        doubted = [n for n, (side, score) in enumerate(sides.cls_res or ()) if _UPSIDE_DOWN in side and score > sure]
        if doubted:  # long lines are squeezed to be judged, and then often misjudged: the better reading tells
            as_it_stood: Any = self._ocr.recognize_txt([crops[number] for number in doubted])
            for number, text, score in zip(doubted, as_it_stood.txts, as_it_stood.scores, strict=True):
                on_its_head = found[number][1] > score
                found[number] = (*found[number][:2], True) if on_its_head else (text, float(score), False)
        return found

    def _lines(self, image: Picture) -> list[Corners]:
        """The corners of each line of a large picture, in its small print too."""
        height, width = image.shape[:2]
        scale = TILE_PIXELS / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        seen, _ = self._detected(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
        pieces: list[Corners] = []
        tiles = tiles_of(width, height, small_print(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))))
        for tile in tiles:
            corner = np.array([tile.left, tile.top], np.float32)
            piece = np.ascontiguousarray(image[tile.top : tile.bottom, tile.left : tile.right])
            pieces += [corners + corner for corners in self._detected(piece)[0]]
        return joined_lines([corners / scale for corners in seen], pieces, tiles)

    def _detected(self, image: Picture) -> tuple[list[Corners], list[Picture]]:
        """The corners of each line that stands in a picture of at most the usual size, and its pixels."""
        given, record = self._ocr.preprocess_img(_widened(image))
        try:
            crops, found = self._ocr.detect_and_crop(given, record)
        except RapidOCRError:  # there is none
            return [], []
        if found.boxes is None:
            return [], []
        height, width = given.shape[:2]
        boxes = map_boxes_to_original(found.boxes, record, height, width)
        return [np.asarray(corners, np.float32) for corners in boxes], crops


def _box(corners: Corners, text: str, flipped: bool) -> TextBox:
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return TextBox(float(left), float(top), float(right), float(bottom), text.strip(), flipped)


def _widened(picture: Picture) -> Picture:
    """The picture, a very narrow one with white beside it."""
    height, width = picture.shape[:2]
    least = int(np.ceil(max(height, width) * _NARROW))
    missing = (max(0, least - height), max(0, least - width))
    if not any(missing):
        return picture
    return np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=255)
