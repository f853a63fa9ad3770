"""Qwen3-VL-Embedding with random weights, half a megabyte, laid out as Qwen/Qwen3-VL-Embedding-2B is."""

from pathlib import Path

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from tests.support.tiny import words

DIM = 32
PATCH, MERGED = 16, 2
TOKEN = (PATCH * MERGED) ** 2
"""Pixels of a token."""
MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- elif part.type == 'video' -%}<|vision_start|><|video_pad|><|vision_end|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


def embedder(folder: Path, *, seed: int = 0) -> Path:
    """Takes texts, pictures and films; what it makes of the last token, where the answer would begin."""
    hf = folder.with_name(f"{folder.name}-hf")
    tokenizer = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words.tokenizer(MARKS),
        model_max_length=8_192,
        pad_token=MARKS[0],
        eos_token="<|im_end|>",
        additional_special_tokens=list(MARKS[3:]),
    )
    torch.manual_seed(seed)
    transformers.Qwen3VLModel(_config(tokenizer)).save_pretrained(hf)
    size = {"shortest_edge": 4 * TOKEN, "longest_edge": 16_384 * TOKEN}
    pictures = transformers.Qwen2VLImageProcessor(
        patch_size=PATCH, merge_size=MERGED, size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    films = transformers.Qwen3VLVideoProcessor(
        patch_size=PATCH, merge_size=MERGED, size={"shortest_edge": 4 * TOKEN, "longest_edge": 768 * TOKEN}
    )
    processor = transformers.Qwen3VLProcessor(pictures, tokenizer, films, chat_template=TEMPLATE)  # type: ignore[no-untyped-call]
    processor.save_pretrained(hf)
    reading = Transformer(str(hf), processing_kwargs={"chat_template": {"add_generation_prompt": True}})
    model = SentenceTransformer(modules=[reading, Pooling(DIM, "lasttoken"), Normalize()], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _config(tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.Qwen3VLConfig:
    ids = tokenizer.get_vocab()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": DIM,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 8_192,
        "initializer_range": 0.3,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 1, 1]},
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "patch_size": PATCH,
        "spatial_merge_size": MERGED,
        "out_hidden_size": DIM,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
        "initializer_range": 0.3,
    }
    return transformers.Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
