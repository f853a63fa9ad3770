import io
import json
from pathlib import Path

from rich.console import Console

from mcp_mmretrieval.cli import restore
from tests.conftest import OpenLibrary
from tests.support.calls import add
from tests.support.command import answered, run


def test_what_vanished_is_listed_and_brought_back_to_be_found(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    (folder / "stays.md").write_text("The lighthouse stays.")
    (folder / "goes.md").write_text("The harbour goes.")
    library = open_library()
    add(library)
    (folder / "goes.md").unlink()
    assert add(library).removed == 1
    library.close()
    asked = ("--library", tmp_path / "library")
    (listed,) = answered(run("restore", *asked, "--json"))["vanished"]
    assert listed["path"] == str(folder / "goes.md")
    assert listed["until"] - listed["vanished"] == 30 * 86_400
    (record,) = run("restore", *asked).stdout.splitlines()
    assert record.split("\t")[0] == listed["path"]
    unknown = run("restore", "never.md", *asked, cwd=folder)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert f"{folder / 'never.md'}: nothing is kept" in unknown.stderr
    assert "1 restored" in run("restore", "goes.md", *asked, cwd=folder).stdout
    nothing = run("restore", *asked)
    assert (nothing.stdout, nothing.stderr) == ("", "Nothing vanished in the last 30 days.\n")
    found = json.loads(run("search", "harbour", "--root", folder, *asked, "--json").stdout)
    assert [hit["citation"].partition("#")[0] for hit in found["hits"]][:1] == ["goes.md"]
    assert run("stop", *asked).returncode == 0


def test_a_name_with_signs_for_a_terminal_is_shown_without_them() -> None:
    out = Console(width=30, record=True, file=io.StringIO())
    out.print(restore._lines({"path": f"/data/{'long/' * 20}[/old]\x1b[31m.pdf", "vanished": 0.0, "until": 0.0}))
    shown = out.export_text()
    assert f"/data/{'long/' * 20}[/old].pdf" in "".join(shown.split())
    assert "\x1b" not in shown
