"""Messages: their words and those of all that is attached are found, each with a place that leads back to it."""

import base64
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import Place, SplitPart
from tests.conftest import OpenLibrary
from tests.media.mail.test_letter import letter
from tests.support.media_files import abouts, notes, parts, pdf, picture, source, title
from tests.support.models import PATIENCE

LIMITS = Limits()


def split(data: bytes, name: str = "mail.eml") -> list[SplitPart]:
    return parts(media.split(source(data, name), LIMITS))


def where(data: bytes, word: str, name: str = "mail.eml") -> str:
    """The one place that has a word; it is loaded again, and says the word."""
    (part,) = [part for part in split(data, name) if word in part.segment.text]
    assert Place.parse(part.segment.place.fragment) == part.segment.place
    content = media.load(source(data, name), part.segment, LIMITS)
    assert not isinstance(content, str) or content == part.segment.text
    return re.sub(r"&?char=.*", "", part.segment.place.fragment)


def full() -> EmailMessage:
    """A mail with something in each corner."""
    mail = letter(body="The chimney is swept.\n")
    mail.add_attachment(
        pdf(["First page.", "The mizzenmast."]), maintype="application", subtype="pdf", filename="a.pdf"
    )
    mail.add_attachment("Ballast of lead.", filename="Prüfung.txt")
    inner = letter(subject="Keelhaul", body="Inner words.\n")
    inner.add_attachment("Barnacles below.", filename="deep.md")
    mail.add_attachment(inner)
    return mail


def test_each_attachment_is_a_place_of_its_own() -> None:
    data = full().as_bytes()
    assert where(data, "chimney") == ""
    assert "From: Jürgen Müller <jm@example.org>" in split(data)[0].segment.text
    assert where(data, "mizzenmast") == "part=2&page=2"
    assert where(data, "Ballast") == "part=3"
    assert where(data, "Inner words") == "part=4"
    assert where(data, "Barnacles") == "part=4&part=2"
    assert title(media.split(source(data, "mail.eml"), LIMITS)) == "Grüße aus Köln"
    assert notes(media.split(source(data, "mail.eml"), LIMITS)) == []


def test_what_is_attached_is_found_by_its_words_and_opened(open_library: OpenLibrary, folder: Path) -> None:
    library = open_library()
    (folder / "mail.eml").write_bytes(full().as_bytes())
    assert library.add().wait(PATIENCE).state == "done"
    for word, fragment in (("chimney", "char="), ("mizzenmast", "part=2&page=2"), ("barnacles", "part=4&part=2&char=")):
        (hit,) = library.search(word, lanes=("words",)).hits
        assert hit.title == "Grüße aus Köln"
        assert hit.segment.place.fragment.startswith(fragment)


def test_the_places_of_the_message_itself_are_those_of_the_source() -> None:
    data = letter(body="The café is swept.\n" * 200, cte="8bit").as_bytes()
    text = data.decode()
    for part in split(data):
        place = part.segment.place
        assert part.segment.text.splitlines()[-1] in text[place.first : place.last]


def test_an_attachment_says_what_it_is_called() -> None:
    mail = letter()
    mail.add_attachment(b"x,y\n1,2", maintype="text", subtype="csv", filename="Prüfung Köln.csv")
    assert split(mail.as_bytes())[-1].segment.heading.startswith("Prüfung Köln.csv")
    encoded = base64.b64encode("Grüße.txt".encode()).decode()
    old = (
        "From: a@example.org\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWords.\n--b\n"
        f'Content-Type: text/plain; name="=?utf-8?B?{encoded}?="\nContent-Transfer-Encoding: 8bit\n\nOld ways.\n--b--\n'
    )
    assert split(old.encode())[-1].segment.heading == "Grüße.txt"
    raw = old.replace(f"=?utf-8?B?{encoded}?=", "Grüße.txt")
    assert split(raw.encode())[-1].segment.heading == "Grüße.txt"


