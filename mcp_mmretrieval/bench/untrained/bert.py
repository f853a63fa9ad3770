"""BERT in the size of MiniLM-L6: 384 numbers, six layers (Wang et al. 2020)."""

from __future__ import annotations

import string
from typing import Any

import transformers
from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import Pooling

from mcp_mmretrieval.bench.untrained.design import Design
from mcp_mmretrieval.bench.untrained.english import ENGLISH_WORDS

_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LENGTH = 512


def minilm() -> Design:
    """sentence-transformers/all-MiniLM-L6-v2."""
    config = _config()
    return Design(
        network=transformers.BertModel,
        config=config,
        processor=_tokenizer(),
        then=(Pooling(config.hidden_size, pooling_mode="mean"), Normalize()),
        options={"similarity_fn_name": "cosine"},
    )


def minilm_reranker() -> Design:
    """cross-encoder/ms-marco-MiniLM-L6-v2."""
    return Design(
        network=transformers.BertForSequenceClassification,
        config=_config(num_labels=1),
        processor=_tokenizer(),
        task="sequence-classification",
        output="logits",
        handed_on_as="scores",
        kind="CrossEncoder",
        options={"activation_fn": "torch.nn.modules.activation.Sigmoid"},
    )


def _config(**more: Any) -> transformers.BertConfig:
    return transformers.BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1_536, **more
    )


def _tokenizer() -> transformers.BertTokenizer:
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = [*_MARKS, *ENGLISH_WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocab = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return transformers.BertTokenizer(vocab=vocab, model_max_length=_LENGTH)
