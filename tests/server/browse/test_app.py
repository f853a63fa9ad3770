"""Who gets what from the page's server: as bytes on a real socket, without a browser's own caution."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.server.browse.app import ASKED, MAX_ASKED_BYTES
from tests.server.browse.serving import Browsed, Headers, browsing

pytestmark = pytest.mark.anyio

SOUND = bytes(range(256)) * 8_000
"""Two megabytes: several chunks."""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a b.mp3"
    path.write_bytes(SOUND)
    return path


@pytest.fixture
async def page(recording: Path) -> AsyncIterator[Browsed]:
    async with browsing(recordings={"call.mp3": (recording, "audio/mpeg")}) as browsed:
        yield browsed


# -- the token and the key ---------------------------------------------------------------------------------------------


async def test_the_token_is_in_no_request_but_one_and_good_for_one_tab(page: Browsed) -> None:
    address = page.app.address
    assert re.fullmatch(rf"http://127\.0\.0\.1:{page.port}/#k=[\w-]{{43}}", address)
    token = address.partition("#k=")[2]
    assert token.encode() not in (await page.request("GET", "/")).body
    first = await page.post("/key", {"token": token})
    second = await page.post("/key", {"token": token})
    assert (first.status, second.status, page.tabs) == (200, 401, 1)
    assert "used before" in second.error
    assert page.app.address != address


@pytest.mark.parametrize("given", [{}, {"token": ""}, {"token": "a" * 43}, {"token": None}, {"token": ["x"]}])
async def test_a_wrong_token_gives_no_key_and_spends_nothing(page: Browsed, given: object) -> None:
    assert (await page.post("/key", given)).status == 401
    assert page.tabs == 0
    await page.key()


@pytest.mark.parametrize("key", ["", "wrong", "a" * 43])
async def test_without_its_key_no_tab_is_answered(page: Browsed, key: str) -> None:
    own = await page.key()
    for headers in ({"X-Session-Key": key}, {"X-Session-Key": None}, {"X-Session-Key": None, "Cookie": f"key={own}"},
                    {"X-Session-Key": None, "Authorization": f"Bearer {own}"}):  # fmt: skip
        for target in ("/call", "/recording"):
            answer = await page.post(target, {"name": "status", "target": "call.mp3"}, headers)
            assert answer.status == 401
    assert page.asked == []


async def test_no_answer_sets_a_cookie_and_every_answer_is_closed_to_other_pages(page: Browsed) -> None:
    key = await page.key()
    address = await page.ticket(key, "call.mp3")
    answers = [
        await page.request("GET", "/"),
        await page.request("GET", "/favicon.ico"),
        await page.request("GET", "/nothing"),
        await page.request("GET", "/", headers={"Host": "rebound.test"}),
        await page.post("/key", {"token": "wrong"}),
        await page.call("status", key),
        await page.call("remove_documents", key),
        await page.request("GET", address),
        await page.request("GET", address, headers={"Range": "bytes=99999999-"}),
    ]
    assert [answer.status for answer in answers] == [200, 204, 404, 421, 401, 200, 403, 200, 416]
    for answer in answers:
        told = answer.headers
        assert "set-cookie" not in told
        assert (told["cache-control"], told["x-content-type-options"]) == ("no-store", "nosniff")
        assert (told["cross-origin-resource-policy"], told["referrer-policy"]) == ("same-origin", "no-referrer")
        assert "frame-ancestors 'none'" in told["content-security-policy"]
        assert "default-src 'none'" in told["content-security-policy"]


# -- other pages, and other names --------------------------------------------------------------------------------------

TARGETS = [("GET", "/"), ("POST", "/key"), ("POST", "/call"), ("POST", "/recording"), ("POST", "/here"),
           ("GET", "/media/{ticket}")]  # fmt: skip

REFUSED: dict[str, tuple[int, Headers]] = {
    "a name that was bound to loopback": (421, {"Host": "rebound.test:{port}"}),
    "localhost, which is another origin": (421, {"Host": "localhost:{port}"}),
    "the address without its port": (421, {"Host": "127.0.0.1"}),
    "no name": (421, {"Host": ""}),
    "a page of the internet": (403, {"Origin": "https://evil.test"}),
    "a page on another port": (403, {"Origin": "http://127.0.0.1:1"}),
    "a page on this port under another name": (403, {"Origin": "http://localhost:{port}"}),
    "a page without an origin": (403, {"Origin": "null"}),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize(("method", "target"), TARGETS)
async def test_other_names_and_other_origins_are_refused_everywhere_also_with_the_key(
    page: Browsed, method: str, target: str, case: str
) -> None:
    key = await page.key()
    ticket = (await page.ticket(key, "call.mp3")).removeprefix("/media/")
    page.asked.clear()
    status, changed = REFUSED[case]
    filled = {name: value and value.replace("{port}", str(page.port)) for name, value in changed.items()}
    body = json.dumps({"token": page.app.keys.token, "name": "status", "target": "call.mp3"}).encode()
    answer = await page.request(method, target.replace("{ticket}", ticket), body, {"X-Session-Key": key, **filled})
    assert answer.status == status
    assert "access-control-allow-origin" not in answer.headers
    assert (page.asked, page.tabs) == ([], 1)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
@pytest.mark.parametrize(("method", "target"), TARGETS[1:])
async def test_what_a_browser_asks_for_another_page_is_refused(
    page: Browsed, method: str, target: str, site: str
) -> None:
    key = await page.key()
    ticket = (await page.ticket(key, "call.mp3")).removeprefix("/media/")
    page.asked.clear()
    body = json.dumps({"token": page.app.keys.token, "name": "status", "target": "call.mp3"}).encode()
    headers = {"X-Session-Key": key, "Sec-Fetch-Site": site, "Origin": None}
    assert (await page.request(method, target.replace("{ticket}", ticket), body, headers)).status == 403
    assert page.asked == []


@pytest.mark.parametrize(("kind", "status"), [("document", 200), ("iframe", 403), ("script", 403), ("object", 403),
                                              ("embed", 403), ("empty", 403), ("image", 403)])  # fmt: skip
async def test_the_page_may_be_gone_to_from_anywhere_and_loaded_into_nothing(
    page: Browsed, kind: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": kind}
    assert (await page.request("GET", "/", headers=headers)).status == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
async def test_what_a_form_of_another_page_could_send_is_refused(page: Browsed, kind: str | None) -> None:
    key = await page.key()
    assert (await page.call("status", key, {"Content-Type": kind})).status == 415
    assert page.asked == []


async def test_another_page_is_not_allowed_what_it_asks_in_advance(page: Browsed) -> None:
    headers = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    answer = await page.request("OPTIONS", "/call", headers=headers)
    assert answer.status == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


# -- what may be asked -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ASKED))
async def test_what_the_page_asks_for_reaches_the_engine_as_it_is(page: Browsed, name: str) -> None:
    answer = await page.call(name, await page.key(), query="red")
    assert json.loads(answer.body) == {"answer": {"asked": name}}
    assert page.asked == [(name, {"query": "red"})]


@pytest.mark.parametrize(
    "name", ["add_documents", "remove_documents", "rerank", "open_media", "", None, ["status"], "STATUS"]
)
async def test_nothing_that_changes_or_is_not_needed_can_be_asked_for(page: Browsed, name: Any) -> None:
    assert (await page.call(name, await page.key())).status == 403
    assert page.asked == []


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400),
                                              (b'{"name":"status","arguments":[]}', 403),
                                              (b'"' + b"x" * MAX_ASKED_BYTES + b'"', 413)])  # fmt: skip
async def test_a_body_that_is_no_question_is_told_so(page: Browsed, body: bytes, status: int) -> None:
    key = await page.key()
    assert (await page.request("POST", "/call", body, {"X-Session-Key": key})).status == status
    assert page.asked == []


async def test_what_the_engine_refuses_is_said_in_its_words_and_what_breaks_is_not(page: Browsed) -> None:
    async def ask(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RetrievalError("The library is locked. Close the other one.") if name == "status" else ZeroDivisionError

    async with browsing(ask) as other:
        key = await other.key()
        refused, broken = await other.call("status", key), await other.call("jobs", key)
        assert (refused.status, refused.error) == (422, "The library is locked. Close the other one.")
        assert (broken.status, broken.error) == (500, "Something went wrong; the terminal says what.")


@pytest.mark.parametrize(("method", "target"), [("POST", "/"), ("GET", "/call"), ("PUT", "/call"), ("DELETE", "/key"),
                                                ("POST", "/media/x"), ("GET", "/recording")])  # fmt: skip
async def test_each_address_takes_one_method(page: Browsed, method: str, target: str) -> None:
    answer = await page.request(method, target, headers={"Content-Length": "0"})
    assert answer.status == 405
    assert answer.headers["allow"]


# -- recordings --------------------------------------------------------------------------------------------------------


async def test_a_recording_is_named_by_its_citation_and_played_by_a_ticket_that_names_nothing(page: Browsed) -> None:
    key = await page.key()
    first, second = await page.ticket(key, "call.mp3"), await page.ticket(key, "call.mp3")
    assert first != second
    assert re.fullmatch(r"/media/[\w-]{43}", first)
    answer = await page.request("GET", first)
    assert (answer.status, answer.body == SOUND) == (200, True)
    assert (answer.headers["content-type"], answer.headers["accept-ranges"]) == ("audio/mpeg", "bytes")


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../a%20b.mp3", "{path}", "%2e%2e%2fetc%2fpasswd", "call.mp3", "", ".", "\\\\host\\share", "a%00b",
     "....//....//etc/passwd", "?path={path}"],
)  # fmt: skip
async def test_no_path_and_no_citation_in_an_address_opens_anything(
    page: Browsed, recording: Path, target: str
) -> None:
    filled = target.replace("{path}", str(recording).replace(" ", "%20"))
    answer = await page.request("GET", f"/media/{filled}")
    assert answer.status == 404
    assert page.asked == []


async def test_what_the_engine_does_not_open_is_not_played(page: Browsed) -> None:
    key = await page.key()
    for target in ("/etc/passwd", "../../x.mp3", "", None, {"path": "/etc/passwd"}):
        answer = await page.post("/recording", {"target": target}, {"X-Session-Key": key})
        assert answer.status == 422
    assert {name for name, _ in page.asked} == {"recording"}


RANGES = [
    ("bytes=0-", 0, len(SOUND)),
    ("bytes=0-0", 0, 1),
    ("bytes=1000000-1999999", 1_000_000, 2_000_000),
    ("bytes=-5", len(SOUND) - 5, len(SOUND)),
    ("bytes=2047999-9999999", 2_047_999, len(SOUND)),
]


@pytest.mark.parametrize(("asked", "start", "stop"), RANGES)
async def test_a_range_is_answered_with_its_bytes(page: Browsed, asked: str, start: int, stop: int) -> None:
    address = await page.ticket(await page.key(), "call.mp3")
    for method in ("GET", "HEAD"):
        answer = await page.request(method, address, headers={"Range": asked, "Sec-Fetch-Dest": "audio"})
        assert answer.status == 206
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(SOUND)}"
        assert int(answer.headers["content-length"]) == stop - start
        assert answer.body == (SOUND[start:stop] if method == "GET" else b"")


async def test_a_range_beyond_the_end_is_told_the_size_and_one_of_another_state_gets_all(page: Browsed) -> None:
    address = await page.ticket(await page.key(), "call.mp3")
    beyond = await page.request("GET", address, headers={"Range": f"bytes={len(SOUND)}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(SOUND)}")
    tag = (await page.request("HEAD", address)).headers["etag"]
    same = await page.request("GET", address, headers={"Range": "bytes=0-1", "If-Range": tag})
    other = await page.request("GET", address, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (same.status, other.status) == (206, 200)


async def test_a_recording_that_changed_since_it_was_opened_is_not_played(page: Browsed, recording: Path) -> None:
    address = await page.ticket(await page.key(), "call.mp3")
    recording.write_bytes(b"other")  # noqa: ASYNC240  small
    assert (await page.request("GET", address)).status == 404


async def test_a_question_of_a_tab_that_has_gone_is_given_up() -> None:
    begun, given_up = anyio.Event(), anyio.Event()

    async def ask(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            given_up.set()
        raise AssertionError("nobody ends the wait")

    async with browsing(ask) as page:
        key, body = await page.key(), b'{"name":"status"}'
        async with await anyio.connect_tcp("127.0.0.1", page.port) as stream:
            head = f"POST /call HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\n"
            await stream.send(f"{head}X-Session-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await begun.wait()
            assert page.answering == 1
        await given_up.wait()


async def test_whoever_has_a_key_or_a_ticket_is_heard_and_nobody_else(page: Browsed) -> None:
    heard: list[str] = []
    page.app.tabs.heard = lambda: heard.append("")  # type: ignore[method-assign]
    await page.post("/key", {"token": "wrong"})
    await page.post("/here", {}, {"X-Session-Key": "wrong"})
    await page.request("GET", "/media/wrong")
    await page.request("GET", "/")
    assert heard == []
    key = await page.key()
    address = await page.ticket(key, "call.mp3")
    await page.request("GET", address)
    assert (await page.post("/here", {}, {"X-Session-Key": key})).status == 200
    assert len(heard) == 4
