import json

import pytest

from mcp_mmretrieval.server.unreadable import refusal


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":"a","method":"ping","params":{"id":null}}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}',
    ],
)
def test_what_is_served_is_not_refused(line: bytes) -> None:
    assert refusal(line, read=True) is None


@pytest.mark.parametrize("line", [b"{", b"[]", b'"id"', b'{"method":"ping"}', b'{"id":1}', b"[" * 100_000, b""])
def test_what_nobody_waits_for_is_not_answered(line: bytes) -> None:
    assert refusal(line, read=False) is None


@pytest.mark.parametrize("id", ["null", "1.5", "1e3", "true", "[1]", "{}"])
def test_an_id_that_is_neither_text_nor_a_whole_number_is_refused(id: str) -> None:
    told = json.loads(refusal(f'{{"jsonrpc":"2.0","id" : {id},"method":"ping"}}'.encode(), read=True) or b"")
    assert told["id"] == json.loads(id)
    assert "must be text or a whole number" in told["error"]["message"]
