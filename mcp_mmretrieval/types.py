"""The nouns: what is found, where it is, and what a model looks at.

`Segment` says where a thing is and holds no pixels; `Content` is what a model looks at. The same segment stands before
and after the store, so that reading, embedding, reranking and showing all load content from the same place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"
"""RGB pixels, shape (height, width, 3)."""

Vectors: TypeAlias = "NDArray[np.float32]"
"""One unit-length row an item, shape (n, dim)."""

Region: TypeAlias = tuple[float, float, float, float]
"""A part of a picture in percent of it: left, top, width, height; from its upper left corner."""

Modality = Literal["text", "page", "image", "audio", "video"]
"""What a segment is: a passage, a PDF page, a picture, a stretch of sound, a stretch of film."""

ContentForm = Literal["text", "picture", "sound", "film"]
"""What a model gets of a place: words, one picture, a stretch of sound, frames of a film with their sound."""

PartKind = Literal["slide", "sheet", "chapter", "picture", "part", "member"]
"""What the parts of a file are: slides, sheets, chapters, pictures in a text, parts of a mail, files in an archive."""

Recogniser = Literal["ocr", "speech"]
"""What turns pixels and sound into words."""

ContentSort = Literal["text", "picture", "film"]
"""What a reranker takes in. None listens: a recording is its words."""

VectorKind = Literal["text", "picture", "sound"]
"""What a vector was made of. One Chroma collection per space and kind."""

VECTOR_KINDS: tuple[VectorKind, ...] = get_args(VectorKind)

Lane = Literal["words", VectorKind]
"""One ranked list for a query: full text, or the nearest vectors of one kind."""

ALL_LANES: tuple[Lane, ...] = get_args(Lane)

Identity: TypeAlias = "Mapping[str, str | int | float | bool]"
"""What makes two runs of a model interchangeable: name, revision, settings. Plain values, stored and compared."""

SHORT_ID_DIGITS = 12
"""Hex digits of a document's id that stand in segment ids."""

