"""`add`, `search` and `status` over the real command and its engine."""

import signal
from pathlib import Path

import pytest
from PIL import Image

from mcp_mmretrieval import cli
from mcp_mmretrieval.cli import asking
from mcp_mmretrieval.errors import BadArgument
from tests.support.command import adding, answered, run


def test_who_names_a_path_may_read_it_unless_roots_are_set(tmp_path: Path) -> None:
    assert asking.with_roots({}, [str(tmp_path), str(tmp_path)])["roots"] == [str(tmp_path)]
    set_already: dict[str, object] = {"roots": ["/a"]}
    assert asking.with_roots(set_already, [str(tmp_path)])["roots"] == ["/a"]


def test_adding_nothing_without_roots_and_adding_read_only_are_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadArgument, match="Nothing to add"):
        asking.add_command(cli.command_parser().parse_args(["add"]))
    monkeypatch.setenv("MMRETRIEVAL_READ_ONLY", "1")
    with pytest.raises(BadArgument, match="read-only"):
        asking.add_command(cli.command_parser().parse_args(["add", "/"]))


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


@pytest.mark.builtin
def test_ctrl_c_ends_adding_politely(folder: Path, tmp_path: Path) -> None:
    with adding(folder, tmp_path / "library") as process:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "What was added stays" in told
