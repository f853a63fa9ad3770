r"""Letters behind escapes: JSON, `.properties`, strings of source code, HTML entities, terminal colours.

Each function gives a source map: the words are those that a reader of the decoded text would see, and a citation still
counts characters of the source.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from mcp_mmretrieval.media.notation.source_map import MapBuilder, MappedText, substitute

_PLAIN = {"n": "\n", "t": "\t", "r": "\n", "b": "", "f": "\n", "v": "\n", "0": "", "a": ""}
_CONTROLS = {code: " " for code in range(32) if code not in (9, 10, 27)}
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_JSON = re.compile(r"(?:\\u[0-9a-fA-F]{4}){1,64}|\\(?:r\\n|[\"\\/bfnrt])")
_JSON_WITHIN = re.compile(r"(?<!\\)\"\s*+[\[{]++\s*+\\\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)", re.DOTALL)
_ESCAPED_TWICE = re.compile(r"\\([\\\"])")
_JSON_START = re.compile(r"\s*(?:\{\s*\"|\[\s*[\[{\"])")
_PROPERTY = re.compile(rf"\\(?:{_PAIR}|u[0-9a-fA-F]{{4}}|\r?\n[ \t]*|[ntrf:=#! \\])")
_HEX_BYTE = r"\\x[89a-fA-F][0-9a-fA-F]"
_OCTAL_BYTE = r"\\[23][0-7]{2}"
_IN_CODE = re.compile(
    rf"\\\\|(?:{_HEX_BYTE})+|(?:{_OCTAL_BYTE}){{2,}}|\\{_PAIR}|\\u\{{[0-9a-fA-F]{{1,6}}\}}|\\u[0-9a-fA-F]{{4}}"
    r"|\\U[0-9a-fA-F]{8}|\\U[0-9a-fA-F]{4}|\\[ntr](?=\w)"
)
_HINT = re.compile(r"\\[xuU23ntr]\w")
_QUOTED = re.compile(
    r"(?P<raw>(?<!\w)[rR][bB]?|(?<!\w)[bB][rR])?(?<!\\)(?P<string>\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')"
)
_DOUBLE_QUOTED = re.compile(r"(?P<raw>(?!))?(?<!\\)(?P<string>\"(?:[^\"\\]|\\[\s\S])*+\")")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_IN_XML = re.compile(r"<\?xml\s[^>]{0,200}\?>\s*|" + _ENTITY.pattern)
_IN_MARKDOWN = re.compile(
    r"(?P<code>^ {0,3}(?P<fence>```+|~~~+)[^\n]*\n(?:[^\n]*\n)*?(?: {0,3}(?P=fence)|\Z)|(?<!`)(?P<tick>`+)(?!`)"
    r"[^`\n]{0,1000}(?<!`)(?P=tick)(?!`))|(?P<within>(?<=[^\W\d_])\*{1,3}(?=[^\W\d_]))"
    r"|<rp>[^<]{0,20}</rp>|<rt>[^<]{0,200}</rt>|</?ruby>|" + _ENTITY.pattern,
    re.MULTILINE,
)
_KANA = r"[\u3041-\u30ff]{1,30}"
_RUBY = re.compile(
    rf"(?<=[\u3400-\u9fff\u3005])\u300a{_KANA}\u300b|\uff5c(?=[^\u300a\n]{{1,30}}\u300a)|(?<=[^\W_])\u300a{_KANA}\u300b"
)
_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b\n]{0,2000}\x1b\\"
    r"|\x1b[ -/]+[0-~]|\x1b[0-Zc-~=>]|[^\n\x08]\x08|\x08"
)
_WRITTEN_COLOUR = re.compile(r"(?:\x1b|\^\[|\u241b)\[(?:\d{1,3}(?:;\d{1,3}){0,8})?[mK]|\[\d{1,3}(?:;\d{1,3}){0,8}[mK]")


def looks_like_json(source: str) -> bool:
    """Whether a text begins as an object or a list does."""
    return _JSON_START.match(source) is not None


def read_json_escapes(source: str) -> MappedText:
    r"""JSON, with what stands behind `\u00fc` and `\n` in its strings."""
    once = _unescaped_json(source) if '{\\"' in source or '[\\"' in source else MappedText.as_written(source)
    return substitute(_JSON, _in_json, once.text).over(once)


def read_properties(source: str) -> MappedText:
    r"""A Java `.properties` file: `\u00fc`, `\:`, and lines that go on after a backslash."""
    return substitute(
        _PROPERTY, lambda found: "" if found[0][-1].isspace() and "\n" in found[0] else _decoded(found[0][1:]), source
    )


def read_code(source: str) -> MappedText:
    r"""Source code, with the letters behind `\u00fc`, `\xfc`, `\303\274` in its strings.

    A line end or tab behind `\n`, `\t` is read as such only where a word follows, which would begin with n or t
    otherwise. All else stays as it is written: it is code. Python's raw strings have no escapes.
    """
    return _in_strings(_QUOTED, source)


def read_yaml(source: str) -> MappedText:
    r"""YAML, TOML and PO files: as code, but only double quotes have escapes, and they may go over lines."""
    return _in_strings(_DOUBLE_QUOTED, source)


def read_xml(source: str) -> MappedText:
    """XML with the characters behind its references (`&#252;`, `&amp;`), without its declaration.

    That names an encoding, which nobody looks for.
    """
    return substitute(_IN_XML, lambda found: "" if found[0][0] == "<" else html.unescape(found[0]), source)


def read_markdown(source: str) -> MappedText:
    """Markdown with the characters behind its references but in code, without furigana's readings.

    Marks of emphasis within a word (`**Wasch**küche`) do not part it.
    """

    def read(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        if found["within"]:
            return ""
        return "" if found[0][0] == "<" else html.unescape(found[0])

    return (
        substitute(_IN_MARKDOWN, read, source)
        if "&" in source or "<r" in source or "*" in source
        else MappedText.as_written(source)
    )


def read_terminal(source: str) -> MappedText:
    """What a terminal shows: no colours and titles (ECMA-48), no letters that were struck over (as `man` does).

    Colours whose escape another program wrote as `^[` or dropped are none either.
    """
    if "[0m" in source:  # nobody writes so but to end a colour
        mapped = substitute(_WRITTEN_COLOUR, lambda _: "", source)
        return substitute(_TERMINAL, lambda _: "", mapped.text).over(mapped)
    if "\x1b" not in source and "\x08" not in source:
        return MappedText.as_written(source)
    return substitute(_TERMINAL, lambda _: "", source)


def read_ruby(source: str) -> MappedText:
    """Japanese without the readings that Aozora Bunko writes behind words: the house style of plain text."""
    return substitute(_RUBY, lambda _: "", source) if "\u300a" in source else MappedText.as_written(source)


def _in_strings(strings: re.Pattern[str], source: str) -> MappedText:
    out, done = MapBuilder(source), 0
    for first, last in _lines_with_escapes(source) if strings is _QUOTED else [(0, len(source))]:
        for string in strings.finditer(source, first, last):
            if string["raw"] or "\\" not in string["string"]:
                continue
            for escape in _IN_CODE.finditer(source, string.start("string"), string.end("string")):
                if escape[0] != "\\\\":
                    out.keep(done, escape.start())
                    out.put(_in_code(escape[0]), escape.start(), escape.end())
                    done = escape.end()
    if not done:
        return MappedText.as_written(source)
    out.keep(done, len(source))
    return out.mapped()


def _unescaped_json(source: str) -> MappedText:
    """JSON whose strings hold JSON, with these as they were before they became strings."""
    out, done = MapBuilder(source), 0
    for string in _JSON_WITHIN.finditer(source):
        for escape in _ESCAPED_TWICE.finditer(source, *string.span()):
            out.keep(done, escape.start())
            out.put(escape[1], *escape.span())
            done = escape.end()
    out.keep(done, len(source))
    return out.mapped()


def _lines_with_escapes(source: str) -> Iterator[tuple[int, int]]:
    """Where lines begin and end that may have something to decode: few of a program's have."""
    at = 0
    while escape := _HINT.search(source, at):
        first, last = source.rfind("\n", at, escape.start()) + 1, source.find("\n", escape.start())
        at = last if last >= 0 else len(source)
        yield first, at


def _in_json(found: re.Match[str]) -> str:
    if found[0][1] != "u":
        return _decoded(found[0][1:])
    text = bytes.fromhex(found[0].replace("\\u", "")).decode("utf-16-be", "replace")
    return text.translate(_CONTROLS)


def _in_code(escape: str) -> str:
    if escape[1] in "x23":
        size, base = (4, 16) if escape[1] == "x" else (4, 8)
        written = (escape[at + 1 : at + size].lstrip("x") for at in range(0, len(escape), size))
        data = bytes(int(number, base) for number in written)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1") if base == 16 else escape
    return _decoded(escape[1:])


def _decoded(escape: str) -> str:
    """What stands behind an escape, without its backslash."""
    if escape[0] not in "uU" or len(escape) == 1:
        return "\n" if escape == "r\\n" else _PLAIN.get(escape, escape)
    if len(escape) == 11 and escape[5] == "\\":
        return (bytes.fromhex(escape[1:5]) + bytes.fromhex(escape[7:])).decode("utf-16-be", "replace")
    code = int(escape[1:].strip("{}"), 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return "\ufffd"
    return chr(code) if code >= 32 or code in (9, 10, 27) else " "
