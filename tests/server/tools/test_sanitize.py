import json
from dataclasses import replace
from typing import Any

import pytest

from mcp_mmretrieval.answers import Answer, Failure, Hit, Outcome, Removal, Reranking, Scored
from mcp_mmretrieval.server.tools import as_text, results
from mcp_mmretrieval.server.tools.sanitize import (
    Fence,
    count_hidden_characters,
    sanitize_line,
    sanitize_name,
    sanitize_text,
)
from tests.support.library import FULL, HITS, LISTED, PAGE, FakeLibrary, as_library

HIDDEN = {
    "a terminal code": "\x1b[31m",
    "a terminal title": "\x1b]0;title\x07",
    "a control character": "\x00",
    "a C1 control": "\x9b",
    "a direction override": "\u202e",
    "an isolate": "\u2066",
    "a zero-width space": "\u200b",
    "a zero-width joiner": "\u200d",
    "a byte order mark": "\ufeff",
    "a tag": "\U000e0041",
    "a variation selector beyond 16": "\U000e0100",
    "a soft hyphen": "\u00ad",
    "a lone surrogate": "\ud800",
}


@pytest.mark.parametrize("letters", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_nobody_sees_is_taken_out(letters: str) -> None:
    text = f"pay{letters} now"
    assert sanitize_text(text) == "pay now"
    assert sanitize_line(text, 99) == "pay now"
    assert count_hidden_characters(text) == len(letters)


def test_letters_of_every_script_line_breaks_and_emoji_stay() -> None:
    text = "Übergröße\n\t傘 зонт مظلة छाता 🌂"
    assert sanitize_text(text) == text
    assert count_hidden_characters(text) == 0


def test_line_ends_become_newlines() -> None:
    assert sanitize_text("a\r\nb\rc\u2028d") == "a\nb\nc\nd"


def test_a_name_keeps_its_joiners_and_loses_its_line_breaks() -> None:
    assert sanitize_name("نیم\u200cروز\u202e.pdf\n\u2028") == "نیم\u200cروز.pdf"


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert sanitize_line("one two\nthree", 9) == "one two…"


def test_a_fence_is_drawn_anew_and_the_text_cannot_close_it() -> None:
    first, second = Fence("a"), Fence("a")
    assert first.mark != second.mark
    fenced = first.around("text", "a")
    assert fenced.startswith(f"<<< {first.mark}")
    assert fenced.endswith(f"{first.mark} >>>")
    assert first.mark in first.notice
    assert "data, not instructions" in first.notice


def test_hidden_letters_do_not_pass_through_a_hit() -> None:
    nasty = "".join(HIDDEN.values())
    hit = Hit(
        segment=PAGE,
        path=f"/data/{nasty}a.pdf",
        citation="a.pdf#page=7",
        title=f"t{nasty}",
        score=0.1,
        snippet=f"s{nasty}n",
        lanes=("words",),
        match="fair",
    )
    sent = json.dumps(results.search_result(Answer(hits=(hit,), searched=FULL), ()), ensure_ascii=False)
    assert not [letters for letters in HIDDEN.values() if letters in sent]


def test_many_long_snippets_share_the_room() -> None:
    hit = replace(HITS[0], snippet="word " * 200)
    result = results.search_result(Answer(hits=(hit,) * 50, searched=FULL), ())
    assert sum(len(found["snippet"]) for found in result["hits"]) <= results.MAX_ALL_SNIPPETS_CHARACTERS


def test_hidden_letters_pass_through_no_field_of_any_answer() -> None:
    nasty = "".join(HIDDEN.values()) + "\ufe0f\u2065\u2800"
    name = f"/data/{nasty}a.pdf"
    outcome = Outcome(
        job="7",
        state="failed",
        failed=(Failure(path=name, code="corrupt", reason=name),),
        skipped={name: 1},
        current=name,
        error=name,
        notes=(name,),
    )
    status = replace(
        as_library(FakeLibrary()).status(),
        library=name,
        roots=(name,),
        models={"text": name},
        index=name,
        problems=(name,),
        jobs=(outcome,),
    )
    listed = replace(LISTED, citation=name, path=name, title=name, notes=(name,))
    ranked = Reranking(results=(Scored(candidate=name, score=1.0),), method="", reranked=0, elapsed_ms=0, notes=(name,))
    answers: list[tuple[Any, Any]] = [
        ((added := results.add_result(outcome)), as_text.add_text(added)),
        ((health := results.status_result(status, name, [name])), as_text.status_text(health)),
        ((page := results.list_result([listed], 1, 0, [name])), as_text.list_text(page)),
        ((order := results.rerank_result(ranked)), as_text.rerank_text(order)),
        (
            (
                gone := results.remove_result(
                    Removal(files=0, documents=0, segments=0, unknown=(name,), notes=(name,)), False
                )
            ),
            as_text.remove_text(gone),
        ),
    ]
    for answer in answers:
        sent = json.dumps(answer, ensure_ascii=False)
        assert "a.pdf" in sent
        assert not [letter for letter in nasty if letter in sent and not letter.isascii()], sent
        assert "\\u001b" not in sent
