import io
import struct
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, video
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.media.source import Sidecar, Source
from mcp_mmretrieval.types import DocumentMetadata, Film, Picture, Place, Segment, SplitPart
from tests.support import recordings
from tests.support.recordings import TrackMade

LIMITS = Limits()
CUES = ((1.0, 3.0, "{\\i1}Hello{\\i0} world"), (4.0, 6.0, "two\\Nlines"), (33.0, 36.0, "later"))


def source(data: bytes, *subtitles: bytes) -> Source:
    sidecars = tuple(Sidecar(name="film.srt", file=io.BytesIO(data)) for data in subtitles)
    return Source(file=io.BytesIO(data), name="film", document="cd" * 32, sidecars=sidecars)


def split(
    data: bytes, *subtitles: bytes, limits: Limits = LIMITS, start: int = 0
) -> tuple[list[SplitPart], list[DocumentMetadata]]:
    steps = list(video.split(source(data, *subtitles), limits, start))
    return [step for step in steps if isinstance(step, SplitPart)], [
        step for step in steps if isinstance(step, DocumentMetadata)
    ]


def shown(part: SplitPart) -> Film:
    assert isinstance(part.content, Film)
    return part.content


def notes(abouts: list[DocumentMetadata]) -> str:
    return " ".join(about.note for about in abouts)


def colour(picture: Picture) -> int:
    """Which of COLOURS the lower part of a picture shows."""
    mean = picture[picture.shape[0] // 2 :].reshape(-1, 3).mean(axis=0)
    return int(np.abs(np.array(recordings.COLOURS) - mean).sum(axis=1).argmin())


@pytest.mark.parametrize("keyframes", [1.0, 20.0])
@pytest.mark.parametrize("name", recordings.FILM)
def test_every_usual_format_gives_a_frame_of_every_scene_and_the_sound(name: str, keyframes: float) -> None:
    data = recordings.film(name, 42.0, every=7.0, keyframes=keyframes)
    parts, abouts = split(data)
    assert recording_kind(source(data)) == "video"
    assert [part.segment.place.start for part in parts] == [0.0, 25.0]
    assert parts[1].segment.place.end == pytest.approx(42.0, abs=0.15)
    assert abouts[0].modality == "video" and abouts[-1].seconds == pytest.approx(42.0, abs=0.1)
    for part in parts:
        film = shown(part)
        assert part.segment.frames == film.times
        assert all(colour(picture) == int(time / 7) for picture, time in zip(film.pictures, film.times, strict=True))
    assert {int(time / 7) for part in parts for time in part.segment.frames} == {0, 1, 2, 3, 4, 5}
    sound = shown(parts[0]).sound
    assert sound is not None and len(sound.samples) == 480_000 and audio.is_audible(sound)


@pytest.mark.parametrize("keyframes", [1.0, 20.0])
@pytest.mark.parametrize("name", recordings.FILM)
def test_loading_a_place_gives_the_frames_and_samples_that_split_gave(name: str, keyframes: float) -> None:
    data = recordings.film(name, 42.0, every=7.0, keyframes=keyframes)
    for part in split(data)[0]:
        film, loaded = shown(part), video.load(source(data), part.segment, LIMITS)
        assert loaded.times == film.times
        assert all(np.array_equal(a, b) for a, b in zip(loaded.pictures, film.pictures, strict=True))
        assert loaded.sound is not None and film.sound is not None
        assert np.abs(loaded.sound.samples - film.sound.samples).max() < 0.02


def test_a_place_without_frames_loads_one_from_within() -> None:
    data = recordings.film(seconds=30.0, every=10.0)
    segment = Segment(document="cd" * 32, modality="video", place=Place(start=10.0, end=20.0))
    film = video.load(source(data), segment, LIMITS)
    assert [colour(picture) for picture in film.pictures] == [1]
    assert 10.0 <= film.times[0] < 20.0


def test_pictures_are_no_larger_than_asked_and_never_enlarged() -> None:
    data = recordings.film(seconds=4.0, size=(320, 180))
    part = split(data, limits=Limits(side=160))[0][0]
    assert shown(part).pictures[0].shape == (90, 160, 3)
    assert video.load(source(data), part.segment, Limits(side=64)).pictures[0].shape == (36, 64, 3)
    assert shown(split(data)[0][0]).pictures[0].shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("matrix", "bar"),
    [
        ((0, 1, -1, 0), "right"),
        ((0, -1, 1, 0), "left"),
        ((-1, 0, 0, -1), "bottom"),
        ((-1, 0, 0, 1), "top"),  # mirrored left to right
        ((1, 0, 0, -1), "bottom"),  # upside down, and not turned
        ((0, 1, 1, 0), "left"),  # turned and mirrored
    ],
)
def test_a_film_that_was_taken_with_the_telephone_turned_or_mirrored_is_shown_upright(
    matrix: tuple[int, int, int, int], bar: str
) -> None:
    data = recordings.film(seconds=2.0, size=(160, 80), with_sound=False)
    at = data.index(b"tkhd") + 8 + 20 + 16  # ISO 14496-12: version 0, then the matrix; its first row is x' = a x + c y
    a, b, c, d = (number << 16 for number in matrix)
    turned = data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :]
    picture = shown(split(turned)[0][0]).pictures[0]
    sides = {"top": picture[:9], "bottom": picture[-9:], "left": picture[:, :9], "right": picture[:, -9:]}
    assert max(sides, key=lambda side: float(sides[side].mean())) == bar
    assert (picture.shape[0] > picture.shape[1]) == (matrix[0] == 0)


