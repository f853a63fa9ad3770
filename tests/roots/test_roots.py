"""The allowed folders: what opens, what does not, and how paths are cited."""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import pytest

from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import Roots
from tests.support.threads import tries

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file, a folder and a link between them; outside of it, a secret."""
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("inside")
    (folder / "sub" / "b.txt").write_text("below")
    (folder / "link.txt").symlink_to("sub/b.txt")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root_evil").mkdir()
    (tmp_path / "root_evil" / "a.txt").write_text("secret")
    return folder


@pytest.fixture
def roots(root: Path) -> Roots:
    return Roots([root])


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def read(roots: Roots, path: str | Path) -> str:
    with roots.open(path) as file:
        return os.pread(file.fd, 1000, 0).decode()


# -- what opens --------------------------------------------------------------------------------------------------------


def test_a_file_under_a_root_opens_with_its_real_path_size_and_time(roots: Roots, root: Path) -> None:
    with roots.open(root / "a.txt") as file:
        assert file.path == str(root / "a.txt")
        assert file.size == 6
        assert file.mtime_ns == (root / "a.txt").stat().st_mtime_ns
        assert os.get_blocking(file.fd)
        assert not os.get_inheritable(file.fd)


def test_a_relative_path_is_looked_for_in_each_root(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.txt").write_text("there")
    assert read(Roots([root, other]), "c.txt") == "there"
    assert read(Roots([root, other]), "sub/b.txt") == "below"


def test_a_link_within_the_root_opens_under_the_name_of_what_it_leads_to(roots: Roots, root: Path) -> None:
    with roots.open(root / "link.txt") as file:
        assert file.path == str(root / "sub" / "b.txt")


def test_a_root_that_is_itself_a_link_holds_what_lies_behind_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    roots = Roots([tmp_path / "alias"])
    assert roots.folders == (str(root),)
    assert read(roots, tmp_path / "alias" / "a.txt") == "inside"


def test_a_path_under_the_home_folder_opens_by_its_tilde(
    roots: Roots, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(root))
    assert read(roots, "~/a.txt") == "inside"
    with pytest.raises(NotAllowed):
        roots.open("~/../secret.txt")


def test_odd_names_open_as_they_are(roots: Roots, root: Path) -> None:
    odd = [" leading", "trailing ", "'quoted'", '"twice"', "new\nline", "%2e%2e", "~", "a (deleted)", "ü", "$HOME", "*"]
    for name in odd:
        (root / name).write_text(name)
        assert read(roots, root / name) == name
        assert read(roots, f"./{name}") == name


def test_a_name_that_is_not_utf8_opens_and_is_cited_and_found_again(roots: Roots, root: Path) -> None:
    path = os.fsdecode(os.fsencode(root) + b"/caf\xe9.txt")
    Path(path).write_text("latin")
    with roots.open(path) as file:
        assert roots.citation(file.path) == "caf%E9.txt"
    assert roots.path_of("caf%E9.txt") == (path,)


def test_a_root_that_is_not_there_yet_holds_nothing_until_it_is(tmp_path: Path) -> None:
    roots = Roots([tmp_path / "later"])
    with pytest.raises(NotAllowed):
        roots.open(tmp_path / "later" / "a.txt")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.txt").write_text("now")
    assert read(roots, "a.txt") == "now"


def test_a_root_that_later_becomes_a_link_elsewhere_holds_nothing(root: Path, tmp_path: Path) -> None:
    roots = Roots([tmp_path / "later"])
    (tmp_path / "later").symlink_to(root)
    with pytest.raises(NotAllowed):
        roots.open(tmp_path / "later" / "a.txt")


def test_the_root_of_everything_holds_everything(root: Path) -> None:
    roots = Roots(["/"])
    assert read(roots, root / "a.txt") == "inside"
    assert roots.path_of(roots.citation(root / "a.txt")) == (str(root / "a.txt"),)


def test_a_folder_opens_as_a_folder_only(roots: Roots, root: Path) -> None:
    with roots.open_folder(root) as folder:
        assert {entry.name for entry in os.scandir(folder.fd)} == {"a.txt", "link.txt", "sub"}
    with pytest.raises(NotAllowed):
        roots.open_folder(root / "a.txt")
    with pytest.raises(NotAllowed):
        roots.open_folder(root / "..")


# -- what does not -----------------------------------------------------------------------------------------------------

ATTACKS = [
    "../secret.txt",
    "sub/../../secret.txt",
    "sub/../../root_evil/a.txt",
    "./../secret.txt",
    "....//secret.txt",
    "..\\secret.txt",
    "sub\\..\\..\\secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "..%c0%afsecret.txt",
    "\u2025/secret.txt",
    "{root}/../secret.txt",
    "{root}_evil/a.txt",
    "{root}/../root_evil/a.txt",
    "{outside}/secret.txt",
    "{outside}/secret.txt ",
    " {outside}/secret.txt",
    "'{outside}/secret.txt'",
    '"{outside}/secret.txt"',
    "{root}/{outside}/secret.txt",
    "/{outside}//secret.txt",
    "file://{outside}/secret.txt",
    "file:{outside}/secret.txt",
    "FILE:///etc/passwd",
    "file:///{root}/a.txt",
    "http://127.0.0.1/a.txt",
    "https://example.org/a.txt",
    "ftp://example.org/a.txt",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "//server/share/a.txt",
    "\\\\server\\share\\a.txt",
    "C:\\Windows\\win.ini",
    "/etc/passwd",
    "//etc//passwd",
    "/etc/./passwd",
    "~root/.profile",
    "~/../../etc/passwd",
    "~nobody-at-all/x",
    "$HOME/.bashrc",
    "${{HOME}}/.bashrc",
    "",
    ".",
    "..",
    "/",
    "sub",
    "sub/",
    "{root}",
    "a.txt/",
    "a.txt/.",
    "a.txt/../../secret.txt",
    "missing.txt",
    "missing/../a.txt/../../secret.txt",
    "a.txt\0",
    "a.txt\0.png",
    "\0",
    "\ud800",
    "x" * 5000,
    "sub/" * 2000 + "b.txt",
    "absolute_link",
    "relative_link",
    "link_to_folder/secret.txt",
    "link_to_folder/root/../secret.txt",
    "link_to_root_of_all/etc/passwd",
    "chain_1",
    "loop_1",
    "loop_self",
    "dangling",
    "pipe",
    "link_to_pipe",
    "socket_link",
    "link_to_environ",
    "link_to_zero",
    "link_to_stdin",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/proc/thread-self/root/etc/passwd",
    "/proc/1/root/etc/passwd",
    "/proc/self/cwd/pyproject.toml",
    "/proc/self/fd/0",
    "/proc/self/mem",
    "/dev/stdin",
    "/dev/fd/0",
    "/dev/zero",
    "/dev/null",
    "/dev/tty",
]


@pytest.fixture
def attacked(root: Path, tmp_path: Path) -> Roots:
    """The root with all the links that lead out of it or nowhere."""
    (root / "absolute_link").symlink_to(tmp_path / "secret.txt")
    (root / "relative_link").symlink_to("../secret.txt")
    (root / "link_to_folder").symlink_to(tmp_path)
    (root / "link_to_root_of_all").symlink_to("/")
    (root / "chain_1").symlink_to("chain_2")
    (root / "chain_2").symlink_to(tmp_path / "secret.txt")
    (root / "loop_1").symlink_to("loop_2")
    (root / "loop_2").symlink_to("loop_1")
    (root / "loop_self").symlink_to("loop_self")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    (root / "link_to_pipe").symlink_to("pipe")
    (root / "socket_link").symlink_to("/dev/log")
    (root / "link_to_environ").symlink_to("/proc/self/environ")
    (root / "link_to_zero").symlink_to("/dev/zero")
    (root / "link_to_stdin").symlink_to("/dev/stdin")
    return Roots([root])


@pytest.mark.timeout(10)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: ascii(attack)[:40])
def test_nothing_outside_the_roots_opens_however_it_is_asked_for(
    attacked: Roots, root: Path, tmp_path: Path, attack: str
) -> None:
    path = attack.format(root=root, outside=tmp_path) if "{" in attack else attack
    before = open_files()
    with pytest.raises(NotAllowed) as refused:
        attacked.open(path)
    assert str(refused.value) == str(NotAllowed(path))  # one text for outside and missing
    assert open_files() == before


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: ascii(attack)[:40])
def test_nothing_outside_the_roots_is_resolved_or_cited(
    attacked: Roots, root: Path, tmp_path: Path, attack: str
) -> None:
    path = attack.format(root=root, outside=tmp_path) if "{" in attack else attack
    try:
        assert attacked.covers(attacked.resolve(path))
    except NotAllowed as error:
        assert str(error) == str(NotAllowed(path))
    assert all(attacked.covers(candidate) for candidate in attacked.path_of(path))


def test_without_roots_nothing_opens(root: Path) -> None:
    with pytest.raises(NotAllowed):
        Roots([]).open(root / "a.txt")


def test_a_file_that_was_deleted_while_it_was_opened_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = os.open

    def open_then_lose(path: str, flags: int) -> int:
        fd = really_open(path, flags)
        if path.endswith("a.txt"):
            Path(path).unlink()
        return fd

    roots = Roots([root])
    monkeypatch.setattr(os, "open", open_then_lose)
    with pytest.raises(NotAllowed):
        roots.open(root / "a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(roots: Roots, root: Path) -> None:
    (root / "a.txt").chmod(0)
    with pytest.raises(UnreadableMedia, match="may not read it") as failure:
        roots.open(root / "a.txt")
    assert failure.value.code == "not_found_or_not_allowed"


def test_running_out_of_descriptors_is_not_called_a_missing_file(
    roots: Roots, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(path: str, flags: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", none_left)
    with pytest.raises(UnreadableMedia, match="Too many open files"):
        roots.open(root / "a.txt")


SWAP = """
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (path.encode() for path in sys.argv[1:])
print("ready", flush=True)
while True:
    libc.syscall(316, -100, a, -100, b, 2)  # renameat2, RENAME_EXCHANGE
