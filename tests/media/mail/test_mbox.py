"""Mailboxes: each message is found, and none is parsed to find another one."""

import io
from email.message import EmailMessage

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.mail import mbox
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import Place, Segment, SplitPart
from tests.media.mail.test_letter import letter
from tests.support.media_files import DOCUMENT, notes, parts, pdf, source

LIMITS = Limits()
LINE = b"From a@example.org Wed Mar  4 12:00:00 2026\n"


def box(*messages: EmailMessage | bytes) -> bytes:
    return b"".join(LINE + (each if isinstance(each, bytes) else each.as_bytes()) + b"\n" for each in messages)


def split(data: bytes, name: str = "Inbox") -> list[SplitPart]:
    return parts(media.split(source(data, name), LIMITS))


def test_each_message_has_its_number_and_says_what_it_is() -> None:
    found = [part.segment for part in split(box(letter(subject="One"), letter(subject="Zwei für Köln")))]
    assert [segment.place.part for segment in found] == ["part=1", "part=2"]
    date = "Wed, 04 Mar 2026 13:00:00 +0100"
    assert found[1].heading == f"Zwei für Köln — Jürgen Müller <jm@example.org> — {date}"


def test_what_is_attached_to_a_message_is_found_and_loaded() -> None:
    mail = letter()
    mail.add_attachment(pdf(["The capstan."]), maintype="application", subtype="pdf", filename="a.pdf")
    data = box(letter(), letter(), mail)
    (part,) = [part for part in split(data) if "capstan" in part.segment.text]
    assert part.segment.place.fragment == "part=3&part=2&page=1"
    assert media.load(source(data, "Inbox"), part.segment, LIMITS) is not None


def test_lines_that_are_quoted_are_read_as_they_were_written() -> None:
    plain = b"Subject: x\nFrom: a@example.org\n\n>From our blog\n>>From deeper\nFrom here it goes on: 12:00\n"
    (part, after) = split(box(plain, plain), "a.mbox")
    assert "\nFrom our blog\n>From deeper\nFrom here it goes on: 12:00" in part.segment.text
    assert media.load(source(box(plain, plain), "a.mbox"), after.segment, LIMITS) == after.segment.text


def test_a_line_of_a_body_that_is_no_line_of_a_mailbox_begins_no_message() -> None:
    plain = b"Subject: x\nFrom: a@example.org\n\nTwo links.\n\nFrom our blog\nhttps://example.org/1\n"
    (part,) = split(box(plain), "a.mbox")
    assert "From our blog\nhttps://example.org/1" in part.segment.text


@pytest.mark.parametrize("at", [-1, 0, 1, 3, 5, 6, 20, 44, 60])
def test_messages_are_found_wherever_a_block_of_the_file_ends(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = b"Subject: 1\nFrom: a@example.org\n\nOne.\n"
    monkeypatch.setattr(mbox, "_BLOCK", len(LINE + first) + at)
    found = split(box(first, first.replace(b"One", b"Two"), first.replace(b"One", b"Three")), "a.mbox")
    assert [part.segment.text.split()[-1] for part in found] == ["One.", "Two.", "Three."]


def test_line_ends_of_windows_are_those_of_a_mailbox_too() -> None:
    data = box(letter(subject="One"), letter(subject="Two")).replace(b"\n", b"\r\n")
    assert [part.segment.place.part for part in split(data)] == ["part=1", "part=2"]


class Watched(io.BytesIO):
    """Counts the bytes that are read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


def test_one_message_is_loaded_without_parsing_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = box(*[letter(subject=f"Letter {number}") for number in range(300)])
    last = split(data)[-1].segment
    asked: list[int] = []
    monkeypatch.setattr(mbox, "_heading", lambda file, first, end: asked.append(first))
    file = Watched(data)
    opened = Source(file=file, name="Inbox", document=DOCUMENT)
    assert media.load(opened, last, LIMITS) == last.text
    assert not asked
    assert file.read_bytes < 2 * len(data)


def test_messages_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "MAX_MESSAGES", 2)
    steps = list(media.split(source(box(letter(), letter(), letter(), letter()), "Inbox"), LIMITS))
    assert len(parts(steps)) == 2
    assert notes(steps) == ["Only the first 2 of 4 messages were read."]


def test_more_messages_are_read_than_files_of_another_kind() -> None:
    message = b"Subject: 1\nFrom: a@example.org\n\nOne.\n"
    steps = list(media.split(source(box(*[message] * 2_500), "Inbox"), LIMITS))
    assert len(parts(steps)) == 2_500
    assert notes(steps) == []


def test_a_place_that_is_not_there_is_told() -> None:
    segment = Segment(document=DOCUMENT, modality="text", place=Place(part="part=7", first=0, last=5))
    with pytest.raises(UnreadableMedia, match="nothing at part=7"):
        media.load(source(box(letter()), "Inbox"), segment, LIMITS)


@pytest.mark.timeout(60)
def test_a_mailbox_of_nothing_but_beginnings_is_read_in_time() -> None:
    (part,) = split(box(b"Subject: One\n\n") + b"From 1:00\n" * 200_000, "a.mbox")[:1]
    assert "One" in part.segment.text