@pytest.mark.parametrize(("orientation", "bar"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")])
def test_a_film_of_a_camera_whose_frames_carry_exif_is_shown_upright(orientation: int, bar: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", orientation
    drawn = Image.new("RGB", (64, 48), "white")
    drawn.paste("black", (0, 0, 16, 48))
    frame, file = io.BytesIO(), io.BytesIO()
    drawn.save(frame, "JPEG", exif=exif)
    with av.open(file, "w", format="avi") as box:
        stream = box.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(5):
            packet = av.Packet(frame.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 5)
            box.mux(packet)
    (part,), _ = split(file.getvalue())
    picture = shown(part).pictures[0]
    sides = {"left": picture[:, :8], "right": picture[:, -8:], "top": picture[:8], "bottom": picture[-8:]}
    assert min(sides, key=lambda side: sides[side].mean()) == bar
    assert sides[bar].mean() < 40


@pytest.mark.parametrize(("name", "late"), [("mpeg", 2**33 / 90_000 - 12.0), ("mkv", 3_600.0)])
def test_a_clock_that_wraps_or_begins_late_costs_no_frames(name: str, late: float) -> None:
    parts, abouts = split(recordings.film(name, 30.0, every=5.0, late=late))
    assert parts[0].segment.frames == pytest.approx([0.0, 5.0, 10.0, 15.0, 20.0, 25.0], abs=0.1)
    assert abouts[-1].seconds == pytest.approx(30.0, abs=0.1)


def test_a_second_camera_is_noted() -> None:
    _, abouts = split(recordings.tracks(TrackMade(), TrackMade(tags={"title": "rear"}), seconds=2.0))
    assert 'not looked at: track 2 ("rear")' in notes(abouts)


@pytest.mark.parametrize("limit", [4, 16, 128])
def test_frames_are_no_more_than_the_limit_and_spread_over_the_film(limit: int) -> None:
    parts, _ = split(recordings.film(seconds=120.0, every=3.0, fps=4, size=(64, 48)), limits=Limits(frames=limit))
    times = sorted({time for part in parts for time in part.segment.frames})
    assert len(times) <= limit
    assert times[-1] > 120 * (1 - 2 / limit) - 6
    assert max(b - a for a, b in pairwise(times)) < max(2 * 120 / limit, 7.0)


def test_a_film_without_sound_has_frames_and_no_sound() -> None:
    data = recordings.film(seconds=9.0, with_sound=False)
    part = split(data)[0][0]
    assert shown(part).sound is None and len(shown(part).pictures) == 3
    assert video.load(source(data), part.segment, LIMITS).sound is None


def test_a_resumed_split_gives_the_same_later_places() -> None:
    for name in ("mp4", "avi"):
        data = recordings.film(name, 80.0, every=10.0)
        whole, resumed = split(data)[0], split(data, start=1)[0]
        assert [part.segment.place for part in resumed] == [part.segment.place for part in whole[1:]]
        film, again = shown(whole[2]).sound, shown(resumed[1]).sound
        assert film and again and np.abs(film.samples - again.samples).max() < 0.02
        assert all(part.segment.frames for part in resumed)


def test_a_film_beyond_the_limit_is_cut_with_a_note() -> None:
    parts, abouts = split(recordings.film(seconds=60.0), limits=Limits(seconds=20.0))
    assert [part.segment.place.fragment for part in parts] == ["t=0.0,20.0"]
    assert abouts[-1].seconds == 20.0 and "Only the first 0:00:20" in notes(abouts)


def test_pictures_with_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(UnreadableMedia, match="96 x 72") as refusal:
        split(recordings.film(seconds=2.0), limits=Limits(pixels=5_000))
    assert refusal.value.code == "too_large"


@pytest.mark.parametrize("name", ["mkv", "webm", "mp4", "avi", "mpeg"])
def test_damage_in_the_middle_is_noted_and_later_scenes_are_still_seen(name: str) -> None:
    data = bytearray(recordings.film(name, 42.0, every=7.0))
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(3).bytes(3000)
    parts, abouts = split(bytes(data))
    assert abouts[-1].seconds == pytest.approx(42.0, abs=1.0)
    assert any(time > 35 for part in parts for time in part.segment.frames)


@pytest.mark.parametrize("name", recordings.FILM)
def test_a_film_cut_short_gives_what_there_is(name: str) -> None:
    data = recordings.film(name, 40.0)
    try:
        parts, abouts = split(data[: len(data) // 2])
    except UnreadableMedia as error:
        assert name in ("mp4", "mov") and error.code == "corrupt"  # their index stands at the end
    else:
        assert parts and 5.0 < (abouts[-1].seconds or 0.0) < 41.0


@pytest.mark.parametrize("name", recordings.FILM)
def test_damaged_bytes_end_in_parts_or_in_a_clear_code(name: str) -> None:
    data = np.frombuffer(recordings.film(name, 6.0, cues=CUES[:1] if name == "mkv" else ()), np.uint8)
    random = np.random.default_rng(11)
    for share in (0.0005, 0.01, 0.2):
        broken = np.where(random.random(len(data)) < share, random.integers(0, 256, len(data)), data).astype(np.uint8)
        try:
            for part in split(broken.tobytes())[0]:
                video.load(source(broken.tobytes()), part.segment, LIMITS)
        except UnreadableMedia as error:
            assert error.code in ("corrupt", "unsupported_type", "too_large")
        except MemoryError:  # a header asked for too much: in a worker that is the code `memory`
            continue
