import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from mcp import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from PIL import Image
from rich.console import Console

from mcp_mmretrieval import __version__, cli
from mcp_mmretrieval.cli import asking, doctor, show
from mcp_mmretrieval.cli.session import Session
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.demo_media import NOTES
from mcp_mmretrieval.demo_media.charts import bar_chart, line_chart
from mcp_mmretrieval.errors import BadArgument, RetrievalError
from mcp_mmretrieval.front.endpoint import Endpoint
from tests.fronts import until

T = TypeVar("T")
COMMAND = (sys.executable, "-m", "mcp_mmretrieval")


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    return {**own, "MMRETRIEVAL_ENGINE_IDLE_S": "5", **more}


def run(*arguments: str | Path, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
    )


def answered(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


# The command itself


def test_the_version_is_told() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"mcp-mmretrieval {__version__}\n")


def test_the_help_names_every_command_and_the_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("serve", "demo", "add", "search", "status", "download", "doctor", "130 interrupted"):
        assert name in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["serch", "fog"], ["search"], ["add", "--limit", "3"], ["search", "fog", "--modality", "smell"], ["--nope"]],
    ids=" ".join,
)
def test_misuse_is_told_in_a_line_and_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("mcp-mmretrieval")
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_and_a_missing_file_of_settings_are_misuse(tmp_path: Path) -> None:
    wrong = run("status", MMRETRIEVAL_LIBRARI=str(tmp_path))
    assert wrong.returncode == 2
    assert "MMRETRIEVAL_LIBRARI: no such setting" in wrong.stderr
    missing = run("status", "--config", tmp_path / "nope.toml")
    assert missing.returncode == 2
    assert "nope.toml" in missing.stderr
    assert "Traceback" not in wrong.stderr + missing.stderr


@pytest.mark.parametrize("arguments", [[], ["serve"], ["serve", "--solo"], ["--read-only"]], ids=" ".join)
def test_without_a_command_it_serves_and_ends_with_its_input(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, "--library", tmp_path / "library", "--root", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_person_at_a_terminal_is_told_what_serve_waits_for(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [*COMMAND, "--library", str(tmp_path / "library")]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stderr is not None
            assert "mcp-mmretrieval demo" in process.stderr.readline()
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)


def test_a_front_is_made_of_the_standard_library_alone() -> None:
    code = "import sys, mcp_mmretrieval.__main__, mcp_mmretrieval.front.relay; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    without = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    by_itself = {name.partition(".")[0] for name in without.stdout.split()}  # what the interpreter's site brings along
    assert imported - by_itself - sys.stdlib_module_names == {"mcp_mmretrieval"}
    assert not {"logging", "asyncio", "subprocess"} & imported


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'library = "{tmp_path}/file"\nworkers = 3\nprofile = "file"\n')
    monkeypatch.setenv("MMRETRIEVAL_CONFIG", str(file))
    monkeypatch.setenv("MMRETRIEVAL_PROFILE", "environment")
    given = cli.settings(cli.parser().parse_args(["serve", "--library", str(tmp_path / "option"), "--root", "/a/b"]))
    assert (given.library.name, given.profile, given.workers) == ("option", "environment", 3)
    assert given.roots == (Path("/a/b"),)


def test_who_names_a_path_may_read_it_unless_roots_are_set(tmp_path: Path) -> None:
    assert asking.with_roots({}, [str(tmp_path), str(tmp_path)])["roots"] == [str(tmp_path)]
    set_already: dict[str, object] = {"roots": ["/a"]}
    assert asking.with_roots(set_already, [str(tmp_path)])["roots"] == ["/a"]


def test_adding_nothing_without_roots_and_adding_read_only_are_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadArgument, match="Nothing to add"):
        asking.add(cli.parser().parse_args(["add"]))
    monkeypatch.setenv("MMRETRIEVAL_READ_ONLY", "1")
    with pytest.raises(BadArgument, match="read-only"):
        asking.add(cli.parser().parse_args(["add", "/"]))


# A session, and what it shows


def server_of(**answers: Any) -> MCPServer[None]:
    """A server whose tools answer with these, one after the other, or raise."""

    def tool(name: str) -> Tool:
        left = iter(answers[name])

        async def answer(context: Context[Any, Any]) -> dict[str, Any]:
            await context.report_progress(1, 2, "[a]/b.pdf")
            given = next(left)
            if isinstance(given, Exception):
                raise given
            return dict(given)

        return Tool.from_function(answer, name=name)

    return MCPServer("server of tests", tools=[tool(name) for name in answers])


def asked(server: MCPServer[None], work: Callable[[Session], Awaitable[T]]) -> T:
    async def ask() -> T:
        with anyio.fail_after(20):
            async with Client(server) as client:
                return await work(Session(client))

    return anyio.run(ask)


