"""Who installs the built-in models gets no torch with them: neither by name nor by a requirement of a requirement."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def installed_with(wanted: list[str]) -> set[str]:
    """The names of all that is installed with these requirements, themselves included."""
    found: dict[str, set[str]] = {}
    waiting = list(map(Requirement, wanted))
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras} - found.get(name, set())
        found.setdefault(name, set()).update(extras)
        for text in metadata.requires(name) or () if extras else ():
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(inner)
    return set(found)


@pytest.mark.builtin
def test_the_built_in_models_bring_no_torch() -> None:
    found = installed_with([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["builtin"]])
    assert {"onnxruntime", "ctranslate2", "huggingface-hub", "kubernetes"} <= found
    assert not {"torch", "torchvision", "torchaudio", "sentence-transformers", "transformers"} & found
    assert not [name for name in found if name.startswith("nvidia")]


def test_the_models_of_the_hub_bring_it() -> None:
    found = installed_with(PROJECT["optional-dependencies"]["hub"])
    assert {"torch", "torchvision", "torchaudio", "sentence-transformers", "transformers"} <= found
