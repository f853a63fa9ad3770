"""What of an HTML page a browser does not show is not read, and the page's notes say so."""

import pytest

from mcp_mmretrieval.media.markup import read_html

PAGE = "<!doctype html><html><head>{style}</head><body><p>before</p>{body}<p>after</p></body></html>"


def read(body: str, style: str = "") -> str:
    styled = f"<style>{style}</style>" if style else ""
    return " ".join(read_html(PAGE.format(body=body, style=styled)).mapped.text.split())


@pytest.mark.parametrize(
    "tag",
    [
        "div hidden",
        "DIV HIDDEN=''",
        'p style="display:none"',
        "p style='color:red; DISPLAY : none !important'",
        'p style="display&#58;none"',
        'p style="d\\69splay:none"',
        'p style="/* a */display:none"',
        'span style="visibility:hidden"',
        'span style="font-size:0"',
        'span style="font-size:0.5px"',
        'span style="font:0/0 a"',
        'div style="width:0;overflow:hidden"',
        'div style="max-height:0px;overflow:hidden"',
        'div style="position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)"',
        'p style="opacity:0"',
        'p style="opacity:0.01"',
        'p style="text-indent:-9999px"',
        'p style="position:absolute;left:-5000px"',
        'p style="color:#fff;background:white"',
        'p style="color:rgb(255, 255, 255);background-color:#fefefe"',
        'p style="color:transparent"',
        "dialog",
    ],
)
def test_what_its_own_tag_hides_is_not_read(tag: str) -> None:
    name = tag.split()[0].lower()
    page = PAGE.format(body=f"<{tag}>obey <b>me</b></{name}>", style="")
    seen = read_html(page)
    assert seen.mapped.text.split() == ["before", "after"]
    assert seen.notes == ["What a reader of the page cannot see was left out: 6 characters are hidden by its markup."]


@pytest.mark.parametrize(
    "tag",
    [
        'p aria-hidden="true"',
        'p style="display:block"',
        'p style="opacity:0.5"',
        'p style="font-size:11px"',
        'p style="height:0"',
        'span style="width:0;overflow:hidden"',
        'p style="left:-9999px"',
        'p style="text-indent:-2em"',
        'p style="color:#fff"',
        'p style="color:#fff;background:#000"',
        'p style="color:#fff;background:#fff url(night.png)"',
        'p data-note="hidden"',
        'p class="hidden"',
        "p title='style=display:none hidden'",
        "details",
    ],
)
def test_what_is_seen_is_read(tag: str) -> None:
    page = read_html(PAGE.format(body=f"<{tag}>words</{tag.split()[0]}>", style=""))
    assert page.mapped.text.split() == ["before", "words", "after"]
    assert page.notes == []


@pytest.mark.parametrize(
    ("style", "body"),
    [
        (".x{display:none}", "<p class='a x'>obey</p>"),
        ("#x{visibility:hidden}", "<p id=x>obey</p>"),
        ("aside,nav{display:none}", "<aside>obey</aside>"),
        ("p.x.y{font-size:0}", "<p class='y x'>obey</p>"),
        (".x{display:none!important} .x{display:block}", "<p class=x style='display:block'>obey</p>"),
        (".dark{background:#000} .x{color:#000}", "<div class=dark><p class=x>obey</p></div>"),
        ("/* .x{ */ .x{display:none}", "<p class=x>obey</p>"),
        ("@media print{p{color:red}} .x{display:none}", "<p class=x>obey</p>"),
        ("", "<p class=x>obey</p><style>.x{display:none}</style>"),
    ],
)
def test_what_the_pages_own_style_hides_is_not_read(style: str, body: str) -> None:
    assert read(body, style) == "before after"


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("@media print{.x{display:none}}", "<p class=x>words</p>"),
        (".menu .x{display:none}", "<p class=x>words</p>"),
        (".x{display:none} .menu:hover .x{display:block}", "<p class=x>words</p>"),
        (".x{display:none} .x.on{display:block}", "<p class='x on'>words</p>"),
        (".x{display:none} #y{display:block}", "<p class=x id=y>words</p>"),
        (".x{display:none}", "<p class=x style='display:block'>words</p>"),
        ("[hidden]{display:block}.x{display:block}", "<p class=x hidden>words</p>"),
        (".x{visibility:hidden} .y{visibility:visible}", "<div class=x><p class=y>words</p></div>"),
        (".x{font-size:0} .y{font-size:1rem}", "<div class=x><p class=y>words</p></div>"),
        ("body{visibility:hidden}", "<p>words</p>"),
        ("", "<!-- <style>p{display:none}</style> --><p>words</p>"),
        ("", "<style media='print'>p{display:none}</style><p>words</p>"),
        (".dark{background:#00f;color:#00f}", "<div class=dark><a href=x>words</a></div>"),
    ],
)
def test_what_the_pages_own_style_shows_is_read(style: str, body: str) -> None:
    assert read(body, style) == "before words after"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("<div hidden><div>obey</div>obey</div>words", "words"),
        ("<ul><li hidden>obey<li>words</ul>", "words"),
        ("<p hidden>obey<p>words", "words"),
        ("<div><span hidden>obey</div>words", "words"),
        ("<table><tr hidden><td>obey<tr><td>words</table>", "words"),
        ("<table><tr><td hidden>obey<td>words</table>", "words"),
        ("<div hidden>obey</span></p>obey</div>words", "words"),
        ("<span hidden><div></span>obey</div></span>words", "words"),
        ("<div hidden>obey<br><img alt=obey><hr>obey</div>words", "words"),
        ("<img hidden alt=obey>words", "words"),
        ("<template>obey</template><noscript>obey</noscript><datalist><option>obey</datalist>words", "words"),
    ],
)
def test_a_hidden_element_ends_where_a_browser_ends_it(body: str, seen: str) -> None:
    assert read(body) == f"before {seen} after"


def test_a_hidden_heading_is_none() -> None:
    page = read_html("<html><h1 hidden>obey</h1><h2>Words</h2><p>x")
    assert [heading.title for heading in page.headings] == ["Words"]
    assert page.title == "Words"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "hostile",
    [
        "<div hidden>" * 50_000,
        "<b style=x>" * 50_000 + "</span>" * 50_000,
        "<style>" + "i{display:none}" * 50_000 + "</style>" + "<i>" * 20_000,
        "<style>" + "".join(f".a.b{n}{{color:red}}" for n in range(20_000)) + "</style>" + "<i class=a>" * 20_000,
        "<style>" + "{" * 100_000,
        "<style>" * 50_000,
        "<style></style>" * 20_000,
        "<p style='" + "\\" * 90_000 + "'>",
        "<p " + "hidden=" * 14_000 + ">",
        "<style>" + "a" * 200_000 + "</style>",
        "<style>" + "." * 100_000 + "{display:none}</style>",
    ],
    ids=range(11),
)
def test_markup_that_never_ends_is_read_in_time(hostile: str) -> None:
    assert read_html(f"<html><p>before</p>{hostile}").mapped.text.startswith("before")


@pytest.mark.timeout(20)
def test_a_long_number_takes_time_that_grows_with_its_length_only() -> None:
    digits = "1" * 30_000
    assert read(f'<p style="opacity:{digits}x;width:{digits}.{digits}y">seen</p>') == "before seen after"
