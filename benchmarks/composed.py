"""Measures composed questions: words with examples (`like`) and with what to stay away from (`avoid`).

    python -m benchmarks.composed DATA [--work FOLDER] [--each]

DATA holds sets as `mcp-mmretrieval eval` takes them. Questions are made from what the sets say of their own files:

- *more like this*: a question with several answers, and one of these as the example; the others are looked for.
- *of a kind*: the name of a group of pictures, and two of them; the others of the group are looked for.
- *with, but without*: recordings of which it is known which parts each order has; those with one part and without
  another. In words alone the question says "but not" itself.
- *not that document*: a question whose first hit lies in a wrong document, which is to be avoided.

Where nothing else is said, avoided are the first two hits of the words alone that do not answer: what a person sees
and turns down. What was given, either way, counts for none of the ways (residual collection: Rocchio 1971), nor do
files of which the set does not say what they show (condensed lists: Sakai 2007). Prints nDCG@10 by kind of question
and how far hits are to be trusted. What is drawn by lot is the same each time.
"""

import argparse
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from mcp_mmretrieval.answers import Answer, Filters, Hit
from mcp_mmretrieval.bench.evaluation.evaluate import library_of_sets
from mcp_mmretrieval.bench.evaluation.measures import DEPTH, measured, paired_difference
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet, question_sets
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library

WAYS = ("words alone", "composed", "composed and avoid")
TURNED_DOWN = 2
"""Wrong hits of the words alone that are avoided."""
DRAWS = 4
"""Pairs of examples of each group of pictures."""
LEAST_GROUP = 5
"""Pictures that a group has at least."""
MOST_PAIRS = 40
"""Pairs of a part that is wanted and one that is not, of each set."""
MOST_FOUND = 50
"""Hits that are asked for where some are of files of which nothing is known."""
EXACT = 2
"""The grade of a recording that has the parts of an order and no others."""


@dataclass(frozen=True, kw_only=True)
class Composed:
    """One question, as words alone and composed."""

    kind: str
    query: str
    grades: Mapping[str, int]
    in_words: str = ""
    """The words alone, where they say more than the words of the composed question."""
    like: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    judged: frozenset[str] | None = None
    """The files of which the set says what they show; None: all."""
    filters: Filters = field(default_factory=Filters)


def more_like_this(sets: Sequence[QuestionSet], chance: random.Random) -> Iterator[Composed]:
    for one in sets:
        for question in one.questions:
            if len(question.grades) > 1:
                example = chance.choice(sorted(question.grades))
                others = {target: grade for target, grade in question.grades.items() if target != example}
                yield Composed(kind=f"more like this: {one.name}", query=question.query, grades=others, like=(example,))


def of_a_kind(sets: Sequence[QuestionSet], chance: random.Random) -> Iterator[Composed]:
    for one in sets:
        files = sorted(path.name for path in one.files.iterdir()) if one.files else []
        if not files or not all(name.endswith((".png", ".svg", ".jpg")) for name in files):
            continue
        groups: dict[str, list[str]] = defaultdict(list)
        for question in one.questions:
            groups[question.group] += question.documents
        if any(map(_asks, groups)):
            continue
        known = frozenset(name for members in groups.values() for name in members)
        for group, members in sorted(groups.items()):
            for _ in range(DRAWS if len(set(members)) >= LEAST_GROUP else 0):
                like = chance.sample(sorted(set(members)), 2)
                yield Composed(
                    kind=f"of a kind: {one.name}",
                    query=group,
                    grades=dict.fromkeys(set(members) - set(like), 1),
                    like=tuple(like),
                    judged=known,
                    filters=Filters(modality=("image",)),
                )


def _asks(group: str) -> bool:
    """Whether a group is a way to ask and no name of what is shown."""
    return "-" in group or bool(re.search(r"\d", group))


def with_but_without(sets: Sequence[QuestionSet], chance: random.Random) -> Iterator[Composed]:
    for one in sets:
        parts: dict[str, set[str]] = defaultdict(set)
        heads = set()
        for question in one.questions:
            head, colon, rest = question.query.partition(": ")
            for target, grade in question.grades.items():
                if grade == EXACT and colon:
                    heads.add(head)
                    parts[target] |= set(rest.split(", "))
        if len(heads) != 1:
            continue
        (head,) = heads
        every = sorted({part for held in parts.values() for part in held})
        pairs = []
        for wanted, unwanted in permutations(every, 2):
            right = sorted(name for name, held in parts.items() if wanted in held and unwanted not in held)
            wrong = [name for name, held in parts.items() if wanted in held and unwanted in held]
            if len(right) > 1 and wrong:
                pairs.append((wanted, unwanted, right))
        for wanted, unwanted, right in chance.sample(pairs, min(MOST_PAIRS, len(pairs))):
            example = chance.choice(right)
            yield Composed(
                kind=f"with, but without: {one.name}",
                query=f"{head}: {wanted}",
                in_words=f"{head}: {wanted}, but not {unwanted}",
                grades=dict.fromkeys(set(right) - {example}, 1),
                like=(example,),
                avoid=(unwanted,),
                judged=frozenset(parts),
            )


