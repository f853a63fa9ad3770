"""The title and the date in a note's front matter: YAML between lines of `---`, or TOML between lines of `+++`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import yaml

from mcp_mmretrieval.media.notation.dates import parse_date

_BLOCK = re.compile(
    r"\A(?P<mark>---|\+\+\+)[ \t]*\r?\n(?P<body>.{0,20000}?)^(?:(?P=mark)|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it
_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_DATE = re.compile(r"^(?:date|created):[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_DATES = ("date", "created", "published", "datepublished", "publishdate", "created_at", "created at", "creation date")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands before a note."""

    title: str = ""
    dated: float | None = None


def read_front_matter(text: str) -> FrontMatter:
    """What a text's front matter says; empty where there is none. Broken YAML is read line by line."""
    block = _BLOCK.match(text)
    if block is None:
        return FrontMatter()
    body = block["body"]
    try:
        found = tomllib.loads(body) if block["mark"] == "+++" else yaml.load(body, Loader=_LOADER)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError, LookupError, AttributeError):
        # PyYAML trips over odd values in many ways
        found = None
    if not isinstance(found, Mapping):
        title, day = _TITLE.search(body), _DATE.search(body)
        found = {"title": title[1].strip().strip("\"'") if title else "", "date": day[1] if day else ""}
    fields = {str(name).lower(): value for name, value in found.items()}
    title = fields.get("title")
    # no lists: by aliases within aliases a few of them may stand for billions
    dates = (parse_date(value) for name in _DATES if isinstance(value := fields.get(name), str | int | date))
    return FrontMatter(
        title=" ".join(str(title).split())[:200] if isinstance(title, str | int | float) else "",
        dated=next((moment for moment in dates if moment is not None), None),
    )
