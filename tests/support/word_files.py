"""Makes Word documents from pieces of their XML, for what python-docx cannot write."""

from __future__ import annotations

from collections.abc import Mapping

from tests.media.test_zipped import packed

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": OFFICE,
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "asvg": "http://schemas.microsoft.com/office/drawing/2016/SVG/main",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "cp": "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "rel": "http://schemas.openxmlformats.org/package/2006/relationships",
    "ct": "http://schemas.openxmlformats.org/package/2006/content-types",
}
_NAMESPACES = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMES.items())
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_STRICT = "http://purl.oclc.org/ooxml/"

Target = tuple[str, str]
"""The kind of a relation and the part or, with a colon in it, the address that it leads to."""


def p(*runs: str, style: str = "", properties: str = "") -> str:
    """A paragraph of runs."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{properties}</w:pPr>{''.join(runs)}</w:p>"


def r(text: str, properties: str = "") -> str:
    """A run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def run(content: str) -> str:
    """A run of something else."""
    return f"<w:r>{content}</w:r>"


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"


def drawing(content: str, about: str = "") -> str:
    """A picture, a shape or a chart in a run."""
    return run(
        f'<w:drawing><wp:inline><wp:docPr id="1" name="No words" {about}/>'
        f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


def blip(identity: str, more: str = "") -> str:
    return f'<pic:pic><pic:blipFill><a:blip r:embed="{identity}">{more}</a:blip></pic:blipFill></pic:pic>'


def root(name: str, content: str) -> bytes:
    """A part of XML."""
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><{name} {_NAMESPACES}>{content}</{name}>'.encode()


def relations(targets: Mapping[str, Target]) -> bytes:
    rows = (
        f'<rel:Relationship Id="{identity}" Type="{OFFICE}/{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if ":" in target else "/>")
        for identity, (kind, target) in targets.items()
    )
    return root("rel:Relationships", "".join(rows))


def word(
    body: str,
    related: Mapping[str, Target] | None = None,
    parts: Mapping[str, bytes] | None = None,
    *,
    strict: bool = False,
    core: str = "",
    main: str = _MAIN,
) -> bytes:
    """A document with a body; with parts of the folder `word`, and the relations that lead to them."""
    files = {
        "[Content_Types].xml": root("ct:Types", f'<ct:Override PartName="/word/document.xml" ContentType="{main}"/>'),
        "_rels/.rels": relations(
            {"d": ("officeDocument", "word/document.xml"), "c": ("core-properties", "docProps/core.xml")}
        ),
        "docProps/core.xml": root("cp:coreProperties", core),
        "word/document.xml": root("w:document", f"<w:body>{body}</w:body>"),
        "word/_rels/document.xml.rels": relations(related or {}),
        **{f"word/{name}": data for name, data in (parts or {}).items()},
    }
    if strict:
        files = {name: _strict(data) for name, data in files.items()}
    return packed(files)


def _strict(data: bytes) -> bytes:
    for kind in (b"wordprocessingml", b"drawingml", b"officeDocument"):
        usual = b"http://schemas.openxmlformats.org/" + kind + b"/2006/"
        data = data.replace(usual, _STRICT.encode() + kind + b"/")
    return data