_NUMBER = r"\d+(?:\.\d+)?"
_CLOCK = rf"(?:(?:\d+:)?\d+:)?{_NUMBER}s?|(?:\d+h)?(?:\d+m)?(?:{_NUMBER}s)?"
_FRAGMENT = re.compile(
    rf"(?:page|p)=(?P<page>\d{{1,18}})|t=(?:npt:)?(?P<start>{_CLOCK})(?:,(?P<end>{_CLOCK}))?"
    r"|char=(?P<first>\d{0,18})(?P<range>,(?P<last>\d{0,18}))?"
    r"|rows?=(?P<top>\d{1,18})(?:,(?P<bottom>\d{1,18}))?"
)
"""Whole numbers as far as 64 bits hold them."""
_REGION = re.compile(rf"xywh=percent:({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})")
MIN_REGION_PERCENT = 1.0
"""Of width and height of a region: shares of 1 would be taken for percent."""
_PART = re.compile(r"(?P<kind>slide|chapter|picture|part|sheet|member)=(?P<name>.+)", re.IGNORECASE)
_COUNTED_PARTS = frozenset(["slide", "chapter", "picture"])
"""Parts whose name is a number, from 1."""
_OPEN_LAST = 1 << 62
"""More code points than any source has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalityTraits:
    """What a modality means: how its places become words, vectors and scores, and how a person is shown them."""

    content: ContentForm
    """What a reader decodes of a place."""
    recognisers: frozenset[Recogniser]
    """What its documents may be read with; nothing where every word stands in the file."""
    looks_like: Literal["document", "photo", "either"] | None
    """What a model sees in its pictures: a page of words, a photo, or one of the two (a picture with many words is a
    chart or a document). None: there is nothing to see."""
    reranked_as: ContentSort
    """What a reranker gets of a place, where it takes such things in."""
    given_as_data: bool
    """Whether a caller without files may hand over such a document as an example."""
    noun: str
    """What a person calls a document of it."""
    plural: str
    phrase: str
    """The noun within a sentence: `this is a PDF`."""
    picture_label: str
    """What the picture is called that shows a place of it."""
    colour: str
    """Its colour on a terminal."""

    @property
    def looked_at(self) -> bool:
        """Whether there is something to see."""
        return self.looks_like is not None

    @property
    def listened_to(self) -> bool:
        """Whether there is something to hear; its places are stretches of time."""
        return self.content in ("sound", "film")


MODALITY_TRAITS: Mapping[Modality, ModalityTraits] = MappingProxyType(
    {
        "text": ModalityTraits(
            content="text",
            recognisers=frozenset(),
            looks_like=None,
            reranked_as="text",
            given_as_data=False,
            noun="text",
            plural="texts",
            phrase="text",
            picture_label="Picture",
            colour="white",
        ),
        "page": ModalityTraits(
            content="picture",
            recognisers=frozenset({"ocr"}),
            looks_like="document",
            reranked_as="picture",
            given_as_data=False,
            noun="PDF",
            plural="PDFs",
            phrase="a PDF",
            picture_label="Page",
            colour="cyan",
        ),
        "image": ModalityTraits(
            content="picture",
            recognisers=frozenset({"ocr"}),
            looks_like="either",
            reranked_as="picture",
            given_as_data=True,
            noun="picture",
            plural="pictures",
            phrase="a picture",
            picture_label="Picture",
            colour="green",
        ),
        "audio": ModalityTraits(
            content="sound",
            recognisers=frozenset({"speech"}),
            looks_like=None,
            reranked_as="text",
            given_as_data=True,
            noun="recording",
            plural="recordings",
            phrase="a recording",
            picture_label="Spectrogram",
            colour="magenta",
        ),
        "video": ModalityTraits(
            content="film",
            recognisers=frozenset({"ocr", "speech"}),
            looks_like="photo",
            reranked_as="film",
            given_as_data=False,
            noun="film",
            plural="films",
            phrase="a film",
            picture_label="Frames with their times",
            colour="yellow",
        ),
    }
)
"""One row a modality: a new one needs its name above and a row here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a document: a page, a stretch of time, a range of characters or rows, or (nothing set) the whole of it.

    Within a part of a file that holds several: a slide, a sheet, an attachment.
    """

    part: str = ""
    """`slide=4`, `sheet=Q3`, `part=2` (as IMAP counts the parts of a mail, RFC 3501), `member=a/b.pdf`, as `part_name`
    writes it. A part in a part has both, joined by `&`."""
    page: int | None = None
    """Physical page, from 1."""
    start: float | None = None
    """Seconds from the beginning."""
    end: float | None = None
    """Seconds from the beginning. Infinite in what somebody points at: to its end."""
    first: int | None = None
    """Code points before the passage, in the decoded source; of a part without one, in what is read of it."""
    last: int | None = None
    """Code points before the passage's end."""
    top: int | None = None
    """The first row of a sheet, from 1."""
    bottom: int | None = None
    """The last row of a sheet."""
    region: Region | None = None
    """Which part of its picture is meant; no place in a library has one."""

    @property
    def fragment(self) -> str:
        """`page=7`, `t=73.0,88.0` (W3C Media Fragments 1.0), `char=120,480` (RFC 5147), `sheet=Q3&row=12,40`, or empty
        for the whole. With a region of its picture: `page=7&xywh=percent:50,0,50,25`.
        """
        shown = "xywh=percent:" + ",".join(f"{value:g}" for value in self.region) if self.region else ""
        return "&".join(filter(None, (self.part, self._range, shown)))

    @property
    def _range(self) -> str:
        """The fragment within the part."""
        if self.page is not None:
            return f"page={self.page}"
        if self.start is not None and self.end is not None:
            return f"t={self.start:.1f}" + ("" if math.isinf(self.end) else f",{self.end:.1f}")
        rows = "" if self.top is None else f"row={self.top},{self.bottom}"
        if self.first is None:
            return rows
        characters = f"char={self.first}," + ("" if self.last == _OPEN_LAST else f"{self.last}")
        return f"{rows}&{characters}" if rows else characters

    def within(self, part: str) -> Place:
        """The same place of a file that is a part of another one."""
        return replace(self, part="&".join(filter(None, (part, self.part))))

    def inside(self, part: str) -> Place | None:
        """The inverse of `within`; None for a place that does not lie in the part."""
        if self.part == part:
            return replace(self, part="")
        return replace(self, part=self.part[len(part) + 1 :]) if self.part.startswith(f"{part}&") else None

    @classmethod
    def parse(cls, fragment: str) -> Place | None:
        """The place that a fragment names; the whole for an empty one, None for one that is no place.

        Of media fragments also `t=110`, `t=,30`, `t=1:50,2:00`, `t=npt:10,20`, with `t=1m50s` as players write it;
        of several dimensions (`page=3&zoom=2`) the one that is a place.
        """
        if not fragment:
            return cls()
        parts: list[str] = []
        places: list[Place] = []
        region: Region | None = None
        for piece in fragment.split("&"):
            if piece.strip().lower().startswith("xywh=percent:"):
                region = _region(piece.strip().lower())
                if region is None:
                    return None
            elif part := _part_named(piece.strip()):
                parts.append(part)
            elif place := cls._one(piece):
                places.append(place)
        if len(places) == 2 and places[0].top is not None and places[1].first is not None:
            places = [replace(places[0], first=places[1].first, last=places[1].last)]
        if len(places) > 1 or not (parts or places or region):
            return None
        return replace(places[0] if places else cls(), region=region).within("&".join(parts))

    @classmethod
    def _one(cls, piece: str) -> Place | None:
        match = _FRAGMENT.fullmatch(piece.strip().lower())
        if match is None:
            return None
        if match["page"]:
            return cls(page=int(match["page"]))
        if match["top"]:
            top, bottom = int(match["top"]), int(match["bottom"] or match["top"])
            return cls(top=top, bottom=bottom) if 0 < top <= bottom else None
        if match["start"] or match["end"]:
            start, end = _clock_seconds(match["start"], 0.0), _clock_seconds(match["end"], math.inf)
            return cls(start=start, end=end) if start < end else None
        if match["first"] or match["last"]:
            first = int(match["first"] or 0)
            last = _OPEN_LAST if match["range"] and not match["last"] else int(match["last"] or first + 1)
            return cls(first=first, last=last) if first < last else None
        return None

    def overlaps(self, other: Place) -> bool:
        """Whether the two share a page, some time, some characters or rows. The whole overlaps everything in it."""
        if self.part != other.part:
            outer, inner = sorted((self, other), key=lambda place: len(place.part))
            if inner.inside(outer.part) is not None or not outer.part:
                return not outer._range or outer.fragment == inner.part.replace("slide=", "page=")
            return False
        if self.page is not None and other.page is not None:
            return self.page == other.page
        if self.start is not None and self.end is not None and other.start is not None and other.end is not None:
            return self.start < other.end and other.start < self.end
        if self.top is not None and self.bottom is not None and other.top is not None and other.bottom is not None:
            together = self.top <= other.bottom and other.top <= self.bottom
            return together and (self.first is None or other.first is None or self._shares_characters(other))
        if self.first is not None and other.first is not None:
            return self._shares_characters(other)
        return not self._range or not other._range

    def _shares_characters(self, other: Place) -> bool:
        ranges = (self.first, self.last, other.first, other.last)
        first, last, others_first, others_last = (0 if at is None else at for at in ranges)
        return first < others_last and others_first < last


