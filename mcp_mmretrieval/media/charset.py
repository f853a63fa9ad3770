"""Characters of a file's bytes: by its byte order mark, as UTF-8, as it declares, or as its letters suggest.

A declaration (HTML `meta`, XML, a coding line, TeX `inputenc`, `Content-Type:`) counts where the bytes can be read by
it. It does not count against UTF-8 that is whole: such a declaration was left behind when the file was converted. The
names mean what browsers take them for (WHATWG Encoding): iso-8859-1 is cp1252, gb2312 is GB18030.
"""

from __future__ import annotations

import codecs
import re

from mcp_mmretrieval.media.charset_guess import guess_encoding

_SAMPLE = 65_536
_HEAD = 16_384
"""Bytes in which a declaration is looked for."""
_FEW = 3
"""Characters beyond ASCII up to which bytes that are UTF-8 by chance are still read as declared."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABEL = rb"([A-Za-z0-9._:-]{2,30})"
_DECLARATIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rb"\A\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*[\"']" + _LABEL,
        rb"<meta\b[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*" + _LABEL,
        rb"\A(?:[^\n]{0,300}\n)?[ \t]*(?:#|//|/\*|%|;|\.\.|--|\"|<!--)[^\n]{0,200}?coding[:=][ \t]*" + _LABEL,
        rb"^[ \t]*%+[ \t]*!TeX[ \t]+encoding[ \t]*=[ \t]*" + _LABEL,
        rb"^[^%\n]{0,200}\\usepackage\s*\[" + _LABEL + rb"\]\s*\{inputenc\}",
        rb"\A@charset[ \t]+[\"']" + _LABEL,
        rb"^\"?Content-Type:[^\n]{0,200}(?:\r?\n[ \t][^\n]{0,200}){0,3}?\bcharset=[\"']?" + _LABEL,
        rb"^[A-Za-z.-]{1,30};(?:[^:\n]{0,100};)?CHARSET=" + _LABEL,
    )
)

_NAMES = {
    **dict.fromkeys(("iso88591", "latin1", "l1", "ascii", "usascii", "ansinew", "windows1252"), "cp1252"),
    **dict.fromkeys(("iso88599", "latin5", "l5"), "cp1254"),
    **dict.fromkeys(("iso885911", "tis620", "windows874", "cp874", "dos874"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk", "gb231280", "cp936", "xgbk", "euccn", "chinese", "gb18030"), "gb18030"),
    **dict.fromkeys(("shiftjis", "sjis", "xsjis", "mskanji", "windows31j", "cp932", "ms932"), "cp932"),
    **dict.fromkeys(("eucjp", "xeucjp", "ujis"), "euc_jp"),
    **dict.fromkeys(("euckr", "ksc56011987", "ksc5601", "korean", "windows949", "cp949", "uhc"), "cp949"),
    **dict.fromkeys(("big5", "big5hkscs", "cnbig5", "xxbig5", "csbig5", "cp950"), "big5hkscs"),
    **dict.fromkeys(("iso88598i", "logical", "iso88598", "visual"), "iso8859_8"),
    **dict.fromkeys(("macintosh", "xmacroman", "macroman", "applemac", "mac"), "mac_roman"),
    **dict.fromkeys(("xmaccyrillic", "maccyrillic"), "mac_cyrillic"),
    **dict.fromkeys(("utf8", "utf8x", "unicode11utf8", "xunicode20utf8"), "utf-8"),
    "iso885915": "iso8859_15",
    "latin9": "iso8859_15",
    "latin2": "iso8859_2",
    "latin3": "iso8859_3",
    "latin4": "iso8859_4",
    "latin10": "iso8859_16",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "koi8": "koi8_r",
    "iso2022jp": "iso2022_jp_2",
    "iso2022kr": "iso2022_kr",
    "hzgb2312": "hz",
    "johab": "johab",
    **{f"iso8859{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 10, 13, 14, 16)},
    **{f"windows{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"cp{page}": f"cp{page}" for page in (437, 737, 775, 850, 852, 855, 857, 858, 860, 862, 863, 865, 866, 869)},
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"ibm{page}": f"cp{page}" for page in (437, 850, 852, 855, 857, 862, 865, 866)},
}
"""Python's codecs by the names that files use, in small letters and without marks. No others are taken."""

_ISO_2022 = re.compile(rb"\x1b(?:\$[@B]|\([JI]|\$\(D|\$\)C)")


def decode_text(data: bytes, declared: str = "") -> str:
    """Characters of a file's bytes. `declared`: the name of an encoding that is known from elsewhere.

    Half a character at the end is left out; what is no character elsewhere becomes U+FFFD. Never raises.
    """
    encoding = encoding_of(data, declared) or "cp1252"
    return codecs.getincrementaldecoder(encoding)("replace").decode(data)


def encoding_of(data: bytes, declared: str = "") -> str | None:
    """The name of Python's codec for a text's bytes, of which the end may be missing; None if they make no text."""
    unicode = unicode_encoding(data)
    if unicode is not None and (unicode != "utf-8" or data.isascii()):
        return _shifted(data) or unicode if unicode == "utf-8" else unicode
    named = codec_named(declared) or _declared(data[:_HEAD])
    if unicode is not None and (named is None or _beyond_ascii(data) > _FEW):
        return unicode
    return named if named and _goes_by(data, named) else unicode or guess_encoding(data)


def unicode_encoding(data: bytes) -> str | None:
    """The encoding by byte order mark, by zeros in every other byte, or UTF-8 if what is not ASCII mostly is."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return encoding
    sample = data[:_SAMPLE]
    zeros = (sample[0::2].count(0), sample[1::2].count(0))
    half = len(sample) // 2
    if max(zeros) > half * 0.3 and min(zeros) < half * 0.02:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    if data.isascii():
        return "utf-8"
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
    wrong = text.count("\ufffd")
    right = len(text) - len(text.encode("ascii", "ignore")) - wrong
    return "utf-8" if wrong <= right else None  # a damaged spot is no reason to misread all the rest


def codec_named(name: str) -> str | None:
    """Python's codec for the name of an encoding as files write it, or None for a name that is not known."""
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def _declared(head: bytes) -> str | None:
    for pattern in _DECLARATIONS:
        if found := pattern.search(head):
            return codec_named(found[1].decode("ascii"))
    return None


def _goes_by(data: bytes, encoding: str) -> bool:
    """Whether bytes can be read by an encoding, but for a damaged spot."""
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(data)
    except UnicodeDecodeError:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(data)
        return text.count("\ufffd") * 50 < len(text) - len(text.encode("ascii", "ignore"))
    return True


def _shifted(data: bytes) -> str | None:
    """ISO-2022: seven bits, and escapes that switch between sets of characters."""
    escape = _ISO_2022.search(data)
    if escape is None:
        return None
    encoding = "iso2022_kr" if escape[0].endswith(b")C") else "iso2022_jp_ext"
    return encoding if _goes_by(data, encoding) else None


def _beyond_ascii(data: bytes) -> int:
    """How many characters of UTF-8 are not ASCII."""
    return len(data.translate(None, bytes(range(128)) + bytes(range(0x80, 0xC0))))
