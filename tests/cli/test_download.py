"""The command that fetches models, against a Hub on loopback."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.download.test_fetch import FILES, KEPT, WEIGHTS, contents
from tests.support.little_hub import COMMIT, MODEL, LittleHub, serving

NAME = f"{MODEL}@{COMMIT}"
PATIENCE = 100.0


@pytest.fixture
def hub() -> Iterator[LittleHub]:
    with serving(dict(FILES)) as hub:
        yield hub


def environment(hub: LittleHub, folder: Path, **more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MMRETRIEVAL_", "HF_"))}
    return {**own, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(folder), "COLUMNS": "200", **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mcp_mmretrieval", "download", *arguments]


def run(hub: LittleHub, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(hub, folder, **more),
        stdin=subprocess.DEVNULL,
    )


def snapshot(folder: Path) -> Path:
    return folder / "models--owner--name" / "snapshots" / COMMIT


def test_a_model_is_fetched_and_its_folder_told(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, NAME)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"✓ {MODEL} is complete in {snapshot(tmp_path)}\n"
    assert f"{MODEL}: 3.1 MB of 3.1 MB" in done.stderr
    assert contents(snapshot(tmp_path)) == {name: FILES[name] for name in KEPT}


def test_where_nothing_can_load_the_model_yet_the_command_that_brings_it_is_told(
    hub: LittleHub, tmp_path: Path
) -> None:
    code = "import tests.support.without_torch; from mcp_mmretrieval.__main__ import main; main()"
    own = environment(hub, tmp_path)
    asked = [sys.executable, "-c", code, "download", NAME]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False, env=own)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"✓ {MODEL} is complete in {snapshot(tmp_path)}",
        "What loads these models is not installed yet. Run: pip install 'mcp-mmretrieval[hub]'.",
    ]


def test_without_a_name_the_models_of_the_settings_are_fetched(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, MMRETRIEVAL_PROFILE="builtin", MMRETRIEVAL_RERANKER=NAME, MMRETRIEVAL_OCR=NAME)
    assert done.returncode == 0, done.stderr
    assert contents(snapshot(tmp_path)).keys() == KEPT


def test_a_dry_run_shows_sizes_and_fetches_nothing(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, NAME, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[1:2]] == [[MODEL, "4", "3.1", "MB", "3.1", "MB"]]
    assert not hub.sent
    run(hub, tmp_path, NAME)
    assert "nothing" in run(hub, tmp_path, NAME, "--dry-run").stdout


def test_interrupted_it_goes_on_where_it_was(hub: LittleHub, tmp_path: Path) -> None:
    hub.cuts, hub.stall = [1_500_000], threading.Event()
    with subprocess.Popen(
        command(NAME), env=environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        patience = time.monotonic() + PATIENCE
        while not any(part.stat().st_size >= 1_000_000 for part in tmp_path.rglob("*.part")):
            assert child.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        assert "Interrupted." in child.stderr.read()
        assert child.wait(PATIENCE) == 130
    kept, sent = max(part.stat().st_size for part in tmp_path.rglob("*.part")), hub.sent[WEIGHTS]
    assert run(hub, tmp_path, NAME).returncode == 0
    assert hub.sent[WEIGHTS] - sent == len(FILES[WEIGHTS]) - kept


def test_the_built_in_models_need_nothing_fetched(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, "builtin")
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing to fetch")
    assert hub.asked == []


def test_auto_says_what_it_chose_and_why(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, "auto", MMRETRIEVAL_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("auto chose builtin, because there is no GPU")
    assert "Nothing to fetch" in done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("crystal", "crystal: no such profile or model. Name one of: builtin, clip, omni"),
        (MODEL, "needs its commit"),
        (f"{MODEL}@main", "needs its commit"),
    ],
)
def test_a_name_that_is_none_is_misuse(hub: LittleHub, tmp_path: Path, name: str, said: str) -> None:
    done = run(hub, tmp_path, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_what_the_hub_does_not_have_is_a_failure_in_a_line(hub: LittleHub, tmp_path: Path) -> None:
    done = run(hub, tmp_path, "omni")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "mcp-mmretrieval: google/embeddinggemma-2 cannot be fetched: the Hub has no such model"
    )
    assert "Traceback" not in done.stderr


def test_offline_what_is_missing_is_missed_and_what_is_there_is_told(hub: LittleHub, tmp_path: Path) -> None:
    missed = run(hub, tmp_path, NAME, HF_HUB_OFFLINE="1")
    assert missed.returncode == 1
    assert f"is not on this machine. With a network, run: mcp-mmretrieval download {NAME}" in missed.stderr
    run(hub, tmp_path, NAME)
    hub.asked.clear()
    assert run(hub, tmp_path, NAME, HF_HUB_OFFLINE="1").returncode == 0
    assert hub.asked == []
