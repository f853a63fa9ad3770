"""Titles, captions, keywords and days that stand in a picture's file."""

import io
from datetime import UTC, datetime

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, TiffTags

from mcp_mmretrieval.media.image_metadata import describe_image, seconds_since_1970
from mcp_mmretrieval.types import DocumentMetadata
from tests.support.media_files import saved

XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 photoshop:City="Lochmaddy" photoshop:DateCreated="2021-07-04T12:00:00Z">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">The ferry</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>pier</rdf:li><rdf:li>gulls</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def described(data: bytes) -> DocumentMetadata:
    with Image.open(io.BytesIO(data)) as image:
        return describe_image(image)


def plain() -> Image.Image:
    return Image.new("RGB", (8, 8))


def test_exif_says_caption_keywords_and_when_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Aunt Morag at Lochmaddy"
    exif[0x9C9E] = "ferry;Çay".encode("utf-16-le")
    exif.get_ifd(0x8769).update({0x9003: "2019:05:06 07:08:09", 0x9011: "+02:00"})
    about = described(saved(plain(), "JPEG", exif=exif))
    assert about.title == "Aunt Morag at Lochmaddy"
    assert about.keywords == "ferry\nÇay"
    assert about.dated == datetime(2019, 5, 6, 5, 8, 9, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_xmp_says_title_keywords_place_and_day(kind: str) -> None:
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP)
        data = saved(plain(), kind, pnginfo=info)
    else:
        data = saved(plain(), kind, xmp=XMP.encode())
    about = described(data)
    assert about.title == "The ferry"
    assert set(about.keywords.splitlines()) == {"Lochmaddy", "pier", "gulls"}
    assert about.dated == datetime(2021, 7, 4, 12, tzinfo=UTC).timestamp()


def test_xmp_says_what_those_hear_who_cannot_see_the_picture() -> None:
    space = 'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"'
    texts = "".join(
        f'<Iptc4xmpCore:{name}><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></Iptc4xmpCore:{name}>'
        for name, text in (("AltTextAccessibility", "Two boats"), ("ExtDescrAccessibility", "A cutter and a ketch"))
    )
    packet = XMP.replace("<dc:subject>", f"{texts}<dc:subject>").replace("xmlns:dc", f"{space} xmlns:dc")
    keywords = described(saved(plain(), "JPEG", xmp=packet.encode())).keywords.splitlines()
    assert {"Two boats", "A cutter and a ketch"} <= set(keywords)


def test_iptc_says_caption_and_keywords() -> None:
    fields = ((2, 120, b"Boats at anchor"), (2, 25, b"anchor"), (2, 25, b"tide"))
    records = b"".join(b"\x1c" + bytes((a, b)) + len(text).to_bytes(2, "big") + text for a, b, text in fields)
    block = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records + b"\0" * (len(records) % 2)
    marker = b"Photoshop 3.0\0" + block
    data = saved(plain(), "JPEG")
    about = described(data[:2] + b"\xff\xed" + (len(marker) + 2).to_bytes(2, "big") + marker + data[2:])
    assert about.title == "Boats at anchor"
    assert about.keywords.splitlines() == ["anchor", "tide"]


@pytest.mark.parametrize(
    "noise", ['{"shape": [200, 400, 3]}', "<?xml version='1.0'?><OME/>", "ImageJ=1.53t", "untitled", "IMG_0001.JPG"]
)
def test_what_programs_write_for_themselves_is_no_title(noise: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = noise
    about = described(saved(plain(), "TIFF", exif=exif))
    assert (about.title, about.keywords) == ("", "")


def test_what_is_no_date_is_none() -> None:
    for text in ("", "    :  :     :  :  ", "0000:00:00 00:00:00", "2019:13:40 00:00:00", "soon"):
        assert seconds_since_1970(text) is None
    assert seconds_since_1970("2020-01-02") == datetime(2020, 1, 2).timestamp()


def test_damaged_xmp_does_no_harm() -> None:
    for packet in (b"<x:xmpmeta", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe"):
        assert described(saved(plain(), "JPEG", xmp=packet)).title == ""


def test_a_title_of_numbers_that_are_no_bytes_does_no_harm() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[ExifTags.Base.XPTitle] = TiffTags.SHORT
    tags[ExifTags.Base.XPTitle] = (300, 400)
    assert described(saved(plain(), "TIFF", tiffinfo=tags)).title == ""
