import pytest

from mcp_mmretrieval.bench.untrained import ARCHITECTURES
from mcp_mmretrieval.bench.untrained_profile import UntrainedRequest, untrained_request
from mcp_mmretrieval.config.profiles import PROFILES
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument


def test_without_a_name_those_of_the_wanted_profile_are_built() -> None:
    assert untrained_request("", Settings(profile="omni")) == untrained_request("omni", Settings())


def test_a_profile_is_built_with_its_reranker_unless_the_settings_name_another() -> None:
    asked = untrained_request("omni", Settings())
    assert (asked.name, asked.embedder, asked.reranker) == ("omni", "embeddinggemma-2", "neomme-260m")
    assert untrained_request("omni", Settings(reranker="off")).reranker == ""
    assert untrained_request("omni", Settings(reranker="minilm")).reranker == "minilm-l6-reranker"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_one_architecture_is_an_embedder_or_a_reranker_by_what_it_stands_for(name: str) -> None:
    asked = untrained_request(name, Settings())
    judges = "reranker" in name or name == "neomme-260m"
    assert asked == (UntrainedRequest(name, reranker=name) if judges else UntrainedRequest(name, embedder=name))


def test_a_name_that_is_none_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadArgument, match="gemma: no such profile or architecture") as refused:
        untrained_request("gemma", Settings())
    for name in (*(profile for profile in PROFILES if profile != "builtin"), *ARCHITECTURES):
        assert name in str(refused.value)


def test_a_profile_of_built_in_models_alone_has_nothing_to_build() -> None:
    with pytest.raises(BadArgument, match="the profile builtin has no architecture"):
        untrained_request("", Settings())
