"""EmbeddingGemma 2 with random weights, half a megabyte, laid out as google/embeddinggemma-2 is."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers.processors import TemplateProcessing
from transformers.models.embedding_gemma2.configuration_embedding_gemma2 import EmbeddingGemma2Config
from transformers.models.embedding_gemma2.modeling_embedding_gemma2 import EmbeddingGemma2Model
from transformers.models.embedding_gemma2.processing_embedding_gemma2 import EmbeddingGemma2Processor
from transformers.models.embedding_gemma2.video_processing_embedding_gemma2 import EmbeddingGemma2VideoProcessor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_gemma4 import Gemma4ImageProcessor

from mcp_mmretrieval.config.profiles import EmbedderSpec
from tests.support.tiny import words

DIM = 48
QUERY, DOCUMENT = "task: search result | query: ", "title: {title} | text: "
SECONDS = 2.0
"""Of one sound: less than the model takes, so that tests are quick."""
MARKS = {
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "bos_token": "<bos>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "image_token": "<|image|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
    "audio_token": "<|audio|>",
    "video_token": "<|video|>",
}
TEMPLATE = (
    "{{ bos_token }}"
    "{%- for message in messages if message.role == 'system' -%}"
    "{%- for part in message.content -%}{{ part.text }}{%- endfor -%}"
    "{%- endfor -%}"
    "{%- for message in messages if message.role != 'system' -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'text' -%}{{ part.text }}{%- else -%}{{ '<|' + part.type + '|>' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- endfor -%}"
    "{{ eos_token }}"
)
PUBLISHED_TEMPLATE = TEMPLATE.replace("{{ bos_token }}", "").replace("{{ eos_token }}", "")
"""Without the marks at both ends, which the published tokenizer sets."""
PROMPTS = {"query": "task: search result | query: ", "document": "title: none | text: "}


def embedder(folder: Path, *, seed: int = 0, without: tuple[str, ...] = (), template: str = TEMPLATE) -> Path:
    """Takes texts, pictures, sound and film. `without`: towers that it lacks, of `vision` and `audio`.

    `template`: with the marks at both ends, or `PUBLISHED_TEMPLATE`.
    """
    tokenizer = _tokenizer(ends=template is PUBLISHED_TEMPLATE)
    torch.manual_seed(seed)
    model = EmbeddingGemma2Model(_config(tokenizer, without))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "embed" not in name:
                weight.mul_(8.0)  # so that different inputs come to lie apart
    model.save_pretrained(folder)
    EmbeddingGemma2Processor(
        Gemma4AudioFeatureExtractor(),
        Gemma4ImageProcessor(max_soft_tokens=70),
        tokenizer,
        EmbeddingGemma2VideoProcessor(max_soft_tokens=70),
        chat_template=template,
    ).save_pretrained(folder)
    _as_published(folder)
    return folder


def _config(tokenizer: Any, without: tuple[str, ...]) -> EmbeddingGemma2Config:
    ids = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in MARKS.items()}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "global_head_dim": 16,
        "num_global_key_value_heads": 1,
        "hidden_size_per_layer_input": 8,
        "embedding_dim": DIM,
        "sliding_window": 64,
        "sliding_window_pattern": 2,
        "pad_token_id": ids["pad_token"],
        "eos_token_id": ids["eos_token"],
        "bos_token_id": ids["bos_token"],
    }
    layers = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {
        **layers,
        "model_type": "gemma4_vision",
        "intermediate_size": 64,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "position_embedding_size": 256,
        "patch_size": 16,
        "pooling_kernel_size": 3,
    }
    audio = {**layers, "model_type": "gemma4_audio", "output_proj_dims": 32, "subsampling_conv_channels": [128, 4]}
    return EmbeddingGemma2Config(
        text_config=text,
        vision_config=None if "vision" in without else vision,
        audio_config=None if "audio" in without else audio,
        boi_token_id=ids["boi_token"],
        eoi_token_id=ids["eoi_token"],
        image_token_id=ids["image_token"],
        video_token_id=ids["video_token"],
        boa_token_id=ids["boa_token"],
        audio_token_id=ids["audio_token"],
        eoa_token_index=ids["eoa_token"],
    )


def _tokenizer(*, ends: bool) -> transformers.PreTrainedTokenizerFast:
    """`ends`: it sets the marks at both ends of a text itself."""
    made = words.tokenizer(list(MARKS.values()))
    if ends:
        begin, end = MARKS["bos_token"], MARKS["eos_token"]
        special = [(mark, made.token_to_id(mark)) for mark in (begin, end)]
        made.post_processor = TemplateProcessing(single=f"{begin} $A {end}", special_tokens=special)
    return transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made,
        model_max_length=8_192,
        padding_side="right",
        extra_special_tokens={name: mark for name, mark in MARKS.items() if name[:3] in ("boi", "eoi", "ima", "boa")}
        | {name: MARKS[name] for name in ("eoa_token", "audio_token", "video_token")},
        **{name: MARKS[name] for name in ("pad_token", "eos_token", "bos_token", "unk_token", "mask_token")},
    )


def _as_published(folder: Path) -> None:
    """The files by which sentence-transformers knows the model."""
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    written = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
            {
                "idx": 1,
                "name": "1",
                "path": "1_Pooling",
                "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
            },
            {
                "idx": 2,
                "name": "2",
                "path": "2_Normalize",
                "type": "sentence_transformers.base.modules.normalize.Normalize",
            },
        ],
        "sentence_bert_config.json": {
            "transformer_task": "feature-extraction",
            "modality_config": {
                **dict.fromkeys(("text", "image", "audio", "video"), forward),
                "message": {**forward, "format": "structured"},
            },
            "module_output_name": "token_embeddings",
        },
        "config_sentence_transformers.json": {"prompts": PROMPTS, "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {"embedding_dimension": DIM, "pooling_mode": "mean", "include_prompt": True},
    }
    (folder / "2_Normalize").mkdir()
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def record(folder: Path, **given: Any) -> EmbedderSpec:
    """As the published model's record, with smaller caps."""
    caps = {"pixels": 70 * 48 * 48, "frame_pixels": 70 * 48 * 48, "frames": 4, "hears": SECONDS, "rate": 16_000}
    prompts = {"query_prompt": QUERY, "document_prompt": DOCUMENT}
    return EmbedderSpec(**{"model": str(folder), **caps, **prompts, **given})