"""


@linux
@pytest.mark.timeout(120)
def test_a_folder_that_is_swapped_for_a_link_all_the_time_never_lets_a_file_outside_open(
    roots: Roots, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.txt").write_text("secret")
    (root / "other").symlink_to(outside)
    if ctypes.CDLL(None).syscall(316, -100, bytes(root / "sub"), -100, bytes(root / "other"), 2) != 0:
        pytest.skip("this file system cannot exchange names")
    swapping = subprocess.Popen(
        [sys.executable, "-c", SWAP, str(root / "sub"), str(root / "other")], stdout=subprocess.PIPE
    )
    seen = {"below": 0, "refused": 0}
    try:
        assert swapping.stdout is not None
        swapping.stdout.readline()
        for _ in tries(5000, lambda: all(seen.values())):
            try:
                seen[read(roots, root / "sub" / "b.txt")] += 1  # "secret" is no key
            except NotAllowed:
                seen["refused"] += 1
    finally:
        swapping.kill()
        swapping.communicate()
    assert seen["below"] and seen["refused"]


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_citation_leads_back_and_encodes_only_what_would_break_it(roots: Roots, root: Path) -> None:
    cited = {
        "a b.txt": "a%20b.txt",
        "ü#1?.md": "ü%231%3F.md",
        "50%.txt": "50%25.txt",
        "sub/~x_-.y": "sub/~x_-.y",
        "quote'\".txt": "quote%27%22.txt",
        "über/straße.txt": "über/straße.txt",
        "Жильё и щит.pdf": "Жильё%20и%20щит.pdf",
        "年度報告、第2版.pdf": "年度報告、第2版.pdf",
        "cafe\u0301.txt": "cafe\u0301.txt",
        "new\nline.txt": "new%0Aline.txt",
        "hidden\u200b\u202e\u3164\U000e0041.txt": "hidden%E2%80%8B%E2%80%AE%E3%85%A4%F3%A0%81%81.txt",
        "selected\ufe01\U000e0141.txt": "selected%EF%B8%81%F3%A0%85%81.txt",
    }
    for name, citation in cited.items():
        assert roots.citation(root / name) == citation
        assert roots.path_of(citation) == (str(root / name),)
        assert roots.path_of(quote(name)) == (str(root / name),)  # as it was cited before


@pytest.mark.parametrize(
    "spelling",
    [
        "{root}/sub/b c.txt",
        "sub/b c.txt",
        "sub/b%20c.txt",
        "sub/b%20c.txt#page=3",
        "sub/b c.txt#t=1:50",
        "file://{root}/sub/b%20c.txt",
        "file://{root}/sub/b c.txt",
        "file://localhost{root}/sub/b%20c.txt#page=2",
        "file:{root}/sub/b%20c.txt",
        "FILE://{root}/sub/b%20c.txt",
        "root/sub/b%20c.txt",
    ],
)
def test_an_argument_is_resolved_in_any_spelling(roots: Roots, root: Path, spelling: str) -> None:
    (root / "sub" / "b c.txt").write_text("b")
    assert roots.resolve(spelling.format(root=root)) == str(root / "sub" / "b c.txt")


def test_a_name_that_looks_encoded_is_found_as_it_is_first(roots: Roots, root: Path) -> None:
    for name in ("a%20b.txt", "a b.txt"):
        (root / name).write_text(name)
    assert roots.resolve("a%20b.txt") == str(root / "a%20b.txt")
    assert roots.resolve("a%2520b.txt") == str(root / "a%20b.txt")


def test_with_several_roots_the_roots_name_stands_in_front(root: Path, tmp_path: Path) -> None:
    roots = Roots([root, tmp_path / "root_evil"])
    assert roots.citation(root / "a.txt") == "root/a.txt"
    assert roots.path_of("root/a.txt")[0] == str(root / "a.txt")
    assert roots.path_of("root_evil/a.txt")[0] == str(tmp_path / "root_evil" / "a.txt")


def test_roots_of_one_name_are_told_apart_by_their_parents_in_any_order(tmp_path: Path) -> None:
    folders = [tmp_path / "home" / "docs", tmp_path / "work" / "docs", tmp_path / "work" / "pictures"]
    for folder in folders:
        folder.mkdir(parents=True)
    for order in (folders, folders[::-1]):
        roots = Roots(order)
        assert roots.citation(folders[0] / "a.txt") == "docs~home/a.txt"
        assert roots.citation(folders[1] / "a.txt") == "docs~work/a.txt"
        assert roots.citation(folders[2] / "a.txt") == "pictures/a.txt"
        assert roots.path_of("docs~work/a.txt")[0] == str(folders[1] / "a.txt")
    both = Roots(folders).path_of("docs/a.txt")  # as someone with one of the two would cite it
    assert {str(folders[0] / "a.txt"), str(folders[1] / "a.txt")} <= set(both)


def test_a_citation_from_several_roots_is_understood_by_who_has_one_of_them(root: Path) -> None:
    assert str(root / "a.txt") in Roots([root]).path_of("root/a.txt")


def test_a_citation_never_leads_out_of_the_roots(roots: Roots) -> None:
    for citation in ("../secret.txt", "%2e%2e/secret.txt", "/etc/passwd", "sub/../../secret.txt", "", ".", "%00", "\0"):
        assert roots.path_of(citation) == ()


def test_a_root_within_a_root_is_the_one_that_counts(root: Path) -> None:
    roots = Roots([root, root / "sub"])
    assert roots.root_of(root / "sub" / "b.txt") == str(root / "sub")
    assert roots.citation(root / "sub" / "b.txt") == "sub/b.txt"
    assert str(root / "sub" / "b.txt") in roots.path_of("sub/b.txt")


def test_a_path_outside_has_no_citation(roots: Roots, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        roots.citation(tmp_path / "root_evil" / "a.txt")


def test_holds_asks_the_disk_and_covers_does_not(roots: Roots, root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path)
    assert roots.holds(root / "a.txt") and roots.holds(root / "gone.txt") and roots.holds(root)
    assert not roots.holds(root / "out" / "secret.txt")
    assert not roots.holds("a.txt")
    assert roots.covers(root / "gone.txt")
    assert not roots.covers(str(root) + "_evil/a.txt")


def test_resolving_finds_files_and_folders_and_roots(roots: Roots, root: Path) -> None:
    assert roots.resolve("sub") == str(root / "sub")
    assert roots.resolve("sub/../a.txt") == str(root / "a.txt")
    assert roots.resolve(root) == str(root)
    with pytest.raises(NotAllowed):
        roots.resolve("nothing")


# -- digests -----------------------------------------------------------------------------------------------------------


def test_a_root_on_a_drive_that_fails_is_a_root_that_holds_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(os, "fstat", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
        roots = Roots([root])
        with pytest.raises(NotAllowed):
            roots.open(root / "sub" / "b.txt")
    assert roots.folders == (os.path.realpath(root),)
    with roots.open(root / "sub" / "b.txt") as opened:
        assert opened.size
