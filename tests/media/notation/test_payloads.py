"""Files inside of a text are left out."""

import base64
import random

import pytest

from mcp_mmretrieval.media.notation.payloads import leave_out_payloads

DATA = base64.b64encode(random.Random(1).randbytes(900)).decode()
LINES = "\n".join(DATA[at : at + 76] for at in range(0, len(DATA), 76))


@pytest.mark.parametrize(
    ("before", "run", "after"),
    [
        ('{"image": "', DATA, '", "name": "x"}'),
        ("![](data:image/png;base64,", DATA, ") words"),
        ('{"image/png": "', LINES.replace("\n", "\\n"), '\\n"}'),
        ("<binary>\n", LINES, "\n</binary>"),
        ("key: ", DATA.replace("+", "-").replace("/", "_"), "\nnext: 1"),
    ],
)
def test_runs_of_base64_are_left_out(before: str, run: str, after: str) -> None:
    mapped, count = leave_out_payloads(before + run + after)
    assert count == 1
    assert "".join(mapped.text.split()).replace("\\n", "") == "".join((before + after).split()).replace("\\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "ACGTTGCA" * 100,
        "https://example.org/" + "a-long-name-of-a-page/" * 20,
        "word " * 300,
        "0123456789" * 50,
        DATA[:200],
    ],
)
def test_sequences_names_and_short_keys_stay(text: str) -> None:
    mapped, count = leave_out_payloads(text)
    assert (mapped.text, count) == (text, 0)


@pytest.mark.timeout(20)
def test_long_lines_take_no_longer_than_their_length() -> None:
    for text in ("a" * 1_000_000, ("a" * 39 + " ") * 30_000, (DATA[:60] + "\\n") * 20_000, "=\n" * 200_000):
        leave_out_payloads(text)
