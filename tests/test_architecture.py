"""The floors of the house: a module imports only from floors below, and each third party has one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "mcp_mmretrieval"
ROOT = Path(__file__).parent.parent / PACKAGE

FLOORS: list[set[str]] = [
    {"demo_media", "errors", "types", "words"},
    {"answers", "concurrency", "config", "front", "roots"},
    {"jobs", "media", "models", "store"},
    {"measuring", "opening", "parts", "serving", "targets"},
    {"adding"},
    {"searching"},
    {"library"},
    {"server"},
    {"cli"},
    {"__main__"},
]
DOORS = {
    "mcp": {"server", "cli"},
    "chromadb": {"store"},
    "sqlite3": {"store"},
    "torch": {"models"},
    "torchaudio": {"models"},
    "sentence_transformers": {"models"},
    "transformers": {"models"},
    "huggingface_hub": {"models"},
    "onnxruntime": {"models"},
    "ctranslate2": {"models"},
    "rapidocr": {"models"},
    "faster_whisper": {"models"},
    "av": {"media", "demo_media"},
    "PIL": {"media", "models", "server", "demo_media"},
    "pypdfium2": {"media"},
    "resvg_py": {"media"},
    "pathspec": {"adding"},
    "rich": {"cli"},
    "prometheus_client": {"server"},
    "uvicorn": {"server"},
    "starlette": {"server"},
}
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imports(path: Path) -> Iterator[str]:
    """Every imported name, relative imports refused; those for type checkers only are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [alias.name for alias in node.names]
            yield from (f"{node.module}.{name}" for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_floors_below_and_third_parties_by_their_door(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        top, *rest = name.split(".")
        if top in DOORS:
            assert here in DOORS[top], f"{here} imports {top}"
        if top != PACKAGE or not rest or here == "__init__" or rest[0] in {here, "__version__"}:
            continue
        assert floor(rest[0]) < floor(here), f"{here} imports {rest[0]}, which is not below it"


def test_every_module_has_a_floor() -> None:
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms <= set().union(*FLOORS), rooms - set().union(*FLOORS)
