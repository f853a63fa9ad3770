"""Models that come as transformers saves them, without anything of sentence-transformers: SigLIP and CLAP."""

from pathlib import Path

import torch
import transformers

from tests.support.tiny import words

DIM = 32
LENGTH = 64
"""Tokens to which SigLIP's texts are filled up."""
MARKS = ("<pad>", "</s>", "<unk>")


def siglip(folder: Path) -> Path:
    """Takes texts and pictures; no attention mask, so that what fills a text up counts."""
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    layers = {"hidden_size": DIM, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.SiglipConfig(
        text_config={
            **layers,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": LENGTH,
            "projection_size": DIM,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 1,
        },
        vision_config={**layers, "image_size": 32, "patch_size": 8},
    )
    transformers.SiglipModel(config).save_pretrained(folder)
    pictures = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    transformers.SiglipProcessor(pictures, tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def clap(folder: Path) -> Path:
    """Takes texts and sounds of 10 s at 48 kHz, as laion/clap-htsat-unfused does."""
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = transformers.ClapConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": DIM,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 80,
            "pad_token_id": 0,
            "projection_dim": DIM,
        },
        audio_config={
            "hidden_size": 64,
            "patch_embeds_hidden_size": 8,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 2, 2],
            "num_hidden_layers": 4,
            "projection_dim": DIM,
            "enable_fusion": False,
        },
        projection_dim=DIM,
    )
    transformers.ClapModel(config).save_pretrained(folder)
    ear = transformers.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    transformers.ClapProcessor(ear, tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def _tokenizer() -> transformers.PreTrainedTokenizerFast:
    return transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words.tokenizer(MARKS),
        model_max_length=LENGTH,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
