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
    for words in ("none: nothing can be read. Set --root.", "none yet", "✗ No [model]."):
        assert words in told


def test_bytes_are_written_in_the_unit_that_fits() -> None:
    assert [show.format_bytes(count) for count in (0, 12_340_000, 1_500_000_000)] == ["0.0 MB", "12.3 MB", "1.5 GB"]


def test_where_there_is_no_terminal_a_download_is_told_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with show.download_bar("a/[model]") as report:
        for done in range(101):
            report(done * 10_000_000, 1_000_000_000, "weights")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[3] == "a/[model]: 300.0 MB of 1.0 GB"


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