def test_parts_are_numbered_as_imap_numbers_them() -> None:
    """The example of RFC 3501, 6.4.5, as far as it has leaves."""
    inner = (
        "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nInner.\n"
        "--i\nContent-Type: text/csv; name=i.csv\n\nzinc\n--i--\n"
    )
    mail = (
        "From: a@example.org\nSubject: x\nContent-Type: multipart/mixed; boundary=o\n\n"
        "--o\n\nOuter.\n"
        "--o\nContent-Type: text/csv; name=o.csv\n\ntin\n"
        f"--o\nContent-Type: message/rfc822\n\nSubject: within\nFrom: b@example.org\n{inner}"
        f"--o\nContent-Type: multipart/mixed; boundary=n\n\n"
        "--n\nContent-Type: text/csv; name=n.csv\n\nlead\n--n--\n--o--\n"
    ).encode()
    assert [where(mail, word) for word in ("tin", "zinc", "lead")] == ["part=2", "part=3.2", "part=4.1"]


def test_a_message_that_is_nothing_but_a_file_has_it_as_its_first_part() -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["To"] = "a@example.org", "Scan", "b@example.org"
    mail.set_content(pdf(["Signed by the bosun."]), maintype="application", subtype="pdf")
    assert where(mail.as_bytes(), "bosun") == "part=1&page=1"


def test_pictures_that_a_page_shows_have_its_words_and_decoration_is_none() -> None:
    mail = letter()
    mail.add_alternative("<p>See <img src='cid:a@b' alt='The red sail'><img src=cid:dot@b></p>", subtype="html")
    page = mail.get_payload()[1]  # type: ignore[index]
    assert isinstance(page, EmailMessage)
    page.add_related(picture(size=(200, 100)), maintype="image", subtype="png", cid="<a@b>")
    page.add_related(picture(size=(1, 1)), maintype="image", subtype="gif", cid="<dot@b>")
    pictures = [part.segment for part in split(mail.as_bytes()) if part.segment.modality == "image"]
    assert [(each.place.fragment, each.heading) for each in pictures] == [("part=2.2", "The red sail")]


def test_an_invitation_and_a_contact_are_read() -> None:
    mail = letter()
    invitation = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Regatta\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    mail.add_alternative(invitation, subtype="calendar")
    contact = b"BEGIN:VCARD\r\nFN:Ann Oar\r\nNOTE:Knows the tides\r\nEND:VCARD\r\n"
    mail.add_attachment(contact, maintype="text", subtype="x-vcard", disposition="inline")
    data = mail.as_bytes()
    assert where(data, "Regatta") == "part=1.2"
    assert where(data, "Note: Knows the tides") == "part=2"


def test_an_attached_text_is_read_in_the_encoding_that_the_mail_names() -> None:
    mail = letter()
    mail.add_attachment("Лодка", filename="a.txt", charset="koi8-r")
    assert where(mail.as_bytes(), "Лодка") == "part=2"


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (
            'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x',
            "--x\n\nVersion: 1\n--x--",
            "encrypted",
        ),
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "MIIB", "encrypted"),
        ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "MIIB", "signature"),
        ("application/ms-tnef; name=winmail.dat", "eJ8+", "Outlook"),
        ("text/plain", "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", "PGP"),
        (
            'message/external-body; access-type=URL; URL="http://example.org"',
            "Content-Type: text/plain\n\n",
            "elsewhere",
        ),
    ],
)
def test_what_cannot_be_opened_is_said_and_the_headers_are_read(kind: str, body: str, said: str) -> None:
    mail = f"From: a@example.org\nSubject: Sealed\nContent-Type: {kind}\n\n{body}\n".encode()
    steps = list(media.split(source(mail, "mail.eml"), LIMITS))
    assert "Sealed" in parts(steps)[0].segment.text
    (note,) = notes(steps)
    assert said in note


