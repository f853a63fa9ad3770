"""Contacts of all versions."""

import base64

import pytest

from mcp_mmretrieval.media.notation.vcard import is_contact, read_contacts
from mcp_mmretrieval.media.source_text import SourceText


def card(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""])


def test_cards_of_old_are_decoded_without_their_photos() -> None:
    photo = base64.b64encode(bytes(range(256))).decode()
    folded = "\r\n ".join(photo[at : at + 70] for at in range(0, len(photo), 70))
    source = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen =\r\nM=C3=BCller\r\n"
        f"PHOTO;ENCODING=BASE64;JPEG:{folded}\r\n\r\nNOTE:friend\r\nEND:VCARD\r\n"
    )
    read = read_contacts(source)
    assert read.title == "Jürgen Müller"
    assert "Note: friend" in read.mapped.text
    assert photo[:40] not in read.mapped.text
    assert read.notes == ["Photos and files inside of it were left out: 1."]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("TEL;TYPE=WORK,VOICE:+44 1349 1", "Phone (work): +44 1349 1"),
        ("TEL;HOME;CELL:1", "Phone (home, mobile): 1"),
        ('TEL;VALUE=uri;TYPE="voice,home":tel:+1-555', "Phone (home): +1-555"),
        ("item1.EMAIL;type=INTERNET;type=pref:ann@b.org", "Email: ann@b.org"),
        (
            "ADR;TYPE=HOME:;;Harbour Rd 1\\, rear;Invergordon;;IV18;UK",
            "Address (home): Harbour Rd 1, rear, Invergordon, IV18, UK",
        ),
        ("ORG:Cromarty Trust;Boats", "Organisation: Cromarty Trust, Boats"),
        ("BDAY:19700314", "Birthday: Saturday, 1970-03-14"),
        ("NOTE:Knows\\nthe tides\\; all", "Note: Knows\nthe tides; all"),
        ("item1.X-ABLabel:_$!<Anniversary>!$_", "Label: Anniversary"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Caf=C3=A9", "Note: Café"),
    ],
)
def test_fields_are_told_in_words(line: str, words: str) -> None:
    assert f"{words}\n" in read_contacts(card("FN:Ann Oar", line)).mapped.text


def test_each_contact_is_a_passage_under_its_name() -> None:
    source = card("FN:Ann Oar", "NOTE:One") + card("N:Keel;Bob;;Dr.;", "NOTE:Two") + card("ORG:Trust", "NOTE:Three")
    assert is_contact(source)
    text = SourceText(read_contacts(source), len(source), "all.vcf")
    passages = list(text.cited())
    assert [passage.heading for passage in passages] == ["Ann Oar", "Dr. Bob Keel", "Trust"]
    assert [passage.text.split()[-1] for passage in passages] == ["One", "Two", "Three"]
    for passage in passages:
        assert text.shown(passage.first, passage.last) == passage.text


def test_a_name_is_said_once_unless_it_says_more() -> None:
    assert read_contacts(card("N:Oar;Ann", "FN:Ann Oar")).mapped.text == "Name: Ann Oar\n"
    assert read_contacts(card("FN:Ann Oar", "N:Oar;Ann;;;")).mapped.text == "Name: Ann Oar\n"
    assert "Prof." in read_contacts(card("FN:Ann Oar", "N:Oar;Ann;;Prof.;")).mapped.text


def test_the_place_of_a_folded_line_is_that_of_its_source() -> None:
    source = card("FN:Ann Oar", "NOTE:Knows the ti\r\n des")
    read = read_contacts(source)
    first = read.mapped.text.index("tides")
    assert source[slice(*read.mapped.source_of(first, first + 5))] == "ti\r\n des"


@pytest.mark.timeout(20)
def test_ten_thousand_contacts_are_read_in_time() -> None:
    assert len(read_contacts(card("FN:Ann Oar", "TEL:1") * 10_000).headings) == 10_000
