"""What lies on which file system, by the system's own table."""

from pathlib import Path

import pytest

from mcp_mmretrieval.roots import mounts

TABLE = r"""rootfs / ext4 rw 0 0
nas:/media /mnt/the\040nas nfs4 rw 0 0
/dev/sdb1 /mnt/the\040nas/stick vfat rw 0 0
someone@host: /home/a/far fuse.sshfs rw 0 0
x /home/a/kept fuse.gocryptfs rw 0 0
/dev/c /home/a/win fuseblk rw 0 0
broken
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mounts").write_text(TABLE)
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "mounts")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("path", "kind", "far"),
    [
        ("/home/a", "ext4", False),
        ("/mnt/the nas/films/a.mp4", "nfs4", True),
        ("/mnt/the nas/stick/a", "vfat", False),
        ("/mnt/the nassau", "ext4", False),
        ("/home/a/far", "fuse.sshfs", True),
        ("/home/a/kept/b", "fuse.gocryptfs", True),
        ("/home/a/win/b", "fuseblk", False),
        ("/", "ext4", False),
    ],
)
def test_the_nearest_mount_above_a_path_tells_its_kind(path: str, kind: str, far: bool) -> None:
    assert (mounts.file_system_type(path), mounts.may_change_unseen(path)) == (kind, far)


def test_where_the_system_has_no_table_nothing_is_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "none")
    assert mounts.mounted() == {}
    assert not mounts.may_change_unseen("/home")
