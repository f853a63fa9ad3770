from typing import Any

import pytest

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.server.tools.arguments import is_blank, plain_path, without_unknown
from tests.server.conftest import Connect, data_of, text_of
from tests.support.library import FakeLibrary

pytestmark = pytest.mark.anyio

FILTERS = ["modality", "under", "after", "before", "document"]
SEARCH = ["query", "like", "avoid", "limit", *FILTERS, "rerank", "deadline_ms"]
BLANKS: list[Any] = [None, "", "  ", [], [""], "null", "None", "[]", {}, [None], "undefined"]


@pytest.mark.parametrize("blank", BLANKS)
async def test_a_blank_optional_argument_is_as_good_as_none(connect: Connect, library: FakeLibrary, blank: Any) -> None:
    async with connect() as client:
        plain = data_of(await client.call_tool("search_media", {"query": "boiler"}))
        asked = library.asked
        given = dict.fromkeys(SEARCH[1:], blank)
        assert data_of(await client.call_tool("search_media", {"query": "boiler", **given})) == plain
        assert library.asked == asked
        for tool, names in {
            "list_documents": ["under", "modality", "limit", "offset", "order", "after", "before"],
            "add_documents": ["paths", "text", "title", "dry_run"],
            "status": ["job"],
        }.items():
            answer = await client.call_tool(tool, dict.fromkeys(names, blank))
            if tool == "add_documents" and blank == "  ":
                continue
            assert data_of(answer)
        ranked = {"query": "a", "texts": ["x"], "candidates": blank, "limit": blank, "deadline_ms": blank}
        data_of(await client.call_tool("rerank", ranked))


async def test_zero_is_no_limit_and_no_deadline(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        for zero in (0, "0", 0.0):
            given = {"query": "boiler", "limit": zero, "deadline_ms": zero, "modality": [""], "under": 0, "document": 0}
            data_of(await client.call_tool("search_media", given))
            assert library.asked["limit"] == 8
            assert library.asked["filters"].under is None
            data_of(
                await client.call_tool("rerank", {"query": "a", "texts": ["x"], "limit": zero, "deadline_ms": zero})
            )
            data_of(await client.call_tool("list_documents", {"limit": zero, "offset": zero}))


async def test_blank_paths_beside_a_text_and_a_blank_text_beside_paths_are_none(
    connect: Connect, library: FakeLibrary
) -> None:
    async with connect() as client:
        data_of(await client.call_tool("add_documents", {"text": "A note.", "paths": "", "title": "null"}))
        assert library.added == [[], "A note.", None]
        data_of(await client.call_tool("add_documents", {"text": "null", "paths": ["a.pdf"]}))
        assert library.added == [["a.pdf"], None, None]
        data_of(await client.call_tool("add_documents", {"text": "null"}))
        assert library.added == [[], "null", None]


async def test_the_word_null_is_searched_for_unless_an_example_is_given(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        data_of(await client.call_tool("search_media", {"query": "null"}))
        assert library.asked["query"] == "null"
        data_of(await client.call_tool("search_media", {"query": "null", "like": "a.png"}))
        assert library.asked["query"] == ""
        data_of(await client.call_tool("search_media", {"query": 2024}))
        assert library.asked["query"] == "2024"
        data_of(await client.call_tool("search_media", {"query": ["red", "boiler"]}))
        assert library.asked["query"] == "red boiler"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pdf", ("page",)),
        ("PDFs", ("page",)),
        (["photo"], ("image",)),
        ("pictures", ("image",)),
        ("PDFs and images", ("page", "image")),
        ("pictures; sound/film", ("image", "audio", "video")),
        ("chart", ("image",)),
        ("film", ("video",)),
        ("movies", ("video",)),
        ("recording", ("audio",)),
        ("note", ("text",)),
        ("documents", ("text", "page")),
        ("audio,video", ("audio", "video")),
        ("audio, video", ("audio", "video")),
        (["audio, video", "page"], ("audio", "video", "page")),
        ('["audio", "image"]', ("audio", "image")),
        ("['audio', 'image']", ("audio", "image")),
        ("all", ()),
        ("null", ()),
        ([None, "page"], ("page",)),
    ],
)
async def test_a_modality_goes_by_any_usual_word(
    connect: Connect, library: FakeLibrary, written: Any, meant: tuple[str, ...]
) -> None:
    async with connect() as client:
        data_of(await client.call_tool("search_media", {"query": "a", "modality": written}))
    assert library.asked["filters"].modality == meant


async def test_another_word_for_a_modality_is_refused_with_what_there_is(connect: Connect) -> None:
    async with connect() as client:
        near = await client.call_tool("list_documents", {"modality": "pictrue"})
    assert text_of(near).startswith("modality: 'pictrue' is no modality; did you mean picture? Else text, page, image")


