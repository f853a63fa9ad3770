"""What `like` points at, as contents that a model compares: a held place, a file that was never added, or data itself.

Data comes as `data:` URLs (RFC 2397) from callers who have no files here. It stands in memory while it is read, and
nothing of it is kept, shown or logged.
"""

from __future__ import annotations

import base64
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

import numpy as np

from mcp_mmretrieval.adding.parts import (
    decoding_side,
    evenly_spread,
    narrow_to_place,
    part_contents,
    segment_to_decode,
)
from mcp_mmretrieval.adding.reading import FileToRead
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.roots import OpenFile, changed_ns
from mcp_mmretrieval.roots.digest import document_digest
from mcp_mmretrieval.targets import ConnectionView, Target, reopen
from mcp_mmretrieval.types import Content, Segment, Sound, VectorKind, Vectors

REPRESENTATIVE_PLACES = 4
"""Places of an example that stand for it: of a long document, its beginning."""
MAX_COMPARED_EACH = 8
"""Windows of text, pictures and stretches of sound, each, that are compared: spread over those of a long example."""
MAX_DATA_URL_BYTES = 3_000_000
"""Of a picture or sound that is given as data: a photo as cameras write it, three minutes of MP3."""

_GIVEN = "the given picture or sound"
_SCHEME = "data:"
_SHOWN = 200
"""Characters of an argument that an error repeats."""
_FORMATS = "a PNG, JPEG, HEIC, WebP, GIF, TIFF, BMP, AVIF or SVG picture, or a sound such as WAV, MP3, FLAC, Ogg or M4A"


@dataclass(frozen=True, slots=True)
class LikeContents:
    """What an example shows."""

    title: str = ""
    texts: tuple[str, ...] = ()
    """What can be read or heard there, place by place."""
    contents: tuple[Content, ...] = ()
    """Its pictures, sounds and films, as far as the model looks at such things and listens to them."""


LikeReader = Callable[[Embedder, Event], LikeContents]


@dataclass(frozen=True, slots=True)
class LikeQuery:
    """Something to search by. It has been found, and not yet read."""

    name: str
    """As errors name it: never with its data, and never at length."""
    read: LikeReader

    def shown(self, embedder: Embedder, stop: Event) -> LikeContents:
        """What it shows, as far as `embedder` looks at such things, and what can be read or heard there.

        Raises BadArgument where that is nothing, NotAllowed, UnreadableMedia, and Cancelled soon after `stop` is set.
        """
        shown = self.read(embedder, stop)
        if not shown.texts and not shown.contents:
            raise BadArgument(f"{self.name}: holds nothing to search by. Describe it in words as `query`.")
        return shown


def like_vectors(shown: LikeContents, embedder: Embedder) -> dict[VectorKind, Vectors]:
    """The vectors of an example by the kind that they are compared with, shape (n, dims[kind]).

    With each kind are compared its contents of that kind, so that it finds itself first: a text stands there as a
    document does, and not as a question. With a kind of which it holds nothing is compared what it holds otherwise.
    """
    own: dict[VectorKind, list[Vectors]] = {}
    across: dict[VectorKind, list[Vectors]] = {}
    windows = evenly_spread([window for text in shown.texts for window in embedder.windows(text)], MAX_COMPARED_EACH)
    if windows:
        own["text"] = [embedder.embed_documents(windows, [shown.title] * len(windows))]
    for content in shown.contents:
        kind: VectorKind = "sound" if isinstance(content, Sound) else "picture"
        for other, vector in embedder.embed_query(content).items():
            (own if other == kind else across).setdefault(other, []).append(vector)
    if windows and not own.keys() >= embedder.dims.keys():
        for other, vector in embedder.embed_query("\n".join(shown.texts)).items():
            across.setdefault(other, []).append(vector)
    return {kind: np.concatenate(rows) for kind, rows in (across | own).items()}


