"""Whether a hit is a near-duplicate of one above it: shown beside it, it would say nothing new.

What is compared is what was kept when the files were read: words, seconds, and fingerprints of pictures and sound.

texts, pages   all that the one says stands in the other (`contained_text`), or in the passages around it
pictures       the fingerprints agree, and so do the words in them: two charts of one style look the same
sound, film    the same stretch of time sounds the same, and looks the same where both have frames
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

from mcp_mmretrieval.adding.fingerprints import Fingerprint, sound_likeness
from mcp_mmretrieval.searching.contained_text import (
    MIN_ROUGH_SHARE,
    MIN_ROUGH_SHARE_UNREAD,
    MIN_TELLING_WORDS,
    nothing_contradicts,
    rough_share,
    says_nothing_new,
    without_envelope,
)
from mcp_mmretrieval.searching.registration import MOST_DIFFERENT, look_alike
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.types import Recogniser, Segment

SAME_PICTURE = 0.9
"""Correlation of two thumbnails from which on they are one picture, if they differ in no place of it: see
`registration.MOST_DIFFERENT`. Of 94 drawings and photos one fell below it, saved anew or cropped by a twentieth."""
SAME_WORDY_PICTURE, MOST_DIFFERENT_WORDY = 0.75, 0.95
"""The same of two pictures with words, which have to agree: letters are lost in a thumbnail. Charts of one style whose
words are the same differ by 1.0 and more where their data does."""
SAME_PAGE = 0.55
"""The same of two full pages, which their words tell: lines of print blur to grey, at the edges of a scan they end."""
PAGE_WORDS = 60
"""Words of a picture that is a page, as a scanner or a camera saves it: it is compared with pages by its words."""
FULL_PAGE_WORDS = 120
"""Words of a full page: no chart has so many."""
SAME_FRAME = 0.9
"""As `SAME_PICTURE`, for frames of a film, of which several have to agree."""
SAME_FRAMES_SHARE = 0.7
"""Of the frames of a stretch, which each film chooses by itself, those that are to be seen in the other too."""
SAME_SOUND = 0.76
"""Share of equal bits of two sounds from which on they are one recording. Of 81 spoken orders as MP3 and Opus 19 in 20
exceed 0.84; of 3,200 other pairs none exceeds 0.74, but one recording that is there twice. The authors have 0.65."""
TIME_APART_S = 1.0
"""Seconds by which stretches of two files may begin or end apart and still be the same stretch."""
AROUND = 3
"""Passages before and behind one in which a longer place may stand: a page of a PDF is several passages of a DOCX."""
MOSTLY_INSIDE = 0.9
"""Words of a passage that stand in a longer place, roughly, before the passages around it are read."""


class NearDuplicates:
    """Compares hits of one search."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._around: dict[int, str] = {}

    def is_repeated(self, hit: StoredSegment, above: StoredSegment) -> bool:
        """Whether `hit` says and shows nothing that `above` does not."""
        one, other = hit.segment, above.segment
        if one.traits.listened_to or other.traits.listened_to:
            return one.modality == other.modality and _same_stretch(one, other)
        if one.modality == "image" and other.modality == "image":
            return _is_same_picture(one, other)
        if any(each.modality == "image" and len(each.text.split()) < PAGE_WORDS for each in (one, other)):
            return False
        return self._same_text(hit, above)

    def _same_text(self, hit: StoredSegment, above: StoredSegment) -> bool:
        one, other = (replace(each, text=without_envelope(each.text)) for each in (hit.segment, above.segment))
        if one.fingerprint and other.fingerprint:
            return _is_same_picture(one, other)
        if len(one.text.split()) < MIN_TELLING_WORDS:
            return False
        least = MIN_ROUGH_SHARE if _recognisers(one) | _recognisers(other) else MIN_ROUGH_SHARE_UNREAD
        if rough_share(one.text, other.text) >= least and _says_nothing_new(one, other):
            return True
        longer = other.modality == "text" and one.document != other.document and len(one.text) > len(other.text)
        if not longer or rough_share(other.text, one.text) < MOSTLY_INSIDE:
            return False
        return _says_nothing_new(one, replace(other, text=self._text_around(above)))

    def _text_around(self, stored: StoredSegment) -> str:
        """Of a passage with those before and behind it."""
        if stored.key not in self._around:
            found = self._catalog.around(stored.key, reach=AROUND)
            self._around[stored.key] = "\n".join(each.segment.text for each in found)
        return self._around[stored.key]


