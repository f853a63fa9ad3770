"""Packages of XML: parts by name, relations that stay inside, and nothing from outside."""

import io

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office import xml_parts
from mcp_mmretrieval.media.office.xml_parts import Package, Relation, local_name, parse_xml
from tests.media.test_zipped import packed

DOCUMENT_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def opened(files: dict[str, bytes]) -> Package:
    return Package(io.BytesIO(packed(files)))


def relations(*rows: str) -> bytes:
    rows_of = "".join(f"<Relationship {row}/>" for row in rows)
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package">{rows_of}</Relationships>'.encode()


def test_a_part_is_found_whatever_the_letters_of_its_name() -> None:
    package = opened({"Word/Document.xml": b"<a><b/></a>", "word\\media\\a b.png": b"x"})
    assert [local_name(child) for child in package.xml("word/document.xml")] == ["b"]
    assert "/word/media/a%20b.png" in package
    assert package.read("word/media/a b.png") == b"x"
    assert "word/other.xml" not in package
    with pytest.raises(UnreadableMedia, match="missing"):
        package.xml("word/other.xml")


def test_relations_lead_from_a_part_to_others_by_relative_and_absolute_names() -> None:
    package = opened(
        {
            "_rels/.rels": relations(f'Id="r1" Type="{DOCUMENT_TYPE}" Target="/word/document.xml"'),
            "word/_rels/document.xml.rels": relations(
                'Id="a" Type="x/image" Target="media/one.png"',
                'Id="b" Type="x/chart" Target="../charts/c.xml"',
                'Id="c" Type="x/hyperlink" Target="https://example.com/" TargetMode="External"',
                'Id="d" Type="x/image" Target="../../../etc/passwd"',
            ),
        }
    )
    assert package.relations("") == {"r1": Relation("officeDocument", "word/document.xml")}
    assert package.relations("word/document.xml") == {
        "a": Relation("image", "word/media/one.png"),
        "b": Relation("chart", "charts/c.xml"),
        "c": Relation("hyperlink", "https://example.com/", external=True),
        "d": Relation("image", "../../../etc/passwd", external=True),
    }
    assert package.relations("word/none.xml") == {}


def test_strict_names_become_transitional_ones_in_declarations_alone() -> None:
    strict = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    root = parse_xml(b'<w:a xmlns:w="' + strict + b'"><w:t>' + strict + b"</w:t></w:a>")
    assert root.tag == "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}a"
    assert root[0].text == strict.decode()


def test_parts_of_the_same_content_have_the_same_digest() -> None:
    package = opened({"a.png": b"red", "b.png": b"red", "c.png": b"blue"})
    assert package.digest("a.png") == package.digest("b.png") != package.digest("c.png")


def test_entities_are_not_expanded_and_comments_are_none() -> None:
    root = parse_xml(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>1&x;2<!-- no --><b/></a>')
    assert [local_name(child) for child in root] == ["", "b"]
    assert "".join(text for text in (root.text, root[-1].text) if text) == "1"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a>",
        b"<a/><b/>",
        b"\xff\xfe<",
        b"<a>" * 5_000 + b"</a>" * 5_000,
        b'<?xml version="1.0" encoding="x"?><a/>',
    ],
    ids=["nothing", "open", "two roots", "half", "deep", "encoding"],
)
def test_damaged_xml_is_the_files_fault(data: bytes) -> None:
    with pytest.raises(UnreadableMedia, match="XML is damaged") as failure:
        parse_xml(data)
    assert failure.value.code == "corrupt"


def test_xml_without_end_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_parts, "MAX_XML_BYTES", 100)
    with pytest.raises(UnreadableMedia) as failure:
        opened({"a.xml": b"<a>" + b" " * 200 + b"</a>"}).xml("a.xml")
    assert failure.value.code == "too_large"
