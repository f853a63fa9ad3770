"""Files and folders that cost far more than they weigh: made by code, of sizes alone, and harmless to what reads them.

`FILES` has a file of each kind by its name, `FOLDERS` what a whole folder does.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from tests.support import recordings
from tests.support.media_files import (
    Pdf,
    flate_bomb_pdf,
    large_png,
    nested_forms_pdf,
    pdf,
    picture,
    png_chunk,
    png_of,
    saved,
    svg,
    ztxt_bomb,
)

MB = 1_000_000

# -- pictures ----------------------------------------------------------------------------------------------------------


def claiming(kind: str, width: int, height: int) -> bytes:
    """A small picture whose header says that it is a large one."""
    data = bytearray(picture(kind))
    if kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif kind == "GIF":
        struct.pack_into("<HH", data, 6, width, height)
    elif kind == "BMP":
        struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def tiff_claiming(width: int, height: int) -> bytes:
    """Lines of one bit, all of which lie in the same byte."""
    tags = {256: width, 257: height, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)


def webp_claiming(width: int, height: int) -> bytes:
    """A small picture on a canvas that is said to be large."""
    canvas = bytes(4) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + picture("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def moving(kind: str, frames: int, side: int = 8) -> bytes:
    """Frames of different colours."""
    pictures = [Image.new("RGB", (side, side), (n % 251, n // 251 % 251, 99)) for n in range(frames)]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=10)


def with_chunks(count: int) -> bytes:
    return png_of(1, 1, png_chunk(b"tEXt", b"Comment\0red") * count)


def with_xmp(size: int) -> bytes:
    return png_of(1, 1, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * (size // 3)))


# -- drawings ----------------------------------------------------------------------------------------------------------


def uses(depth: int, width: int) -> bytes:
    """A shape that is drawn `width` ** `depth` times."""
    groups = '<g id="g0"><rect width="1" height="1"/></g>'
    for level in range(1, depth + 1):
        groups += f'<g id="g{level}">' + f'<use xlink:href="#g{level - 1}"/>' * width + "</g>"
    return svg(f'<defs>{groups}</defs><use xlink:href="#g{depth}"/>')


def blurred(count: int) -> bytes:
    blur = '<filter id="f"><feGaussianBlur stdDeviation="900"/></filter>'
    return svg(blur + '<rect width="9000" height="9000" filter="url(#f)"/>' * count, 'width="9000" height="9000"')


def tiled(side: int) -> bytes:
    tile = '<pattern id="p" width="0.01" height="0.01" patternUnits="userSpaceOnUse"><circle r="1"/></pattern>'
    return svg(f'{tile}<rect width="{side}" height="{side}" fill="url(#p)"/>', f'width="{side}" height="{side}"')


def entities(depth: int, width: int) -> bytes:
    """A text that unfolds to `width` ** `depth` words."""
    lines = ['<!ENTITY e0 "ferry ">']
    lines += [f'<!ENTITY e{n} "{f"&e{n - 1};" * width}">' for n in range(1, depth + 1)]
    return svg(f"<text>&e{depth};</text>", before=f"<!DOCTYPE svg [{''.join(lines)}]>")


# -- PDF ---------------------------------------------------------------------------------------------------------------


def pages_pdf(count: int, *, depth: int = 1) -> bytes:
    """`count` pages below `depth` nodes within each other."""
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    node = tree
    for _ in range(depth - 1):
        below = out.reserve()
        out.put(node, f"<< /Type /Pages /Count {count} /Kids [{below} 0 R] >>")
        node = below
    kids = [out.add(f"<< /Type /Page /Parent {node} 0 R /MediaBox [0 0 99 99] >>") for _ in range(count)]
    out.put(node, f"<< /Type /Pages /Count {count} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)


def one_page_pdf(content: bytes, *, entries: str = "", box: int = 612, resources: str = "", times: int = 1) -> bytes:
    """One page, whose content is a stream, named `times` times."""
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    stream = out.stream(zlib.compress(content), "/Filter /FlateDecode")
    page = out.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {box} {box}] /Contents [{f'{stream} 0 R ' * times}] "
        f"/Resources << {resources} >> {entries} >>"
    )
    out.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)


def annotated_pdf(count: int) -> bytes:
    note = "<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (ferry) >>"
    return one_page_pdf(b"", entries=f"/Annots [{note * count}]")


def picture_pdf(side: int) -> bytes:
    """A page with a picture of `side` x `side` pixels of one bit, all white."""
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    row = bytes(side // 8)
    squeeze = zlib.compressobj()
    data = b"".join(squeeze.compress(row) for _ in range(side)) + squeeze.flush()
    kind = f"/Type /XObject /Subtype /Image /Width {side} /Height {side} /BitsPerComponent 1 /ColorSpace /DeviceGray"
    image = out.stream(data, f"{kind} /Filter /FlateDecode")
    content = out.stream(b"q 600 0 0 600 0 0 cm /I Do Q")
    page = out.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
        f"/Resources << /XObject << /I {image} 0 R >> >> >>"
    )
    out.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)


# -- texts -------------------------------------------------------------------------------------------------------------


def laughs(depth: int, width: int) -> bytes:
    """Front matter whose anchors unfold to `width` ** `depth` words."""
    lines = [f"a0: &a0 [{', '.join(['ferry'] * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return ("---\n" + "\n".join(lines) + f"\ntitle: *a{depth - 1}\n---\nA ferry.\n").encode()


def styled(rules: int, elements: int) -> bytes:
    """Each element has a class of its own and many names, to be asked about in each rule."""
    style = "".join(f".c{n}.d{n} {{ display: none }}\n" for n in range(rules))
    names = " ".join(f"c{n}" for n in range(50))
    body = f'<p class="{names}">red</p>\n' * elements
    return f"<html><head><style>{style}</style></head><body>{body}</body></html>".encode()


def notebook(cells: int) -> bytes:
    cell = '{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "source": ["red = 1"]}'
    return f'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": [{",".join([cell] * cells)}]}}'.encode()


def calendar(events: int) -> bytes:
    one = "BEGIN:VEVENT\r\nSUMMARY:ferry\r\nDTSTART:20260101T090000Z\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n"
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{one * events}END:VCALENDAR\r\n".encode()


MAIL = b"From: a@example.org\nTo: b@example.org\nSubject: ferry\nMIME-Version: 1.0\n"


def mail_of_parts(count: int) -> bytes:
    part = b"--x\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.txt\n\nred\n"
    return MAIL + b"Content-Type: multipart/mixed; boundary=x\n\n" + part * count + b"--x--\n"


def mail_within_mails(depth: int) -> bytes:
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(depth))
    return MAIL + heads + b"Content-Type: text/plain\n\nred\n"


# -- recordings --------------------------------------------------------------------------------------------------------


def wav(*, channels: int = 1, rate: int = 8_000, claimed: int = 16_000, bits: int = 16) -> bytes:
    """One second of silence, of which the header says something else."""
    frame = channels * bits // 8 & 0xFFFF
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * frame & 0xFFFFFFFF, frame, bits)
    body = b"WAVE" + head + b"data" + struct.pack("<I", claimed) + bytes(16_000)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF if claimed > 16_000 else len(body)) + body


def film_of(duration: int) -> bytes:
    """A film of one second which says that it plays so many units, and so do its tracks."""
    data = bytearray(recordings.film("mp4", 1.0, size=(32, 32)))
    for box, at in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        begin = data.find(box)
        while begin >= 0:
            struct.pack_into(">I", data, begin + at, duration)
            begin = data.find(box, begin + 4)
    return bytes(data)


def flac_of(samples: int) -> bytes:
    data = bytearray(recordings.sound("flac", 1.0))
    at = 8 + 13  # in STREAMINFO (RFC 9639, 8.2): four bits, then 32 more
    data[at] = data[at] & 0xF0 | samples >> 32 & 0x0F
    struct.pack_into(">I", data, at + 1, samples & 0xFFFFFFFF)
    return bytes(data)


def ogg_of(position: int) -> bytes:
    """Opus whose last page says that so many samples were played; its checksum fits."""
    data = bytearray(recordings.sound("opus", 1.0))
    last = data.rindex(b"OggS")
    struct.pack_into("<q", data, last + 6, position)
    struct.pack_into("<I", data, last + 22, 0)
    struct.pack_into("<I", data, last + 22, _ogg_sum(bytes(data[last:])))
    return bytes(data)


def _ogg_sum(page: bytes) -> int:
    """CRC-32 as of RFC 3533: polynomial 0x04c11db7, neither reflected nor inverted."""
    total = 0
    for byte in page:
        total ^= byte << 24
        for _ in range(8):
            total = (total << 1 ^ 0x04C11DB7 if total & 0x80000000 else total << 1) & 0xFFFFFFFF
    return total


# -- archives ----------------------------------------------------------------------------------------------------------


def zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def blanks_zip(size: int) -> bytes:
    """One text of `size` blanks."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("blanks.txt", "w", force_zip64=True) as member,
    ):
        for _ in range(size // MB):
            member.write(b" " * MB)
    return file.getvalue()


def nested_zip(depth: int, width: int = 1) -> bytes:
    """Archives within archives: `width` ** `depth` of them."""
    data = b"red\n"
    for level in range(depth):
        name = "red.txt" if level == 0 else "more.zip"
        data = zipped((f"{number}-{name}", data) for number in range(width))
    return data


def same_names_zip(count: int) -> bytes:
    one = zipped([("a.txt", b"red\n")])
    begin, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    closing = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, (end - begin) * count, begin, 0)
    return one[:begin] + one[begin:end] * count + closing


