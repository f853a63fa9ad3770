"""What README and the other documents say is what the code does."""

import argparse
import ast
import json
import re
import shlex
from pathlib import Path
from typing import Literal

import pytest
from mcp import Client

import mcp_mmretrieval
from mcp_mmretrieval.cli import command_parser, with_default_command
from mcp_mmretrieval.config.profiles import (
    EMBEDDERS,
    PROFILES,
    RERANKERS,
    EmbedderSpec,
    ModelSpec,
    Profile,
    RerankerSpec,
)
from mcp_mmretrieval.config.resolve import DeviceMemory, choose_profile
from mcp_mmretrieval.config.settings import CONNECTION_SETTINGS, Settings
from mcp_mmretrieval.config.sources import ENV_PREFIX
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.hub.pictures import PAGE_SHAPE, longer_side
from mcp_mmretrieval.server.create import create_server

ROOT = Path(__file__).parent.parent
NAMES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md"]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md")))
}
"""Text of each document, by its path from the root."""
README = DOCUMENTS["README.md"]
MODELS = DOCUMENTS["docs/models.md"]
SETTINGS = DOCUMENTS["docs/settings.md"]
RECIPES = DOCUMENTS["docs/recipes.md"]

EXAMPLE_LINES = 15
README_WORDS = 1_000


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def rows(heading: str, text: str = README) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    table = text.split(f"{heading}\n", 1)[1].split("\n| ", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def anchors(text: str) -> set[str]:
    """The fragments by which GitHub links to the headings of a document."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def paths(text: str) -> list[str]:
    """Files and folders that a text names in code, but for those that the reader is to make."""
    named = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.py)`", text)
    return [path for path in named if re.search(r"(/|\.\w+)$", path) and "NAME" not in path]


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its name."""
    (choices,) = (
        action.choices for action in command_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(choices)


def command_lines(text: str) -> list[list[str]]:
    """The arguments of each call of our command in the shell blocks of a document."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh", text) for line in block.splitlines()]
    bare = [[part for part in line if not re.match(r"[A-Z_]+=", part)] for line in lines]
    return [line[1:] for line in bare if line[:1] == ["mcp-mmretrieval"]]


def unquoted(cell: str) -> str:
    return cell.strip("`")


def gigabytes(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


def linked(spec: ModelSpec) -> str:
    return f"[{spec.model}](https://huggingface.co/{spec.model}/tree/{spec.revision})"


def scores(spec: ModelSpec) -> str:
    """Published figures by where they stand."""
    sources = dict.fromkeys(score.source for score in spec.published)
    told = [
        ", ".join(f"{score.benchmark}: {score.value:g}" for score in spec.published if score.source == source)
        + f" ([source]({source}))"
        for source in sources
    ]
    return "; ".join(told) or "none"


def taken_in(spec: EmbedderSpec) -> str:
    film = "film" if spec.frames else "film by its frames"
    kinds = {"text": True, "pages": "documents" in spec.sees, "photos": "photos" in spec.sees, film: bool(spec.sees)}
    return ", ".join(kind for kind, there in {**kinds, "sound": spec.hears > 0}.items() if there)


def profile_row(profile: Profile, embedder: EmbedderSpec) -> list[str]:
    reranker = next((name for name, spec in RERANKERS.items() if spec == profile.reranker), "built-in")
    fetched, needed = sum(spec.memory_mb for spec in profile.models), profile.memory_mb
    memory = f"{gigabytes(fetched)}, GPU from {gigabytes(needed)}"
    model = f"{linked(embedder)}, {embedder.licence}"
    return [
        f"`{profile.name}`",
        embedder.good_for,
        taken_in(embedder),
        model,
        f"`{reranker}`",
        memory,
        scores(embedder),
    ]


def reranker_row(name: str, spec: RerankerSpec) -> list[str]:
    model = f"{linked(spec)}, {spec.licence}"
    return [f"`{name}`", spec.good_for, model, gigabytes(spec.memory_mb), scores(spec)]


def test_the_profiles_are_those_of_the_records() -> None:
    expected = [profile_row(profile, profile.embedder) for profile in PROFILES.values() if profile.embedder]
    assert rows("## Profiles", MODELS)[1:] == expected, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert rows("## Profiles", MODELS)[0][0] == "`builtin`"


def test_what_auto_chooses_is_what_the_table_says() -> None:
    for card, memory, computes, profile in rows("### What auto chooses", MODELS):
        kind: Literal["cuda", "mps"] = "mps" if "Mac" in card else "cuda"
        there = DeviceMemory(kind=kind, total_mb=round(float(memory.split()[0]) * 1_000), bfloat16=computes == "yes")
        assert f"`{choose_profile(there)[0]}`" == profile, card


def test_what_a_model_sees_is_what_its_record_says() -> None:
    records: dict[str, ModelSpec] = {**EMBEDDERS, **RERANKERS}
    told = rows("### What a model sees", MODELS)
    assert {row[0].strip("`") for row in told} == {"builtin", *records} - {"minilm", "ettin-32m"}  # these read texts
    for name, pixels, side, frames in told[1:]:
        spec = records[name.strip("`")]
        longest = longer_side(spec.pixels, PAGE_SHAPE, spec.side if isinstance(spec, RerankerSpec) else 0)
        assert pixels == f"{min(spec.pixels, int(longest**2 / PAGE_SHAPE)):,}", name
        assert side == f"{longest:,}", name
        assert frames == (str(spec.frames) if spec.frames else "each by itself"), name


def test_the_rerankers_are_those_of_the_records() -> None:
    expected = [reranker_row(name, spec) for name, spec in RERANKERS.items()]
    assert rows("## Rerankers", MODELS) == expected, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)


def test_every_profile_is_told_in_the_order_of_its_needs() -> None:
    needs = [profile.memory_mb for profile in PROFILES.values()]
    assert needs == sorted(needs)


@pytest.mark.anyio
async def test_the_tools_are_those_of_the_server() -> None:
    def never() -> Library:
        raise AssertionError

    async with Client(create_server(never, Settings())) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {unquoted(name) for name, _ in rows("## Tools")} == tools


def test_the_settings_are_those_of_the_code() -> None:
    documented = {unquoted(name): meaning for name, _, meaning in rows("# Settings", SETTINGS)}
    assert documented == {ENV_PREFIX + name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_the_defaults_are_those_of_the_code() -> None:
    for name, default, _ in rows("# Settings", SETTINGS):
        field = Settings.model_fields[unquoted(name).removeprefix(ENV_PREFIX).lower()]
        if default and not field.default_factory:
            assert default == str(field.default), name


def test_the_client_configuration_is_valid_and_names_our_command_and_flag() -> None:
    (block,) = blocks("json")
    server = json.loads(block)["mcpServers"]["mmretrieval"]
    assert server["command"] == "mcp-mmretrieval"
    assert command_parser().parse_args(with_default_command(server["args"])).root


def test_the_python_example_uses_what_exists() -> None:
    (block,) = blocks("python")
    called = {node.attr for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Attribute)}
    assert {"open", "add", "search"} <= called
    assert all(hasattr(Library, name) for name in ("open", "add", "search"))


def test_both_commands_install_what_the_project_file_offers() -> None:
    offered = re.search(r"\[project.optional-dependencies\](.*?)\n\[", (ROOT / "pyproject.toml").read_text(), re.DOTALL)
    assert offered
    extras = set(re.findall(r"^([\w-]+) = \[", offered[1], re.MULTILINE))
    groups = re.findall(r"'(?:\.|mcp-mmretrieval)\[([\w,-]+)\]'", "".join(DOCUMENTS.values()))
    named = {extra for group in groups for extra in group.split(",")}
    assert {"builtin", "dev"} <= named <= extras


def test_each_row_of_settings_is_compared() -> None:
    assert len(rows("# Settings", SETTINGS)) == len(Settings.model_fields)


def test_the_settings_of_each_client_are_named() -> None:
    (told,) = re.findall(r"Each client has its own values of (.*?)\. ", SETTINGS, re.DOTALL)
    assert set(re.findall(rf"`{ENV_PREFIX}(\w+)`", told)) == {name.upper() for name in CONNECTION_SETTINGS}


def test_readme_names_each_command() -> None:
    (listed,) = re.findall(r"`mcp-mmretrieval (add`.*?)\n\(", README, re.DOTALL)
    assert {*re.findall(r"\w+", listed), "serve", "demo"} == set(commands())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_command_line_is_one_that_the_command_takes(name: str) -> None:
    for arguments in command_lines(DOCUMENTS[name]):
        assert command_parser().parse_args(with_default_command(arguments)).run


def test_command_lines_are_found() -> None:
    assert ["profile", "omni"] in command_lines(MODELS)
    assert ["serve", "--http", "0.0.0.0:8765", "--root", "/srv/media"] in command_lines(DOCUMENTS["docs/team.md"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_linked_file_and_heading_is_there(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", DOCUMENTS[name]):
        file, _, fragment = target.partition("#")
        linked = (ROOT / name).parent / file if file else ROOT / name
        assert linked.exists(), target
        assert not fragment or fragment in anchors(linked.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_named_file_is_there(name: str) -> None:
    """From the root of the repository, or from the package or the benchmarks."""
    bases = (ROOT, ROOT / "mcp_mmretrieval", ROOT / "benchmarks")
    assert [path for path in paths(DOCUMENTS[name]) if not any((base / path).exists() for base in bases)] == []


def test_the_figures_in_readme_are_those_of_quality() -> None:
    measured = rows("# How good the built-in models are", DOCUMENTS["docs/quality.md"])
    assert [row for row in rows("## How good it is") if row not in measured] == []


def test_every_document_is_linked_from_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+)", README))
    assert linked == {name for name in DOCUMENTS if name.startswith("docs/")}


def test_each_step_of_a_recipe_names_what_its_files_hold() -> None:
    for step in re.split(r"\n(?=\d+\. `)|\n\n", RECIPES):
        files = [ROOT / path for path in paths(step)]
        if not step[:1].isdigit() or not files:
            continue
        held = "".join(file.read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`([A-Za-z_][\w.]*)`", step.split(":", 1)[1]):
            assert re.search(rf"\b{name.rpartition('.')[2]}\b", held), f"{name} in {files}"


def test_readme_is_read_in_a_few_minutes() -> None:
    assert len(README.replace("|", " ").split()) <= README_WORDS


def test_an_example_is_short() -> None:
    scripts = sorted((ROOT / "examples").glob("*.py"))
    assert len(scripts) == 3
    for script in scripts:
        assert len(script.read_text(encoding="utf-8").splitlines()) <= EXAMPLE_LINES, script.name


def test_readme_and_the_examples_import_what_the_package_offers() -> None:
    for source in (*blocks("python"), *(path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py"))):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module == "mcp_mmretrieval":
                assert {alias.name for alias in node.names} <= set(mcp_mmretrieval.__all__)
