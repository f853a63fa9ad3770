"""Which file systems are mounted where, and which of them are reached over a network.

Only Linux says (proc(5)); elsewhere nothing is known, and nothing taken for a network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afpfs", "afs", "ceph", "webdav", "davfs", "vboxsf"),
        *("fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.gvfsd-fuse", "fuse.s3fs", "fuse.glusterfs"),
    }
)
"""File systems on which locks and SQLite's log cannot be relied on (sqlite.org/wal.html)."""

_MOUNTS = Path("/proc/self/mounts")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def mounted() -> Mapping[str, str]:
    """The kind of each file system by its mount point. Asks no drive."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    rows = [line.split(" ") for line in lines]
    return {_ESCAPED.sub(lambda digits: chr(int(digits[1], 8)), row[1]): row[2] for row in rows if len(row) > 2}


def file_system_type(path: str, mounts: Mapping[str, str] | None = None) -> str:
    """The kind of file system that an absolute real path lies on; empty where the system does not say."""
    kinds = mounted() if mounts is None else mounts
    above = path
    while above and above not in kinds:
        above = above.rpartition("/")[0]
    return kinds.get(above or "/", "")


def may_change_unseen(path: str, mounts: Mapping[str, str] | None = None) -> bool:
    """Whether others may change what lies at an absolute real path without this system seeing it.

    So over a network, and in what a program serves (FUSE), since that may be one.
    """
    kind = file_system_type(path, mounts)
    return kind in NETWORK_FILE_SYSTEMS or kind.partition(".")[0] == "fuse"
