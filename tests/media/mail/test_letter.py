"""Mail is read as a person reads it."""

from email.message import EmailMessage

import pytest

from mcp_mmretrieval.media.mail.letter import is_mail, read_mail
from mcp_mmretrieval.media.notation.dates import parse_date


def letter(
    subject: str = "Grüße aus Köln", body: str = "Der Schornsteinfeger kommt.\n", cte: str = "base64"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Jürgen Müller <jm@example.org>"
    message["To"] = "club@example.org"
    message["Subject"] = subject
    message["Date"] = "Wed, 04 Mar 2026 13:00:00 +0100"
    message["X-Spam-Score"] = "unseen"
    message.set_content(body, cte=cte)
    return message


@pytest.mark.parametrize("cte", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_headers_and_body_are_read_decoded(cte: str, newline: str) -> None:
    body = "Kellerschlüssel für alle, die im Café sind, und noch viel mehr als siebzig Zeichen in einer Zeile.\n"
    source = letter(body=body, cte=cte).as_bytes().decode().replace("\n", newline)
    read = read_mail(source)
    assert read.title == "Grüße aus Köln"
    assert read.dated == parse_date("2026-03-04 12:00")
    assert "Jürgen Müller <jm@example.org>" in read.mapped.text
    assert body.strip() in read.mapped.text
    assert "unseen" not in read.mapped.text
    assert "MIME" not in read.mapped.text


def test_of_alternatives_the_plain_text_is_read_and_attachments_are_named() -> None:
    message = letter()
    message.add_alternative("<html><p>The page says it too.</p></html>", subtype="html")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="Prüfung.pdf")
    message.add_attachment("attached words", filename="words.txt")
    read = read_mail(message.as_string())
    assert "Schornsteinfeger" in read.mapped.text
    for words in ("page says", "attached words", "JVBER"):
        assert words not in read.mapped.text
    assert "Attachment: Prüfung.pdf" in read.mapped.text


@pytest.mark.parametrize("cte", ["base64", "quoted-printable"])
def test_a_message_that_is_html_alone_shows_what_can_be_seen(cte: str) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", "News"
    message.set_content("<html><style>p {}</style><p>Caf&eacute; &amp; größer</p></html>", subtype="html", cte=cte)
    source = message.as_string()
    read = read_mail(source)
    assert "Café & größer" in read.mapped.text
    assert "style" not in read.mapped.text
    first = read.mapped.text.index("Café & größer")
    begin, end = read.mapped.source_of(first, first + len("Café & größer"))
    assert read.mapped.range_of(begin, end) == (first, first + len("Café & größer"))
    assert read.loose


def test_a_message_within_a_message_is_read_too() -> None:
    outer = letter(subject="Fwd")
    outer.add_attachment(letter(subject="Inner", body="The inner words.\n"))
    source = outer.as_string().replace("Content-Disposition: attachment\n", "", 1)
    read = read_mail(source)
    assert read.title == "Fwd"
    assert "The inner words." in read.mapped.text


def test_a_line_of_a_letter_that_begins_as_a_mailbox_does_is_the_letter_s_own() -> None:
    read = read_mail(letter(body="Two links.\n\nFrom our blog\nhttps://example.org/1\n", cte="8bit").as_string())
    assert read.title == "Grüße aus Köln"
    assert "Two links.\n\nFrom our blog\nhttps://example.org/1" in read.mapped.text


def test_letters_of_a_header_that_stand_as_they_are_beside_encoded_ones_are_kept() -> None:
    read = read_mail("From: Müller € C:\\users =?utf-8?q?Fran=C3=A7ois?= <f@example.org>\nTo: club@example.org\n\nx")
    assert "From: Müller € C:\\users François <f@example.org>" in read.mapped.text


def test_only_what_begins_with_the_headers_of_a_message_is_mail() -> None:
    source = letter().as_string()
    assert is_mail(source, ".eml")
    assert is_mail("From a Wed Mar 4\n" + source, ".mbox")
    assert is_mail(source, ".txt")
    assert not is_mail(source, ".md")
    assert not is_mail("Subject: a talk\nDate: today\n\nFrom: here", ".txt")
    assert not is_mail("Just words.", ".eml")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "broken",
    [
        "Subject: =?utf-8?B?????=\n",
        "Subject: =?nonsense?Q?=FC?=\n",
        "Content-Type: multipart/mixed\n\nbody",
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n--x",
        "Content-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: quoted-printable\n\n=FC=",
        "Content-Type: multipart/mixed; boundary=x\n\n" + "--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 500,
        "A: b\n c\n" * 20_000,
        "From \n" * 20_000,
    ],
)
def test_broken_mail_is_read_as_well_as_may_be_and_in_time(broken: str) -> None:
    read = read_mail("From: a@example.org\n" + broken)
    assert "a@example.org" in read.mapped.text
