"""What is kept with a space says how to load its embedder again, whatever becomes of the profile's name."""

import json
from dataclasses import replace

import pytest

from mcp_mmretrieval.config.profiles import EMBEDDERS, EmbedderSpec
from mcp_mmretrieval.models import recipe


def test_the_recipe_of_the_built_in_models_is_the_one_in_every_library_so_far() -> None:
    assert recipe.recipe_of("builtin", None) == recipe.BUILTIN_RECIPE == '{"profile":"builtin"}'
    assert recipe.embedder_in_recipe(recipe.BUILTIN_RECIPE) is None


@pytest.mark.parametrize("spec", EMBEDDERS.values(), ids=lambda spec: spec.model)
def test_a_record_comes_back_as_it_was_but_for_what_it_tells_a_person(spec: EmbedderSpec) -> None:
    kept = recipe.recipe_of("mine", spec)
    assert recipe.profile_in_recipe(kept) == "mine"
    found = recipe.embedder_in_recipe(kept)
    assert found is not None
    assert found == replace(spec, licence="", good_for="", published=(), parameters=0, memory_mb=0, token_kb=0)
    assert recipe.recipe_of("mine", found) == kept


def test_what_is_told_to_a_person_makes_no_other_vectors_and_what_is_computed_does() -> None:
    spec = EmbedderSpec(model="owner/name", revision="0" * 40)
    assert recipe.recipe_of("p", replace(spec, licence="MIT", memory_mb=9)) == recipe.recipe_of("p", spec)
    assert recipe.recipe_of("p", replace(spec, window=9)) != recipe.recipe_of("p", spec)


def test_a_field_that_this_version_does_not_know_is_left_out() -> None:
    kept = json.loads(recipe.recipe_of("p", EmbedderSpec(model="owner/name")))
    kept["embedder"]["smells"] = 5
    found = recipe.embedder_in_recipe(json.dumps(kept))
    assert found == EmbedderSpec(model="owner/name")
