"""Jupyter notebooks (nbformat 3 and 4): the text of their cells, and the pictures that stand in them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile, TextPart
from mcp_mmretrieval.media.notation.markdown import markdown_structure
from mcp_mmretrieval.media.notation.notebook import read_notebook
from mcp_mmretrieval.media.passages import Heading, step_down
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.source_text import SourceText, decode_source
from mcp_mmretrieval.types import part_name

_KINDS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "png": ".png",
    "jpeg": ".jpg",
    "svg": ".svg",
}
"""The pictures of an output by their types, those of nbformat 3 last; the first that is there is taken."""
_ATTACHED = re.compile(r"!\[([^\]\n]*)\]\(attachment:([^)\s]+)")


def recognises(source: Source) -> bool:
    """Whether it is called so and is one: what is broken is read as text."""
    if PurePath(source.name).suffix.lower() != ".ipynb":
        return False
    return read_notebook(decode_source(source, Limits()).text) is not None


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The text, whose places count the file's characters, then each picture of an output or a cell."""
    decoded = decode_source(source, limits)
    read = read_notebook(decoded.text)
    if read is None:
        reason = f"{source.name}: the notebook has more than {limits.characters:,} characters, which is the limit."
        raise UnreadableMedia("too_large", reason)
    yield from decoded.metadata(read, limits)
    yield TextPart(text=SourceText(read, len(decoded.text), source.name))
    for number, (suffix, written, heading) in enumerate(_pictures(json.loads(decoded.text)), 1):
        yield InnerFile(
            part=part_name("picture", number),
            name=f"picture {number}{suffix}",
            data=partial(_bytes, suffix, written),
            heading=heading,
        )


def _pictures(notebook: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Suffix, what is written, and heading of each picture in order."""
    trail: list[Heading] = []
    sheets = [notebook, *notebook.get("worksheets", [])]
    for cell in (cell for sheet in sheets for cell in sheet.get("cells", [])):
        written = _joined(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            step_down(trail, markdown_structure(written)[0])
        path = [heading.title for heading in trail]
        for name, bundle in _mapping(cell.get("attachments")).items():
            alt = next((found[1] for found in _ATTACHED.finditer(written) if found[2] == name), "")
            yield from _of_bundle(bundle, [*path, alt])
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            output = _mapping(output)
            yield from _of_bundle(output.get("data", output), path)


def _of_bundle(bundle: object, path: list[str]) -> Iterator[tuple[str, str, str]]:
    """One picture of those that say the same."""
    bundle = _mapping(bundle)
    for kind, suffix in _KINDS.items():
        if written := _joined(bundle.get(kind)):
            yield suffix, written, " > ".join(filter(None, path))
            return


def _bytes(suffix: str, written: str) -> bytes:
    if suffix == ".svg":
        return written.encode()
    try:
        return base64.b64decode(written)
    except binascii.Error as error:
        raise UnreadableMedia("corrupt", "its base64 is broken") from error


def _joined(written: object) -> str:
    """A text, which may be written as a list of its lines."""
    lines = written if isinstance(written, list) else [written]
    return "".join(line for line in lines if isinstance(line, str))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
