"""What DrawingML says in words (ECMA-376, part 1, 20 and 21): text, tables, charts, SmartArt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcp_mmretrieval.media.office.blocks import write_blocks
from mcp_mmretrieval.media.office.diagrams import chart_blocks, diagram_blocks, drawn_text
from mcp_mmretrieval.media.office.xml_parts import Element, Package, Relation, local_name
from mcp_mmretrieval.media.structure import TextBuilder

MAX_GRAPHIC = 1_000_000
"""Characters of all that a slide or sheet says after which no more charts and diagrams on it are read."""

_NO_PICTURE_NAME = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".emf", ".wmf", ".svg", ".tif", ".tiff")
_MADE_UP = "Description automatically generated"


def settle_alternatives(root: Element) -> None:
    """Put the first choice in the place of each `AlternateContent`, or else the fallback: they say the same."""
    for alternative in list(root.iter("{*}AlternateContent")):
        parent = alternative.getparent()
        kept = sorted(alternative, key=lambda one: local_name(one) != "Choice")[:1]
        parent[parent.index(alternative) : parent.index(alternative) + 1] = [each for one in kept for each in one]


def paragraphs_of(body: Element | None) -> list[str]:
    """The paragraphs of a text body, of what holds one, or of several; numbers of slides are left out."""
    if body is None:
        return []
    return [text for paragraph in body.iter("{*}p") if (text := "".join(_pieces(paragraph)).strip())]


def alternative_text(properties: Element | None) -> str:
    """What the author says of a picture or drawing; empty where that is only the name of a file."""
    if properties is None:
        return ""
    given = (properties.get("title", ""), properties.get("descr", "").replace(_MADE_UP, ""))
    texts = (" ".join(text.split()) for text in given)
    return ". ".join(dict.fromkeys(text for text in texts if text and not text.lower().endswith(_NO_PICTURE_NAME)))


def related_id(element: Element | None, name: str = "id") -> str:
    """The id of the relation that an attribute such as `r:id` names; attributes of other namespaces are none."""
    if element is None:
        return ""
    return next(
        (value for key, value in element.attrib.items() if key.startswith("{") and key.endswith(f"}}{name}")), ""
    )


def add_table(builder: TextBuilder, table: Element) -> None:
    """A table, with its first row as names where it is marked so."""
    properties = table.find("{*}tblPr")
    marked = properties is not None and properties.get("firstRow") in ("1", "true")
    rows = [[" ".join(paragraphs_of(cell)) for cell in row.iterfind("{*}tc")] for row in table.iterfind("{*}tr")]
    builder.table(rows, header_rows=int(marked))


def add_graphic(
    builder: TextBuilder, package: Package, graphic: Element, relations: Mapping[str, Relation], *, numbers: bool = True
) -> None:
    """What a graphic frame holds: a table, a chart or a diagram. Raises UnreadableMedia.

    Without `numbers` only the titles of a chart: they stand in cells beside it.
    """
    for element in graphic.iter("{*}tbl", "{*}chart", "{*}relIds"):
        kind = local_name(element)
        if kind == "tbl":
            add_table(builder, element)
            return
        relation = relations.get(related_id(element, "dm" if kind == "relIds" else "id"))
        if relation is None or relation.external:
            continue
        root = package.xml(relation.target)
        if kind == "chart" and not numbers:
            for title in root.iter("{*}title"):
                builder.line(drawn_text(title))
        else:
            write_blocks(chart_blocks(root) if kind == "chart" else diagram_blocks(root), builder, MAX_GRAPHIC)


def _pieces(paragraph: Element) -> Iterator[str]:
    for element in paragraph.iter("{*}t", "{*}br", "{*}tab"):
        name = local_name(element)
        if name == "t":
            field = element.getparent()
            if local_name(field) != "fld" or field.get("type") != "slidenum":
                yield element.text or ""
        elif local_name(element.getparent()) != "tabLst":
            yield "\n" if name == "br" else " "