@pytest.mark.parametrize(
    "written",
    [
        ["a b.pdf"],
        " a b.pdf\n",
        '"a b.pdf"',
        "'a b.pdf'",
        "`a b.pdf`",
        "['a b.pdf']",
        '["a b.pdf"]',
        ["['a b.pdf']"],
        [" 'a b.pdf' ", "", "null", None],
        [{"id": "x", "citation": "a b.pdf"}],
        "<a b.pdf>",
        ("a b.pdf",),
    ],
)
async def test_paths_come_without_what_is_wrapped_around_them(
    connect: Connect, library: FakeLibrary, written: Any
) -> None:
    async with connect() as client:
        data_of(await client.call_tool("remove_documents", {"targets": written, "dry_run": True}))
        assert library.removed == ["a b.pdf"]
        ranked = data_of(await client.call_tool("rerank", {"query": "a", "candidates": written}))
        assert [one["candidate"] for one in ranked["results"]] == ["a b.pdf"]
        data_of(await client.call_tool("add_documents", {"paths": written}))
        assert library.added[0] == ["a b.pdf"]


async def test_a_line_each_is_a_list_and_brackets_may_belong_to_a_name(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        data_of(await client.call_tool("remove_documents", {"targets": "a.pdf\n'b.pdf'\n"}))
        assert library.removed == ["a.pdf", "b.pdf"]
        ids = ["3f9a0c12d4e5#t=1.0,2.0", "abababababab", "cdcdcdcdcdcd#page=3"]
        data_of(await client.call_tool("remove_documents", {"targets": ", ".join(ids)}))
        assert library.removed == ids
        for name in ("Smith, John.pdf", "Photos 202411031230"):
            data_of(await client.call_tool("remove_documents", {"targets": name}))
            assert library.removed == [name]
        data_of(await client.call_tool("remove_documents", {"targets": "[draft]"}))
        assert library.removed == ["[draft]"]
        nothing = await client.call_tool("remove_documents", {"targets": [""]})
        assert text_of(nothing).startswith("targets: ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("qurey", "query"),
        ("queries", "query"),
        ("modalities", "modality"),
        ("limt", "limit"),
        ("doc", "document"),
        ("document_id", "document"),
        ("deadlineMs", "deadline_ms"),
        ("utnil", ""),
        ("user_id", ""),
        ("metadata", ""),
        ("comment", ""),
        ("timeout", ""),
    ],
)
def test_a_misspelt_argument_is_told_from_a_strange_one(name: str, meant: str) -> None:
    if meant:
        with pytest.raises(BadArgument, match=f"did you mean {meant}"):
            without_unknown("search_media", {name: 1}, SEARCH)
    else:
        assert without_unknown("search_media", {name: 1}, SEARCH)[1].startswith(f"Ignored {name}:")


def test_a_wish_for_a_trial_run_is_never_ignored() -> None:
    with pytest.raises(BadArgument, match="preview: unknown argument; did you mean dry_run"):
        without_unknown("remove_documents", {"targets": ["a"], "preview": True}, ["targets", "dry_run"])


def test_a_name_that_is_ignored_is_shown_on_one_line_and_at_most_five_are() -> None:
    strange = {f"xz{number}\n\x1b[2J": number for number in range(9)}
    note = without_unknown("status", strange, ["job"])[1]
    assert note == "Ignored xz0, xz1, xz2, xz3, xz4 and 4 more: status has no such argument."


def test_words_are_not_blank_and_quotes_within_a_path_stay() -> None:
    assert not is_blank("nullable")
    assert not is_blank(["", "a"])
    assert plain_path("it's.pdf") == "it's.pdf"
    assert plain_path("'") == "'"


DATA = "data:image/png;base64,AAAA,BBBB"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("a.png", ["a.png"]),
        (["a.png", "'b.png'", "", None], ["a.png", "b.png"]),
        ('["a.png", "b.png"]', ["a.png", "b.png"]),
        ("3f9a0c12d4e5#page=7, 3f9a0c12d4e5#page=8", ["3f9a0c12d4e5#page=7", "3f9a0c12d4e5#page=8"]),
        ({"id": "3f9a0c12d4e5", "score": 0.5}, ["3f9a0c12d4e5"]),
        ([{"citation": "q3.pdf#page=7"}, {"text": "red wine, white wine"}], ["q3.pdf#page=7", "red wine, white wine"]),
        (f" {DATA[:30]}\n{DATA[30:]}\n", [f"{DATA[:30]}\n{DATA[30:]}"]),
        ([DATA, 2019], [DATA, "2019"]),
        (2019, ["2019"]),
        ([], ()),
        ("null", ()),
        ([None], ()),
    ],
)
@pytest.mark.parametrize("name", ["like", "avoid"])
async def test_examples_are_taken_as_one_as_several_or_written_out(
    connect: Connect, library: FakeLibrary, name: str, given: Any, meant: Any
) -> None:
    async with connect() as client:
        data_of(await client.call_tool("search_media", {"query": "boiler", name: given}))
    assert list(library.asked[name]) == list(meant)


async def test_an_object_that_names_nothing_is_no_example(connect: Connect) -> None:
    async with connect() as client:
        refused = await client.call_tool("search_media", {"query": "boiler", "avoid": [{"score": 0.5}]})
    assert refused.is_error
    assert "avoid: each must be a text: a path, a hit's id or citation, or words." in text_of(refused)


@pytest.mark.parametrize("name", ["not", "exclude", "without", "unlike", "not_like", "negative"])
async def test_what_else_avoid_may_be_called_is_never_ignored(connect: Connect, name: str) -> None:
    async with connect() as client:
        refused = await client.call_tool("search_media", {"query": "boiler", name: "red"})
    assert refused.is_error
    assert f"{name}: unknown argument; did you mean avoid?" in text_of(refused)
