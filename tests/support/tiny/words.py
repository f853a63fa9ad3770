"""A tokenizer that is learned on the spot: bytes, the words of the tests, and a model's own marks."""

from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def tokenizer(marks: Sequence[str]) -> Tokenizer:
    """A token a byte, after the marks: what a vocabulary learns differs from run to run."""
    vocab = {token: number for number, token in enumerate([*marks, *BYTES])}
    made = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(marks))
    return made
