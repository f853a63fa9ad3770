"""Models with random weights that write letters at random about a picture, and the same ones about the same picture."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SEES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
CHAT = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def llava(folder: Path, *, seed: int = 0) -> Path:
    """A vision language model that takes a chat."""
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**SEES, image_size=32, patch_size=8, initializer_range=1.0),
        text_config=transformers.LlamaConfig(
            **SEES,
            vocab_size=len(tokenizer),
            initializer_range=1.0,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.get_vocab()["<image>"],
        vision_feature_layer=-1,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.LlavaProcessor(  # type: ignore[no-untyped-call]
        pictures,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    ).save_pretrained(folder)
    return folder


def trocr(folder: Path, *, seed: int = 0) -> Path:
    """TrOCR: an encoder of pictures and a decoder of text, which takes no question."""
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**SEES, image_size=32, patch_size=8, initializer_range=1.0),
        transformers.TrOCRConfig(
            vocab_size=len(tokenizer),
            d_model=32,
            decoder_layers=1,
            decoder_attention_heads=2,
            decoder_ffn_dim=64,
            init_std=1.0,
        ),
    )
    model = transformers.VisionEncoderDecoderModel(config)
    model.generation_config = transformers.GenerationConfig(  # type: ignore[no-untyped-call]
        decoder_start_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_length=20,
    )
    model.save_pretrained(folder)
    pictures = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    transformers.TrOCRProcessor(pictures, tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def _tokenizer() -> transformers.PreTrainedTokenizerFast:
    vocab = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", "<unk>", *LETTERS])}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return tokenizer
