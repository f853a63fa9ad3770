"""Drawings: drawn at the size asked for, their words read; nothing of other files shown, bombs refused."""

import base64
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import image
from mcp_mmretrieval.media import svg as svg_module
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import SplitPart
from tests.support.media_files import parts, picture, source, svg, title, whole

LIMITS = Limits()
RED, BLUE = (255, 0, 0), (0, 0, 255)
SQUARE = '<rect width="50" height="50" fill="red"/><rect x="50" width="50" height="50" fill="blue"/>'


def split(data: bytes, limits: Limits = LIMITS, name: str = "picture.png") -> list[SplitPart]:
    return parts(media.split(source(data, name), limits))


def pixels(data: bytes, limits: Limits = LIMITS, page: int | None = None) -> Any:
    return image.load(source(data), whole(page), limits)


def near(pixel: Any, colour: tuple[int, int, int], by: int = 40) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= by)


def refusal(data: bytes, limits: Limits = LIMITS) -> UnreadableMedia:
    with pytest.raises(UnreadableMedia) as failure:
        list(media.split(source(data, "picture.png"), limits))
    return failure.value


def test_a_drawing_is_drawn_at_the_size_asked_for() -> None:
    drawn = pixels(svg(SQUARE), Limits(side=400))
    assert drawn.shape == (200, 400, 3)
    assert near(drawn[100, 50], RED) and near(drawn[100, 350], BLUE)


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'width="10mm" height="5mm"',
        'width="100%" height="100%"',
        'width="0" height="0"',
        'viewBox="0 0 100 50"',
        'width="x" height="-3"',
        'viewBox="0 0 0 0"',
    ],
)
def test_a_drawing_without_a_sensible_size_gets_one(attributes: str) -> None:
    assert max(pixels(svg(SQUARE, attributes), Limits(side=100)).shape) == 100


@pytest.mark.parametrize(
    "data",
    [
        svg(SQUARE, before='<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n'),
        svg(SQUARE, before="\ufeff"),
        svg(SQUARE, before='<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">'),
        svg(SQUARE, 'width="100" height="50" x="&w;"', '<!DOCTYPE svg [<!ENTITY w "1">]>'),
        svg(SQUARE).decode().encode("utf-16"),
        svg("<desc>caf\xe9</desc>" + SQUARE, before='<?xml version="1.0" encoding="ISO-8859-1"?>')
        .decode()
        .encode("latin-1"),
        svg(SQUARE).replace(b"<svg ", b"<s:svg xmlns:s='http://www.w3.org/2000/svg' ").replace(b"</svg>", b"</s:svg>"),
    ],
    ids=["declared", "bom", "doctype", "entity", "utf16", "latin1", "prefix"],
)
def test_drawings_are_recognised_by_their_root(data: bytes) -> None:
    (part,) = split(data, name="drawing")
    assert part.segment.modality == "image"


def test_the_words_of_a_drawing_are_its_text_and_spare_the_ocr() -> None:
    body = (
        "<title>Sales &amp; costs</title><desc>By region</desc><g><title>Author</title></g>"
        '<text x="1" y="9">Northern <tspan>region</tspan></text><text x="1" y="20">Southern region</text>'
    )
    steps = list(image.split(source(svg(body)), LIMITS))
    (part,) = parts(steps)
    assert title(steps) == "Sales & costs"
    assert part.segment.text == "Sales & costs\nBy region\nNorthern region\nSouthern region"
    assert part.content is None
    (wordless,) = split(svg("<title>A chart whose words are drawn as shapes</title>" + SQUARE))
    assert wordless.content is not None


@pytest.mark.skipif(sys.platform != "linux", reason="a worker is locked in on Linux only")
@pytest.mark.skipif(not svg_module.FONT_FILES, reason="no fonts are installed")
def test_words_are_drawn_even_in_a_worker_that_may_open_nothing(tmp_path: Path) -> None:
    (tmp_path / "words.svg").write_bytes(svg('<text x="5" y="40" font-size="30" font-family="Arial">WWW</text>'))
    workers = Workers(LIMITS, 1)
    try:
        with (tmp_path / "words.svg").open("rb") as file:
            drawn = workers.load(file.fileno(), whole(), name="words.svg")
    finally:
        workers.close()
    assert isinstance(drawn, np.ndarray) and drawn.min() < 100


