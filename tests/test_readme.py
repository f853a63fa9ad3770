"""What README says is what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest
from mcp import Client

from mcp_mmretrieval.cli import command_parser, with_default_command
from mcp_mmretrieval.config.profiles import PROFILES, RERANKERS, EmbedderSpec, ModelSpec, Profile, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.config.sources import ENV_PREFIX
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    table = README.split(heading, 1)[1].split("\n\n| ", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


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
    assert rows("## Models")[1:] == expected, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert rows("## Models")[0][0] == "`builtin`"


def test_the_rerankers_are_those_of_the_records() -> None:
    expected = [reranker_row(name, spec) for name, spec in RERANKERS.items()]
    assert rows("### Rerankers") == expected, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)


def test_every_profile_is_told_in_the_order_of_its_needs() -> None:
    needs = [profile.memory_mb for profile in PROFILES.values()]
    assert needs == sorted(needs)


@pytest.mark.anyio
async def test_the_tools_are_those_of_the_server() -> None:
    def never() -> Library:
        raise AssertionError

    async with Client(create_server(never, Settings())) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {unquoted(name) for name, _ in rows("## Use it")} == tools


def test_the_settings_are_those_of_the_code() -> None:
    documented = {unquoted(name): meaning for name, _, meaning in rows("## Settings")}
    assert documented == {ENV_PREFIX + name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_the_defaults_are_those_of_the_code() -> None:
    for name, default, _ in rows("## Settings"):
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
    groups = re.findall(r"'(?:\.|mcp-mmretrieval)\[([\w,-]+)\]'", README)
    named = {extra for group in groups for extra in group.split(",")}
    assert {"builtin", "dev"} <= named <= extras


def test_every_linked_file_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
