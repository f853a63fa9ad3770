"""What `import mcp_mmretrieval` offers a user of the Python API."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import mcp_mmretrieval
from mcp_mmretrieval import errors

OF_ERRORS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
}
OF_LIBRARY = {"Answer", "Filters", "Hit", "Library"}
HEAVY = ("numpy", "pydantic", "torch", "chromadb", "mcp")


def for_type_checkers() -> dict[str, str]:
    """Each name that a type checker is shown, and the module that it comes from."""
    tree = ast.parse(Path(mcp_mmretrieval.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "importlib"]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_the_public_names_are_the_library_its_records_and_all_errors() -> None:
    assert mcp_mmretrieval.__all__ == sorted([*OF_LIBRARY, *OF_ERRORS, "__version__"])


def test_a_type_checker_is_shown_the_public_names() -> None:
    assert {*for_type_checkers(), "__version__"} == set(mcp_mmretrieval.__all__)


@pytest.mark.parametrize("name", sorted(OF_LIBRARY | OF_ERRORS))
def test_a_public_name_is_what_a_type_checker_takes_it_for(name: str) -> None:
    home = importlib.import_module(for_type_checkers()[name])
    assert getattr(mcp_mmretrieval, name) is getattr(home, name)
    assert getattr(mcp_mmretrieval, name).__module__ == home.__name__


def test_every_error_is_a_retrieval_error() -> None:
    assert all(issubclass(getattr(mcp_mmretrieval, name), mcp_mmretrieval.RetrievalError) for name in OF_ERRORS)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        mcp_mmretrieval.Nothing  # noqa: B018  the look-up is what is tested


def test_errors_and_version_cost_no_heavy_import() -> None:
    look = (
        "import sys, mcp_mmretrieval; mcp_mmretrieval.__version__; mcp_mmretrieval.RetrievalError; "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
