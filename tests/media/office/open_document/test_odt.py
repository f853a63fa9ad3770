"""OpenDocument texts: what a reader sees of them is found, each word once, wherever it stands."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.open_document import odt as reader
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import SplitStep
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, picture, source, title
from tests.support.odt_files import MIMETYPE, content, fodt, frame, h, image, inline_image, odt, p

LIMITS = Limits()


def split(data: bytes, limits: Limits = LIMITS) -> list[SplitStep]:
    return list(media.split(source(data, "report.odt"), limits))


def text(steps: Sequence[SplitStep]) -> str:
    return "\n".join(part.segment.text for part in parts(steps) if part.segment.modality == "text")


def style(name: str, more: str = "", properties: str = "", family: str = "paragraph") -> str:
    return f'<style:style style:name="{name}" style:family="{family}" {more}>{properties}</style:style>'


def test_margins_notes_and_comments() -> None:
    masters = (
        f"<style:master-page><style:header>{p('letterhead')}</style:header>"
        f"<style:header-left style:display='false'>{p('not shown')}</style:header-left>"
        f"<style:footer>{p('bottom')}</style:footer></style:master-page>"
        f"<style:master-page><style:header>{p('letterhead')}</style:header></style:master-page>"
    )
    note = (
        '<text:note text:note-class="{}"><text:note-citation>{}</text:note-citation>'
        "<text:note-body><text:p>{}</text:p></text:note-body></text:note>"
    )
    comment = (
        "<office:annotation><dc:creator>Ann Lee</dc:creator><dc:date>2024</dc:date>"
        f"{p('please check')}</office:annotation>"
    )
    body = p(
        "Claim" + note.format("footnote", 1, "the source") + " and" + comment + note.format("endnote", "i", "last")
    )
    assert text(split(odt(body, masters=masters))) == (
        "letterhead\n\nClaim[1] and[i]\n[1] the source\nComment (Ann Lee): please check\n[i] last\n\nbottom"
    )


def test_it_says_of_itself_who_wrote_it_and_when() -> None:
    meta = (
        "<dc:title>Keel report</dc:title><meta:initial-creator>Ann Lee</meta:initial-creator>"
        "<meta:keyword>oak</meta:keyword><meta:keyword>elm</meta:keyword>"
        "<meta:creation-date>2024-03-02T10:00:00</meta:creation-date><dc:date>2025-01-01T00:00:00</dc:date>"
    )
    for data in (odt(p("words"), meta=meta), fodt(p("words"), meta=meta)):
        steps = split(data)
        assert title(steps) == "Keel report"
        (about,) = [about for about in abouts(steps) if about.keywords]
        assert about.keywords == "Ann Lee\noak\nelm"
        assert about.dated == datetime(2024, 3, 2, 10, tzinfo=UTC).timestamp()


def test_a_flat_document_is_read_alike() -> None:
    steps = split(fodt(h("One", 1) + p("Words " + frame(inline_image(picture()), "<svg:desc>A red square</svg:desc>"))))
    assert [(part.segment.place.fragment, part.segment.heading) for part in parts(steps)] == [
        ("char=0,25", "One"),
        ("picture=1", "A red square"),
    ]


def test_a_large_picture_in_a_flat_document_spoils_nothing() -> None:
    steps = split(fodt(p("Words") + p(frame(inline_image(bytes(12_000_000))))))
    assert text(steps) == "Words"
    assert len(notes(steps)) == 1


def test_macros_are_said() -> None:
    steps = split(odt(p("words"), parts={"Basic/Standard/Module1.xml": b"<a/>", "Basic/script-lc.xml": b"<a/>"}))
    assert notes(steps) == ["It has macros. They were not run."]
    assert notes(split(odt(p("words"), parts={"Basic/script-lc.xml": b"<a/>"}))) == []


def test_a_document_with_a_password_says_so() -> None:
    manifest = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    with pytest.raises(UnreadableMedia, match="password") as failure:
        split(odt(p("words"), parts={"META-INF/manifest.xml": manifest}))
    assert failure.value.code == "encrypted"


def test_damaged_styles_spoil_nothing_and_a_damaged_body_is_the_documents_fault() -> None:
    files = {"mimetype": MIMETYPE.encode(), "content.xml": content(p("words"))}
    steps = split(packed(files | {"styles.xml": b"<a"}))
    assert text(steps) == "words"
    assert notes(steps) == ["Not read: styles.xml: its XML is damaged"]
    with pytest.raises(UnreadableMedia) as failure:
        split(packed(files | {"content.xml": b"<a"}))
    assert failure.value.code == "corrupt"


def test_too_much_text_is_cut_and_said() -> None:
    steps = split(odt("".join(p(f"paragraph {number}") for number in range(100))), Limits(characters=200))
    assert notes(steps) == ["Only its first 200 characters or so were read."]


def test_other_packages_and_other_xml_are_no_texts() -> None:
    assert reader.recognises(source(odt("")))
    assert reader.recognises(source(fodt("")))
    sheet = packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})
    for data in (sheet, packed({"a": b""}), b"<html>", b"PK\x03\x04"):
        assert not reader.recognises(source(data))


def test_a_locked_worker_reads_it(tmp_path: Path) -> None:
    data = odt(h("One", 1) + p("Words " + frame(image("Pictures/a.png"))), parts={"Pictures/a.png": picture()})
    (tmp_path / "a.odt").write_bytes(data)
    pool = Workers(LIMITS, 1)
    try:
        with (tmp_path / "a.odt").open("rb") as file:
            steps = list(pool.split(file.fileno(), name="a.odt", document="ab" * 32))
    finally:
        pool.close()
    assert [part.segment.place.fragment for part in parts(steps)] == ["char=0,10", "picture=1"]
