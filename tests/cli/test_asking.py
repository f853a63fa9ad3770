"""`search`, `list`, `open`, `remove` and `status` over the real command and its engine."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image

from mcp_mmretrieval.cli import asking
from mcp_mmretrieval.cli.session import Session
from tests.support.command import COMMAND, answered, environment, run


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("library") / "library"
    result = answered(run("add", folder, "--library", library, "--json"))
    assert (result["state"], result["added"], result["pending_vectors"]) == ("done", 3, 0)
    assert [Path(failure["path"]).name for failure in result["failed"]] == ["broken.pdf"]
    return library


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
def test_what_was_added_is_seen_from_everywhere_and_a_root_narrows_it(
    folder: Path, library: Path, tmp_path: Path
) -> None:
    found = run("search", "menu", "--library", library, cwd=tmp_path)
    assert found.returncode == 0
    assert found.stdout.splitlines()[0].startswith(f"{folder}/notes.md#char=")
    narrowed = run("search", "menu", "--library", library, "--root", tmp_path)
    assert (narrowed.returncode, narrowed.stdout) == (0, "")
    told = narrowed.stderr.splitlines()
    assert told[0] == "Nothing found."
    assert told[-1] == f"3 files of this library lie elsewhere. To see them: --root {folder}"


@pytest.mark.builtin
def test_an_assistant_without_roots_sees_nothing_of_what_was_added_at_the_terminal(library: Path) -> None:
    served = [*COMMAND, "serve", "--library", str(library)]

    async def ask() -> tuple[dict[str, Any], dict[str, Any]]:
        server = StdioServerParameters(command=served[0], args=served[1:], env=environment())
        async with Client(stdio_client(server)) as client:
            session = Session(client)
            return await session.call("status"), await session.call("list_documents")

    status, listed = anyio.run(ask)
    assert (status["roots"], listed["documents"]) == ([], [])


@pytest.mark.builtin
def test_filters_are_those_of_the_tool(folder: Path, library: Path) -> None:
    def found(*options: str | Path) -> set[str]:
        done = run("search", "fares by route", *options, "--library", library, "--json")
        return {Path(hit["path"]).name for hit in answered(done)["hits"]}

    assert found("--kind", "image") == {"routes.png", "diesel.png"}
    assert found("--under", folder / "charts", "--kind", "text") == set()
    assert found("--document", folder / "charts" / "routes.png") == {"routes.png"}
    assert found("--document", "charts/diesel.png") == {"diesel.png"}
    assert found("--before", "2001") == set()
    assert found("--after", "2001", "--limit", "1") <= {"routes.png"}
    refused = run("search", "fares", "--after", "Tuesday-ish", "--library", library)
    assert refused.returncode == 1
    assert "after" in refused.stderr


@pytest.mark.builtin
def test_the_list_has_a_line_a_document_with_its_whole_path(folder: Path, library: Path) -> None:
    listed = run("list", "--library", library)
    paths = [line.split("\t")[0] for line in listed.stdout.splitlines()]
    assert paths == [f"{folder}/{name}" for name in ("charts/diesel.png", "charts/routes.png", "notes.md")]
    few = answered(run("list", folder / "charts", "--limit", "1", "--library", library, "--json"))
    assert [Path(one["path"]).name for one in few["documents"]] == ["diesel.png"]
    assert few["total"] == 2
    assert answered(run("list", "--kind", "text", "--library", library, "--json"))["total"] == 1


@pytest.mark.builtin
def test_a_long_list_is_listed_whole(library: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LIST_PAGE", 1)
    given: dict[str, object] = {"library": str(library), "roots": [str(folder)]}
    whole = anyio.run(asking._listed, given, {"order": "path"}, None)
    assert len(whole["documents"]) == whole["total"] == 3
    assert len(anyio.run(asking._listed, given, {"order": "path"}, 2)["documents"]) == 2


@pytest.mark.builtin
@pytest.mark.parametrize("target", ["notes.md#char=0,40", "{folder}/notes.md#char=0,40", "{folder}/notes.md"])
def test_the_text_at_a_place_goes_to_a_pipe_as_it_is(target: str, folder: Path, library: Path) -> None:
    opened = run("open", target.format(folder=folder), "--library", library)
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.startswith("# Crew meeting")


@pytest.mark.builtin
def test_a_quotation_is_checked_and_the_exit_code_tells(folder: Path, library: Path) -> None:
    text = run("open", "notes.md", "--library", library).stdout
    quote = " ".join(text.split()[2:8])
    right = run("open", "notes.md", "--quote", quote.upper(), "--library", library)
    assert (right.returncode, right.stderr) == (0, "")
    assert right.stdout.startswith("Exact: these words stand at notes.md#char=0,")
    wrong = run("open", "notes.md", "--quote", "a herd of 412 mammoths", "--library", library, "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["verdict"]) == (1, "nowhere")
    assert run("open", "notes.md", "--quote", "...", "--library", library).returncode == 1


@pytest.mark.builtin
def test_a_picture_is_written_and_what_has_none_is_told(folder: Path, library: Path, tmp_path: Path) -> None:
    wish = ("--picture", tmp_path / "chart.jpg", "--library", library, "--json")
    opened = answered(run("open", folder / "charts" / "routes.png", *wish))
    assert opened["path"] == str(folder / "charts" / "routes.png")
    with Image.open(tmp_path / "chart.jpg") as picture:
        assert picture.format == "JPEG"
    assert run("open", "notes.md", *wish).returncode == 1


@pytest.mark.builtin
def test_what_is_not_held_is_told_with_the_command_that_adds_it(library: Path, tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("new")
    refused = run("open", tmp_path / "new.md", "--library", library)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`mcp-mmretrieval add`" in refused.stderr


@pytest.mark.builtin
def test_what_is_taken_out_is_neither_found_nor_seen_and_stays_on_disk(folder: Path, tmp_path: Path) -> None:
    library, own = tmp_path / "library", tmp_path / "own"
    own.mkdir()
    (own / "a.md").write_text("The violin audition is on Tuesday.")
    answered(run("add", own, "--library", library, "--json"))
    tried = run("remove", own, "--dry-run", "--library", library)
    assert "Would take out 1 file" in tried.stdout
    assert run("list", "--library", library).stdout.count("\n") == 1
    assert "Took out 1 file" in run("remove", own, "--library", library).stdout
    assert run("list", "--library", library).stdout == ""
    assert answered(run("status", "--library", library, "--json"))["roots"] == []
    assert (own / "a.md").exists()
    unknown = run("remove", "nope.md", "--library", library)
    assert unknown.returncode == 1
    assert "nope.md" in unknown.stdout


@pytest.mark.builtin
def test_letters_that_a_terminal_does_not_know_end_no_command(tmp_path: Path) -> None:
    library, own = tmp_path / "library", tmp_path / "own"
    own.mkdir()
    (own / "Übersicht.md").write_text("Kyōto 🏯: the temple opens at six.")
    answered(run("add", own, "--library", library, "--json"))
    plain: Any = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for command in (("search", "temple"), ("list",), ("status",)):
        done = run(*command, "--library", library, **plain)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()
    hit = answered(run("search", "temple", "--json", "--library", library, **plain))["hits"][0]
    assert hit["path"] == str(own / "Übersicht.md")


@pytest.mark.builtin
def test_examples_and_what_to_avoid_are_given_together(folder: Path, library: Path) -> None:
    charts = ("search", "--like", "charts/routes.png", "--like", "charts/diesel.png", "--kind", "image")
    found = answered(run(*charts, "--library", library, "--json", cwd=folder))
    assert {hit["citation"] for hit in found["hits"]} == {"charts/routes.png", "charts/diesel.png"}
    left = answered(run(*charts, "--not", "charts/diesel.png", "--library", library, "--json", cwd=folder))
    assert {hit["citation"] for hit in left["hits"]} == {"charts/routes.png"}
    assert any("1 place left out" in note for note in left["notes"])


@pytest.mark.builtin
def test_a_program_that_reads_the_hits_hears_of_what_says_the_same(tmp_path: Path) -> None:
    library, own = tmp_path / "library", tmp_path / "own"
    own.mkdir()
    for name in ("report.md", "copy.md"):
        (own / name).write_text("The cooling pump was repaired.")
    answered(run("add", own, "--library", library, "--json"))
    done = run("search", "cooling pump", "--library", library)
    assert len(done.stdout.splitlines()) == 1
    assert "1 more place says the same" in done.stderr


@pytest.mark.builtin
def test_what_the_server_refuses_is_one_line_and_exit_code_1(folder: Path, library: Path) -> None:
    done = run("search", "--like", "nowhere.png", "--library", library, "--json", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "nowhere.png" in line


@pytest.mark.builtin
def test_status_counts_the_documents(library: Path) -> None:
    shown = run("status", "--library", library)
    assert shown.returncode == 0
    assert "1 text" in shown.stdout
    assert "2 pictures" in shown.stdout
