"""The page in a real browser over a real server of tools, and beside it a page that wishes it ill.

Runs in each browser that is found, with Playwright; pictures go to TEST_SHOTS.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from mcp_mmretrieval.answers import Answer
from mcp_mmretrieval.cli.browse import forwarding_page
from mcp_mmretrieval.cli.session import Session
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from tests.server.browse.serving import Browsed, browsing
from tests.support import recordings
from tests.support.browsers import NAMES, axe_violations, launched
from tests.support.library import FULL, HITS, LISTED, PAGE, FakeLibrary, as_library

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from tests.server.gallery.test_in_browser import CONTRASTS, FILM, HOSTILE, SHOTS, kinds, sounds  # noqa: E402  needs it
from tests.server.tools.test_look import look  # noqa: E402

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

EVIL = "http://127.0.0.1:18999/"
"""Another page of this machine, on another port: the nearest that a page can come."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=list(NAMES))
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with launched(request.param) as browser:
        yield browser


@dataclass
class Tab:
    """A tab with the page in it, and what went wrong there."""

    page: Any
    browsed: Browsed
    complaints: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        return [name for name, _ in self.browsed.asked]

    def last(self, name: str) -> Mapping[str, Any]:
        found: list[Mapping[str, Any]] = [arguments for asked, arguments in self.browsed.asked if asked == name]
        return found[-1]

    async def cards(self, count: int) -> Any:
        found = self.page.locator(".card")
        await playwright.expect(found).to_have_count(count)
        await playwright.expect(self.page.locator(".card.waiting, .skeleton")).to_have_count(0)
        return found

    async def search(self, words: str, count: int) -> Any:
        await self.page.locator("#words").fill(words)
        await self.page.locator("#words").press("Enter")
        await playwright.expect(self.page.locator("#query")).to_have_text(f"\u201c{words}\u201d")
        return await self.cards(count)

    async def shot(self, name: str) -> None:
        if SHOTS:
            await self.page.screenshot(path=Path(SHOTS) / f"browse, {name}.png")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "gap.mp4"
    path.write_bytes(recordings.film("mp4", 12.0, size=(320, 180)))
    return path


