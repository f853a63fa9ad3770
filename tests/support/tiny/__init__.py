"""Models of real architectures with random weights, a quarter of a megabyte, saved as sentence-transformers saves."""

import json
from pathlib import Path

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import pre_tokenizers

START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = ("a", "red", "boat", "in", "the", "harbour")
TOKENS = 48
"""That the model takes in, its two marks included."""
DIM = 16


def clip(folder: Path, *, seed: int = 0) -> Path:
    """Takes texts and pictures. Another seed is another model."""
    hf = folder.with_name(f"{folder.name}-hf")
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    layers = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "initializer_range": 1.0,
        "initializer_factor": 8.0,  # so that different inputs come to lie apart
    }
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    config = transformers.CLIPConfig(
        text_config={**layers, **marks, "vocab_size": len(tokenizer), "max_position_embeddings": TOKENS},
        vision_config={**layers, "image_size": 32, "patch_size": 8},
        projection_dim=DIM,
    )
    transformers.CLIPModel(config).save_pretrained(hf)
    pictures = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.CLIPProcessor(pictures, tokenizer).save_pretrained(hf)  # type: ignore[no-untyped-call]
    return _saved([Transformer(str(hf))], folder)


def as_published(clip: Path, folder: Path) -> Path:
    """The same model laid out as sentence-transformers/clip-ViT-B-32 is, with pickled weights beside its own."""
    part = folder / "0_CLIPModel"
    part.mkdir(parents=True)
    model = SentenceTransformer(str(clip), device="cpu", local_files_only=True)
    inner = model.transformers_model
    assert inner is not None
    inner.save_pretrained(part)
    model.tokenizer.save_pretrained(part)
    model.processor.image_processor.save_pretrained(part)
    (part / "pytorch_model.bin").write_bytes(b"not to be opened")
    module = {"idx": 0, "name": "0", "path": part.name, "type": "sentence_transformers.models.CLIPModel"}
    (folder / "modules.json").write_text(json.dumps([module]), encoding="utf-8")
    return folder


def bert(folder: Path) -> Path:
    """Takes texts alone."""
    hf = folder.with_name(f"{folder.name}-hf")
    vocab = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocab), hidden_size=DIM, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertModel(config).save_pretrained(hf)
    transformers.BertTokenizer(vocab=vocab).save_pretrained(hf)
    return _saved([Transformer(str(hf)), Pooling(DIM)], folder)


def _saved(modules: list[torch.nn.Module], folder: Path) -> Path:
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _tokenizer() -> transformers.CLIPTokenizer:
    """A token a letter: a learned vocabulary differs from run to run."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [START, END, *letters, *(f"{letter}</w>" for letter in letters)]
    vocab = {token: number for number, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocab, model_max_length=TOKENS)
