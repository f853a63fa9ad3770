"""Text whose places count a source."""

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.markup import read_html
from mcp_mmretrieval.media.source_text import SourceText, decode_source
from tests.support.media_files import HTML_PAGE, PARAGRAPHS, notes, source

PAGE = HTML_PAGE.replace("<h2>", f"<p>{PARAGRAPHS}</p><h2>")


def test_each_passage_is_shown_again_by_its_place() -> None:
    text = SourceText(read_html(PAGE), len(PAGE), "page.html")
    passages = list(text.cited())
    assert len(passages) > 2
    for passage in passages:
        assert text.shown(passage.first, passage.last) == passage.text


def test_the_whole_and_any_range_of_it_are_shown_and_none_beyond() -> None:
    text = SourceText(read_html(PAGE), len(PAGE), "page.html")
    assert "Last & least" in text.shown(None, None)
    assert text.shown(PAGE.index("Juice"), PAGE.index("Juice") + 5) == "Juice"
    with pytest.raises(UnreadableMedia, match=r"page\.html: has .* no range"):
        text.shown(0, len(PAGE) + 1)


def test_what_is_beyond_the_limit_is_said() -> None:
    limits = Limits(characters=10)
    decoded = decode_source(source("ä".encode() * 11), limits)
    assert decoded.text == "ä" * 10
    (note,) = notes(decoded.metadata(read_html(decoded.text), limits))
    assert "first 10 characters" in note
    assert notes(decode_source(source(b"x" * 10), limits).metadata(read_html(""), limits)) == []
