"""Arguments as models and frameworks send them, made into what the tools take, before the schema is checked.

Schemas stay simple, since many clients know only plain types. So whatever else means the same is understood here.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BeforeValidator

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.server.tools.sanitize import sanitize_line
from mcp_mmretrieval.types import MODALITY_TRAITS, SHORT_ID_DIGITS, Modality

MAX_IGNORED_NAMES = 5
"""Ignored arguments that a note names."""
ALIKE = 0.75
"""From this ratio of `difflib` on an unknown name is a misspelt one. What frameworks add stays below."""

_NULLS = {"", "null", "none", "undefined", "nil", "[]", "{}"}
_QUOTES = {'"': '"', "'": "'", "`": "`", "<": ">", "\u201c": "\u201d", "\u2018": "\u2019"}
_FRAMEWORK_NAMES = {"contextid"}
"""What frameworks add although it is near to a name of ours."""
_TRIALS = {"preview", "simulate", "simulation", "whatif", "checkonly", "noop"}
"""Who writes one of these wants nothing changed: it must not be ignored."""

_MODALITY_WORDS: Mapping[Modality, str] = {
    "text": "text note txt markdown md passage html web code mail email spreadsheet word office ebook",
    "page": "page pdf slide scan scanned",
    "image": "image img picture pic photo chart graph plot diagram drawing figure screenshot png jpg jpeg",
    "audio": "audio sound recording voice speech podcast music song call memo mp3 wav",
    "video": "video film movie clip footage mp4",
}
_ALIASES: dict[str, tuple[Modality, ...]] = {
    **{word: (modality,) for modality, words in _MODALITY_WORDS.items() for word in words.split()},
    **dict.fromkeys(("document", "doc", "file", "report", "paper"), ("text", "page")),
    **dict.fromkeys(("visual",), ("page", "image", "video")),
    **dict.fromkeys(("all", "any", "every", "everything", "media", "*"), ()),
}
_ORDERS = {
    **dict.fromkeys(("date", "newest", "recent", "latest", "modified", "mtime", "time", "created", "dated"), "date"),
    **dict.fromkeys(("path", "name", "filename", "title", "alphabetical", "citation"), "path"),
}
_ID = re.compile(rf"[0-9a-f]{{{SHORT_ID_DIGITS},64}}(?:#|[,;\s]|$)")
_BETWEEN_IDS = re.compile(rf"[,;\s]\s*(?={_ID.pattern})")
_BETWEEN_WORDS = re.compile(r"[,;/|&+]|\s(?:and|or)\s", re.IGNORECASE)
_TARGET_KEYS = ("citation", "id", "path", "uri", "target")
"""Where a model that hands over a whole hit has put what names it, best first."""
_WORDS_KEYS = ("query", "words", "text")
"""Where it has put words."""
_AVOID_NAMES = {
    "not",
    "nots",
    "without",
    "unlike",
    "dislike",
    "notlike",
    "exclude",
    "excluding",
    "negative",
    "negatives",
}
"""What else `avoid` may be called: who writes one of these must not get what was to be left out."""


def is_blank(value: object) -> bool:
    """Whether a value stands for none: null, an empty text, list or object, the word "null", or lists of these."""
    if isinstance(value, str):
        return value.strip().lower() in _NULLS
    if isinstance(value, list | tuple):
        return all(is_blank(item) for item in value)
    return value is None or value == {}


def without_absent(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those optional ones that stand for nothing; words that are searched or kept are left."""
    required, properties = schema.get("required", ()), schema["properties"]
    return {
        name: value
        for name, value in given.items()
        if name not in properties
        or (not _empty(value, properties[name]) if name not in required else value is not None)
    }


def _empty(value: object, kind: Mapping[str, Any]) -> bool:
    if kind["type"] == "integer" and kind.get("minimum", 0) > 0 and value in (0, "0", "0.0"):
        return value is not False  # some fill what they leave out with 0
    if kind["type"] == "string" and isinstance(value, str):
        return not value.strip()  # "null" may be searched for; where a path is meant, its own reading knows better
    return is_blank(value)


def without_unknown(tool: str, given: Mapping[str, Any], known: list[str]) -> tuple[dict[str, Any], str]:
    """The known arguments, and a note on those that a framework added. Raises BadArgument for misspelt ones."""
    unknown = [name for name in given if name not in known]
    meant = {name: near for name in unknown if (near := _meant(name, known))}
    if meant:
        lines = (f"{sanitize_line(name, 60)}: unknown argument; did you mean {near}?" for name, near in meant.items())
        raise BadArgument("\n".join(lines))
    names = ", ".join(sanitize_line(name, 60) for name in unknown[:MAX_IGNORED_NAMES])
    more = f" and {len(unknown) - MAX_IGNORED_NAMES} more" if len(unknown) > MAX_IGNORED_NAMES else ""
    note = f"Ignored {names}{more}: {tool} has no such argument." if unknown else ""
    return {name: value for name, value in given.items() if name in known}, note


def _meant(name: str, known: list[str]) -> str:
    """The argument that a misspelt name means, or empty: then a framework added it for itself."""
    bare = _bare(name)
    if bare in _TRIALS:
        return "dry_run" if "dry_run" in known else ""
    if bare in _FRAMEWORK_NAMES:
        return ""
    if bare in _AVOID_NAMES and "avoid" in known:
        return "avoid"
    likeness = {one: difflib.SequenceMatcher(None, bare, _bare(one)).ratio() for one in known}
    near = max(known, key=likeness.__getitem__)
    return next((one for one in known if _variant(bare, _bare(one))), near if likeness[near] >= ALIKE else "")


