"""Containers of sound and film: which bytes are opened, and how they are read."""

import io
from pathlib import Path
from types import ModuleType

import av
import av.logging
import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, container, video
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import SplitPart
from tests.support.files import BLUE, RED, film


def source(data: bytes) -> Source:
    return Source(file=io.BytesIO(data), name="talk", document="ab" * 32)


def split(module: ModuleType, data: bytes) -> list[SplitPart]:
    return [step for step in module.split(source(data), Limits()) if isinstance(step, SplitPart)]


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
        assert recording_kind(source(text)) is None


@pytest.mark.parametrize(
    "text", [b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"v=0\n"]
)
def test_a_playlist_under_the_name_of_a_film_is_refused(text: bytes) -> None:
    with pytest.raises(UnreadableMedia, match="cannot be opened as sound or film"):
        split(video, text)


def test_damage_is_told_in_words() -> None:
    assert container.damage_notes(0, "sound") == []
    assert container.damage_notes(3, "sound") == ["3 damaged packets of its sound were left out."]


def test_several_readers_of_one_file_do_not_move_each_other() -> None:
    file = io.BytesIO(b"0123456789")
    one, other = container.FileView(file), container.FileView(file)
    assert (one.read(4), other.read(2), one.read(2), one.tell()) == (b"0123", b"01", b"45", 6)
    assert (other.seek(-1, io.SEEK_END), other.read(5)) == (9, b"9")


def test_every_codec_that_is_read_has_a_decoder() -> None:
    for names in container._CODECS.values():
        for name in names.split():
            assert av.codec.Codec(name, "r")


def test_nothing_that_ffmpeg_says_waits_for_pythons_lock(tmp_path: Path) -> None:
    """A decoder thread that did, while its decoder was freed, hung the parser."""
    data = bytearray(film(tmp_path / "clip.mp4", (RED, 2), (BLUE, 2)).read_bytes())
    begin = data.index(b"mdat")
    size = int.from_bytes(data[begin - 4 : begin], "big")
    data[begin + size // 2 : begin + size - 8] = bytes(size - 8 - size // 2)
    before = av.logging.get_last_error()
    split(video, bytes(data))
    assert av.logging.get_last_error() == before
