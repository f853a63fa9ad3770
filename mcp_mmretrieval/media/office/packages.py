"""Which of Microsoft's packages a file is (ECMA-376, part 2): what its main part is, that part's type says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.properties import document_properties
from mcp_mmretrieval.media.office.xml_parts import Package, Relation
from mcp_mmretrieval.media.zipped import is_zip
from mcp_mmretrieval.types import DocumentMetadata

_TYPES = "[Content_Types].xml"


def main_part(package: Package) -> tuple[str, str]:
    """Name and content type of the part that the others hang from. Raises UnreadableMedia."""
    relations = package.relations("").values()
    main = next((one.target for one in relations if one.kind == "officeDocument" and not one.external), "")
    return main, next(
        (
            element.get("ContentType", "")
            for element in package.xml(_TYPES).iter("{*}Override")
            if element.get("PartName", "").lstrip("/").casefold() == main.casefold()
        ),
        "",
    )


def is_package_of(file: BinaryIO, *types: str) -> bool:
    """Whether a file is a package whose main part has a content type with one of these words in it."""
    if not is_zip(file):
        return False
    try:
        package = Package(file)
        content_type = main_part(package)[1] if _TYPES in package else ""
    except UnreadableMedia:
        return False
    return any(word in content_type for word in types)


def properties_in(package: Package, name: str = "") -> DocumentMetadata:
    """Title, keywords and date in a part, by default the one that the package names; damaged ones cost a note."""
    name = name or next(iter(targets_of(package.relations(""), "core-properties")), "")
    try:
        return document_properties(package.xml(name) if name in package else None)
    except UnreadableMedia:
        return DocumentMetadata(note="What it says of itself as a whole (title, author, date) is damaged.")


def targets_of(relations: Mapping[str, Relation], kind: str) -> Sequence[str]:
    """The parts in the package that are referred to as one kind."""
    return [one.target for one in relations.values() if one.kind == kind and not one.external]