def _variant(name: str, known: str) -> bool:
    """Whether a name is the beginning of a known one, its letters in another order, or another form of its word."""
    return len(name) >= 3 and (
        known.startswith(name) or sorted(known) == sorted(name) or name == f"{known.removesuffix('y')}ies"
    )


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


# -- values


def plain_path(value: object) -> object:
    """A path, citation or id without blanks, line ends and quotes around it. Words for nothing become empty."""
    if not isinstance(value, str):
        return "" if is_blank(value) or value in (0, False) else value
    text = value.strip()
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return "" if is_blank(text) else text


def _words(value: object) -> object:
    """Words, also where a model wrote a number, or a list of words."""
    if value is None or value is False:
        return ""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _title(value: object) -> object:
    return "" if is_blank(value) else _words(value)


def _many(value: object) -> object:
    """A list, also where the brackets are missing, or where it was written out as text in JSON or Python."""
    if isinstance(value, str):
        listed = _written_list(value)
        return [value] if listed is None else listed
    return value


def _written_list(text: str) -> list[object] | None:
    bare = text.strip()
    if not (bare[:1] in ("[", "(") and bare[-1:] in ("]", ")")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            listed = read(bare)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(listed, list | tuple):
            return list(listed)
    return None  # a name in brackets


def _paths(value: object) -> object:
    """Paths, citations or ids: each as `plain_path` has it, those for nothing left out, a line each split up."""
    listed = _many([value] if isinstance(value, Mapping) else value)
    if not isinstance(listed, list | tuple):
        return [] if is_blank(listed) or listed in (0, False) else listed
    return [path for item in listed for path in _each_path(item) if path != ""]


def _each_path(item: object) -> Iterator[object]:
    if isinstance(item, Mapping):
        yield plain_path(next((item[key] for key in _TARGET_KEYS if item.get(key)), None))
    elif isinstance(item, str) and (listed := _written_list(item)) is not None:
        yield from (plain_path(one) for one in listed)
    elif isinstance(item, str):
        for line in item.strip().splitlines():
            yield from (plain_path(one) for one in (_BETWEEN_IDS.split(line) if _ID.match(line) else [line]))
    else:
        yield plain_path(item)


def _examples(value: object) -> object:
    """Examples or words, as `_paths`; `data:` URLs stay whole, and numbers are words. Raises ValueError for others."""
    listed = _many([value] if isinstance(value, Mapping | int | float) and value is not False else value)
    if not isinstance(listed, list | tuple):
        return [] if is_blank(listed) or listed is False else listed
    return [one for item in listed for one in _each_example(item) if one != ""]


def _each_example(item: object) -> Iterator[object]:
    if isinstance(item, str) and item.lstrip(" \n\"'<`")[:5].lower() == "data:":
        yield plain_path(item)
    elif isinstance(item, int | float) and not isinstance(item, bool):
        yield str(item)
    elif isinstance(item, Mapping) and item and not any(item.get(key) for key in _TARGET_KEYS):
        words = next((item[key] for key in _WORDS_KEYS if item.get(key)), None)
        if not isinstance(words, str):
            raise ValueError("each must be a text: a path, a hit's id or citation, or words.")
        yield plain_path(words)
    else:
        yield from _each_path(item)


def _texts(value: object) -> object:
    return [] if is_blank(value) else _many(value)


def _modalities(value: object) -> object:
    """Modalities by any usual word, in a list or with commas or `and` between. Raises ValueError for other words."""
    listed = _many(value)
    if not isinstance(listed, list | tuple):
        return [] if is_blank(value) or value in (0, False) else value
    words = [word.strip(" .\"'") for item in listed for word in _BETWEEN_WORDS.split(str("" if item is None else item))]
    found: dict[Modality, None] = {}
    for word in words:
        if not is_blank(word):
            meant = _modality(word)
            if not meant:
                return []  # all of them
            found |= dict.fromkeys(meant)
    return list(found)


def _modality(word: str) -> tuple[Modality, ...]:
    bare = word.lower()
    for one in (bare, bare.removesuffix("s"), bare.removesuffix("es"), bare.removesuffix(" files").removesuffix("s")):
        if one in _ALIASES:
            return _ALIASES[one]
    near = difflib.get_close_matches(bare, list(_ALIASES), 1)
    hint = f"did you mean {near[0]}? Else" if near else "there are"
    raise ValueError(f"{sanitize_line(word, 60)!r} is no modality; {hint} {', '.join(MODALITY_TRAITS)}.")


def _order(value: object) -> object:
    if is_blank(value):
        return "path"
    return _ORDERS.get(str(value).strip().lower().removesuffix(" desc").removeprefix("-"), value)


WordsValue = BeforeValidator(_words)
"""Words; a number is taken as written."""
TitleValue = BeforeValidator(_title)
"""As words; "null" is none."""
PathValue = BeforeValidator(plain_path)
"""A path, citation or id."""
PathsValue = BeforeValidator(_paths)
"""Several of them, or one."""
ExamplesValue = BeforeValidator(_examples)
"""Examples, or words, or one of these."""
TextsValue = BeforeValidator(_texts)
"""Raw texts, or one."""
ModalitiesValue = BeforeValidator(_modalities)
"""Modalities, by any usual word for them."""
OrderValue = BeforeValidator(_order)
"""The order of a list, by any usual word for it."""
