"""The gallery's page as a person sees it. Runs where a Chromium and Playwright are found; pictures go to TEST_SHOTS."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp import Client

from mcp_mmretrieval.answers import Answer, Hit
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.types import Film, Place, Segment
from tests.server.gallery.browser import POLICIES, Shown, shown
from tests.server.tools.test_look import look
from tests.support.browsers import NAMES, axe_violations, launched
from tests.support.jpegs import BLUE, RED, pixels, tone
from tests.support.library import FULL, HITS, PAGE, PICTURE, SOUND, FakeLibrary, as_library

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

SHOTS = os.environ.get("TEST_SHOTS", "")
QUERY = "revenue umbrella"
FILM = Segment(document="ef" * 32, modality="video", place=Place(start=10.0, end=14.0), text="Mind the gap.\nDoors.")
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202egnp.\n\"'`${alert(3)}"


def hit(segment: Segment, citation: str, **changes: Any) -> Hit:
    given = {"segment": segment, "citation": citation, "path": f"/data/{citation.partition('#')[0]}", "title": ""}
    return replace(HITS[0], **{**given, "more_in_document": 0, **changes})


def kinds() -> FakeLibrary:
    """A hit of each kind, with what there is to see and to hear at it."""
    spoken = replace(SOUND, text="I lost my umbrella.\nIt is raining.", times=((73.0, 75.0), (75.0, 77.0)))
    film = Film([pixels(RED, 320, 180), pixels(BLUE, 320, 180)], (10.0, 12.0), tone(4.0))
    note = Segment(document="12" * 32, modality="text", place=Place(first=0, last=40), text="Umbrellas are blue.")
    hits = (
        *HITS,
        hit(FILM, "trains/gap.mp4#t=10.0,14.0", match="fair", snippet="Mind the gap."),
        hit(note, "notes.md#char=0,40", match="weak", snippet="Umbrellas are blue."),
    )
    looks = {
        PAGE.id: look(content=pixels(RED, 300, 420)),
        SOUND.id: look(segment=spoken, text=spoken.text, citation=HITS[1].citation, content=tone(4.0)),
        PICTURE.id: look(segment=PICTURE, text="", citation="a.png", content=pixels(BLUE, 400, 300)),
        FILM.id: look(segment=replace(FILM, times=((10.0, 11.0), (12.0, 13.0))), text=FILM.text, content=film),
        note.id: look(segment=note, text=note.text, citation="notes.md", content=None),
    }
    return FakeLibrary(answer=Answer(hits=hits, searched=FULL), looks=looks)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=list(NAMES))
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with launched(request.param) as browser:
        yield browser


class Assistant:
    """A real server over a library that a test fills, and its answers as they go over the wire."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        result = await self._client.call_tool(name, given)
        return result.model_dump(by_alias=True, exclude_none=True, mode="json")

    async def search(self, page: Shown, query: str = QUERY, **left_out: Any) -> None:
        """What an assistant tells the page of a search; `left_out=None` keeps a field from it."""
        result = await self.call("search_media", {"query": query, "limit": 50})
        await page.notify("tool-input", {"arguments": {"query": query, "limit": 50}})
        await page.notify("tool-result", {name: what for name, what in result.items() if name not in left_out})


@pytest.fixture
def assistant() -> Callable[[FakeLibrary], Any]:
    return lambda library: Client(create_server(lambda: as_library(library), Settings()), mode="legacy")


async def cards(page: Shown, count: int) -> Any:
    """The cards, once there are so many and none waits for its picture."""
    found = page.frame.locator(".card")
    await playwright.expect(found).to_have_count(count)
    await playwright.expect(page.frame.locator(".card.waiting, .skeleton")).to_have_count(0)
    return found


async def sounds(frame: Any, browser: Any) -> bool:
    """Whether sound is played here. Without a device for it Firefox plays none, and the page says so."""
    if browser.browser_type.name == "chromium":
        return True
    line, problem = frame.locator(".spoken.now"), frame.locator(".controls [role=status]")
    await playwright.expect(line.or_(problem.filter(has_text="plays no sound"))).to_be_visible()
    return bool(await line.count())


async def colour(canvas: Any) -> list[int]:
    """The colour in the middle of what is drawn on a canvas."""
    script = "(one) => [...one.getContext('2d').getImageData(one.width / 2, one.height / 2, 1, 1).data].slice(0, 3)"
    return list(await canvas.evaluate(script))


def near(one: list[int], other: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.array(one) - np.array(other)).max() < 30)


async def shot(page: Shown, name: str) -> None:
    if SHOTS:
        await page.page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.mark.parametrize(("policy", "opaque"), [*((name, False) for name in POLICIES), ("nothing", True)])