def test_adding_asks_again_until_the_job_has_ended_and_hears_of_progress() -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    server = server_of(add_documents=[{"state": "running"}, {"state": "running"}, {"state": "done", "added": 2}])
    assert asked(server, lambda session: session.add((), hear)) == {"state": "done", "added": 2}
    assert told == [(1, 2, "[a]/b.pdf")] * 3


def test_waiting_for_vectors_ends_when_none_are_missing() -> None:
    ready = {"models_state": "ready"}
    server = server_of(status=[{**ready, "pending_vectors": left} for left in (2, 2, 1, 0)])
    assert asked(server, lambda session: session.settled()) == 0


def test_without_models_nobody_waits_for_vectors() -> None:
    server = server_of(status=[{"models_state": "missing", "pending_vectors": 3}] * 2)
    assert asked(server, lambda session: session.settled()) == 3


def test_waiting_for_models_ends_when_they_are_missing() -> None:
    server = server_of(status=[{"models_state": "loading"}, {"models_state": "missing"}])
    assert asked(server, lambda session: session.models_ready()) == "missing"


def test_what_a_tool_refuses_is_our_error_with_its_words() -> None:
    server = server_of(status=[ToolError("The library is locked. Close the other one.")])
    with pytest.RaisesGroup(pytest.RaisesExc(RetrievalError, match="library is locked"), flatten_subgroups=True):
        asked(server, lambda session: session.call("status"))


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    result: Any = {
        "hits": [{"citation": "[red]a[/x].pdf#page=1", "modality": "page", "score": 0.5, "snippet": "[bold]"}],
        "notes": ["[link=x]"],
    }
    out = Console(width=80, record=True, file=io.StringIO())
    out.print(show.found(result))
    shown = out.export_text()
    for text in ("[red]a[/x].pdf#page=1", "[bold]", "[link=x]", "0.50"):
        assert text in shown


# The doctor


def test_a_missing_and_an_old_package_are_told() -> None:
    told = list(doctor.unmet(["pytest>=1", "pytest<1", "no-such-package-here>=1", "av>=99; extra == 'x'"]))
    assert len(told) == 2
    assert told[0].startswith("pytest ")
    assert told[0].endswith("<1 is needed")
    assert told[1] == "no-such-package-here is not installed"


def test_a_synced_an_open_and_a_foreign_folder_are_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "Dropbox").mkdir(mode=0o700)
    states = {check.found: check.state for check in doctor.library_folder(tmp_path / "Dropbox")}
    assert [found for found, state in states.items() if state == "doubtful" and "synced" in found]
    assert any("chmod 700" in check.found for check in doctor.library_folder(tmp_path))
    file = tmp_path / "file"
    file.touch()
    assert [check.state for check in doctor.library_folder(file / "library")] == ["broken"]


def test_roots_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    assert [check.state for check in doctor.roots(())] == ["doubtful"]
    assert [check.state for check in doctor.roots((tmp_path, tmp_path / "nope"))] == ["fine", "doubtful"]


@pytest.mark.parametrize(
    ("profile", "said"),
    [("clipp", "Did you mean clip"), ("owner/name", "needs its commit"), ("/no/such/folder", "no such folder")],
)
def test_a_profile_that_cannot_serve_is_told(profile: str, said: str) -> None:
    told = next(iter(doctor.weights(Settings(profile=profile))))
    assert told.state == "broken"
    assert said in told.found


