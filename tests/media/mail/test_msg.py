"""Outlook's messages: their words and all that is attached are found, in messages within messages too."""

import re
import struct
import uuid
from typing import Any

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.mail.appointments import END, LOCATION, START
from mcp_mmretrieval.types import Place, SplitPart
from tests.media.mail.test_compressed_rtf import HELLO
from tests.support.compound_files import Tree, compound_file
from tests.support.media_files import abouts, notes, parts, pdf, picture, source, title

LIMITS = Limits()
SENT = 134_170_992_000_000_000
"""2026-03-04 12:00 in units of 100 ns since 1601."""


def storage(header: int, numbers: dict[int, int] | None = None, **properties: str | bytes | Tree) -> dict[str, Any]:
    """A storage of a message; properties are named by their number in hex: `p0037`."""
    rows = b"".join(struct.pack("<HHIQ", 3, number, 6, value) for number, value in (numbers or {}).items())
    out: dict[str, Any] = {"__properties_version1.0": bytes(header) + rows}
    for name, value in properties.items():
        kind = "001F" if isinstance(value, str) else "0102" if isinstance(value, bytes) else "000D"
        out[f"__substg1.0_{name[1:]}{kind}"] = value.encode("utf-16-le") if isinstance(value, str) else value
    return out


def message(header: int = 32, attached: tuple[Tree, ...] = (), **properties: Any) -> dict[str, Any]:
    filled = {"p0037": "Haul the sheet", "p0C1A": "Ann Oar", "p5D01": "ann@example.org"} | properties
    out = storage(header, {0x0039: SENT}, **filled)
    out["__recip_version1.0_#00000000"] = storage(8, {0x0C15: 1}, p3001="Bob", p39FE="bob@example.org")
    out["__recip_version1.0_#00000001"] = storage(8, {0x0C15: 2}, p3001="Carl", p3003="/o=EXCHANGE/cn=x")
    return out | {f"__attach_version1.0_#{number:08X}": each for number, each in enumerate(attached)}


def file(name: str, data: bytes, method: int = 1, **more: Any) -> dict[str, Any]:
    return storage(8, {0x3705: method}, p3707=name, p3701=data, **more)


def split(tree: Tree, name: str = "mail.msg") -> list[SplitPart]:
    return parts(media.split(source(compound_file(tree), name), LIMITS))


def where(tree: Tree, word: str) -> str:
    (part,) = [part for part in split(tree) if word in part.segment.text]
    assert Place.parse(part.segment.place.fragment) == part.segment.place
    content = media.load(source(compound_file(tree), "mail.msg"), part.segment, LIMITS)
    assert part.segment.modality == "page" or content == part.segment.text
    return re.sub(r"&?char=.*", "", part.segment.place.fragment)


def test_headers_and_body_are_read() -> None:
    steps = list(media.split(source(compound_file(message(p1000="The jib is set.\r\n")), "any name"), LIMITS))
    text = parts(steps)[0].segment.text
    for words in (
        "Haul the sheet",
        "From: Ann Oar <ann@example.org>",
        "To: Bob <bob@example.org>\nCc: Carl\n",
        "Date: 2026-03-04 12:00 UTC",
        "The jib is set.",
    ):
        assert words in text
    assert title(steps) == "Haul the sheet"
    assert [about.dated for about in abouts(steps) if about.dated] == [1772625600.0]
    assert notes(steps) == []


def test_an_appointment_says_when_and_where_it_is() -> None:
    names = {name: 0x8000 + number for number, name in enumerate((START, END, LOCATION))}
    entries = b"".join(struct.pack("<IHH", name, 3 << 1, number - 0x8000) for name, number in names.items())
    hour = 36_000_000_000
    tree = storage(32, {names[START]: SENT, names[END]: SENT + hour}, p0037="Trim", p1000="Bring rope.", p8002="Quay 4")
    tree["__nameid_version1.0"] = {
        "__substg1.0_00020102": uuid.UUID("{00062002-0000-0000-c000-000000000046}").bytes_le,
        "__substg1.0_00030102": entries,
    }
    text = split(tree)[0].segment.text
    assert "When: 2026-03-04 12:00 UTC to 2026-03-04 13:00 UTC\nWhere: Quay 4\n" in text