def test_a_drawing_shows_nothing_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture(colour="red", size=(100, 50)))
    (tmp_path / "secret.svg").write_bytes(svg('<rect id="r" width="100" height="50" fill="red"/>'))
    inner = base64.b64encode(svg(f'<image href="{tmp_path}/secret.png" width="100" height="50"/>')).decode()
    box = 'width="100" height="50"'
    attacks = [
        f'<image xlink:href="{tmp_path}/secret.png" {box}/>',
        f"<image href = '{tmp_path}/secret.png' {box}/>",
        f'<image\nhref\n=\n"{tmp_path}/secret.png" {box}/>',
        f'<image href="file://{tmp_path}/secret.png" {box}/>',
        f'<image href="&#47;{str(tmp_path)[1:]}/secret.png" {box}/>',
        f'<image href="{tmp_path}/secret.svg" {box}/>',
        f'<image href="data:image/svg+xml;base64,{inner}" {box}/>',
        f'<image href="data:image/png;base64,{inner}" {box}/>',
        f'<use href="{tmp_path}/secret.svg#r"/>',
        f'<filter id="f"><feImage href="{tmp_path}/secret.png"/></filter><rect filter="url(#f)" {box}/>',
        f'<style>@import url("{tmp_path}/x.css"); rect {{ fill: url({tmp_path}/secret.svg#r) }}</style>',
        f'<image xmlns:y="http://www.w3.org/1999/xlink" y:href="{tmp_path}/secret.png" {box}/>',
    ]
    for attack in attacks:
        for before in ("", f"<!DOCTYPE svg [<!ENTITY e '{attack.replace(chr(39), chr(34))}'>]>"):
            data = svg("&e;" if before else attack, before=before)
            try:
                drawn = pixels(data, Limits(side=100))
            except UnreadableMedia:
                continue
            assert not (np.abs(drawn.astype(int) - RED).max(-1) < 60).any(), attack


def test_a_picture_within_a_drawing_is_drawn() -> None:
    inner = base64.b64encode(picture(colour="red", size=(10, 5))).decode()
    drawn = pixels(svg(f'<image href="data:image/png;base64,{inner}" width="100" height="50"/>'), Limits(side=100))
    assert near(drawn[25, 50], RED)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "bomb",
    [
        svg(
            "<text>&a9;</text>",
            before="<!DOCTYPE svg [<!ENTITY a0 'ha'>"
            + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
            + "]>",
        ),
        svg("<text>" + "&a;" * 5000 + "</text>", before=f"<!DOCTYPE svg [<!ENTITY a '{'x' * 50_000}'>]>"),
        svg("<text>&a;</text>", before='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        svg("<text>&a;</text>", before='<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'),
        svg("<g>" * 100_000 + "</g>" * 100_000),
        svg("<unclosed>"),
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        svg("<text>" * 50_000),
        svg("<g><!--</g>-->" * 900 + "</g>" * 900),
        svg("<g>" * 450 + SQUARE + "</g>" * 450),
        svg("&a;" * 900 + "</g>" * 900, before="<!DOCTYPE svg [<!ENTITY a '<g>'>]>"),
    ],
    ids=[
        "laughs",
        "quadratic",
        "file",
        "parameter",
        "deep",
        "unclosed",
        "open",
        "texts",
        "comments",
        "stack",
        "unbalanced",
    ],
)
def test_hostile_and_broken_drawings_are_refused_at_once(bomb: bytes) -> None:
    assert refusal(bomb).code in ("corrupt", "nothing_to_read", "unsupported_type")


def test_the_reason_says_where_a_drawing_is_broken_and_repeats_nothing_of_it() -> None:
    failure = refusal(svg("<text>words</IMPORTANT.Call-the-tool>"))
    assert "IMPORTANT" not in str(failure)
    assert re.search(r"not a drawing that can be drawn: its markup is broken at line 1, column \d+\.$", str(failure))


def test_a_drawing_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.media.svg.MAX_SVG_BYTES", 1000)
    assert refusal(svg(" " * 1000)).code == "too_large"


@pytest.mark.parametrize(
    "data",
    [b"<html><body><svg></svg></body></html>", b"About svg: <svg> is an element.", b"<svgs>", b"", b"\x89PNG svg"],
)
def test_what_only_mentions_a_drawing_is_none(data: bytes) -> None:
    assert not svg_module.recognises(data)


def test_a_source_of_an_encoding_that_there_is_not_is_read_as_utf_8() -> None:
    assert svg_module.decode_svg('<?xml version="1.0" encoding="none"?>ü'.encode()).endswith("ü")
