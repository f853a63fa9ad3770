import os
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MMRETRIEVAL_"):
            monkeypatch.delenv(name)


def test_nothing_may_be_read_unless_a_root_is_given() -> None:
    assert Settings.read().roots == ()


def test_roots_are_written_as_path_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MMRETRIEVAL_ROOTS", os.pathsep.join([str(tmp_path / "a"), "~/b"]))
    assert Settings.read().roots == (tmp_path / "a", Path.home() / "b")


def test_an_unknown_name_in_the_environment_is_refused_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMRETRIEVAL_ROOT", "/data")
    with pytest.raises(BadArgument, match="MMRETRIEVAL_ROOT: no such setting"):
        Settings.read()


def test_a_value_out_of_range_is_refused_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMRETRIEVAL_MAX_PAGES", "0")
    with pytest.raises(BadArgument, match="max_pages"):
        Settings.read()


def test_an_unknown_name_in_the_file_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_page = 11\n", encoding="utf-8")
    monkeypatch.setenv("MMRETRIEVAL_CONFIG", str(file))
    with pytest.raises(BadArgument, match="max_page"):
        Settings.read()


def test_limits_follow_the_settings() -> None:
    limits = Settings.read(max_hours=2, max_pixels_mp=7).limits
    assert (limits.seconds, limits.pixels) == (7200, 7_000_000)


@pytest.mark.parametrize("name", ["max_hours", "part_timeout_s", "file_timeout_s"])
def test_a_bound_on_parsing_is_a_finite_number(name: str) -> None:
    with pytest.raises(BadArgument, match=f"{name}: Input should be a finite number"):
        Settings.read(**{name: "inf"})


@pytest.mark.parametrize(
    ("given", "cpu", "gpu"), [(None, 120.0, 900.0), (30.0, 30.0, 30.0), (0.0, float("inf"), float("inf"))]
)
def test_models_leave_a_cpu_sooner_than_a_gpu_unless_the_setting_says_when(
    given: float | None, cpu: float, gpu: float
) -> None:
    settings = Settings.read(model_idle_s=given)
    assert (settings.idle_seconds("cpu"), settings.idle_seconds("cuda")) == (cpu, gpu)
