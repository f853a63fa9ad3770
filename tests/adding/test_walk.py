"""Which files of a folder count."""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mcp_mmretrieval.adding import walk as module
from mcp_mmretrieval.adding.walk import FoundFile, RefusedPath, SkippedPath, walk
from mcp_mmretrieval.roots import Roots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def make(folder: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(root: Path, *paths: str, library: Path | None = None) -> list[str]:
    """Paths under the root, in the order in which they come."""
    items = walk(Roots([root]), paths, library=library)
    return [os.path.relpath(item.path, root) for item in items if isinstance(item, FoundFile)]


def skipped(root: Path, *paths: str, library: Path | None = None) -> dict[str, str]:
    items = walk(Roots([root]), paths, library=library)
    return {os.path.relpath(item.path, root): item.rule for item in items if isinstance(item, SkippedPath)}


def refused(root: Path, *paths: str) -> list[RefusedPath]:
    return [item for item in walk(Roots([root]), paths) if isinstance(item, RefusedPath)]


# -- folders, files, globs ---------------------------------------------------------------------------------------------


def test_without_paths_all_files_of_the_roots_come_in_order_of_names(root: Path) -> None:
    make(root, "b.txt", "a/z.txt", "a/b/c.txt", "c.txt", "B.txt")
    assert found(root) == ["B.txt", "a/b/c.txt", "a/z.txt", "b.txt", "c.txt"]


def test_a_folder_comes_with_all_below_it_and_a_file_alone(root: Path) -> None:
    make(root, "a/1.txt", "a/deep/2.txt", "b/3.txt")
    assert found(root, "a") == ["a/1.txt", "a/deep/2.txt"]
    assert found(root, str(root / "b" / "3.txt")) == ["b/3.txt"]


def test_each_file_comes_once_however_often_it_is_named(root: Path) -> None:
    make(root, "a/1.txt", "a/2.txt")
    assert found(root, "a/2.txt", "a", ".", "**/*.txt") == ["a/2.txt", "a/1.txt"]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.txt", ["1.txt"]),
        ("**/*.txt", ["1.txt", "a/2.txt", "a/b/3.txt"]),
        ("a/*.txt", ["a/2.txt"]),
        ("*/*.txt", ["a/2.txt"]),
        ("a/**", ["a/2.txt", "a/b/3.txt", "a/b/4.md"]),
        ("**/b/?.md", ["a/b/4.md"]),
        ("a/b/[34].*", ["a/b/3.txt", "a/b/4.md"]),
        ("a/b/[!3].*", ["a/b/4.md"]),
        ("**/**/**/4.md", ["a/b/4.md"]),
    ],
)
def test_a_glob_finds_what_it_names(root: Path, glob: str, expected: Sequence[str]) -> None:
    make(root, "1.txt", "a/2.txt", "a/b/3.txt", "a/b/4.md")
    assert found(root, glob) == expected
    assert found(root, f"{root}/{glob}") == expected


def test_a_file_whose_name_looks_like_a_glob_is_taken_by_its_name(root: Path) -> None:
    make(root, "a[1].txt", "a1.txt")
    assert found(root, "a[1].txt") == ["a[1].txt"]


def test_a_glob_does_not_hide_files_from_the_next_path(root: Path) -> None:
    make(root, "a.txt", "b.md")
    assert found(root, "*.md", ".") == ["b.md", "a.txt"]


@pytest.mark.timeout(10)
def test_no_glob_takes_longer_than_its_length(root: Path) -> None:
    make(root, "a" * 200 + ".txt", "/".join("a" * 30) + "/x.txt")
    assert found(root, "*a" * 60 + "b") == []
    assert found(root, "**/a/" * 40 + "b") == []