class LikeResolver:
    """Finds examples within the roots of one connection."""

    def __init__(self, shared: SharedResources, view: ConnectionView) -> None:
        self._catalog = shared.catalog
        self._workers = shared.workers
        self._reader = shared.reader
        self._readable = view.files
        self._targets = view.targets
        self._sound_s = shared.settings.sound_s
        """Seconds of a stretch of sound that is compared by itself."""

    def find(self, like: str) -> LikeQuery:
        """The example that a path, an id, a citation or a `data:` URL names. Reads no file, so it takes no time.

        Raises BadArgument for a folder and for data that cannot be an example, NotAllowed for a path outside or not
        there.
        """
        name = name_in_errors(like)
        data = data_url_bytes(like)
        if data is not None:
            return LikeQuery(name, partial(self._given, data))
        try:
            target = self._targets.find(like)
        except NotInLibrary:
            path = self._path(like)
            if Path(path).is_dir():
                raise BadArgument(
                    f"{name}: is a folder, and like and avoid take one file or hit each. Name a file in it, or search "
                    "in one folder with under."
                ) from None
            return LikeQuery(name, partial(self._fresh, path))
        return LikeQuery(name, partial(self._held, target))

    def _path(self, like: str) -> str:
        try:
            return self._targets.path(like)
        except (NotAllowed, OSError) as error:  # a name that no file can have, for its length
            raise NotAllowed(name_in_errors(like)) from error

    def _held(self, target: Target, embedder: Embedder, stop: Event) -> LikeContents:
        segments = [narrow_to_place(stored.segment, target.place) for stored in target.segments[:REPRESENTATIVE_PLACES]]
        contents: list[Content] = []
        if any(segment_to_decode(segment, embedder) for segment in segments):
            with reopen(self._catalog.files_of_one(target.document.id), self._readable) as file:
                contents = self._contents(file, segments, embedder, stop)
        # what is said is known by the window: of a moment that can be heard or seen it tells little
        moment = any(one.place != stored.segment.place for one, stored in zip(segments, target.segments, strict=False))
        texts = () if moment and contents else _texts(segments)
        return LikeContents(target.document.title, texts, tuple(contents))

    def _fresh(self, path: str, embedder: Embedder, stop: Event) -> LikeContents:
        with self._readable.open(path) as file:
            return self._read(file, embedder, stop)

    def _given(self, data: bytes, embedder: Embedder, stop: Event) -> LikeContents:
        with _in_memory(data) as file:
            try:
                return self._read(file, embedder, stop, check=_refuse_others)
            except UnreadableMedia as error:
                if error.code == "model_missing":
                    raise
                raise _refused(error) from error

    def _read(
        self, file: OpenFile, embedder: Embedder, stop: Event, check: Callable[[Sequence[Segment]], None] | None = None
    ) -> LikeContents:
        """What stands in a file. `check` raises where its segments are no example, as soon as the first was costly."""
        stage = (lambda _, segments: check(segments)) if check else None
        source = FileToRead(file, document_digest(file, stop=stop))
        read = self._reader.read(source, most=REPRESENTATIVE_PLACES, stage=stage, stop=stop)
        if check is not None:
            check(read.segments)
        contents = self._contents(file, read.segments, embedder, stop)
        return LikeContents(read.title, _texts(read.segments), tuple(contents))

    def _contents(self, file: OpenFile, segments: Sequence[Segment], embedder: Embedder, stop: Event) -> list[Content]:
        """Pictures, films and stretches of sound, at most `MAX_COMPARED_EACH` of each kind."""
        found: dict[VectorKind, list[Content]] = {}
        since = 0.0
        for segment in segments:
            if asked := segment_to_decode(segment, embedder, since=since):
                side = decoding_side(asked, embedder)
                content = self._workers.load(file.fd, asked, name=file.path, side=side, stop=stop)
                for piece in part_contents(segment, content, embedder, sound_s=self._sound_s, since=since):
                    found.setdefault(piece.kind, []).append(piece.content)
            since = max(since, segment.place.end or 0.0)
        return [content for contents in found.values() for content in evenly_spread(contents, MAX_COMPARED_EACH)]