def modest_zip(size: int) -> bytes:
    """A text that says it unpacks to ten bytes, and does to `size`."""
    data = bytearray(zipped([("a.txt", b" " * size)]))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.rindex(mark) + at, 10)
    return bytes(data)


# -- folders -----------------------------------------------------------------------------------------------------------


def sparse(name: str, size: int, head: bytes = b"") -> Callable[[Path], None]:
    """A file of which the disk holds the beginning alone."""

    def write(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.write(head)
            file.truncate(size)

    return write


def costly_patterns(folder: Path) -> None:
    lines = ["*a" * 90 + "b", "**/" * 60 + "c", "[!" + "a-z" * 90 + "]*" * 20 + "d"] * 1_600
    (folder / ".gitignore").write_text("\n".join(lines))
    for number in range(20):
        (folder / f"{'a' * 240}{number}.txt").write_text("red\n")


def long_names(folder: Path) -> None:
    for number in range(300):
        (folder / f"{number:03}{'n' * 248}.txt").write_text(f"red {number}\n")


def deep_folders(folder: Path) -> None:
    """As deep as a path may be for the system."""
    for _ in range((4_000 - len(str(folder))) // 2):
        folder = folder / "d"
        folder.mkdir()
    (folder / "deep.txt").write_text("red\n")


def folders_beyond_paths(folder: Path) -> None:
    """Deeper than a path may be for the system."""
    here = os.open(folder, os.O_RDONLY)
    for number in range(500):
        os.mkdir(f"folder-{number}", dir_fd=here)
        below = os.open(f"folder-{number}", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    deep = os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(deep, b"red\n")
    os.close(deep)
    os.close(here)


def links_in_a_circle(folder: Path) -> None:
    for number in range(100):
        (folder / f"link-{number}").symlink_to(folder / f"link-{(number + 1) % 100}")
        (folder / f"up-{number}").symlink_to(folder)


def many_files(folder: Path) -> None:
    for number in range(3_000):
        (folder / f"{number}.txt").touch()


def many_sidecars(folder: Path) -> None:
    (folder / "film.mp4").write_bytes(recordings.film("mp4", 1.0, size=(32, 32)))
    for number in range(500):
        (folder / f"film.x{number}.srt").write_bytes(recordings.srt([(0.0, 1.0, "red")]))


def pipes(folder: Path) -> None:
    for number in range(50):
        os.mkfifo(folder / f"{number}.txt")


SILENCE = wav(claimed=0x7FFFFFFF)[:-16_000]
"""The head of a recording that is said to have two gigabytes."""

FILES: dict[str, Callable[[], bytes]] = {
    "pixels.png": lambda: png_of(60_000, 60_000),
    "pixels-indeed.png": large_png,
    "tall.png": lambda: png_of(1, 100 * MB),
    "comment.png": ztxt_bomb,
    "chunks.png": lambda: with_chunks(500_000),
    "xmp.png": lambda: with_xmp(30 * MB),
    "pixels.tiff": lambda: tiff_claiming(100_000, 100_000),
    "frames.tiff": lambda: moving("TIFF", 1_500),
    "pixels.gif": lambda: claiming("GIF", 65_535, 65_535),
    "frames.gif": lambda: moving("GIF", 5_000),
    "pixels.webp": lambda: webp_claiming(1 << 15, 1 << 15),
    "frames.webp": lambda: moving("WEBP", 2_000),
    "pixels.jpg": lambda: claiming("JPEG", 65_500, 65_500),
    "pixels.bmp": lambda: claiming("BMP", 1 << 30, 1 << 30),
    "uses.svg": lambda: uses(9, 10),
    "groups.svg": lambda: svg("<g>" * 100_000 + "</g>" * 100_000),
    "tiles.svg": lambda: tiled(100_000),
    "blur.svg": lambda: blurred(100),
    "texts.svg": lambda: svg("<text>red</text>" * 300_000),
    "points.svg": lambda: svg(f'<path stroke="red" d="M0 0{"L9 9L0 1" * 500_000}"/>'),
    "entities.svg": lambda: entities(9, 10),
    "pages.pdf": lambda: pages_pdf(100_000),
    "tree.pdf": lambda: pages_pdf(1, depth=900),
    "box.pdf": lambda: one_page_pdf(b"0 0 9 9 re f", box=10**7),
    "blanks.pdf": lambda: flate_bomb_pdf(1 << 29),
    "forms.pdf": nested_forms_pdf,
    "annotations.pdf": lambda: annotated_pdf(200_000),
    "bookmarks.pdf": lambda: pdf(["red"], bookmarks=[(0, "ferry", 1)] * 3_000),
    "contents.pdf": lambda: one_page_pdf(b"0 0 9 9 re f\n" * 10_000, times=2_000),
    "lines.pdf": lambda: pdf(["a ferry\n" * 300_000]),
    "picture.pdf": lambda: picture_pdf(32_000),
    "line.txt": lambda: b"ferry " * (50 * MB // 6),
    "word.txt": lambda: b"a" * (20 * MB),
    "nothing.txt": lambda: bytes(50 * MB),
    "marks.txt": lambda: "e\u0301".encode() + "\u0301".encode() * (5 * MB),
    "base64.txt": lambda: (b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 2 + b"\n") * (40 * MB // 71),
    "headings.md": lambda: b"# red\n" * MB,
    "quotes.md": lambda: b">" * MB + b" red\n",
    "front-matter.md": lambda: laughs(9, 10),
    "elements.html": lambda: b"<html><body>" + b"<div>" * MB + b"red",
    "tables.html": lambda: b"<html><body>" + b"<table><tr><td>" * 200_000 + b"red",
    "entities.html": lambda: b"<html><body><p>red" + b"&amp;&#233;" * MB + b"</p></body></html>",
    "styles.html": lambda: styled(5_000, 30_000),
    "brackets.json": lambda: b"[" * MB + b"]" * MB,
    "braces.tex": lambda: b"\\documentclass{article}\\begin{document}" + b"{" * MB + b"red",
    "columns.csv": lambda: b"\n".join([b",".join(b"c%d" % n for n in range(100_000))] * 20),
    "rows.csv": lambda: b"day,ferry\n" + b"Monday,9:00\n" * MB,
    "cells.ipynb": lambda: notebook(100_000),
    "events.ics": lambda: calendar(100_000),
    "parts.eml": lambda: mail_of_parts(10_000),
    "within.eml": lambda: mail_within_mails(1_000),
    "lines.srt": lambda: b"1\n00:00:01,000 --> 00:00:02,000\nred\n\n" * MB,
    "length.wav": lambda: wav(claimed=0xFFFFFFF0),
    "channels.wav": lambda: wav(channels=65_535),
    "rate.wav": lambda: wav(rate=0xFFFFFFFF),
    "duration.mp4": lambda: film_of(0xFFFFFFFE),
    "samples.flac": lambda: flac_of((1 << 36) - 1),
    "position.ogg": lambda: ogg_of(1 << 62),
    "blanks.zip": lambda: blanks_zip(1_000 * MB),
    "members.zip": lambda: zipped((f"{number}.txt", b"") for number in range(100_000)),
    "depth.zip": lambda: nested_zip(10),
    "width.zip": lambda: nested_zip(4, 12),
    "names.zip": lambda: same_names_zip(10_000),
    "modest.zip": lambda: modest_zip(100 * MB),
    "path.zip": lambda: zipped([("a/" * 30_000 + "a.txt", b"red\n")]),
}
"""By the name of the file. What it is by its content is never said by the name."""

FOLDERS: dict[str, Callable[[Path], None]] = {
    "sparse text": sparse("sparse.txt", 1_900 * MB, b"red\n"),
    "sparse beyond the limit": sparse("beyond.txt", 1 << 40),
    "sparse sound": sparse("silence.wav", 50 * MB, SILENCE),
    "costly patterns": costly_patterns,
    "long names": long_names,
    "deep folders": deep_folders,
    "folders beyond paths": folders_beyond_paths,
    "links in a circle": links_in_a_circle,
    "many files": many_files,
    "many sidecars": many_sidecars,
    "pipes": pipes,
}


def write_bomb(name: str, folder: Path) -> None:
    """Make a bomb of `FILES` or `FOLDERS` in an empty folder."""
    if name in FILES:
        (folder / name).write_bytes(FILES[name]())
    else:
        FOLDERS[name](folder)


BOMBS = (*FILES, *FOLDERS)