@pytest.fixture
def opened(browser: Any, film: Path) -> Callable[..., Any]:
    """Opens the page by its address; `library` answers."""

    @asynccontextmanager
    async def open_it(library: FakeLibrary, **options: Any) -> AsyncIterator[Tab]:
        server = create_server(lambda: as_library(library), Settings())
        async with Client(server, mode="legacy") as client:

            async def ask(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
                if name == "jobs":
                    return {"jobs": JOBS}
                return await Session(client).call(name, **arguments)

            async with browsing(ask, {FILM.id: (film, "video/mp4")}) as browsed:
                options.setdefault("viewport", {"width": 900, "height": 900})
                clock = options.pop("clock", False)
                context = await browser.new_context(**options)
                tab = Tab(await context.new_page(), browsed)
                tab.page.on("dialog", lambda dialog: tab.complaints.append(f"dialog: {dialog.message}"))
                tab.page.on("pageerror", lambda error: tab.complaints.append(f"error: {error}"))
                tab.page.on("console", lambda told: tab.complaints.append(told.text) if told.type == "error" else None)
                if clock:
                    await tab.page.clock.install()
                await tab.page.goto(browsed.app.address)
                await tab.cards(3)
                try:
                    yield tab
                finally:
                    await context.close()

    return open_it


async def playing_from(player: Any, second: float) -> None:
    """Wait until it plays behind that second."""
    with anyio.fail_after(60):
        while await player.evaluate("(one) => one.paused ? 0 : one.currentTime") <= second:
            await player.page.wait_for_timeout(50)


JOBS = [
    {"job": "a1", "state": "running", "found": 40, "added": 12, "failed": [], "current": "scans/b<i>.pdf"},
    {"job": "a0", "state": "done", "found": 3, "added": 2, "failed": [{"path": "x.pdf", "reason": "it is damaged"}]},
]


def listing() -> FakeLibrary:
    """Three documents, and a hit of each kind."""
    library = kinds()
    library.looks[LISTED.id] = look()
    return library


async def test_the_token_leaves_the_address_and_the_tab_can_be_loaded_again(opened: Any) -> None:
    async with opened(listing()) as tab:
        assert tab.page.url == f"http://{tab.browsed.host}/"
        assert await tab.page.evaluate("document.cookie + Object.keys(localStorage)") == ""
        await tab.page.reload()
        await tab.cards(3)
        assert tab.browsed.tabs == 1
        other = await tab.page.context.new_page()  # without the key
        await other.goto(f"http://{tab.browsed.host}/")
        await playwright.expect(other.locator("#state")).to_contain_text("mcp-mmretrieval browse")
        assert await other.locator(".card").count() == 0
        assert tab.complaints == []


async def test_the_file_that_a_browser_is_given_leads_to_the_page(opened: Any, tmp_path: Path) -> None:
    async with opened(listing()) as tab:
        other = await tab.page.context.new_page()
        await other.goto(forwarding_page(tmp_path, tab.browsed.app.address))
        await playwright.expect(other.locator(".card")).to_have_count(3)
        assert (other.url, tab.browsed.tabs) == (f"http://{tab.browsed.host}/", 2)


async def test_words_search_with_the_filters_and_without_words_the_files_are_listed(opened: Any) -> None:
    async with opened(listing()) as tab:
        assert await tab.page.locator("#count").inner_text() == "3 files"
        assert tab.last("list_documents") == {"order": "date", "limit": 48, "offset": 0}
        await tab.search("revenue umbrella", 5)
        assert await tab.page.locator("mark").all_inner_texts() == ["Revenue", "umbrella", "Umbrellas"]
        await tab.shot("light")
        await tab.page.locator("#kind").select_option("page")
        await tab.page.locator("#after").fill("2026-01-31")
        await tab.page.locator("#under").fill("/data/trains")
        await tab.page.locator("#under").press("Enter")
        await tab.cards(5)
        expected = {"modality": ["page"], "after": "2026-01-31", "under": "/data/trains"}
        assert tab.last("search_media") == {"query": "revenue umbrella", "limit": 24, **expected}
        await tab.page.get_by_role("button", name="Clear").click()
        await tab.cards(3)
        assert tab.last("list_documents") == {"order": "date", "limit": 48, "offset": 0}
        await tab.page.locator("#order").select_option("path")
        await tab.cards(3)
        assert tab.last("list_documents")["order"] == "path"
        assert tab.complaints == []


async def test_the_keyboard_alone_searches_opens_plays_and_comes_back(opened: Any) -> None:
    async with opened(listing()) as tab:
        keys = tab.page.keyboard
        await tab.page.locator(".card .face").first.focus()
        await keys.press("/")
        await keys.type("umbrella")
        await keys.press("Enter")
        await playwright.expect(tab.page.locator("#query")).to_have_text("\u201cumbrella\u201d")
        await tab.cards(5)
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
            await keys.press(key)
        await playwright.expect(tab.page.locator(".detail h2")).to_contain_text("gap.mp4")
        await tab.page.get_by_role("button", name="Play", exact=True).focus()
        await keys.press("Enter")
        if await sounds(tab.page, tab.page.context.browser):
            await playwright.expect(tab.page.locator(".spoken.now")).to_contain_text("Doors")
        await keys.press("Escape")
        await playwright.expect(tab.page.locator(".detail")).to_have_count(0)
        script = "[...document.querySelectorAll('.card .face')].indexOf(document.activeElement)"
        assert await tab.page.evaluate(script) == 3
        assert tab.complaints == []


async def test_a_whole_film_plays_from_its_cited_second_by_ranges(opened: Any) -> None:
    async with opened(listing()) as tab:
        found = await tab.search("umbrella", 5)
        ranges: list[tuple[int, str]] = []
        tab.page.on("response", lambda one: ranges.append((one.status, one.headers.get("content-range", "")))
                    if "/media/" in one.url else None)  # fmt: skip
        await found.nth(3).locator(".face").click()
        await tab.page.get_by_role("button", name="Whole film").click()
        player = tab.page.locator("video")
        await playwright.expect(player).to_be_visible()
        await playing_from(player, 10.0)
        assert await player.evaluate("(one) => [one.videoWidth, one.seekable.length]") == [320, 1]
        assert tab.last("recording") == FILM.id
        assert {status for status, _ in ranges} == {206}
        await tab.shot("film")
        await tab.page.keyboard.press("Escape")
        await playwright.expect(player).to_have_count(0)
        assert tab.complaints == []


async def test_a_film_goes_on_where_it_was_when_what_was_opened_is_closed_meanwhile(opened: Any, film: Path) -> None:
    async with opened(listing()) as tab:
        found = await tab.search("umbrella", 5)
        await found.nth(3).locator(".face").click()
        await tab.page.get_by_role("button", name="Whole film").click()
        player = tab.page.locator("video")
        await playing_from(player, 10.0)
        tab.browsed.app._recordings.close()  # as if many others were opened since
        await player.evaluate("(one) => { one.src += '?'; }")
        await playing_from(player, 10.0)
        assert tab.names().count("recording") == 2
        tab.browsed.app._recordings.close()
        tab.browsed.recordings.clear()  # and now the file has gone, too
        await player.evaluate("(one) => { one.src += '?'; }")
        await playwright.expect(tab.page.locator(".whole")).to_contain_text("not in the library")


async def test_a_film_that_is_closed_before_it_came_is_not_played_unseen(opened: Any) -> None:
    async with opened(listing()) as tab:
        held: list[Any] = []
        played: list[str] = []
        tab.page.on("request", lambda one: played.append(one.url) if "/media/" in one.url else None)
        await tab.page.route("**/recording", lambda route: held.append(route))
        found = await tab.search("umbrella", 5)
        await found.nth(3).locator(".face").click()
        whole = tab.page.get_by_role("button", name="Whole film")
        await whole.click()
        await whole.click()
        while len(held) < 2:
            await tab.page.wait_for_timeout(20)
        await tab.page.keyboard.press("Escape")
        for route in held:
            await route.continue_()
        await tab.search("trains", 5)
        assert (played, tab.names().count("recording")) == ([], 2)
        assert tab.complaints == []


async def test_films_that_are_closed_give_their_connections_back(opened: Any, film: Path) -> None:
    """A browser has six to a server: without, the page would stand still after six films."""
    with film.open("r+b") as file:  # a box to be passed over (ISO 14496-12): far more than a player takes in advance
        file.seek(0, 2)
        file.write(struct.pack(">I4sQ", 1, b"free", 1 << 30))
        file.truncate(file.tell() + (1 << 30) - 16)
    async with opened(listing()) as tab:
        found = await tab.search("umbrella", 5)
        for _ in range(7):
            await found.nth(3).locator(".face").click()
            await tab.page.get_by_role("button", name="Whole film").click()
            await playwright.expect(tab.page.locator("video")).to_be_visible()
            while not await tab.page.locator("video").evaluate("(one) => one.readyState"):
                await tab.page.wait_for_timeout(20)
            await tab.page.keyboard.press("Escape")
        await tab.search("trains", 5)
        while tab.browsed.answering:
            await tab.page.wait_for_timeout(20)


async def test_a_question_in_place_of_another_has_that_one_given_up(opened: Any) -> None:
    async with opened(listing()) as tab:
        script = """() => { const asked = fetch; window.fetch = (path, given) => {
          if (!given.body.includes("slow")) return asked(path, given);
          window.state = "waits";
          return new Promise(() => given.signal.addEventListener("abort", () => { window.state = "given up"; }));
        }; }"""
        await tab.page.evaluate(script)
        await tab.page.locator("#words").fill("slow")
        await tab.page.locator("#words").press("Enter")
        while await tab.page.evaluate("window.state") != "waits":
            await tab.page.wait_for_timeout(20)
        await tab.search("umbrella", 5)
        assert await tab.page.evaluate("window.state") == "given up"


async def test_while_models_load_the_same_answer_moves_nothing(opened: Any) -> None:
    library = listing()
    library.answer = replace(library.answer, searched=replace(FULL, models="loading"))
    async with opened(library) as tab:
        found = await tab.search("umbrella", 5)
        await found.nth(2).locator(".face").focus()
        await found.nth(2).evaluate("(one) => { window.third = one; }")
        before = tab.names().count("search_media")
        while tab.names().count("search_media") < before + 3:
            await tab.page.wait_for_timeout(50)
        third = (
            "window.third === document.querySelectorAll('.card')[2] && window.third.contains(document.activeElement)"
        )
        assert await tab.page.evaluate(third)
        library.answer = replace(library.answer, hits=library.answer.hits[::-1], searched=FULL)
        await playwright.expect(found.nth(0).locator(".cite")).to_contain_text("notes.md")
        await tab.cards(5)
        script = "[...document.querySelectorAll('.card .face')].indexOf(document.activeElement)"
        assert await tab.page.evaluate(script) == 2


async def test_a_tab_says_that_it_is_there_and_tells_when_the_server_has_ended(opened: Any) -> None:
    async with opened(listing(), clock=True) as tab:
        here: list[int] = []
        tab.page.on("response", lambda one: here.append(one.status) if one.url.endswith("/here") else None)
        while len(here) < 2:
            await tab.page.clock.fast_forward(30_000)
            await tab.page.wait_for_timeout(50)
        assert set(here) == {200}
        await tab.page.route("**/here", lambda route: route.abort())
        await tab.page.clock.fast_forward(30_000)
        await playwright.expect(tab.page.locator("#state")).to_contain_text("Run mcp-mmretrieval browse again")
        assert await tab.page.locator(".card").count() == 3  # what is there stays


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_state(opened: Any, scheme: str) -> None:
    async with opened(listing(), color_scheme=scheme) as tab:
        wrong = {"list": await axe_violations(tab.page)}
        found = await tab.search("revenue umbrella", 5)
        wrong["hits"] = await axe_violations(tab.page)
        for number, what in enumerate(("page", "recording", "picture", "film", "text")):
            await found.nth(number).locator(".face").click()
            await playwright.expect(tab.page.locator(".detail .facts").first).not_to_have_text("Opening\u2026")
            if what == "film":
                await tab.page.get_by_role("button", name="Whole film").click()
                await playwright.expect(tab.page.locator("video")).to_be_visible()
            wrong[what] = await axe_violations(tab.page)
        await tab.page.get_by_role("button", name="Library").click()
        await playwright.expect(tab.page.locator("#status dl")).to_be_visible()
        wrong["library"] = await axe_violations(tab.page)
        await tab.page.route("**/call", lambda route: route.abort())
        await tab.page.locator("#words").fill("red")
        await tab.page.locator("#words").press("Enter")
        await playwright.expect(tab.page.locator("#state.error")).to_be_visible()
        wrong["error"] = await axe_violations(tab.page)
        assert {state: found for state, found in wrong.items() if found} == {}


async def test_a_recording_that_cannot_be_played_whole_says_why(opened: Any) -> None:
    async with opened(listing()) as tab:
        found = await tab.search("umbrella", 5)
        await found.nth(1).locator(".face").click()
        await tab.page.get_by_role("button", name="Whole recording").click()
        await playwright.expect(tab.page.locator(".whole")).to_contain_text("not in the library")


async def test_what_resembles_a_hit_is_asked_for_with_the_filters(opened: Any) -> None:
    async with opened(listing()) as tab:
        found = await tab.search("umbrella", 5)
        await found.nth(0).locator(".face").click()
        await tab.page.get_by_role("button", name="More like this").click()
        await playwright.expect(tab.page.locator("#query")).to_contain_text("Like")
        await tab.cards(5)
        assert tab.last("search_media") == {"like": PAGE.id, "limit": 24}


async def test_the_library_tells_how_it_is_and_how_far_jobs_are(opened: Any) -> None:
    async with opened(listing()) as tab:
        await tab.page.get_by_role("button", name="Library").click()
        shown = tab.page.locator("#status")
        await playwright.expect(shown).to_contain_text("1 PDF, 1 recording")
        await playwright.expect(shown).to_contain_text("/data")
        await playwright.expect(shown).to_contain_text("12 of 40 files")
        await playwright.expect(shown).to_contain_text("scans/b<i>.pdf")
        await playwright.expect(shown).to_contain_text("x.pdf: it is damaged")
        assert await shown.locator("progress").evaluate("(one) => [one.value, one.max]") == [12, 40]
        before = tab.names().count("jobs")
        await tab.shot("status")
        for _ in range(100):
            if tab.names().count("jobs") > before:
                break
            await tab.page.wait_for_timeout(100)
        assert tab.names().count("jobs") > before
        await tab.page.get_by_role("button", name="Library").click()
        await playwright.expect(shown).to_be_hidden()
        assert tab.complaints == []


async def test_names_and_texts_of_files_stay_text(opened: Any) -> None:
    library = listing()
    changed: dict[str, Any] = {"citation": f"{HOSTILE}#page=7", "path": f"/data/{HOSTILE}", "snippet": HOSTILE}
    library.answer = Answer(hits=(replace(HITS[0], **changed), *library.answer.hits[1:]), searched=FULL)
    library.looks[PAGE.id] = look(text=HOSTILE, title=HOSTILE, before=HOSTILE, document_notes=(HOSTILE,))
    async with opened(library) as tab:
        await tab.page.locator("#words").fill(f"{HOSTILE.splitlines()[0]} ((((")
        await tab.page.locator("#words").press("Enter")
        found = await tab.cards(5)
        await found.nth(0).locator(".face").click()
        await playwright.expect(tab.page.locator(".detail .text")).to_contain_text("<script>alert(2)")
        assert await tab.page.locator("img, script:not(body > script)").count() == 0
        assert "\u202e" not in await tab.page.locator("main").inner_text()
        assert tab.complaints == []


async def test_what_was_written_into_the_page_would_not_run(opened: Any) -> None:
    """The policy is the second line of defence: here the first one is broken on purpose."""
    async with opened(listing()) as tab:
        for broken in (
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title = 1\">')",
            "const one = document.createElement('script'); one.text = 'document.title = 1'; document.body.append(one)",
            "new Function('document.title = 1')()",
        ):
            # by a timer: what the browser's debugger evaluates itself is above the policy
            run = f"() => new Promise((done) => setTimeout(() => {{ try {{ {broken} }} catch {{ }} done(); }}))"
            await tab.page.evaluate(run)
        await tab.page.evaluate(
            "() => { const one = new Image(); one.src = 'http://evil.test/a'; document.body.append(one); }"
        )
        assert await tab.page.title() == "Your files"
        assert (
            await tab.page.evaluate("() => fetch('http://127.0.0.1:1/').then(() => 'sent', () => 'refused')")
            == "refused"
        )


ATTACKS = """async ([host, ticket, key]) => {
  const base = `http://${host}`, json = { "Content-Type": "application/json", "X-Session-Key": key };
  const body = JSON.stringify({ name: "list_documents", arguments: {} });
  const told = (promise) => promise.then((one) => one.type === "opaque" ? "opaque" : one.text(), () => "failed");
  const media = (kind) => new Promise((done) => {
    const one = document.createElement(kind);
    one.onloadedmetadata = one.onload = () => done("played");
    one.onerror = () => done("failed");
    one.src = base + ticket;
    document.body.append(one);
  });
  const framed = await new Promise((done) => {
    const one = document.createElement("iframe");
    one.onload = () => done(one.contentDocument ? one.contentDocument.body.innerText : "closed");
    one.src = base + "/";
    document.body.append(one);
  });
  return {
    page: await told(fetch(base + "/")),
    asked: await told(fetch(base + "/call", { method: "POST", headers: json, body })),
    simple: await told(fetch(base + "/call", { method: "POST", mode: "no-cors", body })),
    key: await told(fetch(base + "/key", { method: "POST", mode: "no-cors", body: "{}" })),
    media: await told(fetch(base + ticket, { mode: "no-cors" })),
    video: await media("video"),
    script: await media("script"),
    framed,
  };
}"""


async def test_another_page_of_the_same_browser_gets_nothing_even_with_key_and_ticket(opened: Any) -> None:
    async with opened(listing()) as tab:
        key = await tab.page.evaluate("sessionStorage.getItem('mcp-mmretrieval')")
        ticket = await tab.browsed.ticket(key, FILM.id)
        tab.browsed.asked.clear()
        evil = await tab.page.context.new_page()

        async def answer(route: Any) -> None:
            await route.fulfill(content_type="text/html", body="<title>evil</title>")

        await evil.route(f"{EVIL}**", answer)
        await evil.goto(EVIL)
        got = await evil.evaluate(ATTACKS, [tab.browsed.host, ticket, key])
        harmless = {"failed", "opaque", "closed"}  # opaque: sent, refused there, and cannot be read
        assert {name: what for name, what in got.items() if what not in harmless} == {}
        assert (got["asked"], got["video"], got["script"], got["framed"]) == ("failed", "failed", "failed", "closed")
        assert tab.browsed.asked == []


async def test_a_name_that_was_bound_to_loopback_is_not_served(opened: Any) -> None:
    async with opened(listing()) as tab:
        rebound = await tab.page.context.new_page()
        answer = await rebound.goto(f"http://rebound.test:{tab.browsed.port}/")
        assert answer.status == 421


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (700, "dark"), (1_400, "dark")])
async def test_nothing_is_wider_than_the_window_or_too_small_or_too_faint(opened: Any, width: int, scheme: str) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    async with opened(listing(), **options) as tab:
        found = await tab.search("revenue umbrella", 5)
        await tab.page.get_by_role("button", name="Library").click()
        await playwright.expect(tab.page.locator("#status dl")).to_be_visible()
        await tab.shot(f"width {width}, {scheme}")
        await found.nth(0).locator(".face").click()
        await playwright.expect(tab.page.locator(".detail .text")).to_be_visible()
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width
        sought = "button:visible, input:visible, select:visible"
        boxes = [await one.bounding_box() for one in await tab.page.locator(sought).all()]
        assert min(min(box["width"], box["height"]) for box in boxes if box) >= 24
        names = [await one.evaluate("(one) => one.labels?.length || one.ariaLabel || one.innerText")
                 for one in await tab.page.locator(sought).all()]  # fmt: skip
        assert all(names)
        contrasts = await tab.page.evaluate(CONTRASTS)
        assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


async def test_when_the_server_has_ended_the_page_says_so(opened: Any) -> None:
    async with opened(listing()) as tab:
        await tab.page.context.route("**/call", lambda route: route.abort())
        await tab.page.locator("#words").fill("red")
        await tab.page.locator("#words").press("Enter")
        await playwright.expect(tab.page.locator("#state")).to_contain_text("Run mcp-mmretrieval browse again")