class ComposedAsker:
    """Asks in all ways, and names what is found as the sets do."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.trusted: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
        """By way and match, how many of the hits are right."""

    def ask(self, one: Composed) -> dict[str, list[str]]:
        """What each way finds, best first."""
        words = self._search(one, one.in_words or one.query)
        right = set(one.grades)
        turned_down = [
            hit for hit in words.hits if self._judged(one, hit) and not self._names(hit) & {*right, *one.like}
        ]
        avoid = one.avoid or tuple(hit.id for hit in turned_down[:TURNED_DOWN])
        given = set(one.like)
        if not one.avoid:
            given |= {max(self._names(hit), key=len) for hit in turned_down[:TURNED_DOWN]}  # its page, where it has one
        answers = {
            "words alone": words,
            "composed": self._search(one, one.query, like=one.like),
            "composed and avoid": self._search(one, one.query, like=one.like, avoid=avoid),
        }
        return {way: self._ranked(one, way, answer, given) for way, answer in answers.items()}

    def not_that_document(self, question: JudgedQuestion) -> tuple[Composed, dict[str, list[str]]] | None:
        """The same for a question whose first hit lies in a wrong document; None for others."""
        one = Composed(kind="", query=question.query, grades=question.grades)
        words = self._search(one, question.query)
        if not words.hits or Path(words.hits[0].path).name in question.documents or not words.hits[0].path:
            return None
        avoided = self._search(one, question.query, avoid=(words.hits[0].path,))
        answers = {"words alone": words, "composed": words, "composed and avoid": avoided}
        wrong = Path(words.hits[0].path).name
        return one, {way: self._ranked(one, way, answer, {wrong}) for way, answer in answers.items()}

    def _search(self, one: Composed, words: str, *, like: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Answer:
        limit = DEPTH + TURNED_DOWN + len(one.like) if one.judged is None else MOST_FOUND
        return self._library.search(words, limit=limit, like=like, avoid=avoid, filters=one.filters)

    def _names(self, hit: Hit) -> set[str]:
        """The file of a hit, and its page."""
        name, page = Path(hit.path).name, hit.segment.place.page
        return {name, f"{name}#page={page}"} if page is not None else {name}

    def _judged(self, one: Composed, hit: Hit) -> bool:
        return one.judged is None or Path(hit.path).name in one.judged

    def _ranked(self, one: Composed, way: str, answer: Answer, given: set[str]) -> list[str]:
        paged = any("#page=" in target for target in one.grades)
        ranked: dict[str, None] = {}
        for hit in answer.hits:
            names = self._names(hit)
            if not self._judged(one, hit) or (names & given and not (paged and names & set(one.grades))):
                continue
            name = next((name for name in names if ("#page=" in name) == paged), min(names, key=len))
            if name not in ranked and len(ranked) < DEPTH:
                ranked[name] = None
                self.trusted[way, hit.match][name in one.grades] += 1
        return list(ranked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve(), nargs="+")
    parser.add_argument("--work", type=Path, help="the library is kept here between runs; default: a new one")
    parser.add_argument("--each", action="store_true", help="also print each question")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sets = question_sets(arguments.data, None, Path(scratch) / "corpora")
        settings = Settings.of({"library": str(arguments.work or Path(scratch) / "library")})
        with library_of_sets(sets, settings, lambda *_: None) as library:
            report(library, sets, each=arguments.each)


def report(library: Library, sets: Sequence[QuestionSet], *, each: bool) -> None:
    asker, chance = ComposedAsker(library), random.Random(0)
    found: dict[str, list[tuple[Mapping[str, int], dict[str, list[str]]]]] = defaultdict(list)
    for make in (more_like_this, of_a_kind, with_but_without):
        for one in make(sets, chance):
            found[one.kind].append((one.grades, asker.ask(one)))
    for a_set in sets:
        for question in a_set.questions if any(question.paged for question in a_set.questions) else ():
            if asked := asker.not_that_document(question):
                found[f"not that document: {a_set.name}"].append((asked[0].grades, asked[1]))
    found["all"] = [one for each_kind in list(found.values()) for one in each_kind]
    print(f"| question | questions | {' | '.join(WAYS)} | gain |\n|---|---|---|---|---|---|")
    for kind, asked_ones in found.items():
        values = {way: ndcg(asked_ones, way) for way in WAYS}
        gain = paired_difference(values[WAYS[0]], values[WAYS[2]]).change
        cells = [f"{sum(values[way]) / len(values[way]):.3f}" for way in WAYS]
        gained = f"{gain.mean:+.3f} [{gain.low:+.2f}, {gain.high:+.2f}]"
        print(f"| {kind} | {len(asked_ones)} | {' | '.join(cells)} | {gained} |")
        if each and kind != "all":
            for at, _ in enumerate(asked_ones):
                print(f"  {' '.join(f'{values[way][at]:.2f}' for way in WAYS)}")
    print("\n| way | match | hits | right |\n|---|---|---|---|")
    for (way, match), counts in sorted(asker.trusted.items()):
        print(f"| {way} | {match} | {counts.total()} | {counts[True] / counts.total():.2f} |")


def ndcg(asked: Sequence[tuple[Mapping[str, int], dict[str, list[str]]]], way: str) -> list[float]:
    """nDCG@10 of each question in one way."""
    judged = [
        (JudgedQuestion(id=str(at), query="-", grades=grades), found[way]) for at, (grades, found) in enumerate(asked)
    ]
    return measured(judged)["nDCG@10"]


if __name__ == "__main__":
    main()
