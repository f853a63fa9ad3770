"""EmbeddingGemma 2: text, pictures, sound and film in 768 numbers. The published configuration is transformers' own."""

from __future__ import annotations

from typing import Any

from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import EmbeddingGemma2Config, EmbeddingGemma2Model, EmbeddingGemma2Processor
from transformers.models.embedding_gemma2.video_processing_embedding_gemma2 import EmbeddingGemma2VideoProcessor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_gemma4 import Gemma4ImageProcessor

from mcp_mmretrieval.bench.untrained import tokens
from mcp_mmretrieval.bench.untrained.design import Design

_MARKS = {
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "bos_token": "<bos>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_OWN = {
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "image_token": "<|image|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
    "audio_token": "<|audio|>",
    "video_token": "<|video|>",
}
_IDS = {f"{name}_id": name for name in _OWN if name != "eoa_token"} | {"eoa_token_index": "eoa_token"}
_DIM = 768
_PROMPTS = {"query": "task: search result | query: ", "document": "title: none | text: "}
_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.content is string -%}{{ message.content }}{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'text' -%}{{ part.text }}{%- else -%}{{ '<|' + part.type + '|>' }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endfor -%}
{{- eos_token -}}"""


def embedding_gemma_2() -> Design:
    """google/embeddinggemma-2."""
    tokenizer = tokens.fast_tokenizer(_MARKS, _OWN, model_max_length=8_192, padding_side="right")
    ids: dict[str, Any] = {field: tokens.token_id(tokenizer, _OWN[mark]) for field, mark in _IDS.items()}
    config = EmbeddingGemma2Config(
        text_config={
            f"{name}_token_id": tokens.token_id(tokenizer, _MARKS[f"{name}_token"]) for name in ("pad", "eos", "bos")
        },
        vision_config={"model_type": "gemma4_vision"},
        audio_config={"model_type": "gemma4_audio"},
        **ids,
    )
    processor = EmbeddingGemma2Processor(
        Gemma4AudioFeatureExtractor(),
        Gemma4ImageProcessor(),
        tokenizer,
        EmbeddingGemma2VideoProcessor(),
        chat_template=_TEMPLATE,
    )
    return Design(
        network=EmbeddingGemma2Model,
        config=config,
        processor=processor,
        modalities=dict.fromkeys(("text", "image", "audio", "video", "message"), "forward"),
        then=(Pooling(_DIM, pooling_mode="mean"), Normalize()),
        options={"prompts": _PROMPTS, "similarity_fn_name": "cosine"},
    )
