"""Where the vector index lies, as a person writes it: in the library's folder, or on a Chroma server."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexServer:
    """A Chroma server, and the database of it that has the index."""

    origin: str
    """Scheme, host and port."""
    tenant: str = "default_tenant"
    database: str = "default_database"
    token: str = field(default="", repr=False)
    authority: Path | None = None
    """A file with the certificates of who signs the server's; None for those that this machine's software trusts."""
    search_seconds: float = 1.0
    """Seconds that a search waits for an answer."""


def index_server(address: str) -> IndexServer | None:
    """The server that an address names; None for `embedded`. Raises ValueError, which says what would be right."""
    if address == EMBEDDED:
        return None
    wanted = f"{EMBEDDED}, or http(s)://HOST:PORT[/TENANT/DATABASE]"
    if "@" in address:  # before anything repeats the address
        raise ValueError("the address holds a name or a password. Give a token in MMRETRIEVAL_INDEX_TOKEN instead.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # as a look-up will: no empty label, none too long
    except ValueError as error:
        raise ValueError(f"{address}: {error}. Give {wanted}.") from error
    names = [unquote(name) for name in parts.path.split("/") if name]
    named = parts.scheme in ("http", "https") and host and not re.search(r"[^\w.:%-]", host)
    if not named or parts.query or parts.fragment or len(names) not in (0, 2):
        shown = address.partition("?")[0]  # what follows may be a token
        raise ValueError(f"{shown}: is no address of a server. Give {wanted}.")
    assert host
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(
            f"{address}: vectors and token would cross a network unencrypted. Use https, as of a proxy with a "
            "certificate before the server, or a tunnel to 127.0.0.1."
        )
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    return IndexServer(origin=origin, tenant=names[0], database=names[1]) if names else IndexServer(origin=origin)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
