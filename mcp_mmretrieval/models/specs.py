"""The records of the models that the settings and a profile name, with the limits of the settings. Loads nothing.

Each function raises ModelUnavailable where BadArgument would be raised elsewhere: a model with a wrong name is missing,
and the library goes on without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mcp_mmretrieval.config.profiles import EmbedderSpec, ModelSpec, RerankerSpec, model_of, profile_of, reranker_of
from mcp_mmretrieval.config.resolve import tuned_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.models import recipe


def embedder_spec_of(profile: str, settings: Settings) -> EmbedderSpec | None:
    """The record of a profile's embedder; None: the built-in models serve. Raises ModelUnavailable."""
    with _unknown_is_unavailable():
        spec = profile_of(profile).embedder
        return tuned_spec(spec, settings) if spec is not None else None


def embedder_spec_in(maker: str, settings: Settings) -> EmbedderSpec | None:
    """The record of the embedder in a recipe; None: the built-in models serve. Raises ModelUnavailable."""
    return recipe.embedder_in_recipe(maker) or embedder_spec_of(recipe.profile_in_recipe(maker), settings)


def reranker_spec_of(profile: str, settings: Settings) -> RerankerSpec | None:
    """The record of the reranker that serves in the place of the built-in one. Raises ModelUnavailable."""
    with _unknown_is_unavailable():
        spec = reranker_of(settings.reranker, profile_of(profile))
        return tuned_spec(spec, settings) if spec is not None else None


def reader_spec_of(setting: str, variable: str, settings: Settings) -> ModelSpec:
    """The record of the model that the setting `ocr` or `speech` (`variable`) names. Raises ModelUnavailable."""
    with _unknown_is_unavailable():
        spec = model_of(setting, variable)
        assert spec is not None
        return tuned_spec(spec, settings)


def recipe_of_profile(profile: str, settings: Settings) -> str:
    """The recipe of the vectors that a profile makes; see `recipe`."""
    try:
        return recipe.recipe_of(profile, embedder_spec_of(profile, settings))
    except ModelUnavailable:
        return recipe.recipe_of(profile, None)  # whose loading fails, and says why


@contextmanager
def _unknown_is_unavailable() -> Iterator[None]:
    try:
        yield
    except BadArgument as error:
        raise ModelUnavailable(str(error)) from error