async def test_every_kind_is_shown_and_heard_whatever_the_frame_forbids(
    browser: Any, assistant: Any, policy: str, opaque: bool
) -> None:
    async with (
        assistant(kinds()) as client,
        shown(browser, Assistant(client).call, policy=policy, opaque=opaque) as page,
    ):
        await Assistant(client).search(page)
        found = await cards(page, 5)
        assert near(await colour(found.nth(0).locator("canvas")), RED)
        assert near(await colour(found.nth(2).locator("canvas")), BLUE)
        assert await found.nth(4).locator("canvas").count() == 0
        assert await found.nth(4).locator(".words").inner_text() == "Umbrellas are blue."
        await found.nth(3).locator(".face").click()
        frame = page.frame.locator("canvas.frame")
        await playwright.expect(frame).to_be_visible()
        assert near(await colour(frame), RED)
        await page.frame.get_by_role("button", name="Play").click()
        if await sounds(page.frame, browser):
            await playwright.expect(page.frame.locator(".spoken.now")).to_contain_text("Doors")
        else:
            await page.frame.get_by_role("slider").press("ArrowRight")
        assert await page.frame.get_by_role("slider").get_attribute("aria-valuenow") in ("12", "13", "14")
        assert near(await colour(frame), BLUE)
        await shot(page, f"kinds, {policy}, {'opaque' if opaque else 'own origin'}")
        assert page.complaints == []


async def test_words_are_marked_and_strength_is_said_in_words(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page)
        found = await cards(page, 5)
        assert await page.frame.locator("mark").all_inner_texts() == ["Revenue", "umbrella", "Umbrellas"]
        assert await page.frame.locator(".match").all_inner_texts() == ["strong", "fair", "weak", "fair", "weak"]
        names = [await card.locator(".face").get_attribute("aria-label") for card in await found.all()]
        assert names[:2] == ["Open q3.pdf, Page 7, strong match", "Open call.wav, Sound 1:13\u20131:28, fair match"]
        assert await page.frame.locator("#count").inner_text() == "5 places in 5 files"


async def test_the_keyboard_does_all_that_the_mouse_does(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call) as page:
        readable = browser.browser_type.name == "chromium"
        if readable:
            await page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await Assistant(client).search(page)
        found = await cards(page, 5)

        async def focused() -> int:
            script = "[...document.querySelectorAll('.card .face')].indexOf(document.activeElement)"
            return int(await page.frame.evaluate(script))

        columns = await page.frame.evaluate("columns()")
        assert columns == 3
        await found.nth(0).locator(".face").focus()
        walked = []
        for key in ("ArrowRight", "ArrowDown", "ArrowUp", "End", "Home", "ArrowLeft"):
            await page.page.keyboard.press(key)
            walked.append(await focused())
        assert walked == [1, 4, 1, 4, 0, 0]
        await page.page.keyboard.press("c")
        await playwright.expect(page.frame.locator("#told")).to_have_text("Citation copied")
        if readable:
            assert await page.frame.evaluate("navigator.clipboard.readText()") == "q3.pdf#page=7"
        await page.page.keyboard.press("Enter")
        await playwright.expect(page.frame.locator(".detail .text")).to_contain_text("Revenue by region")
        await page.page.keyboard.press("Escape")
        await playwright.expect(page.frame.locator(".detail")).to_have_count(0)
        assert await focused() == 0
        await found.nth(1).locator(".face").press("Enter")
        strip = page.frame.get_by_role("slider")
        await strip.press("ArrowRight")
        assert await strip.get_attribute("aria-valuetext") == "1:15"
        assert page.complaints == []


async def test_only_one_kind_is_shown_when_asked(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page)
        await cards(page, 5)
        await page.frame.get_by_role("button", name="Sound 1", exact=True).click()
        await cards(page, 1)
        thumbnails = [call["arguments"]["targets"] for call in await page.seen("calls")]
        assert [len(targets) for targets in thumbnails] == [4]  # what is known is not asked for again
        pressed = page.frame.locator("#kinds [aria-pressed=true]")
        assert await pressed.inner_text() == "Sound 1"
        assert await pressed.evaluate("(one) => one === document.activeElement")


async def test_names_and_texts_of_files_stay_text(browser: Any, assistant: Any) -> None:
    library = kinds()
    changed: dict[str, Any] = {
        "citation": f"{HOSTILE}#page=7",
        "path": f"/data/{HOSTILE}",
        "title": HOSTILE,
        "snippet": HOSTILE,
    }
    library.answer = Answer(hits=(replace(HITS[0], **changed), *library.answer.hits[1:]), searched=FULL)
    library.looks[PAGE.id] = look(text=HOSTILE, title=HOSTILE, before=HOSTILE, note=HOSTILE, document_notes=(HOSTILE,))
    async with assistant(library) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page, f"{HOSTILE} ((((")
        found = await cards(page, 5)
        await found.nth(0).locator(".face").click()
        await playwright.expect(page.frame.locator(".detail .text")).to_contain_text("<script>alert(2)")
        await page.notify("tool-cancelled", {"reason": HOSTILE})
        await playwright.expect(page.frame.locator("#state")).to_contain_text("<img src=x")
        assert await page.frame.locator("img, script:not(body > script)").count() == 0
        assert "\u202e" not in await page.frame.locator("body").inner_text()
        assert page.complaints == []


