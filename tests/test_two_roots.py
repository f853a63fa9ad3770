"""Two assistants with different folders share one library, and neither ever sees a file of the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.engines import Front, ToolFailed, ended_engine
from tests.support.files import RED, picture

SECRET = "crimsonpassphrase"


@dataclass
class House:
    """What the one has and what the other tries with."""

    anna: Front
    ben: Front
    private: Path
    own: Path
    hit: dict[str, Any]
    job: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    private, own, library = folder / "anna", folder / "ben", folder / "library"
    (private / "inner").mkdir(parents=True)
    own.mkdir()
    (private / "diary.txt").write_text(f"red red {SECRET}\n")
    (private / "inner" / "letter.md").write_text(f"# {SECRET} letter\n\nred\n")
    picture(private / "red.png", RED)
    (own / "shopping.txt").write_text("blue blue milk\n")
    (own / "link.txt").symlink_to(private / "diary.txt")
    (own / "folder").symlink_to(private)
    with (
        ended_engine(library),
        Front(library, private, MMRETRIEVAL_ENGINE_IDLE_S="30") as anna,
        Front(library, own) as ben,
    ):
        added = anna.call("add_documents")
        assert added["added"] == 3
        ben.call("add_documents")
        hit = next(hit for hit in anna.call("search_media", query=SECRET)["hits"] if hit["path"].endswith("diary.txt"))
        yield House(anna, ben, private, own, hit, added["job"])


def _ways(private: str, own: str, hit: dict[str, Any], job: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every way to name what is not one's own, for every tool that takes a name."""
    diary = f"{private}/diary.txt"
    named = {
        "by path": diary,
        "by id": hit["id"],
        "by document id": hit["id"].split("#")[0],
        "by citation": hit["citation"],
        "by citation with its folder": f"anna/{hit['citation']}",
        "up and over": "../anna/diary.txt",
        "up and over, absolute": f"{own}/../anna/diary.txt",
        "through a link": f"{own}/link.txt",
        "through a linked folder": f"{own}/folder/diary.txt",
        "percent-encoded": "..%2Fanna%2Fdiary.txt",
        "as a URL": f"file://{diary}",
    }
    ways: dict[str, tuple[str, dict[str, Any]]] = {}
    for how, name in named.items():
        ways[f"open {how}"] = ("open_media", {"targets": [name]})
        ways[f"find like {how}"] = ("search_media", {"like": name})
        ways[f"rerank {how}"] = ("rerank", {"query": SECRET, "candidates": [name]})
        ways[f"remove {how}"] = ("remove_documents", {"targets": [name]})
        ways[f"add {how}"] = ("add_documents", {"paths": [name]})
        ways[f"search in {how}"] = ("search_media", {"query": SECRET, "document": name})
        ways[f"list under {how}"] = ("list_documents", {"under": name})
    for what, under in {
        "folder": private,
        "inner folder": f"{private}/inner",
        "parent": str(Path(private).parent),
    }.items():
        ways[f"search under the {what}"] = ("search_media", {"query": SECRET, "under": under})
        ways[f"list the {what}"] = ("list_documents", {"under": under})
        ways[f"remove the {what}"] = ("remove_documents", {"targets": [under]})
        ways[f"add the {what}"] = ("add_documents", {"paths": [under]})
    ways["search by words"] = ("search_media", {"query": SECRET})
    ways["search by meaning"] = ("search_media", {"query": "red"})
    ways["search and rerank"] = ("search_media", {"query": f"red {SECRET}", "rerank": True, "limit": 50})
    ways["search pictures"] = ("search_media", {"query": "red", "modality": ["image"]})
    ways["list everything"] = ("list_documents", {})
    ways["add by a glob"] = ("add_documents", {"paths": [f"{private}/*.txt", "../anna/**"]})
    ways["add everything"] = ("add_documents", {})
    ways["ask for the other's job"] = ("status", {"job": job})
    ways["ask for the state"] = ("status", {})
    return ways


WAYS = _ways("PRIVATE", "OWN", {"id": "ID#char=0,1", "citation": "CITATION"}, "JOB")


def test_there_are_more_than_forty_ways_to_try() -> None:
    assert len(WAYS) > 40


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_a_file_of_the_other(house: House, way: str) -> None:
    tool, arguments = _ways(str(house.private), str(house.own), house.hit, house.job)[way]
    try:
        answer = house.ben.call(tool, **arguments)
    except ToolFailed as error:
        told = str(error)
    else:
        told = json.dumps(answer)
        assert not answer.get("files"), "something was taken out"
        listed = answer["documents"] if tool == "list_documents" else answer.get("hits", ())
        assert all(one["path"].startswith(str(house.own)) for one in listed)
        assert answer.get("added", 0) == 0
    for value in arguments.values():
        for name in value if isinstance(value, list) else [value]:
            told = told.replace(str(name), "what was asked for")  # an error may repeat its own argument
    for word in str(arguments.get("query", "")).split():
        told = told.replace(word, "a word of the question")  # a note says that it occurs nowhere
    for secret in (SECRET, "diary", "letter", "red.png"):
        assert secret not in told


def test_after_all_that_the_other_still_has_everything(house: House) -> None:
    assert {Path(document["path"]).name for document in house.anna.call("list_documents")["documents"]} == {
        "diary.txt",
        "letter.md",
        "red.png",
    }
    assert house.anna.paths(SECRET)[0] in ("diary.txt", "letter.md")


def test_the_same_bytes_in_both_folders_are_each_ones_own(house: House) -> None:
    (house.own / "copy.txt").write_bytes((house.private / "diary.txt").read_bytes())
    house.ben.call("add_documents")
    hits = house.ben.call("search_media", query=SECRET)["hits"]
    assert hits[0]["path"] == str(house.own / "copy.txt")
    assert all(hit["path"].startswith(str(house.own)) for hit in hits)
    removed = house.ben.call("remove_documents", targets=[hits[0]["id"]])
    assert removed["files"] == 1
    assert house.anna.paths(SECRET)
