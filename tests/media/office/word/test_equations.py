"""Equations are a line of text."""

import pytest

from mcp_mmretrieval.media.office.word.equations import equation_text
from mcp_mmretrieval.media.office.xml_parts import parse_xml


def r(text: str) -> str:
    return f"<m:r><m:rPr><m:sty/></m:rPr><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r("a") + r("=b"), "a=b"),
        (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('2')}</m:den></m:f>", "(a+b)/2"),
        (f"<m:sSup><m:e>{r('x')}</m:e><m:sup>{r('n+1')}</m:sup></m:sSup>", "x^(n+1)"),
        (f"<m:sSubSup><m:e>{r('x')}</m:e><m:sub>{r('i')}</m:sub><m:sup>{r('2')}</m:sup></m:sSubSup>", "x_i^2"),
        (f"<m:rad><m:deg>{r('3')}</m:deg><m:e>{r('x')}</m:e></m:rad>", "3√(x)"),
        (
            f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{r("i=1")}</m:sub><m:sup>{r("n")}</m:sup>'
            f"<m:e>{r('x')}</m:e></m:nary>",
            "∑_(i=1)^n x",
        ),
        (f'<m:d><m:dPr><m:begChr m:val="["/></m:dPr><m:e>{r("a")}</m:e><m:e>{r("b")}</m:e></m:d>', "[a|b)"),
        (f"<m:m><m:mr><m:e>{r('a')}</m:e><m:e>{r('b')}</m:e></m:mr><m:mr><m:e>{r('c')}</m:e></m:mr></m:m>", "a, b; c"),
        (f"<m:func><m:fName>{r('sin')}</m:fName><m:e>{r('x')}</m:e></m:func>", "sin x"),
        (f"<m:bar><m:e>{r('x')}</m:e></m:bar>", "x"),
    ],
)
def test_each_form_of_an_equation_is_read(written: str, read: str) -> None:
    assert equation_text(parse_xml(f'<m:oMath xmlns:m="math">{written}</m:oMath>'.encode())) == read
