"""What of an HTML page is read, and where in its source that stands."""

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import markup, text
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.types import SplitPart
from tests.support.media_files import HTML_PAGE, parts, source

LIMITS = Limits()


def split(data: bytes | str, name: str = "notes.md", limits: Limits = LIMITS) -> list[SplitPart]:
    raw = data.encode() if isinstance(data, str) else data
    return parts(text.split(source(raw, name), limits))


def test_of_a_page_only_what_can_be_seen_is_read() -> None:
    (part,) = split(HTML_PAGE, "page.html")
    seen = part.segment.text
    for expected in ("Drinks", "Hot coffee été café is 3 < 5.", "Juice\n", "Water\nIce", "a | 1", "A cup on a table"):
        assert expected in seen
    assert "Last & least" in seen
    for hidden in ("script words", "comment words", "color", "b>", "Tea"):
        assert hidden not in seen
    assert part.segment.heading == "Drinks"


def test_a_place_in_a_page_counts_characters_of_its_source() -> None:
    section = "<h2>Part {}</h2><p>" + "Some words stand &auml; here. " * 30 + "</p><script>no</script>"
    page = "<!doctype html><body>" + "".join(section.replace("{}", str(number)) for number in range(6))
    passages = split(page, "x")
    assert len(passages) == 6
    for number, part in enumerate(passages):
        place = part.segment.place
        assert page[place.first or 0 :].startswith(f"Part {number}</h2>")
        assert page[: place.last].endswith("here.")
        assert part.segment.heading == f"Part {number}"


def test_the_readings_of_furigana_are_left_out_whether_or_not_their_tags_are_closed() -> None:
    for ruby in (
        "<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</rt></ruby>の図書館",
        "<ruby>東<rt>とう京<rt>きょう</ruby>の図書館",
        "<ruby><rb>東<rb>京<rtc><rt>とう<rt>きょう</rtc></ruby>の図書館",
    ):
        (part,) = split(f"<html><p>{ruby}です。</p><p>next", "a.html")
        assert (
            part.segment.text.replace("京", "", 1).startswith("東の図書館です。")
            or "東京の図書館です。" in part.segment.text
        )
        assert part.segment.text.endswith("next")


def test_what_a_page_says_of_itself_is_its_keywords_and_its_date() -> None:
    head = (
        '<meta name="description" content="All about &quot;peat&quot;"><META NAME=keywords CONTENT="turf, bog">'
        "<meta property='og:title' content='The bog'><meta content='Morag Muir' name='author'>"
        '<meta property="article:published_time" content="2025-05-06T07:08:09Z"><meta name="viewport" content="unseen">'
    )
    page = markup.read_html(f"<!doctype html><head>{head}</head><body><p>Words.")
    assert page.title == "The bog"
    assert page.keywords.split("\n") == ['All about "peat"', "turf, bog", "Morag Muir"]
    assert page.dated == parse_date("2025-05-06T07:08:09Z")
    assert markup.read_html("<html><title>Own</title><meta property=og:title content=Other>").title == "Own"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "broken",
    [
        "<a ",
        "<!--",
        "<",
        '<a "',
        "<p>",
        "&amp",
        "<script>",
        "<title>",
        "<![CDATA[",
        "<h1>",
        "</",
        "<?",
        "&#x",
        "<pre>",
        "<a",
    ],
)
def test_broken_markup_is_read_as_well_as_may_be_and_in_time(broken: str) -> None:
    first, *_ = split("<html><p>before</p>" + broken * 50_000 + "<p>after</p>", "a.html")
    assert first.segment.text.startswith("before")


def test_an_empty_comment_ends_at_once() -> None:
    (part,) = split("<html><p>one<!-->, two<!--->, three<!-- > -->, four</p>", "a.html")
    assert part.segment.text == "one, two, three, four"


def test_only_its_own_text_stands_for_a_picture() -> None:
    (part,) = split("<html><p><img data-alt='lazy' alt='A heron'></p>", "a.html")
    assert part.segment.text == "A heron"


@pytest.mark.timeout(20)
def test_a_tag_of_one_endless_name_is_passed_over_in_time() -> None:
    (part,) = split("<html><p>before</p><meta " + "a" * 99_000 + "><p>after</p>", "a.html")
    assert part.segment.text == "before\n\nafter"


def test_a_range_of_what_is_seen_leads_to_its_source_and_back() -> None:
    html = "<html><body>a &amp; b <i>and</i> caf&eacute; <script>no</script>end</body>"
    page = markup.read_html(html)
    for words, written in (("a & b", "a &amp; b"), ("and", "and"), ("café", "caf&eacute;"), ("end", "end")):
        first = page.mapped.text.index(words)
        begin, end = page.mapped.source_of(first, first + len(words))
        assert html[begin:end] == written
        assert page.mapped.range_of(begin, end) == (first, first + len(words))