async def test_each_state_is_a_sentence(browser: Any, assistant: Any) -> None:
    empty = FakeLibrary(answer=Answer(hits=(), searched=FULL))
    async with assistant(empty) as client, shown(browser, Assistant(client).call) as page:
        state = page.frame.locator("#state")
        await playwright.expect(state).to_have_text("Searching\u2026")
        assert await page.frame.locator(".skeleton").count() == 3
        await shot(page, "waiting")
        await Assistant(client).search(page)
        await playwright.expect(state).to_have_text("Nothing was found in 3 documents.")
        await shot(page, "empty")
        await page.notify("tool-cancelled", {"reason": "by the person"})
        await playwright.expect(state).to_have_text("The search was cancelled: by the person")
        await page.notify("tool-result", {"isError": True, "content": [{"type": "text", "text": "No such folder."}]})
        await playwright.expect(state).to_have_text("No such folder.")
        await shot(page, "error")
        await page.page.evaluate("window.ask('t', 'ui/resource-teardown')")
        await page.page.wait_for_function("window.seen.messages.some((one) => one.id === 't' && one.result)")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_state(browser: Any, assistant: Any, theme: str) -> None:
    library = kinds()
    async with assistant(library) as client, shown(browser, Assistant(client).call, context={"theme": theme}) as page:
        wrong = {"waiting": await axe_violations(page.frame)}
        await Assistant(client).search(page)
        found = await cards(page, 5)
        wrong["hits"] = await axe_violations(page.frame)
        for number, what in enumerate(("page", "recording", "picture", "film", "text")):
            await found.nth(number).locator(".face").click()
            await playwright.expect(page.frame.locator(".detail .facts").first).not_to_have_text("Opening\u2026")
            wrong[what] = await axe_violations(page.frame)
        library.answer = Answer(hits=(), searched=FULL)
        await Assistant(client).search(page)
        wrong["empty"] = await axe_violations(page.frame)
        await page.notify("tool-result", {"isError": True, "content": [{"type": "text", "text": "No such folder."}]})
        await playwright.expect(page.frame.locator("#state.error")).to_be_visible()
        wrong["error"] = await axe_violations(page.frame)
        assert {state: found for state, found in wrong.items() if found} == {}


async def test_without_tools_the_texts_are_there(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call, capabilities={}) as page:
        await Assistant(client).search(page)
        found = await cards(page, 5)
        await playwright.expect(page.frame.locator("#state")).to_contain_text("No pictures can be shown here")
        await found.nth(0).locator(".face").click()
        await playwright.expect(page.frame.locator(".detail .text")).to_contain_text("Revenue by region")
        assert await page.seen("calls") == []
        await shot(page, "no tools")


async def test_where_the_tool_for_pages_is_refused_the_texts_are_there(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client:

        async def refuse(name: str, _: dict[str, Any]) -> dict[str, Any]:
            raise RuntimeError(f"{name}: not allowed")

        async with shown(browser, refuse) as page:
            await Assistant(client).search(page)
            await cards(page, 5)
            await playwright.expect(page.frame.locator("#state")).to_contain_text("No pictures can be shown here")


async def test_a_result_without_its_data_is_asked_for_again(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page, structuredContent=None)
        await cards(page, 5)
        assert (await page.seen("calls"))[0] == {"name": "search_media", "arguments": {"query": QUERY, "limit": 50}}


async def test_fifty_hits_are_shown_in_time_and_the_frame_comes_to_rest(browser: Any, assistant: Any) -> None:
    library = kinds()
    pages = [replace(PAGE, place=Place(page=1 + number)) for number in range(50)]
    library.answer = Answer(
        hits=tuple(hit(page, f"q3.pdf#page={page.place.page}", snippet="Revenue " * 12) for page in pages),
        searched=FULL,
    )
    library.looks = {page.id: look(segment=page, content=pixels(RED, 300, 420)) for page in pages}
    async with assistant(library) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page)
        await cards(page, 6)
        await page.frame.get_by_role("button", name="Show all 50").click()
        found = await cards(page, 50)
        await found.nth(20).locator(".face").click()
        await playwright.expect(page.frame.locator(".detail canvas")).to_be_visible()
        await page.page.wait_for_timeout(500)  # a frame that grows with its page would go on here
        sizes = await page.seen("sizes")
        assert len(sizes) <= 10
        assert sizes[-1] < 8_000
        await page.page.wait_for_timeout(300)
        assert await page.seen("sizes") == sizes
        calls = [call["arguments"] for call in await page.seen("calls")]
        assert max(len(given["targets"]) for given in calls) == 6
        thumbnails = [target for given in calls if given["form"] == "thumbnail" for target in given["targets"]]
        assert len(thumbnails) == len(set(thumbnails)) == 50


