"""What sound and film share: windows over time, and which bytes are opened as either."""

import io
from itertools import pairwise
from types import ModuleType

import av
import numpy as np
import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, container, video
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import SplitPart
from tests.support import recordings


def source(data: bytes) -> Source:
    return Source(file=io.BytesIO(data), name="talk", document="ab" * 32)


def split(module: ModuleType, data: bytes) -> list[SplitPart]:
    return [step for step in module.split(source(data), Limits()) if isinstance(step, SplitPart)]


def windows(seconds: float) -> list[tuple[float, float]]:
    """Start and end of every window over a recording of so many seconds."""
    return list(container.streamed_windows(lambda until: min(until, seconds)))


def test_windows_cover_a_recording_and_leave_no_sliver() -> None:
    assert windows(0.0) == []
    assert windows(12.0) == [(0.0, 12.0)]
    assert windows(34.9) == [(0.0, 34.9)]
    assert windows(35.0) == [(0.0, 30.0), (25.0, 35.0)]
    assert windows(72.0) == [(0.0, 30.0), (25.0, 55.0), (50.0, 72.0)]


@pytest.mark.parametrize("seconds", np.linspace(0.1, 200.0, 57).tolist())
def test_windows_overlap_cover_everything_and_are_never_tiny(seconds: float) -> None:
    found = windows(seconds)
    assert found[0][0] == 0.0 and found[-1][1] == seconds
    assert all(after[0] == before[1] - 5.0 for before, after in pairwise(found))
    assert all(10.0 <= end - start < 35.0 for start, end in found) or len(found) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
        b"just some words\n" * 50,
        "UTF-16 words".encode("utf-16"),
        b"\0" * 5000,
        b"ID3\x04\0\0\0\0\0\x7f" + b"\0" * 200,
        b"RIFF\xff\xff\xff\xffWAVE",
        b"OggS",
        b"",
    ],
)
def test_playlists_texts_and_stumps_are_neither_opened_nor_followed(text: bytes) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        split(audio, text)
    assert refusal.value.code in ("corrupt", "unsupported_type")
    if not text.startswith((b"ID3", b"RIFF", b"OggS")):
        assert container.recording_kind(source(text)) is None


def test_a_cover_picture_makes_no_film() -> None:
    data = recordings.cover()
    assert audio.recognises(source(data)) and not video.recognises(source(data))
    assert split(audio, data)


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypavif",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypmif1",
        b"RIFF\x10\0\0\0WEBP",
        b"just text " * 99,
        b"",
    ],
)
def test_pictures_and_texts_are_not_taken_for_films(head: bytes) -> None:
    assert container.recording_kind(source(head + b"\0" * 99)) is None


@pytest.mark.parametrize(
    "text", [b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"v=0\n"]
)
def test_a_playlist_under_the_name_of_a_film_is_refused(text: bytes) -> None:
    with pytest.raises(UnreadableMedia, match="cannot be opened as sound or film"):
        split(video, text)


def test_damage_and_time_are_told_in_words() -> None:
    assert container.damage_notes(0, "sound") == []
    assert container.damage_notes(3, "sound") == ["3 damaged packets of its sound were left out."]
    assert (container.hours_minutes_seconds(3723.9), container.rounded_up(1.01)) == ("1:02:03", 1.1)
    (closing,) = container.closing_metadata(90.0, Limits(seconds=40.0), ["Cut."])
    assert (closing.seconds, closing.note) == (40.0, "Cut. Only the first 0:00:40 were read.")


def test_several_readers_of_one_file_do_not_move_each_other() -> None:
    file = io.BytesIO(b"0123456789")
    one, other = container.FileView(file), container.FileView(file)
    assert (one.read(4), other.read(2), one.read(2), one.tell()) == (b"0123", b"01", b"45", 6)
    assert (other.seek(-1, io.SEEK_END), other.read(5)) == (9, b"9")


def test_every_codec_that_is_read_has_a_decoder() -> None:
    for names in container._CODECS.values():
        for name in names.split():
            assert av.codec.Codec(name, "r")
