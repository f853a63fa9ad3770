"""Where sockets have no names in the file system (Windows): a port of 127.0.0.1, and a token in the state file.

Written for Windows and tried on Linux only. The state file lies in a folder of the person's own; who can read the token
there is the person.
"""

from __future__ import annotations

import hmac
import importlib
import os
import secrets
import socket

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.endpoint import Endpoint, State


class Loopback(Endpoint):
    """The meeting place of one library's engine and its clients, on a port."""

    inherits = False

    def __init__(self, library: str, folder: str | None = None) -> None:
        super().__init__(library, folder or _own_folder())
        self._token = ""
        self._port = 0

    def elect(self) -> int | None:
        """See Endpoint. Here the lock is the process's own and cannot be handed over."""
        if os.name != "nt":
            return super().elect()
        msvcrt = importlib.import_module("msvcrt")
        lock = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(lock)
            return None
        return lock

    def listen(self) -> socket.socket:
        """The engine's socket, on a port that is free, and a new token."""
        listening = socket.create_server(("127.0.0.1", 0))
        self._port, self._token = listening.getsockname()[1], secrets.token_urlsafe(32)
        return listening

    def there(self) -> bool:
        """Whether clients can learn the port."""
        return os.path.exists(self.state_path)

    def write_state(self, state: State) -> None:
        """See Endpoint; with the port and the token."""
        address = f"127.0.0.1:{self._port}"
        super().write_state({**state, "address": address, "port": self._port, "token": self._token})

    def connect(self) -> socket.socket | None:
        """See Endpoint. That it is the person's own engine is shown by the token that it asks for."""
        port = self.state().get("port")
        if not isinstance(port, int):
            return None
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            return None
        except OSError as error:
            raise EngineUnavailable(f"127.0.0.1:{port}: {error.strerror or error}. Start with --solo.") from error

    def credentials(self) -> State:
        """See Endpoint."""
        return {"token": self.state().get("token")}

    def trusts(self, connection: socket.socket, hello: State) -> bool:
        """See Endpoint."""
        return hmac.compare_digest(str(hello.get("token")).encode(), self._token.encode())


def _own_folder() -> str:
    base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    folder = os.path.join(base, "mcp-mmretrieval", "run")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise EngineUnavailable(f"{folder}: {error.strerror}. Make room there, or start with --solo.") from error
    return folder
