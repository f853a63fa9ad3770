"""What the authors say of the files that they published and no record repeats: a fact each, to be compared with them.

From the model cards, the authors' code and mteb's registry, without the files themselves at hand. A model that is not
named here is compared with its record alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS, Dtype

PROBE_QUERY, PROBE_DOCUMENT = "a boat", "a red sail"
"""With what a template is tried."""
_QWEN_CHAT = ("<|im_start|>system", "<|im_start|>user", PROBE_QUERY, "<|im_end|>", "<|im_start|>assistant")
_INSTRUCTION = "Retrieve images or text relevant to the user's query."
_JUDGED = ("<|im_start|>system", _INSTRUCTION, PROBE_QUERY, PROBE_DOCUMENT, "<|im_start|>assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFacts:
    """Of one model. What is empty or 0 is not known."""

    modules: tuple[str, ...] = ()
    """Their classes in modules.json, in their order."""
    pooling: str = ""
    stored: Dtype | None = None
    """In which its weights are stored."""
    weights: int = 0
    """How many numbers its weights are; to one in a thousand."""
    reads: tuple[str, ...] = ()
    """What stands in this order in what it reads for `PROBE_QUERY`, a reranker beside `PROBE_DOCUMENT`."""
    yes_no: tuple[int, ...] = ()
    """Ids of the two words that its score is made of."""
    instructed: bool = False
    """Whether contents of all sorts come after an instruction."""


_QWEN_EMBEDDER = PublishedFacts(
    modules=("Transformer", "Pooling", "Normalize"),
    pooling="lasttoken",
    stored="bfloat16",
    reads=(_QWEN_CHAT[0], _INSTRUCTION, *_QWEN_CHAT[1:]),
    instructed=True,
)
_QWEN_RERANKER = PublishedFacts(
    modules=("Transformer", "LogitScore"), stored="bfloat16", reads=_JUDGED, yes_no=(9_693, 2_152)
)
_BY_RECORD: Mapping[str, PublishedFacts] = {
    EMBEDDERS["clip"].model: PublishedFacts(modules=("CLIPModel",), stored="float32", weights=151_277_313),
    EMBEDDERS["omni"].model: PublishedFacts(
        modules=("Transformer", "Pooling", "Normalize"),
        pooling="mean",
        stored="bfloat16",
        reads=("<bos>", "task: search result | query: a boat", "<eos>"),
    ),
    EMBEDDERS["vision-2b"].model: replace(_QWEN_EMBEDDER, weights=2_127_532_032),
    EMBEDDERS["vision-8b"].model: replace(_QWEN_EMBEDDER, weights=8_144_793_840),
    RERANKERS["neomme"].model: PublishedFacts(stored="bfloat16", weights=263_070_000),
    RERANKERS["lighton-0.8b"].model: PublishedFacts(stored="bfloat16", weights=852_985_920),
    RERANKERS["qwen3-vl-2b"].model: replace(_QWEN_RERANKER, weights=2_127_532_032),
    RERANKERS["qwen3-vl-8b"].model: _QWEN_RERANKER,
    RERANKERS["minilm"].model: PublishedFacts(stored="float32"),
}
PUBLISHED_FACTS: Mapping[str, PublishedFacts] = MappingProxyType(_BY_RECORD)
"""By the name of the repository on the Hub."""
