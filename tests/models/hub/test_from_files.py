"""What is told where a model's files do not become a model."""

import pytest

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable
from mcp_mmretrieval.models.hub.from_files import load_errors_told

SPEC = ModelSpec(model="owner/name")


def test_an_error_of_other_peoples_is_told_in_a_line_with_what_to_do() -> None:
    with (
        pytest.raises(ModelUnavailable, match=r"^owner/name: does not load as a reranker: no such layer\. Choose\.$"),
        load_errors_told(SPEC, remedy="Choose.", role="a reranker"),
    ):
        raise ValueError("no such layer.\nAt line 7.")
    with (
        pytest.raises(ModelUnavailable, match=r"^owner/name: does not load: KeyError\. Choose\.$") as told,
        load_errors_told(SPEC, remedy="Choose."),
    ):
        raise KeyError
    assert isinstance(told.value.__cause__, KeyError)


def test_what_we_say_ourselves_stays_as_it_is() -> None:
    with pytest.raises(DeviceLost, match=r"^cuda:0 was lost$"), load_errors_told(SPEC, remedy="Choose."):
        raise DeviceLost("cuda:0 was lost")
