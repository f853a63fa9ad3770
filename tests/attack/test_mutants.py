"""Files of all kinds, damaged by chance: each gives parts or a reason, and costs neither the pool nor its time.

The damages are bit flips, cuts, splices with another file, spoilt numbers and repetitions.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import FAILURE_CODES, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from tests.attack.forms import FULL, rounds
from tests.media.mail.test_compressed_rtf import HELLO
from tests.media.mail.test_eml import full
from tests.media.mail.test_mbox import box
from tests.media.mail.test_msg import message
from tests.media.test_epub import book
from tests.support import recordings
from tests.support.compound_files import compound_file
from tests.support.media_files import half_red_half_blue, pdf, saved, scanned_pdf, svg
from tests.support.parsing import split

MUTANTS = rounds(160, 10_000)
LIMITS = Limits(part_timeout=20.0, file_timeout=40.0)
SLACK_S = 5.0
"""Seconds over its limits that a file may take on a busy machine."""
SEED = 20

Damage = Callable[[random.Random, bytes, bytes], bytes]


def flipped(chance: random.Random, data: bytes, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 3, 30))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.randrange(1, len(data))]


def spliced(chance: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def renumbered(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Four bytes somewhere say nothing, the most, or the sign alone."""
    at = chance.randrange(max(1, len(data) - 4))
    return data[:at] + chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")) + data[at + 4 :]


def repeated(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.randrange(1, 64))
    return data[:end] + data[start:end] * chance.choice((2, 50)) + data[end:]


DAMAGES: tuple[Damage, ...] = (flipped, cut, spliced, renumbered, repeated)


@pytest.fixture(scope="module")
def seeds() -> dict[str, bytes]:
    """A small whole file of each kind."""
    picture = half_red_half_blue()
    pictures = {kind: saved(picture, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")}
    return pictures | {
        "svg": svg('<text x="5" y="20">a ferry</text>'),
        "pdf": pdf(["A ferry crosses the fjord.", "A second page."]),
        "scan": scanned_pdf(["ferry"]),
        "html": b"<html><head><title>Ferry</title></head><body><h1>Times</h1><p>At nine.</p></body></html>",
        "csv": b"day,ferry\nMonday,9:00\nTuesday,10:00\n",
        "mail": b"From: a@example.org\nSubject: Ferry\nContent-Type: text/plain\n\nIt leaves at nine.\n",
        "mailbox": box(full(), full()),
        "outlook": compound_file(message(p1000="It leaves at nine.", p1009=HELLO)),
        "book": book(),
        "contacts": b"BEGIN:VCARD\r\nFN:Ann Oar\r\nTEL;TYPE=CELL:+44 1\r\nEND:VCARD\r\n",
        "calendar": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260314\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n",
        "srt": recordings.srt([(0.0, 2.0, "the ferry leaves")]),
        **{kind: recordings.sound(kind, 1.0, rate=48_000) for kind in ("wav", "mp3", "flac", "opus", "m4a", "mka")},
        "mp4": recordings.film("mp4", 2.0),
    }


@pytest.fixture(scope="module")
def pool() -> Iterator[Workers]:
    workers = Workers(LIMITS, 2)
    yield workers
    workers.close()


def outcome(pool: Workers, data: bytes) -> str:
    """`read`, or the code of the failure. Raises AssertionError for a reason that nobody should be given."""
    began = time.monotonic()
    try:
        split(pool, data)
    except UnreadableMedia as error:
        reason = str(error)
        assert error.code in FAILURE_CODES - {"internal"}, reason
        assert reason.isprintable(), reason
        assert len(reason) < 300, reason
        return error.code
    finally:
        assert time.monotonic() - began < LIMITS.file_timeout + SLACK_S
    return "read"


@pytest.mark.timeout(7_200 if FULL else 240)
def test_each_damaged_file_is_read_or_refused_with_a_reason_and_the_next_one_is_read(
    seeds: dict[str, bytes], pool: Workers
) -> None:
    chance = random.Random(SEED)
    made = []
    for number in range(MUTANTS):
        kind, other = chance.sample(sorted(seeds), 2)
        damage = DAMAGES[number % len(DAMAGES)]
        made.append((f"{damage.__name__} {kind}", damage(chance, seeds[kind], seeds[other])))

    def judged(mutant: tuple[str, bytes]) -> str:
        name, data = mutant
        try:
            return outcome(pool, data)
        except AssertionError as error:
            return f"{name} ({len(data)} bytes): {error}"

    with ThreadPoolExecutor(2) as threads:
        outcomes = Counter(threads.map(judged, made))
    print(dict(outcomes))
    assert outcomes.keys() <= FAILURE_CODES | {"read"}
    assert outcomes["read"] > MUTANTS / 10
    assert outcomes["corrupt"] > MUTANTS / 10
    for kind, data in seeds.items():
        assert outcome(pool, data) in ("read", "nothing_to_read"), kind