@pytest.mark.parametrize("setting", ["profile", "reranker", "ocr", "speech"])
def test_a_model_that_is_not_on_this_machine_is_told_with_the_command_that_fetches_it(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nothing is asked of it
    named = f"owner/name@{'0' * 40}"
    told = next(iter(doctor.weights(Settings.read(**{setting: named}))))
    assert told.state == "broken"
    assert told.found.endswith(f"is not on this machine. With a network, run: mcp-mmretrieval download {named}.")


@pytest.mark.builtin
def test_the_doctor_finds_everything_in_order(tmp_path: Path) -> None:
    done = run("doctor", "--library", tmp_path / "library", "--root", tmp_path, "--json")
    checks = json.loads(done.stdout)
    assert [check for check in checks if check["state"] == "broken"] == []
    assert done.returncode == 0
    assert {"Python", "packages", "torch", "weights", "library", "roots", "reading", "parsers", "search"} <= {
        check["name"] for check in checks
    }


# The commands that ask the server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes, two charts and a file that is no PDF at all, but for its name."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "charts").mkdir()
    (folder / "notes.md").write_text(NOTES, encoding="utf-8")
    bar_chart().save(folder / "charts" / "routes.png")
    line_chart().save(folder / "charts" / "diesel.png")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing more")
    return folder


@contextmanager
def adding(folder: Path, library: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that adds, from when it holds the library on."""
    command = [*COMMAND, "add", str(folder), "--library", str(library)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment()) as process:
        try:
            while not (library / "catalog.db").exists() and process.poll() is None:
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("library") / "library"
    result = answered(run("add", folder, "--library", library, "--json"))
    assert (result["state"], result["added"], result["pending_vectors"]) == ("done", 3, 0)
    assert [Path(failure["path"]).name for failure in result["failed"]] == ["broken.pdf"]
    return library


@pytest.mark.builtin
def test_adding_again_changes_nothing_and_tells_a_person_so(folder: Path, library: Path) -> None:
    done = run("add", folder, "--library", library)
    assert done.returncode == 0
    assert "3 unchanged" in done.stdout
    assert "broken.pdf" in done.stdout


@pytest.mark.builtin
def test_words_find_a_note(folder: Path, library: Path) -> None:
    found = answered(run("search", "what is new on the menu", "--library", library, "--json", cwd=folder))
    assert found["hits"][0]["citation"].startswith("notes.md")
    assert found["searched"]["models"] == "ready"


@pytest.mark.builtin
def test_a_person_reads_citations_and_gets_pictures_of_the_hits(folder: Path, library: Path, tmp_path: Path) -> None:
    best, sheet = tmp_path / "best.jpg", tmp_path / "sheet.jpg"
    wishes = ("--modality", "image", "--open", best, "--sheet", sheet)
    done = run("search", "passengers", "by", "route", "--library", library, *wishes, cwd=folder)
    assert done.returncode == 0, done.stderr
    first, *_ = done.stdout.splitlines()
    assert "charts/routes.png" in first
    assert "notes.md" not in done.stdout
    assert str(sheet) in "".join(done.stderr.split())
    for path in (best, sheet):
        with Image.open(path) as picture:
            assert picture.format == "JPEG"


@pytest.mark.builtin
def test_only_what_lies_under_the_roots_is_found(library: Path, tmp_path: Path) -> None:
    done = run("search", "menu", "--library", library, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing found.")


@pytest.mark.builtin
def test_what_the_server_refuses_is_one_line_and_exit_code_1(folder: Path, library: Path) -> None:
    done = run("search", "--like", "nowhere.png", "--library", library, "--json", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "nowhere.png" in line


@pytest.mark.builtin
def test_status_counts_the_documents(folder: Path, library: Path) -> None:
    shown = run("status", "--library", library, "--root", folder)
    assert shown.returncode == 0
    assert "1 text" in shown.stdout
    assert "2 pictures" in shown.stdout


def test_a_profile_is_shown_and_chosen_by_the_engine_that_runs(tmp_path: Path) -> None:
    library = tmp_path / "library"
    told = answered(run("profile", "--library", library, "--json"))
    assert (told["kept"], told["kept_because"], told["wanted"]) == ("builtin", "the default", "builtin")
    unknown = run("profile", "crystal-ball", "--library", library)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no such profile" in unknown.stderr
    told = answered(run("profile", str(tmp_path / "model"), "--library", library, "--json"))
    assert (told["kept"], told["wanted"]) == (str(tmp_path / "model"),) * 2
    shown = run("profile", "--library", library, "--profile", "builtin")
    assert run("stop", "--library", library).returncode == 0
    assert str(tmp_path / "model") in shown.stdout.replace("\n", "")


@pytest.mark.builtin
def test_every_command_talks_to_the_one_engine_and_stop_ends_it(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    with adding(folder, library) as process:
        listed = json.loads(run("jobs", "--library", library, "--json").stdout)
        assert [job["state"] for job in listed] == ["running"]
        shown = run("jobs", "cancel", listed[0]["job"], "--library", library)
        assert shown.returncode == 0, shown.stderr
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "cancelled" in told.lower()
    engine = answered(run("status", "--library", library, "--json"))["engine"]
    assert str(library / "engine.log") in engine
    assert run("stop", "--library", library).returncode == 0
    until(lambda: not Endpoint(str(library)).held())
    assert "No engine runs" in run("stop", "--library", library).stdout


def test_the_job_to_cancel_has_to_be_named_and_known(tmp_path: Path) -> None:
    unnamed = run("jobs", "cancel", "--library", tmp_path / "library")
    assert unnamed.returncode == 2
    unknown = run("jobs", "cancel", "nope", "--library", tmp_path / "library")
    assert unknown.returncode == 1
    assert "nope: no such job" in unknown.stderr


@pytest.mark.builtin
def test_ctrl_c_ends_adding_politely(folder: Path, tmp_path: Path) -> None:
    with adding(folder, tmp_path / "library") as process:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "What was added stays" in told
