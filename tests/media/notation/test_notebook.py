"""What stands in the cells of a notebook."""

import json
from typing import Any

from mcp_mmretrieval.media.notation.notebook import read_notebook


def cell(kind: str, source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {"note": "unseen"}, "source": source, **more}


def test_cells_and_their_text_are_read_without_pictures() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["mean \x1b[1m27.35\x1b[0m\n", "Zürich"]},
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure>"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "bad salt", "traceback": ["\x1b[31mlong\x1b[0m"]},
    ]
    notebook = {
        "cells": [
            cell("markdown", ["# Salinity study\n", "Loch Etive."]),
            cell("code", "# no heading\nprint(mean)", outputs=outputs),
        ],
        "nbformat": 4,
    }
    for indent in (None, 1):
        read = read_notebook(json.dumps(notebook, indent=indent))
        assert read is not None
        assert read.title == "Salinity study"
        assert [heading.title for heading in read.headings] == ["Salinity study"]
        for words in ("Loch Etive.", "print(mean)", "mean 27.35\nZürich", "<Figure>", "ValueError", "bad salt"):
            assert words in read.mapped.text
        for words in ("iVBOR", "unseen", "stdout", "long", "metadata"):
            assert words not in read.mapped.text


def test_a_notebook_of_format_3_has_sheets() -> None:
    sheet = {"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": [{"text": ["one"]}]}]}
    read = read_notebook(json.dumps({"worksheets": [sheet], "nbformat": 3}))
    assert read is not None
    assert read.mapped.text == "x = 1\none"


def test_what_is_no_notebook_is_none() -> None:
    for lacking in ('{"cells": [{"source": "x"}]}', '{"worksheets": [{}]}'):
        assert read_notebook(lacking) is None
    for text in ("", "{}", "[1]", '{"cells": []}', '{"cells": [1]}', '{"cells": [{"cell_type": "code"', "[" * 100_000):
        assert read_notebook(text) is None
