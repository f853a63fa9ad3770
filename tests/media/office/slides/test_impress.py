"""The program that has LibreOffice draw one deck. What it draws, `test_drawn.py` shows."""

import os
import subprocess

import pytest

from mcp_mmretrieval.front.child import module_command
from mcp_mmretrieval.media.office.slides import impress

PROGRAM = "/usr/bin/true"
"""Starts, and makes no PDF."""


def ended(parent: int) -> subprocess.CompletedProcess[bytes]:
    command = module_command(impress.__name__, PROGRAM, ".pptx", str(parent))
    return subprocess.run(command, input=b"a deck", capture_output=True, check=False)


def test_without_its_parent_it_reads_nothing() -> None:
    done = ended(1 << 30)
    assert (done.returncode, done.stdout) == (impress.NOT_LOCKED, b"")


def test_where_no_pdf_is_made_it_says_so() -> None:
    done = ended(os.getpid())
    if done.returncode == impress.NOT_LOCKED:
        pytest.skip("this system does not let a program lock itself in")
    assert (done.returncode, done.stdout) == (impress.NOT_DRAWN, b"")