def test_a_file_behind_the_words_takes_none_of_what_is_read_of_them() -> None:
    limits = Limits(characters=2_000)
    mail = letter(cte="7bit")
    mail.add_attachment("Ballast. " * 1_000, filename="a.txt")
    steps = list(media.split(source(mail.as_bytes(), "mail.eml"), limits))
    assert "Schornsteinfeger" in parts(steps)[0].segment.text
    assert [note for note in notes(steps) if "characters" in note] == [
        "a.txt: Only the first 2,000 characters were read, which is the limit."
    ]
    cut = letter(body="Ballast. \n" * 1_000, cte="7bit").as_bytes()
    assert len(notes(media.split(source(cut, "mail.eml"), limits))) == 1


def test_attached_keys_are_left_out_and_said() -> None:
    mail = letter()
    mail.add_attachment("secret", filename="id_rsa")
    steps = list(media.split(source(mail.as_bytes(), "mail.eml"), LIMITS))
    assert len(parts(steps)) == 1
    assert notes(steps) == ["id_rsa was left out: it is named like keys and passwords."]


def test_a_signature_is_no_loss() -> None:
    mail = letter()
    mail.add_attachment(b"0", maintype="application", subtype="pgp-signature", filename="signature.asc")
    assert notes(media.split(source(mail.as_bytes(), "mail.eml"), LIMITS)) == []


def test_an_attachment_that_cannot_be_read_costs_a_note_and_the_others_go_on() -> None:
    mail = letter()
    mail.add_attachment(b"%PDF-1.7 no", maintype="application", subtype="pdf", filename="bad.pdf")
    mail.add_attachment("Words of the next.", filename="good.txt")
    data = mail.as_bytes()
    assert where(data, "Words of the next") == "part=3"
    (note,) = notes(media.split(source(data, "mail.eml"), LIMITS))
    assert note.startswith("Not read: bad.pdf")


def test_behind_a_message_of_apple_s_stands_no_message() -> None:
    message = letter(body="The mooring.\n", cte="7bit").as_bytes()
    data = f"{len(message)}\n".encode() + message + b"<?xml version='1.0'?><plist><key>flags</key></plist>"
    whole = "".join(part.segment.text for part in split(data, "1.emlx"))
    assert "The mooring." in whole
    assert "plist" not in whole


def test_the_date_is_the_mail_s_own_and_not_that_of_one_within() -> None:
    mail = letter()
    inner = letter(subject="Old")
    inner.replace_header("Date", "Wed, 04 Mar 1998 13:00:00 +0100")
    mail.add_attachment(inner)
    dated = [about.dated for about in abouts(media.split(source(mail.as_bytes(), "mail.eml"), LIMITS)) if about.dated]
    assert len(dated) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [
        "Content-Type: text/plain\n\n" + "x" * 20_000_000,
        "Content-Type: multipart/mixed; boundary=x\n\n" + "--x\nContent-Type: text/csv; name=a.csv\n\nab\n" * 10_000,
        "Content-Type: multipart/mixed; boundary=x\n\n" + "--x\nContent-Type: message/rfc822\n\nFrom: a\n" * 10_000,
        "".join(f"Content-Type: multipart/mixed; boundary=x{n}\n\n--x{n}\n" for n in range(5_000)),
        "X-Long: " + "=?utf-8?q?" * 1_000_000 + "\n\nEnd.",
        "To: " + "=?utf-8?q?" * 200_000 + "\n\nEnd.",
        "Cc: " + "a@example.org,\n " * 200_000 + "\n\nEnd.",
    ],
    ids=["line", "parts", "messages", "deep", "header", "encoded", "folded"],
)
def test_mail_without_end_is_read_in_time(body: str) -> None:
    steps = list(media.split(source(f"From: a@example.org\nSubject: Sealed\n{body}".encode(), "mail.eml"), LIMITS))
    assert "Sealed" in parts(steps)[0].segment.text
