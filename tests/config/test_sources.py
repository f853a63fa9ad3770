import os
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.config.sources import default_cache_path, default_library_path, settings_from_sources
from mcp_mmretrieval.errors import BadArgument


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MMRETRIEVAL_"):
            monkeypatch.delenv(name)


def test_arguments_win_over_the_environment_and_the_environment_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_pages = 11\nmax_frames = 12\nthreads = 13\n", encoding="utf-8")
    monkeypatch.setenv("MMRETRIEVAL_CONFIG", str(file))
    monkeypatch.setenv("MMRETRIEVAL_MAX_FRAMES", "22")
    monkeypatch.setenv("MMRETRIEVAL_THREADS", "23")
    settings = Settings.read(threads=33, profile=None)
    assert (settings.max_pages, settings.max_frames, settings.threads) == (11, 22, 33)


def test_an_empty_text_is_not_given_wherever_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('library = ""\nprofile = ""\n', encoding="utf-8")
    assert Settings.read(config=str(file), library="", profile="") == Settings()
    monkeypatch.setenv("MMRETRIEVAL_LIBRARY", str(tmp_path / "set"))
    assert Settings.read(config=str(file), library="").library == tmp_path / "set"


def test_relative_paths_become_absolute_where_they_were_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMRETRIEVAL_ROOTS", os.pathsep.join(["a", "~/b"]))
    given = settings_from_sources({"library": "held"})
    assert given == {"library": str(tmp_path / "held"), "roots": [str(tmp_path / "a"), str(Path.home() / "b")]}


@pytest.mark.parametrize(
    "written", ["file://{0}", "file://localhost{0}", '"{0}"', "'{0}' ", " {0}\n", "FILE:{0}", "{0}/"]
)
def test_a_root_may_be_a_uri_or_stand_in_quotes(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my papers"
    given = written.format(str(folder).replace(" ", "%20") if "file" in written.lower() else folder)
    assert settings_from_sources({"roots": [given]})["roots"] == [str(folder)]
    monkeypatch.setenv("MMRETRIEVAL_ROOTS", os.pathsep.join([given, "/a/file", given]))
    assert settings_from_sources()["roots"] == [str(folder), "/a/file", str(folder)]


def test_a_folder_that_is_really_called_so_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "'odd'").mkdir()
    monkeypatch.chdir(tmp_path)
    assert settings_from_sources({"roots": ["'odd'"]})["roots"] == [str(tmp_path / "'odd'")]


def test_an_empty_variable_and_those_that_are_no_settings_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMRETRIEVAL_PROFILE", "")
    monkeypatch.setenv("MMRETRIEVAL_HTTP_TOKEN", "a-secret-that-goes-nowhere")
    assert settings_from_sources() == {}


@pytest.mark.parametrize("content", [None, "profile = ", "\ufeff\x00"], ids=["missing", "cut off", "no TOML"])
def test_a_file_that_cannot_be_read_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(BadArgument, match=r"settings\.toml: cannot be read as TOML"):
        settings_from_sources({"config": str(file)})


def test_the_library_lies_in_the_folder_for_data_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_library_path() == "/data/mcp-mmretrieval/library"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_library_path() == str(Path.home() / ".local/share/mcp-mmretrieval/library")


@pytest.mark.parametrize(("system", "usual"), [("linux", ".cache"), ("darwin", "Library/Caches")])
def test_what_can_be_made_again_lies_in_the_cache_of_the_person(
    system: str, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_cache_path() == "/cache/mcp-mmretrieval"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_path() == str(Path.home() / usual / "mcp-mmretrieval")


def test_the_cache_is_an_absolute_path_for_the_engine_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMRETRIEVAL_CACHE", "made")
    assert settings_from_sources() == {"cache": str(tmp_path / "made")}
