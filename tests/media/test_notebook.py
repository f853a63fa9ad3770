"""Notebooks: their text keeps its places in the source, and their pictures are places beside it."""

import base64
import json
from typing import Any

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.types import Place, SplitPart
from tests.media.notation.test_notebook import cell
from tests.support.media_files import notes, parts, picture, source, svg

LIMITS = Limits()
PNG = base64.encodebytes(picture()).decode()


def split(notebook: Any, name: str = "salt.ipynb") -> list[SplitPart]:
    return parts(media.split(source(json.dumps(notebook).encode(), name), LIMITS))


def salinity() -> dict[str, Any]:
    shown = {"output_type": "display_data", "data": {"text/plain": "<Figure>", "image/png": PNG, "image/jpeg": PNG}}
    return {
        "cells": [
            cell(
                "markdown",
                ["# Salinity\n", "![Loch Etive](attachment:loch.png)"],
                attachments={"loch.png": {"image/png": PNG}},
            ),
            cell("markdown", "## By depth"),
            cell("code", "plot()", outputs=[shown, {"data": {"image/svg+xml": svg("<rect/>").decode()}}]),
        ],
        "nbformat": 4,
    }


def test_pictures_are_places_under_the_heading_of_their_cell() -> None:
    found = [part.segment for part in split(salinity()) if part.segment.modality == "image"]
    assert [(each.place.fragment, each.heading) for each in found] == [
        ("picture=1", "Salinity > Loch Etive"),
        ("picture=2", "Salinity > By depth"),
        ("picture=3", "Salinity > By depth"),
    ]


def test_text_and_pictures_are_loaded_from_their_places() -> None:
    notebook = salinity()
    data = json.dumps(notebook).encode()
    found = split(notebook)
    assert found[0].segment.place.part == ""
    for part in found:
        assert Place.parse(part.segment.place.fragment) == part.segment.place
        content = media.load(source(data, "salt.ipynb"), part.segment, LIMITS)
        assert content == part.segment.text if part.segment.modality == "text" else content is not None


def test_notebooks_of_format_3_have_pictures_too() -> None:
    sheet = {"cells": [{"cell_type": "code", "input": "x", "outputs": [{"png": PNG, "text": ["one"]}]}]}
    assert [part.segment.place.part for part in split({"worksheets": [sheet]})] == ["", "picture=1"]


def test_a_broken_picture_costs_a_note() -> None:
    notebook = {"cells": [cell("code", "x = 1", outputs=[{"data": {"image/png": "abcde"}}, {"data": 3}, 4])]}
    steps = list(media.split(source(json.dumps(notebook).encode(), "a.ipynb"), LIMITS))
    assert len(parts(steps)) == 1
    (note,) = notes(steps)
    assert note.startswith("Not read: picture 1.png")


def test_what_is_no_whole_notebook_is_read_as_text() -> None:
    (part,) = parts(media.split(source(b'{"cells": [{"source": "Words', "a.ipynb"), LIMITS))
    assert "Words" in part.segment.text


def test_a_notebook_beyond_the_limit_is_refused() -> None:
    data = json.dumps(salinity()).encode()
    with pytest.raises(UnreadableMedia, match="more than 100 characters") as failure:
        list(media.split(source(data, "a.ipynb"), Limits(characters=100)))
    assert failure.value.code == "too_large"
