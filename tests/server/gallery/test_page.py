import re

from mcp_mmretrieval.server.gallery.page import gallery_page

MAX_BYTES = 40_000


def test_the_page_is_one_small_text_that_is_joined_once() -> None:
    page = gallery_page()
    assert page is gallery_page()
    assert len(page.encode()) <= MAX_BYTES
    assert (page.count("<style>"), page.count("<script>"), page.count("</script>")) == (1, 1, 1)
    assert "/* style" not in page and "/* script" not in page
    for rule, statement in ((".card", "color-scheme"), ("ui/initialize", "tools/call")):
        assert rule in page and statement in page


def test_the_page_asks_no_address_for_anything() -> None:
    page = gallery_page().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|//\w+\.|url\(|@import|<link|<img|<iframe|<object|src=|href=", page) == []
    assert re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|importScripts|sendBeacon)\b\(?", page) == []


def test_the_page_makes_no_markup_or_code_of_texts() -> None:
    page = gallery_page()
    assert re.findall(r"(?:inner|outer)HTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc", page) == []
    assert re.findall(r"\sstyle=|\son\w+=", page) == []
    assert re.findall(r"setTimeout\(\s*[\"'`]", page) == []


def test_no_size_of_the_page_follows_the_height_of_its_frame() -> None:
    assert re.findall(r"\d(?:[dsl]?v[hw]|vmin|vmax|vb)\b", gallery_page()) == []
