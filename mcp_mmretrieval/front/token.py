"""The secret that HTTP asks for: from the environment, or minted once into a file of the person's own."""

from __future__ import annotations

import os
import stat

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.own_folder import make_own_folder

TOKEN_VARIABLE = "MMRETRIEVAL_HTTP_TOKEN"
TOKEN_FILE_NAME = "http-token"
MIN_TOKEN_CHARACTERS = 16
"""Characters of a token that is given."""


def token_of(library: str) -> tuple[str, str]:
    """The token, and where it stands: a variable's name or a file's path. Raises EngineUnavailable."""
    if given := os.environ.get(TOKEN_VARIABLE):
        return _checked(given, TOKEN_VARIABLE), TOKEN_VARIABLE
    path = os.path.join(library, TOKEN_FILE_NAME)
    try:
        return _checked(_held(path) or _minted(path), path), path
    except OSError as error:
        raise EngineUnavailable(
            f"{path}: the token cannot be kept there ({error.strerror}). Give one in {TOKEN_VARIABLE}."
        ) from error


def _held(path: str) -> str:
    try:
        # a pipe must not hang us
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode):
        os.close(file)
        raise EngineUnavailable(f"{path}: is no file. Remove it, and one with a new token is made.")
    with open(file, encoding="ascii", errors="replace") as opened:
        if state.st_mode & 0o077 or state.st_uid != os.getuid():
            raise EngineUnavailable(f"{path}: others can read the token. Remove the file, and a new one is made.")
        return opened.read().strip()


def _minted(path: str) -> str:
    import secrets

    make_own_folder(os.path.dirname(path))
    token = secrets.token_urlsafe(32)
    fresh = f"{path}.{secrets.token_hex(8)}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(token + "\n")
    try:
        os.link(fresh, path)  # unlike a rename, never over a token that another process minted meanwhile
    except FileExistsError:
        return _held(path)
    finally:
        os.unlink(fresh)
    return token


def _checked(token: str, source: str) -> str:
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token:
        remedy = "" if source == TOKEN_VARIABLE else " Remove the file, and a new one is made."
        raise EngineUnavailable(
            f"{source}: a token has at least {MIN_TOKEN_CHARACTERS} printable characters, and no spaces.{remedy}"
        )
    return token