def name_in_errors(argument: str) -> str:
    """How an error names what an argument points at: without data, and not at length."""
    if _is_data(argument):
        return _GIVEN
    return argument if len(argument) <= _SHOWN else argument[:_SHOWN] + "…"


def data_url_bytes(like: str) -> bytes | None:
    """The bytes in a `data:` URL; None for anything else.

    Raises BadArgument where they are too many, none, or not in base64; the message says nothing of them.
    """
    if not _is_data(like):
        return None
    head, comma, body = like.strip().partition(",")
    if not comma or head[len(_SCHEME) :].lower().split(";")[-1].strip() != "base64":
        raise BadArgument(
            "like: this `data:` URL is not in base64. Write data:image/png;base64, and then the base64 of one picture "
            f"or sound of at most {MAX_DATA_URL_BYTES // 1_000_000} MB."
        )
    if len(body) > 2 * MAX_DATA_URL_BYTES:  # much more than the base64 of it: not worth decoding
        raise _too_large(len(body) * 3 // 4)
    try:
        data = base64.b64decode(unquote_to_bytes("".join(body.split())), validate=True)
    except ValueError:
        raise BadArgument(
            f"like: {_GIVEN} is not in valid base64. Encode the whole file once more, in the standard alphabet (A-Z, "
            "a-z, 0-9, + and /) with padding (=), and give all of it."
        ) from None  # what the decoder says might repeat some of it
    if not data:
        raise BadArgument(f"like: {_GIVEN} is empty. Put the base64 of a file behind the comma.")
    if len(data) > MAX_DATA_URL_BYTES:
        raise _too_large(len(data))
    return data


def _is_data(argument: str) -> bool:
    return argument.lstrip()[: len(_SCHEME)].lower() == _SCHEME


def _too_large(size: int) -> BadArgument:
    have, most = math.ceil(size / 1e5) / 10, MAX_DATA_URL_BYTES // 1_000_000
    return BadArgument(
        f"like: {_GIVEN} has {have} MB, more than {most} MB. Give a smaller picture (1,000 pixels across are enough) "
        "or a shorter sound, or put the file into an allowed folder and give its path."
    )


def _refuse_others(segments: Sequence[Segment]) -> None:
    """Raises BadArgument for what is neither picture nor sound."""
    for segment in segments:
        if not segment.traits.given_as_data:
            raise BadArgument(
                f"like: the given data is {segment.traits.phrase}. Give {_FORMATS} as data; what a text says as "
                "`query`, in words; and other files by their path in an allowed folder."
            )


def _refused(error: UnreadableMedia) -> BadArgument:
    """Why data that was given cannot be read, for someone who has no file to look after."""
    if error.code == "unsupported_type":
        return BadArgument(f"like: the given data is of no kind that can be an example. Give {_FORMATS}.")
    reason = str(error).removeprefix(f"{_GIVEN}: ").rstrip(".")
    return BadArgument(f"like: {_GIVEN} cannot be read: {reason}. Give {_FORMATS}.")


@contextmanager
def _in_memory(data: bytes) -> Iterator[OpenFile]:
    """An open file that no folder lists and that is gone when it is closed."""
    with _nameless() as file:
        file.write(data)
        file.flush()
        state = os.fstat(file.fileno())
        yield OpenFile(fd=file.fileno(), path=_GIVEN, size=state.st_size, mtime_ns=changed_ns(state))


def _nameless() -> BinaryIO:
    if hasattr(os, "memfd_create"):  # Linux
        return os.fdopen(os.memfd_create("example"), "w+b")
    return tempfile.TemporaryFile()  # deleted as soon as it is made


def _texts(segments: Iterable[Segment]) -> tuple[str, ...]:
    return tuple(segment.text for segment in segments if segment.text)