def _is_same_picture(one: Segment, other: Segment) -> bool:
    """Whether two pictures or scans look the same, and no word in them says otherwise."""
    words = min(len(each.text.split()) for each in (one, other))
    if (
        words >= MIN_TELLING_WORDS
        and max(rough_share(one.text, other.text), rough_share(other.text, one.text)) < MIN_ROUGH_SHARE
    ):
        return False
    if words >= FULL_PAGE_WORDS:
        least, most = SAME_PAGE, math.inf
    elif words >= MIN_TELLING_WORDS:
        least, most = SAME_WORDY_PICTURE, MOST_DIFFERENT_WORDY
    else:
        least, most = SAME_PICTURE, MOST_DIFFERENT
    alike = _looks_the_same(one.fingerprint, other.fingerprint, least, most)
    return alike and nothing_contradicts(one.text, other.text) and nothing_contradicts(other.text, one.text)


def _says_nothing_new(one: Segment, other: Segment) -> bool:
    """Whether the words of `one` stand in `other`; the number of a page is no word of it."""
    numbers = frozenset(filter(None, (str(one.place.page or ""), one.label)))
    return says_nothing_new(one.text, other.text, _recognisers(one) | _recognisers(other), dropped=numbers)


def _recognisers(segment: Segment) -> frozenset[Recogniser]:
    """What read a place: a page has a fingerprint where it was read by OCR."""
    return segment.traits.recognisers if segment.fingerprint or segment.modality != "page" else frozenset()


def _same_stretch(one: Segment, other: Segment) -> bool:
    """Whether two stretches of sound or film, from the same second on, are the same one."""
    if one.place.start is None or other.place.start is None or one.place.end is None or other.place.end is None:
        return False
    if max(abs(one.place.start - other.place.start), abs(one.place.end - other.place.end)) > TIME_APART_S:
        return False
    if not _sounds_and_looks_the_same(one.fingerprint, other.fingerprint):
        return False
    # what stands in frames tells slides apart that nobody speaks to
    return one.modality == "audio" or _has_sound(one.fingerprint) or _says_nothing_new(one, other)


@lru_cache(maxsize=4096)  # the same files are found by many searches
def _looks_the_same(one: bytes, other: bytes, least: float, most_different: float) -> bool:
    first, second = Fingerprint.from_bytes(one), Fingerprint.from_bytes(other)
    if first is None or second is None or not len(first.pictures) or not len(second.pictures):
        return False
    return look_alike(first.pictures[0], second.pictures[0], least, most_different=most_different)


@lru_cache(maxsize=4096)
def _sounds_and_looks_the_same(one: bytes, other: bytes) -> bool:
    first, second = Fingerprint.from_bytes(one), Fingerprint.from_bytes(other)
    if first is None or second is None:
        return False
    sounds = min(len(first.sound), len(second.sound))
    if sounds and sound_likeness(first.sound, second.sound) < SAME_SOUND:
        return False
    if bool(len(first.sound)) != bool(len(second.sound)) or not (sounds or len(first.pictures)):
        return False
    seen = [any(look_alike(there, here, SAME_FRAME) for there in second.pictures) for here in first.pictures]
    return not seen or sum(seen) >= SAME_FRAMES_SHARE * len(seen)


@lru_cache(maxsize=4096)
def _has_sound(fingerprint: bytes) -> bool:
    found = Fingerprint.from_bytes(fingerprint)
    return found is not None and len(found.sound) > 0
