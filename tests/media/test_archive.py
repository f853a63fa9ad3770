"""ZIP archives: read like a folder, each file in them as a file of its own."""

import io
import zipfile

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Place, SplitPart
from tests.media.test_zipped import packed
from tests.support import parsing
from tests.support.media_files import notes, parts, pdf, picture, source

LIMITS = Limits()


def split(data: bytes) -> list[SplitPart]:
    return parts(media.split(source(data, "box.zip"), LIMITS))


def test_each_file_of_it_has_places_of_its_own_kind() -> None:
    box = packed({"a b/note.md": b"# Keel\n\nOak.", "scan.png": picture(), "plan.pdf": pdf(["One page.", "Two."])})
    found = split(box)
    assert [part.segment.place.fragment for part in found] == [
        "member=a%20b/note.md&char=0,12",
        "member=scan.png",
        "member=plan.pdf&page=1",
        "member=plan.pdf&page=2",
    ]
    assert [part.segment.modality for part in found] == ["text", "image", "page", "page"]
    assert found[0].segment.heading == "Keel"


def test_what_is_cited_can_be_loaded_again() -> None:
    data = packed({"in.zip": packed({"deep.txt": b"At the bottom."}), "scan.png": picture()})
    for part in split(data):
        fragment = part.segment.place.fragment
        assert Place.parse(fragment) == part.segment.place
        assert media.load(source(data, "box.zip"), part.segment, LIMITS) is not None
    (deep, _) = split(data)
    assert deep.segment.place.fragment == "member=in.zip&member=deep.txt&char=0,14"
    assert media.load(source(data), deep.segment, LIMITS) == "At the bottom."


def test_one_file_that_cannot_be_read_costs_a_note_and_the_others_go_on() -> None:
    steps = list(media.split(source(packed({"bad.pdf": b"%PDF-1.7 no", "good.txt": b"Words."})), LIMITS))
    assert [part.segment.text for part in parts(steps)] == ["Words."]
    (note,) = notes(steps)
    assert note.startswith("Not read: bad.pdf")


def test_a_file_whose_name_is_too_long_costs_a_note_and_the_others_go_on() -> None:
    data = packed({f"{'a/' * 30_000}a.txt": b"Deep.", f"{'ü' * 300}.txt": b"Long.", "b.txt": b"Words."})
    pool = Workers(LIMITS, 1)
    texts, note = parsing.split(pool, packed({"in.zip": packed({"in.zip": data})}))
    pool.close()
    assert texts == ["Long.", "Words."]
    assert "was not read, for its name is too long: a/a/" in note


def test_hidden_files_and_keys_are_left_out_and_counted() -> None:
    data = packed({".env": b"SECRET=1", "__MACOSX/x": b"a", ".ssh/a": b"Host", "id_rsa": b"key", "n.txt": b"Note."})
    steps = list(media.split(source(data), LIMITS))
    assert [part.segment.text for part in parts(steps)] == ["Note."]
    assert notes(steps) == ["4 files in it were left out: hidden, or named like keys and passwords."]


def test_archives_in_archives_end_somewhere() -> None:
    data = b"The bottom."
    for _ in range(7):
        data = packed({"in.zip" if data[:2] == b"PK" else "bottom.txt": data})
    with pytest.raises(UnreadableMedia) as failure:
        split(data)
    assert failure.value.code == "nothing_to_read"
    assert str(failure.value) == f"box.zip: {'in.zip: ' * 4}in.zip was not read: it is a file within 4 others."


def test_an_archive_of_which_nothing_is_read_says_why() -> None:
    with pytest.raises(UnreadableMedia, match=r"box.zip: 1 file in it was left out: hidden, or named like keys"):
        split(packed({"id_rsa": b"key"}))


def test_an_empty_archive_and_one_with_a_password_are_told() -> None:
    with pytest.raises(UnreadableMedia, match="empty"):
        split(packed({}))
    file = io.BytesIO(packed({"a.txt": b"words"}))
    with zipfile.ZipFile(file) as archive:
        at = archive.start_dir
    data = bytearray(file.getvalue())
    data[6] |= 1
    data[at + 8] |= 1
    with pytest.raises(UnreadableMedia, match="password") as failure:
        split(bytes(data))
    assert failure.value.code == "encrypted"
