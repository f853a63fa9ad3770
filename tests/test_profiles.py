import re
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.profiles import PROFILES, profile_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_name_is_a_profile() -> None:
    assert profile_of("builtin").embedder is None
    assert profile_of(" clip ") is PROFILES["clip"]


def test_every_record_is_pinned_and_says_what_a_person_chooses_by() -> None:
    for name, profile in PROFILES.items():
        assert profile.name == name
        if spec := profile.embedder:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", spec.model)
            assert re.fullmatch(r"[0-9a-f]{40}", spec.revision)
            assert spec.licence
            assert spec.good_for
            assert spec.memory_mb > 0


def test_an_absolute_path_is_a_model_of_ones_own(tmp_path: Path) -> None:
    spec = profile_of(str(tmp_path)).embedder
    assert spec is not None
    assert (spec.model, spec.revision, spec.in_folder) == (str(tmp_path), "", True)
    home = profile_of("~/models/mine").embedder
    assert home is not None
    assert home.model == str(Path.home() / "models" / "mine")


def test_a_commit_on_the_hub_is_a_model_of_ones_own() -> None:
    spec = profile_of(f"owner/some.name-2@{COMMIT}").embedder
    assert spec is not None
    assert (spec.model, spec.revision, spec.in_folder) == ("owner/some.name-2", COMMIT, False)


@pytest.mark.parametrize("setting", ["owner/name", "owner/name@", "owner/name@main", f"owner/name@{COMMIT[:12]}"])
def test_a_hub_model_that_is_not_pinned_is_refused(setting: str) -> None:
    with pytest.raises(BadArgument, match=r"needs its commit.*owner/name/commits/main.*owner/name@COMMIT"):
        profile_of(setting)


@pytest.mark.parametrize(("setting", "meant"), [("clipp", "clip"), ("Builtin", "builtin"), ("buildin", "builtin")])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(setting: str, meant: str) -> None:
    with pytest.raises(BadArgument, match=f"{setting}: no such profile. Did you mean {meant}"):
        profile_of(setting)


@pytest.mark.parametrize("setting", ["", "crystal-ball", "./model", "a/b/c", "https://huggingface.co/a/b", "é/b@x"])
def test_anything_else_is_refused_with_what_would_do(setting: str) -> None:
    with pytest.raises(BadArgument, match=r"one of: builtin, clip.*absolute path.*owner/name@commit"):
        profile_of(setting)
