"""Files that are near-duplicates of one another, and pairs that only look like it, for `benchmarks.duplicates`."""

from __future__ import annotations

import io
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import docx
import numpy as np
import pypdfium2  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.support.media_files import pdf

RATE = 16_000
FPS = 5


@dataclass(frozen=True, slots=True)
class PlantedPair:
    """Two files, and whether the second says nothing new beside the first."""

    kind: str
    one: Path
    other: Path
    same: bool
    query: str = ""
    """Words that find both; empty where the first is the example."""


# -- texts ------------------------------------------------------------------------------------------------------------


def copied_passages(folder: Path, passages: Sequence[str]) -> Iterator[PlantedPair]:
    """Passages copied with other line breaks, quoted in a mail, and kept as PDF and as DOCX."""
    for number, passage in enumerate(passages):
        words = " ".join(passage.split())
        query = " ".join(words.split()[4:14])
        one = written(folder / f"passage-{number}.txt", textwrap.fill(words, 90).encode())
        yield PlantedPair(
            "copied passage",
            one,
            written(folder / f"copy-{number}.txt", textwrap.fill(words, 47).encode()),
            True,
            query,
        )
        mail = folder / f"mail-{number}.eml"
        written(mail, _mail("A matter of record", words))
        quoted = "\n".join(f"> {line}" for line in textwrap.wrap(words, 66))
        forward = written(folder / f"forward-{number}.eml", _mail("Fwd: A matter of record", quoted))
        yield PlantedPair("quoted mail", mail, forward, True, query)
        shown = textwrap.wrap(words.encode("ascii", "ignore").decode(), 80)
        page = written(folder / f"saved-{number}.pdf", pdf(["\n".join(shown)]))
        yield PlantedPair("PDF and DOCX", page, _docx(folder / f"saved-{number}.docx", words), True, query)


def altered_passages(folder: Path, chance: random.Random, count: int) -> Iterator[PlantedPair]:
    """Invoices, contracts and mails of one form, each with other numbers, names or a negation."""
    for number in range(count):
        invoice = [_invoice(chance, number, month) for month in ("March", "April")]
        one, other = (written(folder / f"invoice-{number}-{at}.txt", text.encode()) for at, text in enumerate(invoice))
        yield PlantedPair("invoice of another month", one, other, False, f"invoice {_CLIENTS[number % 8]} amount due")
        clause = _clause(number)
        one = written(folder / f"contract-{number}-a.txt", clause.encode())
        other = written(folder / f"contract-{number}-b.txt", clause.replace("shall be", "shall not be", 1).encode())
        yield PlantedPair("contract with a negation", one, other, False, f"tenant of house {number} liable for repairs")
        one = written(folder / f"letter-{number}-a.txt", _letter(_NAMES[number % 8], number).encode())
        other = written(folder / f"letter-{number}-b.txt", _letter(_NAMES[(number + 3) % 8], number).encode())
        yield PlantedPair("letter to another person", one, other, False, f"letter membership number {4100 + number}")


_CLIENTS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel")
_NAMES = ("Miller", "Smith", "Okafor", "Tanaka", "Novak", "Rossi", "Dubois", "Larsen")


def _invoice(chance: random.Random, number: int, month: str) -> str:
    client = _CLIENTS[number % 8]
    lines = "\n".join(
        f"{what}: {chance.randint(2, 40)} units at {chance.randint(3, 90)}.50 each"
        for what in ("Filters", "Valves", "Seals")
    )
    return (
        f"Invoice {chance.randint(1000, 9999)} of {month} 2025\n\nTo {client} Works Ltd, 12 Harbour Road.\n\nFor "
        f"deliveries in {month} we charge:\n\n{lines}\n\nThe amount due is {chance.randint(100, 9000)}.00 euros, "
        "payable within thirty days to the account named below. Please quote the number of the invoice."
    )


def _clause(number: int) -> str:
    return (
        f"Lease of house {number}, Mill Lane.\n\nThe tenant shall be liable for repairs of the roof, the gutters and "
        "the outer walls as long as the lease lasts. Damage is to be reported in writing within two weeks, with "
        "photographs where these can be had, and the owner may have it looked at by a builder of his choice."
    )


def _letter(name: str, number: int) -> str:
    return (
        f"Dear {name},\n\nwe are glad to tell you that your membership has been renewed under the number "
        f"{4100 + number}. The card comes by post within the next ten days, and with it the programme of the coming "
        "season. If your "
        "address has changed, please let the office know by telephone.\n\nYours sincerely, the treasurer"
    )