@pytest.mark.parametrize("width", [300, 440, 1_400])
async def test_nothing_is_wider_than_the_frame_and_nothing_too_small_to_hit(
    browser: Any, assistant: Any, width: int
) -> None:
    library = kinds()
    name = "averyverylongnamewithoutanyspacesinit" * 4
    library.answer = Answer(
        hits=(hit(PAGE, f"{name}.pdf#page=7", snippet=name), *library.answer.hits[1:]), searched=FULL
    )
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": 900},
        "context": {"theme": "dark"},
        "color_scheme": "dark",
    }
    async with assistant(library) as client, shown(browser, Assistant(client).call, **options) as page:
        await Assistant(client).search(page)
        found = await cards(page, 5)
        await found.nth(0).locator(".face").click()
        await playwright.expect(page.frame.locator(".detail .text")).to_be_visible()
        await shot(page, f"width {width}")
        assert await page.frame.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [await button.bounding_box() for button in await page.frame.locator("button:visible").all()]
        assert min(min(box["width"], box["height"]) for box in boxes if box) >= 24


async def test_from_right_to_left_the_first_card_is_on_the_right_and_texts_keep_their_direction(
    browser: Any, assistant: Any
) -> None:
    library = kinds()
    hebrew = hit(PAGE, "\u05d3\u05d5\u05d7.pdf#page=7", snippet="\u05d4\u05db\u05e0\u05e1\u05d5\u05ea 2025")
    library.answer = Answer(hits=(hebrew, *library.answer.hits[1:]), searched=FULL)
    async with (
        assistant(library) as client,
        shown(browser, Assistant(client).call, context={"locale": "he-IL"}) as page,
    ):
        await Assistant(client).search(page)
        found = await cards(page, 5)
        first, second = [await found.nth(number).bounding_box() for number in (0, 1)]
        assert first and second and first["x"] > second["x"]
        directions = "(one) => getComputedStyle(one).direction"
        assert await found.nth(0).locator(".said").evaluate(directions) == "rtl"
        assert await found.nth(1).locator(".said").evaluate(directions) == "ltr"
        await found.nth(0).locator(".face").focus()
        await page.page.keyboard.press("ArrowLeft")
        assert await found.nth(1).locator(".face").evaluate("(one) => one === document.activeElement")
        await shot(page, "right to left")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_texts_stand_out_from_their_ground(browser: Any, assistant: Any, theme: str) -> None:
    context = {"theme": theme}
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call, context=context) as page:
        await Assistant(client).search(page)
        await cards(page, 5)
        contrasts = await page.frame.evaluate(CONTRASTS)
        await shot(page, theme)
        assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => rgb(colour).map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (one) => {
    while (one && getComputedStyle(one).backgroundColor === "rgba(0, 0, 0, 0)") one = one.parentElement;
    return getComputedStyle(one).backgroundColor;
  };
  const found = {};
  for (const name of ["h1", "#count", ".cite b", ".where span", ".said", "mark", ".match.strong", "#kinds button",
    "#kinds [aria-pressed=true]", ".words"]) {
    const one = document.querySelector(name);
    const [front, back] = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => b - a);
    found[name] = (front + 0.05) / (back + 0.05);
  }
  return found;
}"""


async def test_the_person_asks_about_a_place_by_its_citation_alone(browser: Any, assistant: Any) -> None:
    async with assistant(kinds()) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page)
        found = await cards(page, 5)
        await found.nth(0).locator(".face").click()
        await page.frame.get_by_role("button", name="Ask about it").click()
        await playwright.expect(page.frame.locator("#told")).to_have_text("Sent to the assistant")
        told = {"type": "text", "text": f"Look at q3.pdf#page=7 (id {PAGE.id})."}
        assert await page.seen("said") == [{"role": "user", "content": [told]}]


async def test_a_second_result_takes_the_place_of_the_first(browser: Any, assistant: Any) -> None:
    library = kinds()
    async with assistant(library) as client, shown(browser, Assistant(client).call) as page:
        await Assistant(client).search(page)
        await cards(page, 5)
        library.answer = Answer(hits=HITS[:1], searched=FULL)
        await Assistant(client).search(page, "umbrella")
        await cards(page, 1)
        assert await page.frame.locator("#query").inner_text() == "\u201cumbrella\u201d"
