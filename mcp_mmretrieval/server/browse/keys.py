"""Who may ask: a token that opens one tab, and the key that this tab then has.

The token stands in the fragment of the address, which is in no request, log or Referer. The page swaps it for a key,
which it keeps for its tab and sends in a header. A cookie would go to every server of this machine: it knows no ports.
"""

from __future__ import annotations

import hmac
import secrets

_SECRET_BYTES = 32


class Keys:
    """The token that is good now, and the keys that were given for those before it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(_SECRET_BYTES)
        """For one tab. Once it was used there is another one."""
        self._keys: list[bytes] = []

    def exchange(self, token: str) -> str | None:
        """A new key for the token, which is good no more; None for any other."""
        if not _same(token, self.token):
            return None
        self.token = secrets.token_urlsafe(_SECRET_BYTES)
        key = secrets.token_urlsafe(_SECRET_BYTES)
        self._keys.append(key.encode())
        return key

    def know(self, key: str) -> bool:
        """Whether a tab was given this key."""
        return any([_same(key, known) for known in self._keys])  # noqa: C419  all of them, whichever it is


def _same(one: str, other: str | bytes) -> bool:
    known = other.encode() if isinstance(other, str) else other
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), known)
