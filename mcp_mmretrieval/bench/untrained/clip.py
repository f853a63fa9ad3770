"""CLIP ViT-B/32: texts and pictures in 512 numbers (Radford et al. 2021). Its configuration is transformers' own."""

from __future__ import annotations

import json
from typing import Any

import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

from mcp_mmretrieval.bench.untrained.design import Design
from mcp_mmretrieval.bench.untrained.english import ENGLISH_WORDS

_START, _END = "<|startoftext|>", "<|endoftext|>"
_WORD_END = "</w>"
_LENGTH = 77
"""Tokens that it takes in."""


def vit_b_32() -> Design:
    """sentence-transformers/clip-ViT-B-32."""
    tokenizer = _tokenizer()
    marks = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return Design(
        network=CLIPModel,
        config=CLIPConfig(text_config=marks),
        processor=CLIPProcessor(CLIPImageProcessor(), tokenizer),  # type: ignore[no-untyped-call]
        output="pooler_output",
        handed_on_as="sentence_embedding",
        modalities={"text": "get_text_features", "image": "get_image_features"},
        options={"similarity_fn_name": "cosine"},
    )


def _tokenizer() -> transformers.CLIPTokenizer:
    learning = Tokenizer(models.BPE(end_of_word_suffix=_WORD_END))
    learning.normalizer = normalizers.Lowercase()
    learning.pre_tokenizer = pre_tokenizers.Whitespace()
    learner = trainers.BpeTrainer(vocab_size=2_000, end_of_word_suffix=_WORD_END, show_progress=False)
    learning.train_from_iterator([" ".join(ENGLISH_WORDS)] * 2, learner)
    learned = json.loads(learning.to_str())["model"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [_START, _END, *letters, *(letter + _WORD_END for letter in letters), *learned["vocab"]]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    merges: Any = [tuple(pair) for pair in learned["merges"]]
    return transformers.CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=_LENGTH)
