"""HEIC as phones and cameras write it: upright once, its main picture, its colours, its words; hostile ones refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import image
from mcp_mmretrieval.media.heif import is_hdr_picture, is_heif
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Place
from tests.media.test_hdr import LIGHT, SHOWN, TO_BT2020, Curve, hlg, pq
from tests.support.heif import HeifPicture, film_of, heif
from tests.support.media_files import DOCUMENT, abouts, half_red_half_blue, notes, parts, saved, source, whole

LIMITS = Limits()
RED, BLUE = (255, 0, 0), (0, 0, 255)
PHOTO = half_red_half_blue((128, 96))
GREEN = Image.new("RGB", (64, 64), (0, 255, 0))


def pixels(data: bytes, limits: Limits = LIMITS) -> Any:
    return image.load(source(data), whole(), limits)


def near(pixel: Any, colour: tuple[int, int, int], by: int = 8) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= by)


def exif_of(**tags: Any) -> bytes:
    names = {"orientation": 0x0112, "caption": 0x010E, "taken": 0x9003}
    exif = Image.Exif()
    for name, value in tags.items():
        exif[names[name]] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"hevc"])
def test_it_is_one_picture_whatever_its_brand(brand: bytes) -> None:
    data = heif(HeifPicture(PHOTO), brand=brand)
    assert is_heif(data)
    (part,) = parts(media.split(source(data, "wrong.txt"), LIMITS))
    assert (part.segment.modality, part.segment.place) == ("image", Place())
    assert isinstance(part.content, np.ndarray) and part.content.shape == (96, 128, 3)
    assert near(part.content[50, 10], RED) and near(part.content[50, 120], BLUE)


def test_avif_and_films_are_none() -> None:
    assert not is_heif(saved(PHOTO, "AVIF"))
    assert not is_heif(b"\0\0\0\x18ftypisom\0\0\0\0")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_it_is_turned_as_its_container_says_and_exif_turns_it_no_more(orientation: int) -> None:
    exif = exif_of(orientation=orientation)
    clockwise = pixels(heif(HeifPicture(PHOTO, turn=3), exif=exif))
    assert clockwise.shape == (128, 96, 3)
    assert near(clockwise[10, 50], RED) and near(clockwise[120, 50], BLUE)
    mirrored = pixels(heif(HeifPicture(PHOTO, mirror=1), exif=exif))
    assert mirrored.shape == (96, 128, 3)
    assert near(mirrored[50, 10], BLUE) and near(mirrored[50, 120], RED)
    assert near(pixels(heif(HeifPicture(PHOTO), exif=exif))[50, 10], RED)


@pytest.mark.parametrize("primary", [1, 2])
def test_of_several_the_main_one_is_read_and_the_others_are_said(primary: int) -> None:
    takes = [HeifPicture(GREEN), HeifPicture(GREEN)]
    takes[primary - 1] = HeifPicture(PHOTO)
    data = heif(*takes, primary=primary)
    steps = list(image.split(source(data), LIMITS))
    (part,) = parts(steps)
    assert isinstance(part.content, np.ndarray) and near(part.content[50, 10], RED)
    assert np.array_equal(pixels(data), part.content)
    assert notes(steps) == ["2 pictures are in the file, of which the main one was read."]


def test_thumbnails_and_depth_are_no_pictures_of_it() -> None:
    depth = HeifPicture(GREEN, kind="urn:mpeg:hevc:2015:auxid:2")
    steps = list(image.split(source(heif(HeifPicture(PHOTO), depth, HeifPicture(GREEN, kind="thumbnail"))), LIMITS))
    assert len(parts(steps)) == 1 and notes(steps) == []


def test_its_day_its_caption_and_its_keywords_are_known() -> None:
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>harbour</rdf:li>'
        b"</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    data = heif(HeifPicture(PHOTO), exif=exif_of(caption="The boat", taken="2024:03:12 10:00:00"), xmp=xmp)
    (about,) = (about for about in abouts(image.split(source(data), LIMITS)) if about.title)
    assert (about.title, about.keywords) == ("The boat", "harbour")
    assert about.dated is not None


@pytest.mark.parametrize(("curve", "transfer"), [(pq, 16), (hlg, 18)])
def test_a_photo_of_high_dynamic_range_has_its_ordinary_colours(curve: Curve, transfer: int) -> None:
    codes = np.round(curve(LIGHT @ TO_BT2020.T) * 65_535).astype(np.uint16)
    fields = np.repeat(np.repeat(codes[np.newaxis], 300, axis=0), 32, axis=1)
    drawn = pixels(heif(HeifPicture(fields, transfer=transfer, primaries=9)))
    assert drawn.shape == (300, 160, 3)
    for row in (4, 296):
        assert np.abs(drawn[row, 16::32].astype(int) - SHOWN).max() <= 4


def test_such_a_photo_of_eight_bits_is_mapped_too_and_an_ordinary_one_of_ten_is_not() -> None:
    white = Image.new("RGB", (64, 64), (148, 148, 148))  # 203 candela a square metre in PQ
    assert pixels(heif(HeifPicture(white, transfer=16, primaries=9))).min() > 245
    grey = np.full((64, 64, 3), 0x8000, np.uint16)
    data = heif(HeifPicture(grey, transfer=13))
    with Image.open(io.BytesIO(data), formats=["HEIF"]) as opened:
        assert not is_hdr_picture(opened)
    assert near(pixels(data)[30, 30], (128, 128, 128))


@pytest.mark.timeout(20)
def test_one_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    for size in ((12_000, 12_000), (40_000, 40_000)):
        with pytest.raises(UnreadableMedia, match="megapixels") as failure:
            list(image.split(source(heif(HeifPicture(PHOTO, said_size=size))), LIMITS))
        assert failure.value.code == "too_large"


def test_one_that_lies_about_its_size_is_damaged() -> None:
    with pytest.raises(UnreadableMedia) as failure:
        pixels(heif(HeifPicture(PHOTO, said_size=(64, 64))))
    assert failure.value.code == "corrupt"


def test_a_sequence_without_a_picture_of_its_own_is_told() -> None:
    data = bytearray(film_of(HeifPicture(GREEN)))
    data[8:12] = b"hevc"
    with pytest.raises(UnreadableMedia, match="of a variant that cannot be read"):
        list(media.split(source(bytes(data)), LIMITS))


@pytest.mark.timeout(60)
def test_damaged_bytes_lead_to_a_picture_or_a_reason_and_never_to_another_exception() -> None:
    dice = np.random.default_rng(3)
    data = np.frombuffer(heif(HeifPicture(PHOTO), exif=exif_of(caption="A boat")), np.uint8)
    for count in (1, 2, 8):
        for _ in range(40):
            damaged = data.copy()
            spots = dice.integers(0, 500 if count < 8 else len(data), count)
            damaged[spots] = dice.integers(0, 256, count)
            try:
                list(media.split(source(damaged.tobytes()), Limits(pixels=1_000_000)))
            except UnreadableMedia as failure:
                assert failure.code in ("corrupt", "too_large", "unsupported_type", "nothing_to_read")
    with pytest.raises(UnreadableMedia):
        list(media.split(source(data[: len(data) // 2].tobytes()), LIMITS))


def test_a_locked_worker_reads_it(tmp_path: Path) -> None:
    fields = np.full((96, 128, 3), 0x8000, np.uint16)
    path = tmp_path / "photo.heic"
    workers = Workers(Limits(), 1)
    try:
        for picture in (HeifPicture(PHOTO), HeifPicture(fields, transfer=16, primaries=9)):
            path.write_bytes(heif(picture, exif=exif_of(caption="The boat")))
            with path.open("rb") as file:
                (part,) = parts(workers.split(file.fileno(), name=path.name, document=DOCUMENT))
                shown = workers.load(file.fileno(), part.segment, name=path.name, side=64)
            assert isinstance(part.content, np.ndarray) and part.content.shape == (96, 128, 3)
            assert isinstance(shown, np.ndarray) and shown.shape == (48, 64, 3)
    finally:
        workers.close()
