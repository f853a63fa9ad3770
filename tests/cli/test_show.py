import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from mcp_mmretrieval.cli import show


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    result: Any = {
        "hits": [
            {
                "citation": "[red]a[/x].pdf#page=1",
                "modality": "page",
                "score": 0.5,
                "match": "fair",
                "snippet": "[bold]",
            }
        ],
        "notes": ["[link=x]"],
    }
    out = Console(width=80, record=True, file=io.StringIO())
    out.print(show.render_hits(result))
    shown = out.export_text()
    for text in ("[red]a[/x].pdf#page=1", "[bold]", "[link=x]", "0.50"):
        assert text in shown


def shown(what: RenderableType) -> str:
    out = Console(width=100, record=True, file=io.StringIO())
    out.print(what)
    return out.export_text()


def test_a_failure_names_its_file_once() -> None:
    failed = [
        {"path": "/data/a.pdf", "code": "corrupt", "reason": "a.pdf has no header."},
        {"path": "/data/b.pdf", "code": "internal", "reason": "Something broke."},
    ]
    counts = {"added": 0, "replaced": 0, "moved": 0, "unchanged": 3, "pending_vectors": 2, "skipped": {"hidden": 4}}
    result: Any = {"state": "done", "failed": failed, **counts, "failed_in_all": 30}
    told = shown(show.render_add_result(result))
    assert "Done: 0 added, 3 unchanged, 30 failed" in told
    assert "✗ a.pdf has no header." in told
    assert "✗ /data/b.pdf: Something broke." in told
    assert "skipped 4: hidden" in told
    assert "2 documents without vectors so far, found by words only" in told


def test_folders_that_look_like_markup_are_shown_as_they_are() -> None:
    status: Any = {"library": "/data/[draft]/library", "roots": ["/data/[/old]", "/data/[red]"], "jobs": []}
    lines = shown(show.render_status(status))
    for folder in ("/data/[draft]/library", "/data/[/old]", "/data/[red]"):
        assert folder in lines


def test_a_file_that_was_written_is_named_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    file = f"/{'long/' * 30}[draft][/old].jpg"
    show.tell_written(file)
    assert capsys.readouterr().err == f"Wrote {file}\n"


def test_a_status_of_an_empty_library_says_what_to_set() -> None:
    result: Any = {"version": "1.0", "library": "/l", "documents": {"page": 0}, "jobs": [], "problems": ["No [model]."]}
    told = shown(show.render_status(result))
    for words in ("none added yet. Run: mcp-mmretrieval add FOLDER", "none yet", "✗ No [model]."):
        assert words in told


def test_bytes_are_written_in_the_unit_that_fits() -> None:
    assert [show.format_bytes(count) for count in (0, 12_340_000, 1_500_000_000)] == ["0.0 MB", "12.3 MB", "1.5 GB"]


def test_where_there_is_no_terminal_a_citation_stands_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    cited = f"{'long/' * 60}a.pdf#page=1"
    hits: Any = {"hits": [{"citation": cited, "modality": "page", "score": 0.5, "match": "fair", "snippet": "fog"}]}
    show.stdout_console().print(show.render_hits(hits))
    assert cited in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "50")
    show.stdout_console().print(show.render_hits(hits))
    assert max(map(len, capsys.readouterr().out.splitlines())) == 50


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, ("1 document, found", "pictures of 1 page,", "1 document without vectors")),
        (
            2_000,
            ("2,000 documents, found", "of 2,000 pages,", "2,000 documents without vectors"),
        ),
    ],
)
def test_what_waits_is_counted_in_words_that_fit(count: int, said: tuple[str, ...]) -> None:
    status: Any = {"pending_vectors": count, "unread_figures": count, "bytes": 2_500_000_000, "jobs": []}
    added: Any = {"state": "done", "added": count, "replaced": 0, "moved": 0, "unchanged": 0, "skipped": {}}
    added |= {"failed": [], "pending_vectors": count}
    lines = shown(show.render_status(status)) + shown(show.render_add_result(added))
    for words in (*said, "2.5 GB"):
        assert words in lines


LONG: dict[str, Any] = {
    "id": "3f9a0c12d4e5#page=7",
    "citation": "docs/a%20long%20%28very%29%20name%25.pdf#page=7",
    "path": f"/home/{'me/' * 20}docs/a long (very) name%.pdf",
    "modality": "page",
    "score": 0.5,
    "match": "fair",
    "snippet": "fog\tand\nmist",
    "modified": "2026-03-02T10:00:00+01:00",
}


def test_a_citation_is_shown_with_its_blanks_and_names_the_same_place() -> None:
    assert show.written_out(LONG["citation"]) == "docs/a long (very) name%25.pdf#page=7"
    for cited in ("100%23.md", "a%3Fb", "%E2%80%AEfdp.exe", "a%0Ab", "plain#t=1.0,2.0"):
        assert show.written_out(cited) == cited


def test_in_a_pipe_each_hit_and_document_is_one_line_with_its_whole_path(capsys: pytest.CaptureFixture[str]) -> None:
    hits: Any = {"hits": [LONG, {**LONG, "path": "", "id": "ab#char=0,4"}]}
    listed: Any = {"documents": [{**LONG, "id": "3f9a0c12d4e5", "embedded": True, "pages": 3, "title": "T"}]}
    show.print_records([*show.hit_records(hits), *show.list_records(listed)])
    first, second, third = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert first == [f"{LONG['path']}#page=7", "page", "fair", "0.50", "2026-03-02", "fog and mist"]
    assert second[0] == "ab#char=0,4"
    assert third == [str(LONG["path"]), "page", "3 pages", "2026-03-02", "T"]


@pytest.mark.parametrize("width", [30, 60, 80])
def test_no_letter_of_a_path_is_lost_however_narrow_the_terminal_is(width: int) -> None:
    listed: Any = {"documents": [{**LONG, "id": "3f", "embedded": False, "seconds": 75.0}], "total": 1}
    look: Any = {**LONG, "text": "fog"}
    hits: Any = {"hits": [LONG]}
    status: Any = {"library": LONG["path"], "roots": [LONG["path"]], "jobs": []}
    for what, path in (
        (show.render_hits(hits), show.written_out(LONG["citation"])),
        (show.render_list(listed), show.written_out(LONG["citation"])),
        (show.render_look(look), str(LONG["path"])),
        (show.render_status(status), str(LONG["path"])),
    ):
        out = Console(width=width, record=True, file=io.StringIO())
        out.print(what)
        lines = out.export_text()
        assert path.replace(" ", "") in "".join(lines.split())
        assert max(map(len, lines.splitlines())) <= width


def test_json_that_the_terminal_cannot_write_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, written in (("ascii", "\\u00fc"), ("utf-8", "ü")):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr("sys.stdout", out)
        show.print_json({"name": "ü"})
        out.flush()
        assert written.encode() in out.buffer.getvalue()


def test_what_was_taken_out_and_what_was_not_there_are_told() -> None:
    removed: Any = {"files": 2, "documents": 1, "segments": 9, "unknown": ["nope.pdf"]}
    would: Any = {**removed, "dry_run": True}
    told = shown(show.render_removal(removed))
    for words in ("Took out 2 files (1 document).", "On disk they stay.", "nope.pdf: not in the library."):
        assert words in told
    assert "Would take out" in shown(show.render_removal(would))


def test_what_lies_elsewhere_is_counted_with_the_option_that_shows_it() -> None:
    line = show.outside_line({"files": 1, "under": "/home/me/my files"})
    assert line.plain == "1 file of this library lies elsewhere. To see them: --root '/home/me/my files'"
