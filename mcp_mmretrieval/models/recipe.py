"""What makes the vectors of a space, as one text: kept with the space, it says how to load its embedder again."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from mcp_mmretrieval.config.profiles import EmbedderSpec

BUILTIN_RECIPE = '{"profile":"builtin"}'
"""The recipe of the built-in models."""
_TOLD = frozenset({"licence", "good_for", "published", "parameters", "memory_mb", "token_kb"})
"""Fields of a record that tell a person something and change no vector."""


def recipe_of(profile: str, spec: EmbedderSpec | None) -> str:
    """The recipe of a profile with its embedder's record; without a record, whatever the profile means by its name."""
    said: dict[str, object] = {"profile": profile}
    if spec is not None:
        said["embedder"] = {name: value for name, value in asdict(spec).items() if name not in _TOLD}
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def profile_in_recipe(made_by: str) -> str:
    """The name of the profile in a recipe, as the setting named it."""
    return str(_said(made_by)["profile"])


def embedder_in_recipe(made_by: str) -> EmbedderSpec | None:
    """The record of the embedder in a recipe; None where the profile's name says it all.

    Fields that another version of this package wrote and this one does not know are left out.
    """
    given = _said(made_by).get("embedder")
    if given is None:
        return None
    known = {field.name for field in fields(EmbedderSpec)} - _TOLD
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name in known
    }
    values["sees"] = frozenset(values.get("sees", ("photos",)))
    return EmbedderSpec(**values)


def _said(made_by: str) -> dict[str, Any]:
    return dict(json.loads(made_by))


def _plain(value: object) -> object:
    """Sets in one order, mappings as dicts."""
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value)  # type: ignore[call-overload]
