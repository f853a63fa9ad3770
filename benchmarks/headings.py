"""Measures what the headings over a passage are worth: known passages are asked for by what their headings say.

    python benchmarks/headings.py [--library FOLDER] [--questions 300]

The texts are the descriptions of the Python packages that are installed here, those written in Markdown, in turn as
Markdown, HTML and DOCX. A question is the nearest heading over a passage and those words of its first sentence that
many descriptions have, so that no rare word finds it. Group `beneath`: no word of the heading stands in the passage;
`begun`: it begins with its heading. Prints nDCG@10 and hit@1 by the meaning of texts alone and by all lanes.
"""

import argparse
import html
import math
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import docx

from mcp_mmretrieval.bench.evaluation.markdown import format_interval
from mcp_mmretrieval.bench.evaluation.measures import DEPTH, bootstrap_interval
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import Lane, Segment

MEASURED_LANES: dict[str, tuple[Lane, ...] | None] = {
    "text vectors": ("text",),
    "words": ("words",),
    "all": None,
}
MANY = 12
"""Descriptions that have a word which is not rare."""
FEWEST_WORDS = 4
"""Words of a first sentence that are left, at least."""
MOST_WORDS = 12
_WORD = re.compile(r"[^\W\d_]{2,}")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")


@dataclass(frozen=True, slots=True)
class KnownPassage:
    query: str
    group: str
    segment: str


def interval(values: Sequence[float]) -> str:
    return format_interval(bootstrap_interval(values))


def discounted(gains: Sequence[float]) -> float:
    """nDCG of one right answer."""
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def descriptions() -> Iterator[tuple[str, str]]:
    """Name and Markdown of the packages that are installed here, each once."""
    found = {}
    for package in metadata.distributions():
        about = package.metadata
        body = about.get_payload() if hasattr(about, "get_payload") else ""
        if "markdown" in (about["Description-Content-Type"] or "") and isinstance(body, str) and body.count("\n#") > 1:
            found[about["Name"]] = body
    yield from sorted(found.items())


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Headings with their level, and paragraphs with level 0."""
    paragraph: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if (heading or not line.strip()) and paragraph:
            yield 0, "\n".join(paragraph)
            paragraph = []
        if heading:
            yield len(heading[1]), heading[2]
        elif line.strip():
            paragraph.append(line)


def write(folder: Path) -> int:
    """The texts, in turn in three formats; how many."""
    count = 0
    for count, (name, text) in enumerate(descriptions(), 1):
        if count % 3 == 1:
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
        elif count % 3 == 2:
            tags = "".join(f"<{tag}>{html.escape(said)}</{tag}>\n" for tag, said in map(_tagged, lines_of(text)))
            page = f"<html><head><title>{html.escape(name)}</title></head><body>{tags}</body></html>"
            (folder / f"{name}.html").write_text(page, encoding="utf-8")
        else:
            document = docx.Document()
            for level, said in lines_of(text):
                said = re.sub(r"[\x00-\x08\x0b-\x1f]", "", said)
                document.add_heading(said, level) if level else document.add_paragraph(said)
            document.save(str(folder / f"{name}.docx"))
    return count


def _tagged(line: tuple[int, str]) -> tuple[str, str]:
    level, said = line
    return (f"h{level}" if level else "p"), said


def known_passages(library: Library, most: int) -> list[KnownPassage]:
    """Passages and what they are asked for by, of each group half as many as are wanted, by chance."""
    catalog = library._catalog
    passages = [
        stored.segment
        for document in catalog.documents_starting("")
        for stored in catalog.segments_of(document)
        if stored.segment.modality == "text"
    ]
    frequency = Counter(word for _, text in _texts(passages) for word in set(words(text)))
    asked: dict[str, list[KnownPassage]] = defaultdict(list)
    for passage in passages:
        heading = passage.heading.split(" > ")[-1]
        named = set(words(heading))
        body = passage.text.removeprefix("#" * 6).lstrip("# \n")
        begins = body.startswith(heading) and bool(heading)
        sentence = re.split(r"(?<=[.:!?])\s", body.removeprefix(heading).strip(), maxsplit=1)[0]
        common = [word for word in words(sentence) if frequency[word] >= MANY][:MOST_WORDS]
        group = "begun" if begins else "" if named & set(words(passage.text)) else "beneath"
        if named and group and len(common) >= FEWEST_WORDS:
            asked[group].append(KnownPassage(f"{heading}: {' '.join(common)}", group, passage.id))
    chance = random.Random(0)
    return [one for _, found in sorted(asked.items()) for one in chance.sample(found, min(most // 2, len(found)))]


def _texts(passages: Sequence[Segment]) -> list[tuple[str, str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        texts[passage.document].append(passage.text)
    return [(document, "\n".join(each)) for document, each in texts.items()]


def words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, help="kept between runs; default: a new one")
    parser.add_argument("--questions", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = (arguments.library or Path(scratch)) / "files"
        files.mkdir(parents=True, exist_ok=True)
        count = write(files)
        with Library.open(files.parent / "library", roots=[files]) as library:
            began = time.monotonic()
            outcome = library.add([str(files)]).wait()
            assert outcome.state == "done", outcome
            library.settle()
            seconds = time.monotonic() - began
            asked = known_passages(library, arguments.questions)
            print(f"{count} texts, {seconds:.0f} s to add.\n\n| group | questions | lanes | nDCG@10 | hit@1 |")
            print("|---|---|---|---|---|")
            for name, lanes in MEASURED_LANES.items():
                gains: dict[str, list[list[float]]] = defaultdict(list)
                for one in asked:
                    answer = library.search(one.query, limit=DEPTH, lanes=lanes)
                    gains[one.group].append([float(hit.segment.id == one.segment) for hit in answer.hits])
                for group, rows in sorted(gains.items()):
                    first = [row[0] if row else 0.0 for row in rows]
                    print(
                        f"| {group} | {len(rows)} | {name} | {interval([discounted(row) for row in rows])} | "
                        f"{interval(first)} |"
                    )


if __name__ == "__main__":
    main()
