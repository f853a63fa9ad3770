"""A tokenizer that is learned on the spot, from a page of English, and the published size of its vocabulary.

The numbers of its tokens differ from the published ones; their count a word, and the size of the matrix that they are
looked up in, are about the same, and that is what takes time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mcp_mmretrieval.bench.untrained.english import ENGLISH_WORDS

_LEARNED = 2_000
"""Tokens at most, enough for all words of the page; the rest of the vocabulary is never used."""


def train_byte_pairs(marks: Sequence[str]) -> Tokenizer:
    """Byte pairs, with the model's own marks first."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner = trainers.BpeTrainer(
        vocab_size=_LEARNED, special_tokens=list(marks), initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([" ".join(ENGLISH_WORDS)] * 2, learner)
    return made


def fast_tokenizer(
    marks: Mapping[str, str], own: Mapping[str, str], more: Sequence[str] = (), **options: Any
) -> transformers.PreTrainedTokenizerFast:
    """One with the marks that every tokenizer knows by name (`pad_token`), those of this model alone, and nameless."""
    return transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=train_byte_pairs([*dict.fromkeys([*marks.values(), *own.values(), *more])]),
        extra_special_tokens=dict(own),
        **marks,
        **options,
    )


def token_id(tokenizer: transformers.PreTrainedTokenizerFast, token: str) -> int:
    """Of one token."""
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found