def test_what_is_outside_or_missing_is_refused_with_one_text(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.txt")
    for path in (str(tmp_path / "secret.txt"), "missing.txt", "../secret.txt", str(tmp_path), "https://x.org/a.pdf"):
        (only,) = refused(root, path)
        assert only.code == "not_found_or_not_allowed"
        assert "not found under the allowed folders" in only.reason
    for glob in ("../*.txt", f"{tmp_path}/*.txt", "/etc/*", "*.nothing", "/**/passwd", "\0*", "file:///etc/*"):
        (only,) = refused(root, glob)
        assert only.code == "not_found_or_not_allowed"


def test_a_path_may_be_written_as_a_uri_or_a_citation(root: Path) -> None:
    make(root, "a b.txt", "sub/c d.txt")
    for path in ("a%20b.txt", f"file://{root}/a%20b.txt", "a b.txt#page=3", "root/a%20b.txt"):
        assert found(root, path) == ["a b.txt"]
    assert found(root, f"file://{root}/sub") == ["sub/c d.txt"]
    assert found(root, "sub/c%20*.txt") == ["sub/c d.txt"]


def test_the_end_of_only_one_path_is_taken_and_near_names_are_told(root: Path) -> None:
    make(root, "notes/boiler.md", "a/plan.md", "b/plan.md", ".hidden/secret.md")
    assert found(root, "Boiler.md") == ["notes/boiler.md"]
    (several,) = refused(root, "plan.md")
    assert "Did you mean a/plan.md or b/plan.md?" in several.reason
    (misspelt,) = refused(root, "boilr.md")
    assert misspelt.reason == "boilr.md: not found under the allowed folders. Did you mean notes/boiler.md?"
    assert "Did you mean" not in refused(root, "secret.md")[0].reason


def test_a_root_that_is_missing_is_said_and_the_others_go_on(root: Path, tmp_path: Path) -> None:
    make(root, "a.txt")
    items = list(walk(Roots([tmp_path / "unplugged", root])))
    assert [type(item) for item in items] == [RefusedPath, FoundFile]


# -- what is left out --------------------------------------------------------------------------------------------------


def test_hidden_files_and_folders_are_left_out_and_counted(root: Path) -> None:
    make(root, "a.txt", ".hidden.txt", ".git/config", ".cache/x.txt")
    assert found(root) == ["a.txt"]
    assert skipped(root) == {".hidden.txt": "hidden", ".git": "hidden", ".cache": "hidden"}


def test_packages_and_virtual_environments_are_left_out(root: Path) -> None:
    make(root, "a.txt", "node_modules/x/readme.md", "env/pyvenv.cfg", "env/lib/x.txt", "py/__pycache__/x.pyc")
    make(root, "conda/conda-meta/history", "conda/x.txt")
    assert found(root) == ["a.txt"]
    rules = skipped(root)
    assert rules["env"] == rules["conda"] == "virtual environment"
    assert rules["node_modules"] == "node_modules"


def test_ignore_files_hold_for_their_folder_and_the_nearest_decides(root: Path) -> None:
    make(root, "a.log", "keep.log", "sub/b.log", "sub/keep.txt", "sub/deep/c.txt", "out/x.txt", "sub/out/y.txt")
    make(root, ".gitignore", text="*.log\n!keep.log\n/out/\n# a comment\n\n")
    make(root, "sub/.gitignore", text="!b.log\n")
    make(root, "sub/.mmretrievalignore", text="deep/\n")
    assert found(root) == ["keep.log", "sub/b.log", "sub/keep.txt", "sub/out/y.txt"]
    rules = Counter(skipped(root).values())
    assert rules[".gitignore"] == 2
    assert rules[".mmretrievalignore"] == 1


def test_ignore_files_above_a_named_folder_hold_too(root: Path) -> None:
    make(root, "sub/a.log", "sub/b.txt")
    make(root, ".gitignore", text="*.log\n")
    assert found(root, "sub") == ["sub/b.txt"]


def test_a_damaged_ignore_file_spoils_nothing_but_its_bad_lines(root: Path) -> None:
    (root / ".gitignore").write_bytes(b"!\n\xff\xfe\0[\n*.log\n[z-a]\n" + b"x" * 100_000)
    make(root, "a.txt", "b.log")
    assert found(root) == ["a.txt"]


@pytest.mark.timeout(10)
def test_an_ignore_file_made_to_take_for_ever_does_not(root: Path) -> None:
    make(root, ".gitignore", text="*a" * 20 + "b\n" + "**/a/" * 20 + "b\n*.log\n")
    make(root, "a" * 200 + ".txt", "/".join("a" * 100) + "/x.txt", "y.log")
    assert len(found(root)) == 2


def test_an_ignore_file_that_links_outside_is_not_read(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "patterns", text="*\n")
    (root / ".gitignore").symlink_to(tmp_path / "patterns")
    make(root, "a.txt")
    assert found(root) == ["a.txt"]


SECRETS = [
    *("id_rsa", "id_ed25519", "id_rsa.pub", "server.pem", "server.KEY", "vault.kdbx", ".env", ".env.local", "prod.env"),
    *("credentials", "credentials.json", "client_secret_1.json", ".netrc", ".git-credentials", "secrets.yaml"),
    *(".ssh/config", ".aws/config", "home/.gnupg/notes.txt", "ID_RSA", "store.jks", ".npmrc"),
]


@pytest.mark.parametrize("name", SECRETS)
def test_keys_and_secrets_are_left_out_even_when_they_are_named(root: Path, name: str) -> None:
    make(root, name)
    for named in ((), (name,), (str(root / name),), (f"**/{Path(name).name}",)):
        assert found(root, *named) == []
    assert "keys and secrets" in skipped(root, name).values()


def test_a_link_with_a_harmless_name_does_not_give_a_secret_away(root: Path) -> None:
    make(root, ".ssh/id_rsa", "keys/id_rsa")
    (root / "notes.txt").symlink_to("keys/id_rsa")
    (root / "folder").symlink_to(".ssh")
    assert found(root) == found(root, "notes.txt", "folder", "folder/id_rsa") == []


def test_ordinary_names_that_resemble_secrets_are_found(root: Path) -> None:
    names = ["environment.md", "key.txt", "keynote.pdf", "monkey.png", "secrets of the sea.txt", "credentials.md"]
    make(root, *names)
    assert found(root) == sorted(names)


def test_the_library_folder_is_left_out_even_when_it_is_named(root: Path) -> None:
    make(root, "a.txt", "library/catalog.db", "library/deep/x.txt", "library2/b.txt")
    assert found(root, library=root / "library") == ["a.txt", "library2/b.txt"]
    assert found(root, "library", "library/deep/x.txt", library=root / "library") == []
    assert skipped(root, library=root / "library") == {"library": "the library itself"}
    (root / "alias").symlink_to("library")
    assert found(root, "alias/deep/x.txt", "alias", library=root / "library") == []


def test_what_systems_and_browsers_leave_is_left_out(root: Path) -> None:
    left = ("~$report.docx", "Thumbs.db", "way.lnk", "film.mp4.crdownload", "film.mkv.part", "Icon\r", "Desktop.ini")
    make(root, "a.txt", *left, "$RECYCLE.BIN/b.txt")
    assert found(root) == ["a.txt"]
    assert skipped(root) == dict.fromkeys((*left, "$RECYCLE.BIN"), "system and unfinished files")


def test_rules_that_a_repository_keeps_for_itself_hold_too(root: Path) -> None:
    make(root, "a.txt", "b.txt", "r/a.txt", "r/b.txt", "r/.git/config")
    make(root, "r/.git/info/exclude", text="a.txt\n")
    make(root, "w/.git", "w/a.txt", text="gitdir: elsewhere\n")
    assert found(root) == ["a.txt", "b.txt", "r/b.txt", "w/a.txt"]
    assert found(root, "r") == ["r/b.txt"]


def test_what_is_named_outright_need_not_keep_to_hidden_and_ignore_rules(root: Path) -> None:
    make(root, ".notes/a.txt", ".notes/.b.txt", "build/c.txt", "build/d.log", ".e.txt", "node_modules/f.txt")
    make(root, ".gitignore", text="build/\n*.log\n")
    assert found(root, ".notes", ".e.txt", "node_modules") == [".notes/a.txt", ".e.txt", "node_modules/f.txt"]
    assert found(root, "build/d.log") == ["build/d.log"]
    assert found(root, "build") == ["build/c.txt", "build/d.log"]  # it is all left out, so it was meant


# -- links and strange entries -----------------------------------------------------------------------------------------


def test_links_are_followed_within_the_roots_and_nowhere_else(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.txt", "outside/b.txt")
    make(root, "real/a.txt")
    (root / "again.txt").symlink_to("real/a.txt")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    assert found(root) == ["real/a.txt"]
    assert set(skipped(root)) == {"out.txt", "out", "dangling", "pipe"}


@pytest.mark.timeout(10)
def test_links_in_circles_end(root: Path) -> None:
    make(root, "a/b/x.txt")
    (root / "a" / "b" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to("self")
    (root / "a" / "b" / "here").symlink_to(".")
    assert found(root) == ["a/b/x.txt"]


@pytest.mark.timeout(20)
def test_a_very_deep_folder_is_no_trouble(root: Path) -> None:
    top = os.open(root, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=top)
        below = os.open("d", os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(os.open("x.txt", os.O_CREAT | os.O_WRONLY, dir_fd=top))
    os.close(top)
    assert found(root) == ["d/" * 600 + "x.txt"]


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_names_that_are_not_utf8_are_found(root: Path) -> None:
    path = os.fsencode(root) + b"/caf\xe9.txt"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    assert [os.fsencode(name) for name in found(root)] == [b"caf\xe9.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look anywhere")
def test_a_folder_without_permission_is_one_line_and_the_others_go_on(root: Path) -> None:
    make(root, "a/x.txt", "b/y.txt")
    (root / "a").chmod(0)
    assert found(root) == ["b/y.txt"]
    assert "may not read" in refused(root)[0].reason


def test_a_walk_ends_after_its_number_of_entries_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WALK_ENTRIES", 5)
    make(root, *(f"{number}.txt" for number in range(9)))
    assert len(found(root)) == 5
    assert list(skipped(root).values()) == ["beyond 5 entries"]


# -- subtitles ---------------------------------------------------------------------------------------------------------


def sidecars(root: Path, *paths: str) -> dict[str, list[str]]:
    items = walk(Roots([root]), paths)
    return {
        os.path.relpath(item.path, root): [os.path.relpath(path, root) for path in item.sidecars]
        for item in items
        if isinstance(item, FoundFile)
    }


def test_subtitles_belong_to_the_recording_beside_them(root: Path) -> None:
    make(
        root, "talk.mp4", "talk.srt", "talk.en.srt", "talk.pt-BR.forced.vtt", "talk2.srt", "song.mp3", "song.lyrics.srt"
    )
    assert sidecars(root) == {
        "song.lyrics.srt": [],
        "song.mp3": [],
        "talk.mp4": ["talk.en.srt", "talk.pt-BR.forced.vtt", "talk.srt"],
        "talk2.srt": [],
    }


def test_a_recording_that_is_named_brings_its_subtitles(root: Path) -> None:
    make(root, "v/talk.MP4", "v/talk.en.srt", "v/other.srt")
    assert sidecars(root, "v/talk.MP4") == {"v/talk.MP4": ["v/talk.en.srt"]}
    assert sidecars(root, "v/*.MP4") == {"v/talk.MP4": ["v/talk.en.srt"]}
    assert sidecars(root, "v/talk.en.srt") == {}
    assert sidecars(root, "v/other.srt") == {"v/other.srt": []}


def test_folders_of_subtitles_belong_to_the_films_beside_them(root: Path) -> None:
    make(root, "a/film.mkv", "a/Subs/2_English.srt", "a/Subs/film/forced.srt", "a/Subs/notes.txt")
    make(root, "b/Subs/3_German.srt")
    belonging = {
        "a/Subs/notes.txt": [],
        "a/film.mkv": ["a/Subs/2_English.srt", "a/Subs/film/forced.srt"],
        "b/Subs/3_German.srt": [],
    }
    assert sidecars(root) == belonging
    assert sidecars(root, "a/*.mkv") == sidecars(root, "a/film.mkv") == {"a/film.mkv": belonging["a/film.mkv"]}
    assert sidecars(root, "a/Subs") == {"a/Subs/notes.txt": []}
    assert sidecars(root, "a/Subs/2_English.srt") == sidecars(root, "a/Subs/film/forced.srt") == {}


def test_ignored_subtitles_do_not_belong_and_those_of_an_ignored_film_stand_by_themselves(root: Path) -> None:
    make(root, ".gitignore", text="Subs/2_*\nother.mkv\n")
    make(root, "film.mkv", "Subs/2_English.srt", "Subs/film.de.srt", "Subs/other.srt", "other.mkv")
    assert sidecars(root) == {"film.mkv": ["Subs/film.de.srt"], "Subs/other.srt": []}


def test_subtitles_that_link_outside_do_not_belong(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.srt")
    make(root, "talk.mp4")
    (root / "talk.srt").symlink_to(tmp_path / "secret.srt")
    assert sidecars(root) == sidecars(root, "talk.mp4") == {"talk.mp4": []}


# -- size --------------------------------------------------------------------------------------------------------------


def test_ten_thousand_files_are_walked_in_well_under_two_seconds(root: Path) -> None:
    make(root, ".gitignore", text="".join(f"*.x{number}\n" for number in range(30)) + "build/\n")
    for folder in range(100):
        (root / f"f{folder}").mkdir()
        for number in range(100):
            os.close(os.open(root / f"f{folder}" / f"{number}.txt", os.O_CREAT | os.O_WRONLY))
    began = time.process_time()
    assert len(found(root, library=root / "library")) == 10_000
    assert time.process_time() - began < 2
