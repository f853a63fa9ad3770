"""`serve --http`: opens the address, has the engine listen on it, and stays with it over engines that come and go.

The address is opened here and handed over: whoever connects while an engine is being replaced waits in its queue.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mcp_mmretrieval.errors import BadArgument, EngineUnavailable
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.reaching import connect_to_engine, hello
from mcp_mmretrieval.front.stderr import say
from mcp_mmretrieval.front.token import token_of

_BACKLOG = 1024
_RETRY_DELAY_S = 1.0
"""Seconds until the front tries again to reach an engine."""


def run_http_front(endpoint: Endpoint, given: dict[str, object], address: str, engine: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Raises BadArgument, and EngineUnavailable where the first engine refuses.

    Once an engine has served, the next one is waited for, however long that takes.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    listening, token = open_http_address(given, address, endpoint.library)
    host, port = listening.getsockname()[:2]
    greeting = hello(given, kind="http", http={"host": host, "port": port, "token": token})
    served = False
    while True:
        try:
            connection, _ = connect_to_engine(endpoint, greeting, engine=engine, descriptors=[listening.fileno()])
        except EngineUnavailable as error:
            if not served:
                raise
            say(str(error))
            time.sleep(_RETRY_DELAY_S)
            continue
        served = True
        with connection, suppress(OSError):
            while connection.recv(4096):
                pass
        say("The engine ended; starting it again.")
        time.sleep(_RETRY_DELAY_S)  # whoever connects meanwhile waits in the queue of the address


def open_http_address(given: Mapping[str, object], address: str, library: str) -> tuple[socket.socket, str | None]:
    """The open address, and the token that it asks for. Says both on stderr. Raises BadArgument, EngineUnavailable."""
    host, port = parse_address(address)
    token = required_token(given, host, library)
    listening = listening_socket(host, port)
    port = listening.getsockname()[1]
    say(f"Listening on http://{f'[{host}]' if ':' in host else host}:{port}/mcp")
    return listening, token


def parse_address(address: str) -> tuple[str, int]:
    """HOST:PORT as its parts; an IPv6 address stands in brackets. Raises BadArgument."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise BadArgument(f"--http {address}: write HOST:PORT, e.g. 127.0.0.1:8765.")
    return host, int(port)


def required_token(given: Mapping[str, object], host: str, library: str) -> str | None:
    """The token to ask for; None where a setting says so. Tells where it stands. Raises BadArgument, EngineUnavailable.

    Off loopback it takes a list of hosts, and always a token.
    """
    local = is_loopback(host)
    if not local and not given.get("http_hosts"):
        raise BadArgument(
            f"--http {host}: off loopback, say in MMRETRIEVAL_HTTP_HOSTS under which names clients may call, "
            "e.g. media.example.org:8765."
        )
    if given.get("http_auth") == "none":
        if not local:
            raise BadArgument(f"--http {host}: http_auth=none is for loopback only.")
        say("No token is asked for (http_auth=none): every user and program of this machine may call.")
        return None
    token, place = token_of(library)
    say(f"Clients send `Authorization: Bearer TOKEN`; the token stands in {place}")
    return token


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises BadArgument for an address that cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a name with an empty or a long part cannot even be looked up
        reason = getattr(error, "strerror", "") or error
        raise BadArgument(f"--http {host}:{port}: {reason}. Choose another address.") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise BadArgument(f"--http {host}:{port}: {error.strerror or error}. Choose another address.") from error
    return listening
