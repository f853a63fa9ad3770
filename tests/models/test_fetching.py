"""A model is fetched from a Hub on loopback that cuts, lies and refuses."""

import errno
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import fetching, snapshots
from tests.models.little_hub import COMMIT, MODEL, LittleHub, serving

SPEC = ModelSpec(model=MODEL, revision=COMMIT)
AT_ONCE = (0.0, 0.0, 0.0)
PATIENCE = 60.0
WEIGHTS = "model.safetensors"


def weights(numbers: int) -> bytes:
    """A safetensors file of one tensor of random bytes."""
    description = json.dumps({"a": {"dtype": "U8", "shape": [numbers], "data_offsets": [0, numbers]}}).encode()
    return struct.pack("<Q", len(description)) + description + random.Random(0).randbytes(numbers)


FILES = {
    "config.json": b'{"model_type": "bert"}',
    "1_Pooling/config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}' + b" " * 60_000,
    WEIGHTS: weights(3_000_000),
    "pytorch_model.bin": b"pickled",
    "modeling.py": b"raise SystemExit",
    "README.md": b"# name",
}
KEPT = {"config.json", "1_Pooling/config.json", "tokenizer.json", WEIGHTS}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LittleHub]:
    with serving(dict(FILES)) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield hub


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_commit_becomes_a_folder_of_descriptions_and_safetensors(hub: LittleHub) -> None:
    folder, content = snapshots.located(SPEC)
    assert contents(folder) == {name: FILES[name] for name in KEPT}
    assert content == COMMIT
    assert not list(folder.parent.parent.rglob("*.part"))


def test_other_programs_find_it_in_the_hubs_cache(hub: LittleHub) -> None:
    from huggingface_hub import scan_cache_dir, try_to_load_from_cache

    folder = fetching.fetch(SPEC)
    assert try_to_load_from_cache(MODEL, WEIGHTS, revision=COMMIT) == str(folder / WEIGHTS)
    (repository,) = scan_cache_dir(folder.parent.parent.parent).repos
    assert repository.repo_id == MODEL
    assert repository.size_on_disk == sum(len(FILES[name]) for name in KEPT)


def test_what_is_complete_is_not_asked_for_again(hub: LittleHub) -> None:
    snapshots.located(SPEC)
    hub.asked.clear()
    snapshots.located(SPEC)
    assert hub.asked == []


def test_a_models_own_code_is_fetched_only_where_it_may_run(hub: LittleHub) -> None:
    folder = fetching.fetch(ModelSpec(model=MODEL, revision=COMMIT, own_code=True))
    assert contents(folder).keys() == KEPT | {"modeling.py"}


def test_progress_grows_to_the_whole_and_counts_what_was_there(hub: LittleHub) -> None:
    told: list[tuple[int, int, str]] = []
    whole = sum(len(FILES[name]) for name in KEPT)
    hub.cuts = [1_000_000]
    with pytest.raises(ModelUnavailable):
        fetching.fetch(SPEC, pauses=())
    fetching.fetch(SPEC, lambda *now: told.append(now))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[0][0] > 0
    assert told[-1] == (whole, whole, "")
    assert {total for _, total, _ in told} == {whole}


def test_cut_connections_are_taken_up_where_they_broke(hub: LittleHub) -> None:
    hub.cuts = [0, 100_000, 0, 0, 2_000_000, 1]
    folder = fetching.fetch(SPEC, pauses=AT_ONCE)
    assert contents(folder)[WEIGHTS] == FILES[WEIGHTS]
    assert hub.sent[WEIGHTS] == len(FILES[WEIGHTS])


def test_a_connection_that_gives_nothing_any_more_is_given_up_with_what_has_arrived(hub: LittleHub) -> None:
    hub.cuts = [500_000, *[0] * 10]
    with pytest.raises(ModelUnavailable, match=rf"What has arrived is kept.*mcp-mmretrieval download {MODEL}@{COMMIT}"):
        fetching.fetch(SPEC, pauses=AT_ONCE)
    hub.cuts = []
    folder = fetching.fetch(SPEC)
    assert contents(folder)[WEIGHTS] == FILES[WEIGHTS]
    assert hub.sent[WEIGHTS] == len(FILES[WEIGHTS])


def test_a_server_that_knows_no_ranges_does_not_spoil_the_file(hub: LittleHub) -> None:
    hub.cuts = [500_000]
    with pytest.raises(ModelUnavailable):
        fetching.fetch(SPEC, pauses=())
    hub.ranges = False
    assert contents(fetching.fetch(SPEC))[WEIGHTS] == FILES[WEIGHTS]