def part_name(kind: PartKind, name: str | int) -> str:
    """How a part of a file is named in a place, percent-encoded as a URI's fragment has it (RFC 3986)."""
    return f"{kind}={quote(str(name), safe='/:@!$*,;')}"


def _part_named(piece: str) -> str:
    """The name of the part that a piece of a fragment names, as `part_name` writes it; empty for any other."""
    match = _PART.fullmatch(piece)
    if match is None:
        return ""
    kind, name = match["kind"].lower(), unquote(match["name"])
    if kind in _COUNTED_PARTS:
        name = str(int(name)) if name.isdecimal() and len(name) <= 18 else ""
    return part_name(cast(PartKind, kind), name) if name else ""


def _region(written: str) -> Region | None:
    """The region that a fragment names; None for one that lies not within the picture, or is nearly nothing."""
    match = _REGION.fullmatch(written)
    if match is None:
        return None
    left, top, width, height = map(float, match.groups())
    inside = left + width <= 100 and top + height <= 100
    return (left, top, width, height) if inside and min(width, height) >= MIN_REGION_PERCENT else None


def _clock_seconds(written: str | None, otherwise: float) -> float:
    """Seconds of `110`, `1:50`, `1:01:50` or `1m50s`."""
    if not written:
        return otherwise
    seconds = 0.0
    for part in re.findall(rf"{_NUMBER}[hms:]?", written):
        unit = {"h": 3600.0, "m": 60.0}.get(part[-1], 1.0)
        seconds = (seconds + float(part.rstrip("hms:")) * unit) * (60.0 if part[-1] == ":" else 1.0)
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The smallest citable place. Says where, and what can be read there; holds no pixels and no samples."""

    document: str
    """SHA-256 of the document's bytes and of its sidecars, in hex."""
    modality: Modality
    place: Place
    text: str = ""
    """What can be read or heard there: text layer, OCR, transcript."""
    heading: str = ""
    """Under which heading or title it stands."""
    frames: tuple[float, ...] = ()
    """Seconds of the frames that stand for a stretch of film."""
    label: str = ""
    """What the document itself calls the place: the printed label of a page (`iv`), the title of a chapter."""
    times: tuple[tuple[float, float], ...] = ()
    """Seconds from and to of the first lines of `text`, one a line: captions, what was said, what stands in frames.
    Lines after them have none."""
    turn: int = 0
    """Degrees, clockwise, by which its picture is turned so that its words stand upright: 0, 90, 180 or 270."""
    fingerprint: bytes = field(default=b"", compare=False)
    """By which the same picture or sound is known again (`adding.fingerprints`); empty where it was read as text, and
    in what an older release read. It is no part of what is read there: with another one it is the same segment."""

    @property
    def traits(self) -> ModalityTraits:
        """What its modality means."""
        return MODALITY_TRAITS[self.modality]

    @property
    def id(self) -> str:
        """`3f9a0c12d4e5#page=7`: valid across restarts, models and versions of the splitter."""
        fragment = self.place.fragment
        return self.document[:SHORT_ID_DIGITS] + (f"#{fragment}" if fragment else "")


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples of one stretch."""

    samples: NDArray[np.float32]
    """Mono, in [-1, 1], shape (n,)."""
    rate: int
    """Samples per second."""


@dataclass(frozen=True, slots=True)
class Film:
    """Frames of one stretch, and its sound where it has any."""

    pictures: Sequence[Picture]
    times: tuple[float, ...]
    """Seconds from the beginning of the document, one a picture."""
    sound: Sound | None = None


Content: TypeAlias = "str | Picture | Sound | Film"
"""What a model looks at: text, one RGB picture, a stretch of sound, frames of a film."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that are spoken or shown from `start` to `end`, in seconds from the beginning of the document."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """One step of `split`: a place, and its content where that still has to be read by OCR or speech recognition."""

    segment: Segment
    content: Content | None = None
    more: tuple[Sound, ...] = ()
    """The same stretch on the other tracks of sound, where they hold something else."""
    figures: bool = False
    """Whether pictures stand in it that may hold more words: `media.figures` gives them, for whoever has time."""


@dataclass(frozen=True, slots=True)
class EnteredPart:
    """A step of `split`: what comes next is of this part of the file. One that ends its worker is passed over."""

    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMetadata:
    """What `split` learns of the whole document. May come at any time; what is set wins over what came before."""

    modality: Modality | None = None
    title: str = ""
    pages: int | None = None
    seconds: float | None = None
    """Duration, from decoded samples or frames, never from a header."""
    dated: float | None = None
    """When it was taken, recorded, written or sent, by its own word: seconds since 1970."""
    keywords: str = ""
    """Words about the whole of it that stand in none of its places: caption, keywords, author, album."""
    note: str = ""
    """What the person should know: a part that was left out and why."""


SplitStep: TypeAlias = "SplitPart | EnteredPart | DocumentMetadata"
"""What `split` gives, one after the other."""
