import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from mcp_mmretrieval.cli.demo import QUESTIONS, SNAPSHOT_FILE, Reply, reply_table


def test_each_question_is_answered_by_a_file_that_is_made(demo_files: Path) -> None:
    for question in QUESTIONS:
        assert (demo_files / question.answer.partition("#")[0]).is_file()
        assert not (demo_files / SNAPSHOT_FILE).exists()


def test_the_questions_aim_at_every_kind_of_file() -> None:
    suffixes = {Path(question.answer.partition("#")[0]).suffix for question in QUESTIONS}
    assert suffixes == {".pdf", ".png", ".wav", ".mp4", ".md", ".jpg"}


def test_what_was_missed_or_refused_is_shown_as_such() -> None:
    late: Any = [{"citation": name, "modality": "image", "lanes": ["words"]} for name in ("a.png", QUESTIONS[1].answer)]
    replies = [Reply(QUESTIONS[0], [], 0.1, "The models are missing."), Reply(QUESTIONS[1], late, 0.1)]
    assert [reply.rank for reply in replies] == [None, 2]
    out = Console(width=120, record=True, file=io.StringIO())
    out.print(reply_table(replies))
    shown = out.export_text()
    for text in ("✗ The models are missing.", "not among the first 3", "which is number 2", "✗ image"):
        assert text in shown


@pytest.mark.builtin
def test_the_demo_finds_every_answer(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jpg"
    command = [sys.executable, "-m", "mcp_mmretrieval", "demo", "--sheet", str(sheet)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(QUESTIONS)} of {len(QUESTIONS)} questions" in done.stdout
    assert '"mcpServers"' in done.stdout
    with Image.open(sheet) as picture:
        assert picture.format == "JPEG"
        picture.load()