def test_after_kill_9_half_way_nothing_is_fetched_twice(hub: LittleHub, tmp_path: Path) -> None:
    hub.cuts, hub.stall = [1_500_000], threading.Event()
    run = (
        "from mcp_mmretrieval.models import fetching; from mcp_mmretrieval.config.profiles import ModelSpec; "
        f"fetching.fetch(ModelSpec(model={MODEL!r}, revision={COMMIT!r}))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    child = subprocess.Popen([sys.executable, "-c", run], env=environment)
    try:
        waited = time.monotonic() + PATIENCE
        while not any(part.stat().st_size >= 1_000_000 for part in (tmp_path / "hub").rglob("*.part")):
            assert child.poll() is None
            assert time.monotonic() < waited
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    kept = max(part.stat().st_size for part in (tmp_path / "hub").rglob("*.part"))
    sent = hub.sent[WEIGHTS]
    with pytest.raises(ModelUnavailable, match="in part only"):
        snapshots.located(SPEC, fetch=False)
    folder, _ = snapshots.located(SPEC)
    assert contents(folder) == {name: FILES[name] for name in KEPT}
    assert hub.sent[WEIGHTS] - sent == len(FILES[WEIGHTS]) - kept


def test_weights_kept_on_another_host_are_taken_up_there_and_the_token_stays_here(
    hub: LittleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.elsewhere, hub.cuts = True, [1_000_000]
    folder = fetching.fetch(SPEC, pauses=AT_ONCE)
    assert contents(folder)[WEIGHTS] == FILES[WEIGHTS]
    assert hub.sent[WEIGHTS] == len(FILES[WEIGHTS])
    assert hub.tokens == {"127.0.0.1": "Bearer hf_secret", "localhost": None}


def test_a_commit_with_pickled_weights_alone_is_refused_before_anything_is_fetched(hub: LittleHub) -> None:
    del hub.files[WEIGHTS]
    with pytest.raises(ModelUnavailable, match=r"no weights in safetensors; pickled ones can run code"):
        snapshots.located(SPEC)
    assert not hub.sent


def test_a_file_that_arrives_with_a_wrong_byte_is_thrown_away(hub: LittleHub) -> None:
    hub.broken = {WEIGHTS}
    with pytest.raises(ModelUnavailable, match=r"model.safetensors arrived damaged, and was thrown away"):
        fetching.fetch(SPEC)
    with pytest.raises(ModelUnavailable, match="in part only"):
        snapshots.located(SPEC, fetch=False)
    hub.broken = set()
    assert contents(fetching.fetch(SPEC))[WEIGHTS] == FILES[WEIGHTS]


def test_what_was_damaged_on_the_disk_is_fetched_anew(hub: LittleHub) -> None:
    folder = fetching.fetch(SPEC)
    blob = (folder / WEIGHTS).resolve()
    blob.write_bytes(b"\0" * len(FILES[WEIGHTS]))
    with pytest.raises(ModelUnavailable, match=r"damaged.*mcp-mmretrieval download"):
        snapshots.located(SPEC, fetch=False)
    assert contents(snapshots.located(SPEC)[0])[WEIGHTS] == FILES[WEIGHTS]


def test_a_disk_with_too_little_room_is_told_before_anything_is_fetched(
    hub: LittleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=200_000_000))
    with pytest.raises(
        ModelUnavailable, match=r"needs 0.0 GB more at .*, and 0.2 GB are free. Make room, or set HF_HUB"
    ):
        fetching.fetch(SPEC)
    assert not hub.sent


def test_a_disk_that_runs_full_is_told(hub: LittleHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(
            ModelUnavailable, match=r"the disk at .* is full. Make room, then run: mcp-mmretrieval downl"
        ):
            fetching.fetch(SPEC, pauses=())
    assert contents(fetching.fetch(SPEC)) == {name: FILES[name] for name in KEPT}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "Agree to its licence on https://huggingface.co/owner/name, run: hf auth login"),
        (403, "Agree to its licence"),
        (404, f"has no such model or commit .{COMMIT}"),
        (503, "With a network, run: mcp-mmretrieval download"),
    ],
)
def test_a_refusal_says_what_to_do(hub: LittleHub, status: int, said: str) -> None:
    hub.refusal = status
    with pytest.raises(ModelUnavailable, match=said):
        fetching.fetch(SPEC, pauses=AT_ONCE)


def test_a_hub_that_is_not_reached_leaves_the_command_for_later(
    hub: LittleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"owner/name cannot be fetched: .*With a network, run: mcp-mmretrieval"):
        snapshots.located(SPEC)


def test_offline_the_hub_is_not_asked(hub: LittleHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ModelUnavailable, match=f"is not on this machine. With a network, run: mcp-mmretrieval download {MODEL}"
    ):
        snapshots.located(SPEC)
    assert hub.asked == []


def test_a_listing_that_leads_out_of_the_folder_is_not_followed(hub: LittleHub, tmp_path: Path) -> None:
    hub.files["../../../evil.json"] = b"{}"
    with pytest.raises(ModelUnavailable, match="which cannot be right"):
        fetching.fetch(SPEC)
    assert not list(tmp_path.rglob("evil.json"))


def test_two_that_fetch_at_once_fetch_once(hub: LittleHub) -> None:
    threads = [threading.Thread(target=fetching.fetch, args=(SPEC,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert hub.sent == {name: len(FILES[name]) for name in KEPT}
