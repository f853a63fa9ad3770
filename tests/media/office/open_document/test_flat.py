"""OpenDocument as one file of XML is read as the package that it stands for."""

import base64
import io

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.open_document import flat
from mcp_mmretrieval.types import Segment
from tests.media.test_zipped import packed
from tests.support.media_files import parts, picture, source
from tests.support.odt_files import p, root


def flat_file(kind: str, body: str) -> bytes:
    mimetype = f'office:mimetype="application/vnd.oasis.opendocument.{kind}"'
    return root("office:document", f"\n <office:body>\n{body}\n </office:body>\n", mimetype)


def segments(data: bytes) -> list[Segment]:
    return [part.segment for part in parts(media.split(source(data), Limits()))]


def test_the_rows_of_a_flat_sheet_are_read() -> None:
    rows = "".join(
        f"<table:table-row>\n  <table:table-cell office:value-type='string'>\n {p(ship)}\n </table:table-cell>\n"
        f"  <table:table-cell office:value-type='float' office:value='{number}'>{p(number)}</table:table-cell>\n"
        "</table:table-row>\n"
        for ship, number in (("Oak", "12"), ("Elm  wood", "7"))
    )
    table = f"<office:spreadsheet>\n<table:table table:name='Ships'>\n{rows}</table:table>\n</office:spreadsheet>"
    (found,) = segments(flat_file("spreadsheet", table))
    assert found.place.fragment == "sheet=Ships&row=1,2"
    assert found.text.split("\n")[0] == "Oak | 12"


def test_the_words_and_pictures_of_a_flat_slide_are_read() -> None:
    data = base64.b64encode(picture()).decode()
    shown = f"<draw:frame><draw:image>\n<office:binary-data>\n{data}\n</office:binary-data></draw:image></draw:frame>"
    sentence = p("An <text:span>oak</text:span> <text:span>ship</text:span>")
    words = f"<draw:frame><draw:text-box>{sentence}</draw:text-box></draw:frame>"
    deck = f"<office:presentation><draw:page draw:name='one'>{words}{shown}</draw:page></office:presentation>"
    text, drawn = segments(flat_file("presentation", deck))
    assert (text.place.part, text.text) == ("slide=1", "An oak ship")
    assert drawn.modality == "image"


def test_what_is_no_flat_document_stays_as_it_is() -> None:
    for data in (packed({"mimetype": b"x"}), b"<office:document>", b""):
        given = source(data)
        assert flat.as_package(given) is given


def test_more_than_can_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "MAX_XML_BYTES", 100)
    with pytest.raises(UnreadableMedia, match="it has more than"):
        flat.as_package(source(flat_file("presentation", "")))
    assert flat.flat_type(io.BytesIO(flat_file("text", ""))).endswith(b".text")
