"""Requests that the SDK does not read, and so never answers: who waits for one gets an error with its id."""

from __future__ import annotations

import json
import re

_ODD_ID = re.compile(rb'"id"\s*:\s*(?:null|true|false|[\[{]|-?\d+[.eE])')
_INVALID_REQUEST = -32600


def refusal(line: bytes, *, read: bool) -> bytes | None:
    """The answer (JSON in ASCII) to a request that cannot be served; None where nobody waits or all is well.

    `read`: whether the SDK takes it for a message. It then takes a request whose id is neither text nor a whole number
    for a notification (JSON-RPC 2.0, section 4; MCP allows no null).
    """
    if read and not _ODD_ID.search(line):
        return None
    try:
        request = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or "id" not in request or "method" not in request:
        return None
    id = request["id"]
    odd = isinstance(id, bool) or not isinstance(id, str | int)
    if read and not odd:
        return None
    reason = (
        "The id of a request must be text or a whole number."
        if odd
        else "This request cannot be read: send JSON-RPC 2.0 whose text is all UTF-8, without half of a surrogate pair."
    )
    error = {"code": _INVALID_REQUEST, "message": reason}
    return json.dumps({"jsonrpc": "2.0", "id": id, "error": error}, separators=(",", ":")).encode()