def test_attachments_are_numbered_behind_the_body_and_messages_are_nested() -> None:
    deepest = message(24, (file("deep.txt", b"Barnacles below."),), p1000="Inner words.", p0037="Keelhaul")
    nested = storage(8, {0x3705: 5}, p3001="Keelhaul") | {"__substg1.0_3701000D": deepest}
    tree = message(attached=(file("a.pdf", pdf(["One.", "The mizzenmast."])), nested), p1000="Body words.")
    assert where(tree, "Body words") == ""
    assert where(tree, "mizzenmast") == "part=2&page=2"
    assert where(tree, "Inner words") == "part=3"
    assert where(tree, "Barnacles") == "part=3&part=2"
    (deep,) = [part.segment for part in split(tree) if "Barnacles" in part.segment.text]
    assert deep.heading == "Keelhaul > deep.txt"


def test_without_plain_text_the_page_is_read_with_its_pictures() -> None:
    page = "<h1>Tide</h1><p>Café is high</p><p style='display:none'>unseen</p><img src='cid:a@b' alt='The red sail'>"
    shown = file("image001.png", picture(size=(90, 90)), p3712="a@b")
    steps = list(media.split(source(compound_file(message(attached=(shown,), p1013=page.encode())), "x.msg"), LIMITS))
    text, image = (part.segment for part in parts(steps))
    assert "Café is high" in text.text
    assert "unseen" not in text.text
    assert image.heading == "The red sail"
    assert len(notes(steps)) == 1


def test_without_either_the_rtf_is_read() -> None:
    assert where(message(p1009=HELLO), "hello world") == ""
    steps = list(media.split(source(compound_file(message(p1009=b"broken")), "x.msg"), LIMITS))
    assert notes(steps) == ["The body of the message could not be read: the body is damaged."]


def test_texts_of_old_messages_are_in_their_codepage() -> None:
    tree = storage(32, {0x3FFD: 1251}) | {"__substg1.0_0037001E": "Лодка на реке".encode("cp1251")}
    assert where(tree, "Лодка на реке") == ""


def test_what_is_not_read_is_said() -> None:
    linked = storage(8, {0x3705: 2}, p3707="far.doc")
    tree = message(
        attached=(linked, file("x", b"", method=6), file("id_rsa", b"key")), p001A="IPM.Note.SMIME", p1000=""
    )
    said = " ".join(notes(media.split(source(compound_file(tree), "x.msg"), LIMITS)))
    for words in ("far.doc was not read", "object of another program", "encrypted", "id_rsa was left out"):
        assert words in said


def test_a_contact_has_its_numbers() -> None:
    assert where(message(p001A="IPM.Contact", p3A1C="+44 1349 852"), "Phone (mobile): +44 1349 852") == ""


def test_a_container_of_another_kind_is_no_message() -> None:
    for data, code in (
        (compound_file({"WordDocument": b"x" * 5000}), "unsupported_type"),
        (compound_file({"a": b"b"})[:600], "corrupt"),
    ):
        with pytest.raises(UnreadableMedia) as failure:
            list(media.split(source(data, "x.msg"), LIMITS))
        assert failure.value.code == code


@pytest.mark.timeout(60)
def test_a_damaged_message_is_read_as_well_as_may_be_or_refused() -> None:
    whole = compound_file(message(attached=(file("a.txt", b"Words. " * 900),), p1000="Body " * 1000))
    for at in range(512, len(whole), 97):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            list(media.split(source(damaged, "x.msg"), LIMITS))
        except UnreadableMedia:
            continue
