import os
import sys

import pytest

from mcp_mmretrieval.front.stderr import say


def test_a_line_is_said_under_our_name(capsys: pytest.CaptureFixture[str]) -> None:
    say("no engine")
    assert capsys.readouterr() == ("", "mcp-mmretrieval: no engine\n")


def test_where_nobody_reads_or_there_is_no_stderr_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as unread, monkeypatch.context() as closed:
        closed.setattr(sys, "stderr", unread)
        say("no engine")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)
    monkeypatch.setattr(sys, "stderr", None)
    say("no engine")
