import base64
import hashlib
import re

from mcp_mmretrieval.server.browse.page import browse_page

MAX_BYTES = 52_000


def text() -> str:
    return browse_page()[0].decode()


def test_the_policy_names_the_one_script_and_the_one_style_by_their_hashes() -> None:
    page, policy = browse_page()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.decode(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy and "http:" not in policy and "*" not in policy


def test_the_page_is_small_and_asks_no_other_address() -> None:
    assert len(browse_page()[0]) <= MAX_BYTES
    shown = text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|//\w+\.|url\(|@import|<link|<img|<iframe|<object", shown) == []
    assert re.findall(r"fetch\((\w+)", shown) == ["path"]
    assert "XMLHttpRequest" not in shown and "document.cookie" not in shown and "localStorage" not in shown


def test_the_page_makes_no_markup_or_code_of_texts() -> None:
    found = r"(?:inner|outer)HTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc|createContextualFragment"
    assert re.findall(found, text()) == []
    assert re.findall(r"<[^>]*\s(?:style|on\w+)=", text()) == []


def test_every_element_that_the_script_looks_up_is_there_once() -> None:
    named = set(re.findall(r'\$\("([\w-]+)"\)', text()))
    ids = re.findall(r'\sid="([\w-]+)"', text())
    assert named <= set(ids)
    assert len(ids) == len(set(ids))
