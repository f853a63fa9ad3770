"""How many small real-world cases give their right value, through the product over stdio, and which do not.

    python benchmarks/cases.py FOLDER ... [--all]

A FOLDER holds `files/` and `cases.jsonl`, a case a line: {"file", "query", "expect", "why"}. What is expected is
{"path", "page"?, "rank"?} of a search, or, of an opened place ("open": true), {"text_contains", "text_contains_any",
"text_lacks", "text_in_order", "passages_at_most", "heading_of_each_passage"}; or words, of which `10..14` are seconds
that the hit has to meet, `cited seconds hold 10..14` seconds that it has to hold, `no hit` says that the file must not
come first, and `after x is deleted` that x goes, and everything is added again, before it is asked. What only an eye
can judge, such as a picture's colours, is listed as `look`. Prints a table; exits with 1 where a case is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from mcp import StdioServerParameters
from mcp.client import Client

DEPTH = 8
PATIENCE = 900
SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:\.\.|,)\s*(\d+(?:\.\d+)?)")
SLACK = 0.5
DELETED = re.compile(r"after (\S+) is deleted")

Verdict = Literal["right", "wrong", "look"]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it."""

    case: Answer
    verdict: Verdict
    seen: str


class Product:
    """One client of the product over the files of one folder."""

    def __init__(self, client: Client, files: Path) -> None:
        self._client = client
        self._files = files

    async def add(self) -> None:
        """Everything, until it has its vectors too."""
        while (await self._call("add_documents")).get("state") == "running":
            pass
        for _ in range(PATIENCE):
            health = await self._call("status")
            if health.get("models_state") == "ready" and not health.get("pending_vectors"):
                return
            await asyncio.sleep(1)
        raise TimeoutError("The library did not settle.")

    async def judge(self, case: Answer) -> Judged:
        """Ask, or open, and compare."""
        if case.get("open"):
            return await self._opened(case)
        query = case["query"].strip()
        if not query or query.startswith("("):
            return Judged(case, "look", "")
        if isinstance(case["expect"], str) and (deleted := DELETED.search(case["expect"])):
            (self._files / deleted[1]).unlink()
            await self.add()
        answer = await self._call("search_media", query=query, limit=DEPTH)
        hits = answer.get("hits", [])
        first = ", ".join(hit["citation"] for hit in hits[:2])
        return Judged(case, "right" if is_right(case, hits) else "wrong", first)

    async def _opened(self, case: Answer) -> Judged:
        want = case["expect"]
        listed = await self._call("list_documents", under=want["path"])
        document: Answer = next(iter(listed.get("documents", [])), {})
        citation = document.get("citation", want["path"])
        page = f"#page={want['page']}" if "page" in want and document.get("pages") else ""
        text = await self._text(f"{citation}{page}")
        places = document.get("segments", 0)
        checks: dict[str, bool] = {
            "text_contains": want.get("text_contains", "") in text,
            "text_contains_any": any(each in text for each in want.get("text_contains_any", [""])),
            "text_lacks": "text_lacks" not in want or want["text_lacks"] not in text,
            "text_in_order": in_order(text, want.get("text_in_order", [])),
            "passages_at_most": places <= want.get("passages_at_most", places),
            "heading_of_each_passage": want.get("heading_of_each_passage", "") in text,
        }
        asked = [name for name in checks if name in want]
        wrong = [name for name in asked if not checks[name]]
        return Judged(case, "wrong" if wrong else "right" if asked else "look", ", ".join(wrong))

    async def _text(self, target: str) -> str:
        answer = await self._client.call_tool("open_media", {"targets": [target]})
        return "\n".join(block.text for block in answer.content if block.type == "text")

    async def _call(self, tool: str, **arguments: Any) -> Answer:
        answer = await self._client.call_tool(tool, arguments)
        return answer.structured_content or {}


def is_right(case: Answer, hits: list[Answer]) -> bool:
    """Whether the file that is wanted stands where it should, with the page or the seconds that are wanted."""
    want = case["expect"]
    told = want if isinstance(want, str) else ""
    place = want if isinstance(want, dict) else {}
    path = PurePath(str(place.get("path", case["file"]))).name
    if "no hit" in told:
        return not hits or PurePath(hits[0]["path"]).name != path
    return any(
        PurePath(hit["path"]).name == path and _right_page(hit, place) and _right_seconds(hit, told)
        for hit in hits[: place.get("rank", 1)]
    )


def _right_page(hit: Answer, place: Answer) -> bool:
    return "page" not in place or hit.get("page") in (None, place["page"])


def _right_seconds(hit: Answer, told: str) -> bool:
    wanted = SECONDS.search(told)
    if wanted is None or "start" not in hit:
        return True
    start, end = float(wanted[1]), float(wanted[2])
    if "cited seconds hold" in told and not (hit["start"] <= start + SLACK and hit["end"] >= end - SLACK):
        return False
    return bool(hit["start"] < end and hit["end"] > start)


def in_order(text: str, lines: list[str]) -> bool:
    """Whether all lines stand in the text, one behind the other."""
    at = 0
    for line in lines:
        found = text.find(line, at)
        if found < 0:
            return False
        at = found + len(line)
    return True


async def run(folder: Path) -> list[Judged]:
    """All cases of one folder, in a library of their own."""
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "files"
        shutil.copytree(folder / "files", files)
        env = {
            "MMRETRIEVAL_LIBRARY": str(Path(scratch) / "library"),
            "HF_HUB_OFFLINE": "1",
            "PATH": os.environ.get("PATH", ""),
            "HOME": scratch,
        }
        command = Path(sys.executable).parent / "mcp-mmretrieval"
        server = StdioServerParameters(command=str(command), args=["serve", "--root", str(files), "--solo"], env=env)
        async with Client(server) as client:
            product = Product(client, files)
            await product.add()
            cases = (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()
            return [await product.judge(json.loads(line)) for line in cases if line.strip()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--all", action="store_true", help="print the right ones too")
    arguments = parser.parse_args()
    verdicts: Counter[Verdict] = Counter()
    print("| verdict | file | query | seen | why |")
    print("|---|---|---|---|---|")
    for folder in arguments.folders:
        for one in asyncio.run(run(folder)):
            verdicts[one.verdict] += 1
            if arguments.all or one.verdict != "right":
                query = one.case["query"][:60].replace("|", "/")
                print(f"| {one.verdict} | {one.case['file']} | {query} | {one.seen} | {one.case['why'][:80]} |")
    judged = verdicts["right"] + verdicts["wrong"]
    print(f"\n{verdicts['right']} of {judged} right; {verdicts['look']} to be looked at.")
    return int(verdicts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
