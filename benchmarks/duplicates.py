"""Measures how many planted near-duplicates are collapsed, and how many pairs that only look alike.

    python -m benchmarks.duplicates DATA [--keep FOLDER] [--each N] [--half 0|1]

DATA holds one folder per set, with `files/`. A library is made of some of its files, of duplicates planted beside them
(pages and pictures saved anew, turned, cropped, of a burst; recordings and films encoded anew; passages copied, quoted
and kept as PDF and DOCX) and of pairs that must not collapse (one form with other numbers, one template with other
words). Each pair is searched for, and counts where both are found. With `--half` only every other file of a set is
taken, even or odd: rules are made on one half and judged on the other. Prints a Markdown table by kind: how
many pairs were found and collapsed; then how many of all collapsed hits are no duplicates.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pypdfium2  # type: ignore[import-untyped]
from PIL import Image

from mcp_mmretrieval.library import Library
from tests.support import planted_duplicates as planted
from tests.support.planted_duplicates import PlantedPair


def pairs(data: Path, folder: Path, each: int, half: int | None) -> Iterator[PlantedPair]:
    """All that is planted, written into the folder."""
    chance = random.Random(half or 0)
    taken = slice(half, None, 1 if half is None else 2)
    reports = sorted((data / "mmlongbench_doc" / "files").glob("*.pdf"))[taken]
    pages = [page for report in reports for page in planted.pages_of(report, 1)][: max(4, each // 2)]
    yield from planted.scans(folder, pages, planted.saved_anew, planted.turned, planted.cropped)
    charts = sorted((data / "multichartqa" / "files").glob("*.png"))[taken][: max(4, each // 2)]
    drawings = [planted.opened(path) for path in large_pictures(data / "tuxpaint-stamps-default" / "files")[taken]]
    chart_pictures = [planted.opened(path) for path in charts]
    yield from planted.pictures_saved_anew(folder, "chart", chart_pictures, planted.saved_anew, planted.cropped)
    photos = drawings[: 2 * each]
    changes = planted.saved_anew, planted.turned, planted.cropped, planted.burst
    yield from planted.pictures_saved_anew(folder, "photo", photos, *changes)
    yield from planted.forms(folder, chance, each)
    sounds = sorted((data / "speech_to_intent" / "files").glob("*.wav"))[taken]
    yield from planted.recordings_saved_anew(folder, sounds[:each])
    yield from planted.films_saved_anew(folder, drawings, sounds[each : each + max(4, each // 2)])
    yield from planted.lectures(folder, chance, max(4, each // 2))
    passages = [text for report in reports for text in passages_of(report)][:each]
    yield from planted.copied_passages(folder, passages)
    yield from planted.altered_passages(folder, chance, each)


def large_pictures(folder: Path) -> list[Path]:
    """Those in which a crop shows."""
    found = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as picture:
            if min(picture.size) >= 120:
                found.append(path)
    return found


def passages_of(report: Path) -> list[str]:
    """A passage of some hundred words of each report, as its text layer has it."""
    document = pypdfium2.PdfDocument(report)
    texts = ["".join(filter(_is_written, page.get_textpage().get_text_bounded())) for page in document]
    return [" ".join(text.split()[20:150]) for text in texts[4:] if len(text.split()) > 250][:3]


def _is_written(letter: str) -> bool:
    """No control character: text layers have some, and DOCX takes none."""
    return letter.isprintable() or letter in "\r\n\t"


def judged(library: Library, folder: Path, planned: list[PlantedPair], limit: int) -> None:
    groups = families(planned)
    counts: dict[tuple[bool, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    collapsed, wrong, taken = 0, set[tuple[str, str]](), []
    seen: dict[str, list[set[str]]] = {}
    for pair in planned:
        asked = pair.query or f"like {pair.one}"
        if asked not in seen:
            began = time.perf_counter()
            answer = library.search(pair.query, limit=limit, like=None if pair.query else str(pair.one))
            taken.append(time.perf_counter() - began)
            seen[asked] = [{name(one) for one in (hit.citation, *hit.duplicates)} for hit in answer.hits]
            for hit in answer.hits:
                collapsed += len(hit.duplicates)
                top = name(hit.citation)
                wrong |= {
                    (top, name(one))
                    for one in hit.duplicates
                    if groups.get(name(one), name(one)) != groups.get(top, top)
                }
        hits = seen[asked]
        row = counts[pair.same, pair.kind]
        row[0] += 1
        found = {one for hit in hits for one in hit}
        if {pair.one.name, pair.other.name} <= found:
            row[1] += 1
            together = any({pair.one.name, pair.other.name} <= hit for hit in hits)
            row[2] += together
            if together != pair.same:
                sys.stderr.write(f"{pair}\n")
    print("| planted | pairs | both found | collapsed |\n|---|---|---|---|")
    for (same, kind), (planted_, found_, together_) in sorted(
        counts.items(), key=lambda item: (not item[0][0], item[0][1])
    ):
        print(f"| {'' if same else 'not the same: '}{kind} | {planted_} | {found_} | {together_} |")
    for same, what in ((True, "near-duplicates"), (False, "others")):
        rows = [row for (one, _), row in counts.items() if one == same]
        print(f"{what}: {sum(row[2] for row in rows)} of {sum(row[1] for row in rows)} pairs collapsed")
    print(f"of {collapsed} collapsed hits in all answers, pairs of files that are no duplicates: {len(wrong)}")
    sys.stderr.write(f"{sorted(wrong)}\n")
    print(f"a search took {1000 * sorted(taken)[len(taken) // 2]:.0f} ms (median)")


def name(citation: str) -> str:
    """The name of a citation's file."""
    return unquote(citation.partition("#")[0]).rpartition("/")[2]


def families(planned: list[PlantedPair]) -> dict[str, str]:
    """By the name of a file one name for all that say the same: a passage, its copy and the mail that quotes it."""
    found: dict[str, str] = {}
    for pair in planned:
        if pair.same:
            said = pair.query or pair.one.name
            found |= {pair.one.name: said, pair.other.name: said}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--keep", type=Path, help="folder of the files and the library, kept; default: a new one")
    parser.add_argument("--each", type=int, default=12, help="files of a kind, about")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every other file of a set")
    parser.add_argument("--limit", type=int, default=10, help="hits of a search")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = (arguments.keep or Path(scratch)).resolve()
        files = place / "files"
        files.mkdir(parents=True, exist_ok=True)
        planned = list(pairs(arguments.data, files, arguments.each, arguments.half))
        with Library.open(place / "library", roots=[files]) as library:
            outcome = library.add([str(files)]).wait()
            assert outcome.state == "done", outcome
            while not library.ready or not library.settle(1.0):
                time.sleep(0.1)
            judged(library, files, planned, arguments.limit)


if __name__ == "__main__":
    main()
