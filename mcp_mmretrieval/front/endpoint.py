"""Where the engine of a library is met: a socket, a lock that the engine holds for life, and a state file about it.

All three lie in a short folder of the person's own, named by a hash of the library's real path: a socket's path may
have 108 bytes (unix(7)), a library's may have more. Neither depends on the environment that a client happens to have.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import struct
import sys
from contextlib import suppress

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.own_folder import make_own_folder

MAX_SOCKET_PATH_BYTES = 100
"""Bytes of a socket's path: 108 on Linux, 104 on macOS, with its end."""
_BACKLOG = 128
"""Connections that the kernel keeps while the engine starts."""

EngineState = dict[str, object]


class Endpoint:
    """The meeting place of one library's engine and its clients. Makes the folder; raises EngineUnavailable."""

    def __init__(self, library: str, folder: str | None = None) -> None:
        self.library = os.path.realpath(library)
        folder = folder or runtime_folder()
        base = os.path.join(folder, hashlib.sha256(os.fsencode(self.library)).hexdigest()[:16])
        self.socket_path = base + ".sock"
        self.lock_path = base + ".lock"
        self.state_path = base + ".json"
        self.spare_log = base + ".log"
        """Where the engine logs when the library's folder cannot be written."""
        if len(os.fsencode(self.socket_path)) > MAX_SOCKET_PATH_BYTES:
            raise EngineUnavailable(f"{self.socket_path}: too long for a socket. Start with --solo.")

    # -- for the engine and who starts it ---------------------------------------------------------------------------

    def elect(self) -> int | None:
        """The lock, as a descriptor; None while somebody holds it. It is held until no process has it open any more."""
        try:
            lock = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EngineUnavailable(f"{self.lock_path}: {error.strerror}. Make room there or make it yours.") from error
        if _locked(lock):
            return lock
        os.close(lock)
        return None

    def listen(self) -> socket.socket:
        """The engine's socket, in place of one that a dead engine left. Only the holder of the lock may call it."""
        _remove(self.socket_path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(self.socket_path)
            os.chmod(self.socket_path, 0o600)
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise EngineUnavailable(f"{self.socket_path}: {error.strerror}. Make room there.") from error
        return listening

    def there(self) -> bool:
        """Whether the socket's name still stands: something may clear such folders."""
        return os.path.exists(self.socket_path)

    def write_state(self, state: EngineState) -> None:
        """Replace the state file at once, so that nobody reads half of it. Raises OSError."""
        fresh = f"{self.state_path}.{os.getpid()}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            json.dump(state, file)
        os.replace(fresh, self.state_path)

    def withdraw(self) -> None:
        """Remove socket and state file. Only the holder of the lock may call it."""
        _remove(self.socket_path)
        _remove(self.state_path)

    # -- for clients ------------------------------------------------------------------------------------------------

    def connect(self) -> socket.socket | None:
        """A connection to the engine; None where nobody listens. Raises EngineUnavailable for somebody else's."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self.socket_path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise EngineUnavailable(f"{self.socket_path}: {error.strerror}. Start with --solo.") from error
        if not peer_is_this_user(connection):
            connection.close()
            raise EngineUnavailable(f"{self.socket_path}: another user listens there. Remove it, or start with --solo.")
        return connection

    def state(self) -> EngineState:
        """What the state file says; empty where there is none, or none that can be read."""
        try:
            with open(self.state_path, encoding="utf-8") as file:
                state = json.load(file)
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def held(self) -> bool:
        """Whether an engine holds the lock, answering or not."""
        lock = self.elect()
        if lock is None:
            return True
        os.close(lock)
        return False


def endpoint_of(library: str) -> Endpoint:
    """Where the engine of a library is met. Raises EngineUnavailable, also on a system without local sockets."""
    if not hasattr(socket, "AF_UNIX"):
        raise EngineUnavailable("This system has no local sockets. On Windows, run mcp-mmretrieval in WSL.")
    return Endpoint(library)


def runtime_folder() -> str:
    """The person's own folder for sockets, made where it is missing. Raises EngineUnavailable.

    Not by XDG_RUNTIME_DIR or TMPDIR: clients are started with different environments and must meet all the same.
    """
    uid = os.getuid()
    run = f"/run/user/{uid}"
    folder = f"{run}/mcp-mmretrieval" if _is_own(run) else f"/tmp/mcp-mmretrieval-{uid}"
    try:
        make_own_folder(folder)
    except OSError as error:
        raise EngineUnavailable(f"{folder}: {error.strerror}. Make room there, or start with --solo.") from error
    if not _is_own(folder):
        raise EngineUnavailable(
            f"{folder}: belongs to somebody else, or others may write there. Remove it, or start with --solo."
        )
    os.chmod(folder, 0o700)  # others may enter one that was made otherwise
    return folder


def peer_is_this_user(connection: socket.socket) -> bool:
    """Whether the process at the other end of a local socket runs as this user."""
    if sys.platform == "darwin":
        # LOCAL_PEERCRED at level SOL_LOCAL: struct xucred { u_int cr_version; uid_t cr_uid; ... }, sys/ucred.h
        return bool(struct.unpack_from("2I", connection.getsockopt(0, 1, 76))[1] == os.getuid())
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.getuid())


def _is_own(folder: str) -> bool:
    try:
        state = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022


def _remove(path: str) -> None:
    with suppress(OSError):  # gone already, or never there; whoever needs the name finds out
        os.unlink(path)


def _locked(lock: int) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
