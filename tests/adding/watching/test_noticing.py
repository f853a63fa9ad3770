"""What one listener tells of a real folder: by the system, and by looking again and again."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from mcp_mmretrieval.adding.walk import walked_folders
from mcp_mmretrieval.adding.watching import noticing
from mcp_mmretrieval.adding.watching.noticing import FolderListener, path_state
from mcp_mmretrieval.roots import Roots
from tests.support import engines

PATIENCE = 60.0

Listen = Callable[..., "Heard"]


def until(holds: Callable[[], object]) -> None:
    engines.until(holds, PATIENCE)


class Heard:
    """A listener to one folder, and what it told."""

    def __init__(self, root: Path, poll: float) -> None:
        self.paths: list[str] = []
        self.root = root
        self.listener = FolderListener(
            str(root), lambda: walked_folders(Roots([root]), str(root)), self._hear, poll_seconds=poll
        )
        self.listener.start()

    def _hear(self, paths: Collection[str]) -> None:
        self.paths += sorted(paths)

    def tells(self, *names: str) -> None:
        """Waits until it told of these."""
        wanted = {str(self.root / name) if name else str(self.root) for name in names}
        until(lambda: wanted <= {*self.paths})
        self.paths.clear()

    def close(self) -> None:
        self.listener.close()
        self.listener.join(PATIENCE)
        assert not self.listener._thread.is_alive()


@pytest.fixture
def listen(root: Path) -> Iterator[Listen]:
    opened: list[Heard] = []

    def begin(poll: float = 0.05) -> Heard:
        opened.append(Heard(root, poll))
        assert opened[-1].listener.began.wait(PATIENCE)
        return opened[-1]

    yield begin
    for heard in opened:
        heard.close()


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """All lies on a network."""
    monkeypatch.setattr(noticing, "may_change_unseen", lambda path: True)


def limited(*paths: str, **options: object) -> Iterator[set[tuple[int, str]]]:
    raise OSError(f'OS file watch limit reached. about ["{paths[0]}"]')


def change_all(heard: Heard) -> None:
    """A file and a folder come, change, move and go."""
    root = heard.root
    (root / "a.txt").write_text("one")
    heard.tells("a.txt")
    (root / "a.txt").write_text("three")
    heard.tells("a.txt")
    (root / "a.txt").rename(root / "b.txt")
    heard.tells("a.txt", "b.txt")
    (root / "b.txt").unlink()
    heard.tells("b.txt")
    (root / "sub" / "deep").mkdir(parents=True)
    heard.tells("sub/deep")
    (root / "sub" / "deep" / "c.txt").write_text("c")
    heard.tells("sub/deep/c.txt")
    (root / "sub").rename(root.parent / "elsewhere")
    heard.tells("sub")


def test_the_system_tells_what_comes_changes_moves_and_goes(listen: Listen) -> None:
    heard = listen()
    assert heard.listener.how == "watched"
    change_all(heard)


@pytest.mark.usefixtures("far")
def test_where_the_system_tells_nothing_it_is_looked_for(listen: Listen) -> None:
    heard = listen()
    change_all(heard)
    assert "looked through every 0.05 s" in heard.listener.how


def test_a_folder_that_was_swapped_for_another_of_its_name_is_listened_to(listen: Listen, root: Path) -> None:
    (root / "sub").mkdir()
    heard = listen()
    shutil.rmtree(root / "sub")
    (root / "sub").mkdir()
    heard.tells("sub")
    until(lambda: _wrote_and_heard(heard, "sub/a.txt"))


def _wrote_and_heard(heard: Heard, name: str) -> bool:
    (heard.root / name).write_text("again")
    return str(heard.root / name) in heard.paths


def test_folders_that_no_walk_comes_to_cost_no_watch(listen: Listen, root: Path) -> None:
    (root / "node_modules" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    heard = listen()
    (root / "node_modules" / "deep" / "a.txt").write_text("a")
    (root / ".git" / "b.txt").write_text("b")
    (root / "c.txt").write_text("c")
    until(lambda: str(root / "c.txt") in heard.paths)
    assert not [path for path in heard.paths if "deep" in path or ".git/" in path]


@pytest.mark.parametrize("how", ["told", "looked for"])
def test_a_root_that_goes_and_comes_back_is_told_whole(
    listen: Listen, root: Path, how: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "looked for":
        request.getfixturevalue("far")
    monkeypatch.setattr(noticing, "LOOK_AT_ROOT_SECONDS", 0.05)
    heard = listen()
    root.rename(root.parent / "away")
    until(lambda: heard.listener.how.startswith("not there"))
    heard.paths.clear()
    (root.parent / "away").rename(root)
    heard.tells("")
    (root / "a.txt").write_text("a")
    heard.tells("a.txt")


def test_a_limit_of_the_system_is_told_with_what_to_do_and_all_is_looked_through(
    listen: Listen, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchfiles, "watch", limited)
    monkeypatch.setattr(noticing, "SPARE_POLL_SECONDS", 0.05)
    heard = listen()
    assert "sudo sysctl fs.inotify.max_user_watches=" in heard.listener.problem
    assert "looked through every 0.05 s" in heard.listener.how
    (root / "a.txt").write_text("a")
    heard.tells("a.txt")


def test_what_fails_is_told_tried_again_and_all_is_looked_at_then(
    listen: Listen, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = watchfiles.watch, [OSError(errno.EIO, "Input/output error")]

    def watch(*paths: str, **options: Any) -> object:
        if failures:
            raise failures.pop()
        return real(*paths, **options)

    monkeypatch.setattr(watchfiles, "watch", watch)
    monkeypatch.setattr(noticing, "PAUSE_SECONDS", 0.3)
    heard = listen()
    assert "Input/output error" in heard.listener.problem
    heard.tells("")
    until(lambda: heard.listener.how == "watched" and not heard.listener.problem)


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 there")
@pytest.mark.parametrize("how", ["told", "looked for"])
def test_a_name_that_is_not_utf8_is_told_or_else_the_whole_root(
    listen: Listen, root: Path, how: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "looked for":
        request.getfixturevalue("far")
    monkeypatch.setattr(noticing, "PAUSE_SECONDS", 0.05)
    heard = listen()
    name = os.fsdecode(b"caf\xe9.txt")
    (root / name).write_text("menu")
    heard.tells(name if how == "looked for" else "")
    (root / "a.txt").write_text("a")
    until(lambda: str(root / "a.txt") in heard.paths or _wrote_and_heard(heard, "a.txt"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_keeps_no_other_from_being_watched(listen: Listen, root: Path) -> None:
    (root / "closed").mkdir(mode=0)
    try:
        heard = listen()
        (root / "a.txt").write_text("a")
        heard.tells("a.txt")
    finally:
        (root / "closed").chmod(0o700)


def test_the_state_of_a_path_differs_once_somebody_wrote(root: Path) -> None:
    file = root / "a"
    assert path_state(str(file)) is None
    file.write_text("one")
    before = path_state(str(file))
    file.write_text("three")
    assert path_state(str(file)) != before
    assert path_state(str(root)) == path_state(str(root.parent)) != before
