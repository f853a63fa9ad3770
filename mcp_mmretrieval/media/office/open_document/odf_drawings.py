"""What is drawn on slides and sheets of OpenDocument (ODF 1.3, part 3, 10): its words, and the files that it shows."""

from __future__ import annotations

import posixpath
import re

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.open_document.odf import add_odf_object, attribute, odf_paragraphs, odf_rows
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Element, Package, local_name
from mcp_mmretrieval.media.structure import TextBuilder

_ELSEWHERE = re.compile(r"[A-Za-z][\w+.-]*:|\.\./|/")
"""How the address of a file begins that lies outside of the package."""


class OdfDrawings:
    """Puts the words of drawings together, and gathers the files in them."""

    def __init__(self, package: Package, unread: UnreadParts, where: str) -> None:
        self.builder = TextBuilder()
        self.pictures: list[tuple[str, str]] = []
        """Names in the package, and what is said of each."""
        self.objects: list[str] = []
        """Names of embedded files, sound and film."""
        self._package = package
        self._unread = unread
        self._where = where

    def add(self, shape: Element) -> None:
        """A drawing that is no group."""
        if attribute(shape, "display") in ("none", "printer"):
            self._unread.hidden(self._where)
            return
        said = ". ".join(filter(None, (_child_text(shape, name) for name in ("title", "desc"))))
        if local_name(shape) == "frame":
            any(self._shows(form, said) for form in shape)
        else:
            self.builder.paragraph("\n".join(odf_paragraphs(shape)))
        if said:
            self.builder.paragraph(f"{'Drawing' if shape.find('{*}image') is None else 'Picture'}: {said}")

    def _shows(self, form: Element, said: str) -> bool:
        """Whether a form of what a frame shows could be read: later ones are previews of it."""
        name, target = local_name(form), _part_of(form)
        if name == "text-box":
            self.builder.paragraph("\n".join(odf_paragraphs(form)))
        elif name == "table":
            self.builder.table(odf_rows(form), header_rows=int(attribute(form, "use-first-row-styles") == "true"))
        elif not target:
            if address := attribute(form, "href"):
                self._unread.linked(posixpath.basename(address), self._where)
            return False
        elif name == "image":
            self.pictures.append((target, said))
        elif name == "object":
            return self._add_object(target)
        elif name in ("object-ole", "plugin"):
            self.objects.append(target)
        else:
            return False
        return True

    def _add_object(self, folder: str) -> bool:
        try:
            add_odf_object(self.builder, self._package, folder)
        except UnreadableMedia:
            self._unread.damaged("an embedded object", self._where)
            return False
        return True


def _child_text(shape: Element, name: str) -> str:
    child = shape.find(f"{{*}}{name}")
    return "" if child is None else (child.text or "").strip()


def _part_of(shape: Element) -> str:
    """The name in the package of what a frame shows; empty for what lies elsewhere or is part of the XML."""
    target = attribute(shape, "href").removeprefix("vnd.sun.star.Package:").removeprefix("./")
    return "" if _ELSEWHERE.match(target) else target
