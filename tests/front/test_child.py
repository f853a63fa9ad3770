"""A child sees the variables that it is given, lies in `/`, and imports nothing from there or from where we lie."""

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.front import child as children
from mcp_mmretrieval.front.child import import_variables, kill_child, machine_variables, module_command, start_child

SHOW = "import os, sys; print(sorted(os.environ), os.getcwd(), sys.flags.safe_path, sys.stdin.read() == '')"


def test_of_the_environment_only_the_machines_side_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CLAUDE_TOKEN": "x",
        "HF_HOME": "/m",
        "https_proxy": "p",
        "MMRETRIEVAL_HTTP_TOKEN": "t",
    }.items():
        monkeypatch.setenv(name, value)
    seen = machine_variables()
    assert seen["HF_HOME"] == "/m"
    assert seen["https_proxy"] == "p"
    assert not {"CLAUDE_TOKEN", "MMRETRIEVAL_HTTP_TOKEN", "PYTHONPATH"} & set(seen)


def test_an_engine_looks_for_models_where_download_puts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    ask = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    done = subprocess.run([sys.executable, "-c", ask], env=machine_variables(), capture_output=True, text=True)
    assert done.stdout == "/cache/huggingface/hub\n"


def test_a_child_lies_in_the_root_and_sees_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", "x")
    command = (*module_command("x")[:-2], "-c", SHOW)
    with start_child(command, {"LC_ALL": "C.UTF-8"}, stdout=subprocess.PIPE) as child:
        said, _ = child.communicate(timeout=60)
    assert said.decode().split(" / ") == ["['LC_ALL']", "True True\n"]


def test_a_child_imports_from_no_place_that_depends_on_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", ".", "sub/folder", "/opt/one", "/opt/two"])
    assert import_variables() == {"PYTHONPATH": "/opt/one:/opt/two"}


def test_nobody_waits_without_end_for_a_child_that_does_not_die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "KILLED_SECONDS", 0.01)
    with start_child((sys.executable, "-c", "input()"), {}, stdin=subprocess.PIPE) as child:
        with monkeypatch.context() as stuck:
            stuck.setattr(child, "kill", lambda: None)  # as of one that waits for a disk
            assert not kill_child(child)
        monkeypatch.setattr(children, "KILLED_SECONDS", 60.0)
        assert kill_child(child)