def _mail(subject: str, body: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "bo@example.org", subject
    message["Date"] = "Tue, 03 Mar 2026 10:00:00 +0000"
    message.set_content(body)
    return bytes(message)


def _docx(path: Path, words: str) -> Path:
    document = docx.Document()
    for paragraph in textwrap.wrap(words, 400):
        document.add_paragraph(paragraph)
    document.save(str(path))
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# -- pictures and pages -----------------------------------------------------------------------------------------------


def saved_anew(picture: Image.Image) -> Image.Image:
    """Smaller, and as a JPEG of low quality."""
    width, height = picture.size
    return _jpeg(picture.resize((max(1, 3 * width // 4), max(1, 3 * height // 4)), Image.Resampling.LANCZOS), 45)


def turned(picture: Image.Image, degrees: float = 0.8) -> Image.Image:
    """As a page lies on a scanner."""
    return _jpeg(picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white"), 70)


def cropped(picture: Image.Image) -> Image.Image:
    """Without its outermost pixels."""
    width, height = picture.size
    box = (round(0.015 * width), round(0.01 * height), round(0.99 * width), round(0.985 * height))
    return _jpeg(picture.crop(box), 70)


def burst(picture: Image.Image) -> Image.Image:
    """The next picture of a burst: moved a little, lighter, with other noise."""
    pixels = np.asarray(picture, dtype=np.float32)
    down, left = len(pixels) // 80, len(pixels[0]) // 60
    moved = np.pad(pixels, ((down, 0), (0, left), (0, 0)), mode="edge")[: len(pixels), left:]
    noise = np.random.default_rng(0).normal(0, 5, pixels.shape)
    return _jpeg(Image.fromarray((moved * 1.1 + 4 + noise).clip(0, 255).astype(np.uint8)), 85)


def _jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def opened(path: Path) -> Image.Image:
    """A picture on white."""
    picture = Image.open(path).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white.convert("RGB")


def pages_of(path: Path, count: int, dpi: int = 130) -> list[Image.Image]:
    """The first pages with many words, as a scanner gives them."""
    document = pypdfium2.PdfDocument(path)
    found: list[Image.Image] = []
    for page in document:
        if len(page.get_textpage().get_text_bounded().split()) > 120 and len(found) < count:
            found.append(page.render(scale=dpi / 72).to_pil().convert("RGB"))
    return found


def pictures_saved_anew(
    folder: Path, kind: str, sources: Sequence[Image.Image], *changes: Callable[[Image.Image], Image.Image]
) -> Iterator[PlantedPair]:
    """Each picture and what came of it."""
    for number, source in enumerate(sources):
        one = folder / f"{kind.replace(' ', '-')}-{number}.png"
        source.save(one)
        for change in changes:
            other = folder / f"{kind.replace(' ', '-')}-{number}-{change.__name__}.jpg"
            change(source).save(other, quality=90)
            yield PlantedPair(f"{kind}, {change.__name__.replace('_', ' ')}", one, other, True)


def scans(
    folder: Path, pages: Sequence[Image.Image], *changes: Callable[[Image.Image], Image.Image]
) -> Iterator[PlantedPair]:
    """Each page as a scanned PDF, twice."""
    for number, page in enumerate(pages):
        one = folder / f"scan-{number}.pdf"
        page.save(one)
        for change in changes:
            other = folder / f"scan-{number}-{change.__name__}.pdf"
            change(page).save(other)
            yield PlantedPair(f"scanned page, {change.__name__.replace('_', ' ')}", one, other, True)


def forms(folder: Path, chance: random.Random, count: int) -> Iterator[PlantedPair]:
    """Scanned forms, slides of one template and charts of one style, each with something else in it."""
    for number in range(count):
        for kind, draw in (("scanned form", _form), ("slide", _slide), ("chart", _chart)):
            made = [folder / f"{kind.replace(' ', '-')}-{number}-{at}.png" for at in "ab"]
            for at, path in enumerate(made):
                draw(chance, number, at).save(path)
            yield PlantedPair(f"{kind} with other words", made[0], made[1], False)


def _page(lines: Sequence[str], size: tuple[int, int] = (900, 1100), title: str = "") -> Image.Image:
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, size[0], 70), fill=(30, 60, 120))
    draw.text((40, 18), title, "white", ImageFont.load_default(32))
    draw.multiline_text((60, 130), "\n".join(lines), "black", ImageFont.load_default(26), spacing=16)
    return page


def _form(chance: random.Random, number: int, at: int) -> Image.Image:
    return _page(
        _invoice(chance, number, ("March", "April")[at]).replace(": ", ":\n").split("\n"), title="ACME Supplies"
    )


_BULLETS = (
    "Sales in the north grew again",
    "The new ferry opens in May",
    "Two depots will be merged",
    "Fewer claims than before",
    "Training starts next autumn",
    "Costs of energy are lower",
    "The bridge is being repaired",
    "Hiring goes on as planned",
)


def _slide(chance: random.Random, number: int, at: int) -> Image.Image:
    return _page([f"- {line}" for line in chance.sample(_BULLETS, 4)], (960, 540), "Quarterly review")


def _chart(chance: random.Random, number: int, at: int) -> Image.Image:
    chart = _page([], (900, 560), f"Output of plant {number + 1}, {2019 + at}")
    draw = ImageDraw.Draw(chart)
    for bar in range(8):
        value = chance.randint(20, 95)
        draw.rectangle((70 + 100 * bar, 500 - 4 * value, 130 + 100 * bar, 500), fill=(60, 130, 200))
        draw.text((85 + 100 * bar, 470 - 4 * value), str(value), "black", ImageFont.load_default(22))
    return chart


# -- sound and film ---------------------------------------------------------------------------------------------------


def recordings_saved_anew(folder: Path, sources: Sequence[Path]) -> Iterator[PlantedPair]:
    """Each recording, once more as MP3 and as Opus."""
    for number, source in enumerate(sources):
        samples = samples_of(source)
        one = written(folder / f"order-{number}.wav", source.read_bytes())
        for name, codec, rate in (("mp3", "libmp3lame", 24_000), ("ogg", "libopus", 16_000)):
            other = folder / f"order-{number}.{name}"
            with av.open(str(other), "w") as container:
                _put_sound(
                    container,
                    container.add_stream(codec, rate=48_000 if name == "ogg" else RATE, layout="mono", bit_rate=rate),
                    samples,
                )
            yield PlantedPair(f"recording as {name}", one, other, True)


def films_saved_anew(folder: Path, pictures: Sequence[Image.Image], sounds: Sequence[Path]) -> Iterator[PlantedPair]:
    """Films of some scenes with speech, once more with fewer pixels and bits."""
    for number, sound in enumerate(sounds):
        scenes = [pictures[(3 * number + at) % len(pictures)] for at in range(3)]
        samples = samples_of(sound)
        one = film(folder / f"film-{number}.mp4", scenes, samples, (320, 240), 900_000)
        yield PlantedPair(
            "film saved anew",
            one,
            film(folder / f"film-{number}-small.mp4", scenes, samples, (208, 160), 120_000),
            True,
        )


def lectures(folder: Path, chance: random.Random, count: int) -> Iterator[PlantedPair]:
    """Silent films of slides of one template, with other words on them."""
    for number in range(count):
        made = [folder / f"lecture-{number}-{at}.mp4" for at in "ab"]
        for path in made:
            film(
                path,
                [_page(_lecture_lines(chance), (960, 540), "Lecture") for _ in range(2)],
                None,
                (960, 540),
                900_000,
            )
        yield PlantedPair("lecture with other slides", made[0], made[1], False)


def _lecture_lines(chance: random.Random) -> list[str]:
    return [f"{chance.choice(_NAMES)} measured {chance.randint(10, 999)} {chance.choice(_CLIENTS)}" for _ in range(3)]


def film(
    path: Path, scenes: Sequence[Image.Image], samples: NDArray[np.float32] | None, size: tuple[int, int], bits: int
) -> Path:
    """Each scene for three seconds."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=FPS, options={"preset": "ultrafast", "threads": "1"})
        video.width, video.height, video.pix_fmt, video.bit_rate = *size, "yuv420p", bits
        sound = container.add_stream("aac", rate=RATE, layout="mono") if samples is not None else None
        for scene in scenes:
            still = av.VideoFrame.from_ndarray(np.asarray(scene.resize(size)), format="rgb24")
            for _ in range(3 * FPS):
                container.mux(video.encode(still))
        container.mux(video.encode())
        if sound is not None and samples is not None:
            _put_sound(container, sound, samples)
    return path


def samples_of(path: Path) -> NDArray[np.float32]:
    """Mono samples of a recording, at RATE; shape (n,)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _put_sound(container: Any, stream: Any, samples: NDArray[np.float32]) -> None:
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
