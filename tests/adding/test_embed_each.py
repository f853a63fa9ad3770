"""Contents that are embedded together; and what a model trips over, alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from mcp_mmretrieval.adding.embed_each import embed_each
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.types import Content, Vectors
from tests.support.models import ColourEmbedder


class Picky(ColourEmbedder):
    """Trips over texts that say `bad`, refuses those that say `long`, and makes nothing finite of `odd` ones."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self.calls += 1
        texts = [str(content) for content in contents]
        assert not titles or list(titles) == [f"title of {text}" for text in texts]
        if any("lost" in text for text in texts):
            raise DeviceLost("The device is gone. Start again.")
        if long := [row for row, text in enumerate(texts) if "long" in text]:
            raise Unfit(long, "too long")
        if any("bad" in text for text in texts):
            raise RuntimeError("a shape does not fit")
        vectors = super().embed_documents(contents)
        vectors[[row for row, text in enumerate(texts) if "odd" in text]] = np.nan
        return vectors


def test_one_bad_content_costs_the_others_nothing_and_keeps_their_order() -> None:
    texts = ["red", "bad", "blue", "long red", "odd", *["green"] * 40, "bad too", "red"]
    model = Picky()
    found = embed_each(model, texts, [f"title of {text}" for text in texts])
    without = [text for text, one in zip(texts, found, strict=True) if isinstance(one, Exception)]
    assert without == ["bad", "long red", "odd", "bad too"]
    for text, one in zip(texts, found, strict=True):
        if not isinstance(one, Exception):
            assert one.tolist() == pytest.approx(ColourEmbedder().embed_documents([text])[0].tolist())
    assert model.calls < 30
    assert [type(one) for one in embed_each(model, ["bad"])] == [RuntimeError]
    assert embed_each(model, []) == []


def test_a_device_that_is_lost_is_no_contents_fault() -> None:
    with pytest.raises(ModelUnavailable):
        embed_each(Picky(), ["red", "lost"])
