"""Qwen3-VL-Embedding and -Reranker in 2B and 8B: text, pictures and film (arXiv 2601.04720 and their config.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers
from sentence_transformers.base.modules import Normalize
from sentence_transformers.cross_encoder.modules import LogitScore
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import Qwen2VLImageProcessor, Qwen3VLConfig, Qwen3VLProcessor, Qwen3VLVideoProcessor

from mcp_mmretrieval.bench.untrained import tokens
from mcp_mmretrieval.bench.untrained.design import Design

_SIZES: Mapping[str, tuple[dict[str, int], dict[str, Any]]] = {
    "tiny": (
        {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
        | {"intermediate_size": 128},
        {"depth": 2, "hidden_size": 64, "num_heads": 4, "intermediate_size": 128, "deepstack_visual_indexes": [0]},
    ),
    "2b": (
        {"hidden_size": 2_048, "num_hidden_layers": 28, "num_attention_heads": 16, "intermediate_size": 6_144},
        {"depth": 24, "hidden_size": 1_024, "intermediate_size": 4_096, "deepstack_visual_indexes": [5, 11, 17]},
    ),
    "8b": (
        {"hidden_size": 4_096, "num_hidden_layers": 36, "num_attention_heads": 32, "intermediate_size": 12_288},
        {"depth": 27, "hidden_size": 1_152, "intermediate_size": 4_304, "deepstack_visual_indexes": [8, 16, 24]},
    ),
}
"""Of the network of texts and that of pictures. `tiny` is no published one: it shows that a measurement runs."""
_VOCABULARY = 151_936
_MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "yes", "no")
_OWN = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
_SIZE = {"shortest_edge": 4 * 32 * 32, "longest_edge": 1_800 * 32 * 32}
"""Pixels of a picture, at least and at most."""
_SHOWN = """\
{%- macro shown(content) -%}
{%- if content is string -%}{{ content }}{%- else -%}
{%- for part in content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == 'video' -%}<|vision_start|><|video_pad|><|vision_end|>
{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endmacro -%}
"""
_EMBEDDING = (
    _SHOWN
    + """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ shown(message.content) }}<|im_end|>
{% endfor -%}
<|im_start|>assistant
"""
)
_JUDGE = (
    _SHOWN
    + """\
<|im_start|>system
Judge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the answer \
can only be "yes" or "no".<|im_end|>
<|im_start|>user
{%- for message in messages -%}
{%- if message.role == 'system' -%}<Instruct>: {{ shown(message.content) }}
{%- elif message.role == 'query' -%}<Query>: {{ shown(message.content) }}
{%- elif message.role == 'document' -%}<Document>: {{ shown(message.content) }}{%- endif -%}
{%- endfor -%}<|im_end|>
<|im_start|>assistant
"""
)


def embedding_tiny() -> Design:
    """For tests of what measures."""
    return _embedding("tiny")


def reranker_tiny() -> Design:
    """For tests of what measures."""
    return _reranker("tiny")


def embedding_2b() -> Design:
    """Qwen/Qwen3-VL-Embedding-2B."""
    return _embedding("2b")


def embedding_8b() -> Design:
    """Qwen/Qwen3-VL-Embedding-8B."""
    return _embedding("8b")


def reranker_2b() -> Design:
    """Qwen/Qwen3-VL-Reranker-2B."""
    return _reranker("2b")


def reranker_8b() -> Design:
    """Qwen/Qwen3-VL-Reranker-8B."""
    return _reranker("8b")


def _embedding(size: str) -> Design:
    tokenizer = _tokenizer()
    return Design(
        network=transformers.Qwen3VLModel,
        config=_config(size, tokenizer),
        processor=_processor(tokenizer, _EMBEDDING),
        modalities=dict.fromkeys(("text", "image", "video", "message"), "forward"),
        then=(Pooling(_SIZES[size][0]["hidden_size"], pooling_mode="lasttoken"), Normalize()),
        options={"prompts": {"query": "", "document": ""}, "similarity_fn_name": "cosine"},
    )


def _reranker(size: str) -> Design:
    tokenizer = _tokenizer()
    yes, no = (tokens.token_id(tokenizer, word) for word in ("yes", "no"))
    return Design(
        network=transformers.Qwen3VLForConditionalGeneration,
        config=_config(size, tokenizer),
        processor=_processor(tokenizer, _JUDGE),
        task="any-to-any",
        output="logits",
        handed_on_as="causal_logits",
        modalities=dict.fromkeys(("text", "image", "video", "message"), "forward"),
        then=(LogitScore(true_token_id=yes, false_token_id=no),),
        kind="CrossEncoder",
        options={"activation_fn": "torch.nn.modules.activation.Sigmoid"},
    )


def _config(size: str, tokenizer: Any) -> Qwen3VLConfig:
    texts, pictures = _SIZES[size]
    tied = size != "8b"
    return Qwen3VLConfig(
        text_config={
            "num_key_value_heads": 8,
            **texts,
            "vocab_size": _VOCABULARY,
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5_000_000.0,
                "mrope_section": [24, 20, 20],
                "mrope_interleaved": True,
            },
            "pad_token_id": tokenizer.pad_token_id,
            "tie_word_embeddings": tied,
        },
        vision_config={"num_heads": 16, **pictures, "out_hidden_size": texts["hidden_size"]},
        image_token_id=tokens.token_id(tokenizer, _OWN["image_token"]),
        video_token_id=tokens.token_id(tokenizer, _OWN["video_token"]),
        vision_start_token_id=tokens.token_id(tokenizer, _OWN["vision_start_token"]),
        vision_end_token_id=tokens.token_id(tokenizer, _OWN["vision_end_token"]),
        tie_word_embeddings=tied,
    )


def _tokenizer() -> Any:
    marks = {"pad_token": _MARKS[0], "eos_token": _MARKS[2]}
    return tokens.fast_tokenizer(
        marks,
        _OWN,
        more=_MARKS,
        model_max_length=32_768,
        padding_side="left",
    )


def _processor(tokenizer: Any, template: str) -> Qwen3VLProcessor:
    return Qwen3VLProcessor(  # type: ignore[no-untyped-call]
        Qwen2VLImageProcessor(patch_size=16, merge_size=2, size=_SIZE),
        tokenizer,
        Qwen3VLVideoProcessor(),
        chat_template=template,
    )
