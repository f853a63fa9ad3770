"""Models of speech with random weights: they write letters at random, and the same ones for the same sound."""

from pathlib import Path

import torch
import transformers

LETTERS = "abcdefghijklmnopqrstuvwxyz"
END, START, QUIET = "<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"
WRITES = 24
"""Tokens that the decoder of `whisper` holds."""


def whisper(folder: Path, *, seed: int = 0, times: bool = True) -> Path:
    """Whisper. `times`: whether it was trained to write them."""
    vocab = {letter: number for number, letter in enumerate(LETTERS)}
    tokenizer = transformers.WhisperTokenizer(vocab=vocab, merges=[], unk_token=END, bos_token=END, eos_token=END)
    tokenizer.add_special_tokens({"additional_special_tokens": [END, START, QUIET]})
    moments = [f"<|{number * 0.02:.2f}|>" for number in range(1501)]
    tokenizer.add_tokens(moments)
    ids = tokenizer.get_vocab()
    end, start, quiet = ids[END], ids[START], ids[QUIET]
    torch.manual_seed(seed)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_target_positions=WRITES,
        init_std=1.0,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
    )
    model = transformers.WhisperForConditionalGeneration(config)
    # one without times writes nothing but letters, or what it writes would hang on the last bit of a number
    others = [start, quiet, *(ids[moment] for moment in moments)]
    trained = {"no_timestamps_token_id": quiet} if times else {"suppress_tokens": others}
    model.generation_config = transformers.GenerationConfig(  # type: ignore[no-untyped-call]
        is_multilingual=False,
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        begin_suppress_tokens=[end],
        max_length=WRITES,
        **trained,
    )
    model.save_pretrained(folder)
    transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def wav2vec2(folder: Path, *, seed: int = 0) -> Path:
    """wav2vec 2.0 with letters (CTC)."""
    folder.mkdir(parents=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
    vocab = folder / "vocab.json"
    vocab.write_text(str({letter: number for number, letter in enumerate(letters)}).replace("'", '"'))
    torch.manual_seed(seed)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32, 32, 32),
        conv_kernel=(10, 8, 8),
        conv_stride=(10, 8, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        initializer_range=1.0,
    )
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(vocab))  # type: ignore[no-untyped-call]
    transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder
