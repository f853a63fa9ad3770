"""Measures how many quotations are judged right: true ones, ones with another number, ones of another document.

    python -m benchmarks.quotes DATA [--set NAME] [--library FOLDER] [--each 100 50 50]

DATA holds one folder per set, with `files/`. The quotations are drawn from what the library read of these files, at
random but the same each time, and written with other blanks, capitals, hyphens and ligatures. Prints a Markdown table
of verdicts by set, the share that is right, and milliseconds of the processor for each.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mcp_mmretrieval.library import Library
from tests.support.quotes import TruePlace, Truth, quotations

TRUTHS: tuple[Truth, ...] = ("true", "altered", "other")


def places(library: Library, folder: Path) -> list[TruePlace]:
    """Each place of the documents under a folder that has words."""
    listed, _ = library.documents(library.filters(under=str(folder)), limit=100_000)
    found = []
    for document in listed:
        target = library._targets.find(document.id)
        file = library._targets.visible_file(library._catalog.files_of_one(target.document.id))
        found += [
            TruePlace(document.citation, library._targets.citation(file, stored.segment), stored.segment.text)
            for stored in target.segments
            if stored.segment.text.strip()
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--set", action="append", help="only this one; repeatable")
    parser.add_argument("--library", type=Path, help="kept between runs; default: a new one")
    parser.add_argument("--each", type=int, nargs=3, default=(100, 50, 50), metavar="N", help="true, altered, other")
    arguments = parser.parse_args()
    sets = [
        path
        for path in sorted(arguments.data.glob("*/files"))
        if path.parent.name in (arguments.set or [path.parent.name])
    ]
    with (
        tempfile.TemporaryDirectory() as scratch,
        Library.open(arguments.library or Path(scratch) / "library", roots=sets) as library,
    ):
        print("| set | quotations | true | another number | another document | right | ms |")
        print("|---|---|---|---|---|---|---|")
        for folder in sets:
            outcome = library.add([str(folder)]).wait()
            assert outcome.state == "done", outcome
            print(row(library, folder, dict(zip(TRUTHS, arguments.each, strict=True))), flush=True)


def row(library: Library, folder: Path, counts: dict[Truth, int]) -> str:
    there = places(library, folder)
    random.Random(0).shuffle(there)
    try:
        asked = quotations(random.Random(0), there, counts)
    except ValueError as error:
        return f"| {folder.parent.name} | {error} |"
    began, right = time.process_time(), Counter[str]()
    for one in asked:
        check = library.check_quote(one.target, one.quote)
        right[one.truth] += one.judged_right(check)
        if not one.judged_right(check):
            sys.stderr.write(f"{one}\n  {check}\n")
    taken = (time.process_time() - began) / len(asked) * 1000
    cells = [f"{right[truth]} of {counts[truth]}" for truth in TRUTHS]
    share = right.total() / len(asked)
    return f"| {folder.parent.name} | {len(asked)} | {' | '.join(cells)} | {share:.3f} | {taken:.0f} |"


if __name__ == "__main__":
    main()
