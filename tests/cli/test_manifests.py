import json
import re
import tomllib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import yaml
from mcp import Client

from mcp_mmretrieval import __version__, cli
from mcp_mmretrieval.cli import manifests
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "manifests"


def read(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def test_the_files_are_what_the_source_says() -> None:
    assert manifests.stale_files(FOLDER) == []


def test_what_is_written_by_hand_is_there() -> None:
    assert all((FOLDER / name).is_file() for name in manifests.HANDWRITTEN_FILES)


def test_a_changed_a_missing_and_a_foreign_file_are_told(tmp_path: Path) -> None:
    assert manifests.main(["--write", str(tmp_path)]) == 0
    (tmp_path / "clients" / "cursor.json").write_text("{}")
    (tmp_path / "server.json").unlink()
    (tmp_path / "mcpb" / "other.json").write_text("{}")
    assert manifests.stale_files(tmp_path) == ["clients/cursor.json", "mcpb/other.json", "server.json"]
    assert manifests.main(["--check", str(tmp_path)]) == 1


def test_the_registry_knows_the_package_by_the_name_in_readme() -> None:
    server = read("server.json")
    assert f"<!-- mcp-name: {server['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(server["description"]) <= 100
    assert server["version"] == server["packages"][0]["version"] == __version__


def test_what_the_registry_lets_people_set_exists() -> None:
    (package,) = read("server.json")["packages"]
    flags = [argument["name"] for argument in package["packageArguments"]]
    parsed = cli.command_parser().parse_args(
        cli.with_default_command([part for flag in flags for part in (flag, "/a")])
    )
    assert (parsed.run, parsed.root) == ("serving:serve_command", ["/a"])
    assert all(
        variable["name"].removeprefix("MMRETRIEVAL_").lower() in Settings.model_fields
        for variable in package["environmentVariables"]
    )


def test_the_bundle_names_the_tools_of_the_server() -> None:
    def never() -> Library:
        raise AssertionError

    async def listed() -> list[str]:
        async with Client(create_server(never, Settings())) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert [tool["name"] for tool in read("mcpb/manifest.json")["tools"]] == anyio.run(listed)


def test_the_bundle_installs_this_version_and_starts_a_file_that_it_holds() -> None:
    manifest = read("mcpb/manifest.json")
    project = tomllib.loads((FOLDER / "mcpb" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"mcp-mmretrieval[builtin]=={__version__}"]
    assert manifest["version"] == project["version"] == __version__
    assert manifest["server"]["entry_point"] in manifest["server"]["mcp_config"]["args"]
    assert (FOLDER / "mcpb" / manifest["server"]["entry_point"]).is_file()


def dockerfile() -> str:
    """The image's file, one instruction a line."""
    return (FOLDER / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")


def settings_named(names: Iterable[str]) -> set[str]:
    """Of variables those that are settings, as they are called there."""
    prefix = "MMRETRIEVAL_"
    return {name.removeprefix(prefix).lower() for name in names if name.startswith(prefix)} - {"http_token"}


def test_the_image_starts_the_server_with_settings_that_exist() -> None:
    names = re.findall(r"(\w+)=", "".join(re.findall(r"^ENV (.+)$", dockerfile(), re.MULTILINE)))
    assert {"library", "roots", "http_hosts"} <= settings_named(names) <= set(Settings.model_fields)
    (command,) = re.findall(r"^CMD (.+)$", dockerfile(), re.MULTILINE)
    parsed = cli.command_parser().parse_args(cli.with_default_command(json.loads(command)))
    assert (parsed.run, parsed.solo, parsed.http) == ("serving:serve_command", True, "0.0.0.0:8765")


def test_the_image_runs_nothing_as_root_and_its_default_needs_no_card() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile(), re.MULTILINE)
    assert stages[-1] == ("base", "cpu")
    base = dockerfile().split("AS base\n")[1]
    assert re.search(r"^USER 10001:10001$", base, re.MULTILINE)
    assert base.index("USER 10001") < base.index("ENTRYPOINT")


def test_the_containers_are_confined_and_answer_on_loopback_alone() -> None:
    compose = yaml.safe_load((FOLDER / "docker" / "compose.yaml").read_text(encoding="utf-8"))
    stages = {name for _, name in re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile(), re.MULTILINE)}
    assert len(compose["services"]) == 2
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["ports"] == ["127.0.0.1:8765:8765"]
        assert [volume.rsplit(":", 1)[1] for volume in service["volumes"]] == ["ro", "/data"]
        assert service["build"]["target"] in stages
        assert settings_named(service["environment"]) <= set(Settings.model_fields)
        assert "MMRETRIEVAL_HTTP_TOKEN" in service["environment"]


def test_the_server_of_the_index_is_confined_and_reached_by_the_engine_alone() -> None:
    compose = yaml.safe_load((FOLDER / "docker" / "compose.chroma.yaml").read_text(encoding="utf-8"))
    added, chroma = compose["services"]["mmretrieval"]["environment"], compose["services"]["chroma"]
    assert settings_named(added) == {"index"}
    server = Settings.of({"index": added["MMRETRIEVAL_INDEX"]}).index_server
    assert server is not None
    told = dict(pairwise(chroma["command"]))
    assert server.origin == f"http://{told['--host']}:{told['--port']}"
    assert chroma["entrypoint"] == ["chroma"]
    assert chroma["network_mode"] == "service:mmretrieval"  # the loopback of this container, and no port
    assert "ports" not in chroma
    assert (chroma["read_only"], chroma["cap_drop"]) == (True, ["ALL"])
    (volume,) = chroma["volumes"]
    assert volume == f"{next(iter(compose['volumes']))}:{told['--path']}"


def test_on_kubernetes_it_is_one_confined_engine_and_its_index_is_reached_from_its_pod_alone() -> None:
    folder = FOLDER / "kubernetes"
    service, engine = yaml.safe_load_all((folder / "mcp-mmretrieval.yaml").read_text(encoding="utf-8"))
    patch = yaml.safe_load((folder / "chroma.yaml").read_text(encoding="utf-8"))
    built = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert built == {"resources": ["mcp-mmretrieval.yaml"], "patches": [{"path": "chroma.yaml"}]}
    assert engine["spec"]["replicas"] == 1  # a library has one engine
    assert service["spec"]["selector"] == engine["spec"]["template"]["metadata"]["labels"]
    pod, patched = engine["spec"]["template"]["spec"], patch["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
    (server,), (same, chroma) = pod["containers"], patched["containers"]
    assert (same["name"], patch["metadata"]["name"]) == (server["name"], engine["metadata"]["name"])
    for container in (server, chroma):
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True and confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
    variables = {one["name"]: one for one in server["env"]}
    assert settings_named(variables) <= set(Settings.model_fields)
    assert "secretKeyRef" in variables["MMRETRIEVAL_HTTP_TOKEN"]["valueFrom"]
    mounted = {one["mountPath"]: one for one in server["volumeMounts"]}
    assert mounted["/media"]["readOnly"] is True and "/dev/shm" in mounted
    (added,), told = same["env"], dict(pairwise(chroma["command"]))
    index = Settings.of({added["name"].removeprefix("MMRETRIEVAL_").lower(): added["value"]}).index_server
    assert index is not None and index.origin == f"http://{told['--host']}:{told['--port']}"
    assert "ports" not in chroma
    claims = [one["metadata"]["name"] for one in patch["spec"]["volumeClaimTemplates"]]  # a patch replaces the list
    assert claims == [*(one["metadata"]["name"] for one in engine["spec"]["volumeClaimTemplates"]), "index"]
