"""Which of Microsoft's packages a file is, and what it says of itself."""

import io

import pytest

from mcp_mmretrieval.media.office.packages import is_package_of, main_part, properties_in, targets_of
from mcp_mmretrieval.media.office.xml_parts import Package, Relation
from tests.media.test_zipped import packed
from tests.support.office_files import related


def made(content_type: str, **more: bytes) -> bytes:
    types = f'<Types><Override PartName="/X/Main.xml" ContentType="{content_type}"/></Types>'
    relations = f"<R>{related('a', 'officeDocument', '/x/main.xml')}{related('b', 'core-properties', 'core.xml')}</R>"
    return packed({"[Content_Types].xml": types.encode(), "_rels/.rels": relations.encode(), **more})


def test_the_type_of_the_main_part_says_what_a_file_is() -> None:
    data = made("application/vnd.ms-excel.sheet.main+xml")
    assert main_part(Package(io.BytesIO(data))) == ("x/main.xml", "application/vnd.ms-excel.sheet.main+xml")
    assert is_package_of(io.BytesIO(data), "spreadsheetml", "ms-excel")
    assert not is_package_of(io.BytesIO(data), "presentationml")


@pytest.mark.parametrize("data", [b"", b"PK\3\4 no more", packed({"a": b"b"}), packed({"[Content_Types].xml": b"<"})])
def test_what_is_no_package_is_none(data: bytes) -> None:
    assert not is_package_of(io.BytesIO(data), "ms-excel")


def test_damaged_properties_cost_a_note_and_missing_ones_nothing() -> None:
    assert properties_in(Package(io.BytesIO(made("x")))).note == ""
    damaged = properties_in(Package(io.BytesIO(packed({"meta.xml": b"<m"}))), "meta.xml")
    assert damaged.note == "What it says of itself as a whole (title, author, date) is damaged."
    good = properties_in(Package(io.BytesIO(packed({"meta.xml": b"<m><title>A log</title></m>"}))), "meta.xml")
    assert good.title == "A log"


def test_targets_are_those_within() -> None:
    relations = {
        "a": Relation("image", "one.png"),
        "b": Relation("image", "https://example.org/two.png", external=True),
        "c": Relation("slide", "three.xml"),
    }
    assert targets_of(relations, "image") == ["one.png"]
