"""Notes and questions for benchmarks: plain sentences, as many as are wanted, no two alike."""

from __future__ import annotations

import random
from itertools import count

WHO = [
    "Marit",
    "Jonas",
    "Ada",
    "Ravi",
    "Lucia",
    "Owen",
    "Priya",
    "Tomasz",
    "Ingrid",
    "Kofi",
    "Elena",
    "Hugo",
    "Noor",
    "Felix",
    "Greta",
    "Samuel",
    "Yuki",
    "Amina",
]
DID = [
    "repaired",
    "ordered",
    "measured",
    "cleaned",
    "painted",
    "checked",
    "replaced",
    "sold",
    "described",
    "moved",
    "lost",
    "found",
    "compared",
    "counted",
    "photographed",
    "borrowed",
    "insured",
    "cancelled",
    "planned",
    "delivered",
]
WHAT = [
    "the cooling pump",
    "a life jacket",
    "the ticket machine",
    "the harbour lights",
    "an oil filter",
    "the gearbox",
    "a violin",
    "the winter timetable",
    "the fuel bill",
    "a rescue boat",
    "the coffee supply",
    "the crew list",
    "the anchor chain",
    "two umbrellas",
    "the radar",
    "a bearing",
    "the car deck",
    "the insurance papers",
    "the island tour",
    "a spare propeller",
    "the children's corner",
    "the fog signal",
    "the lighthouse key",
    "the annual report",
]
WHERE = [
    "in the workshop",
    "on the upper deck",
    "at the northern pier",
    "in the office",
    "near the lighthouse",
    "on the island",
    "in the engine room",
    "at the dry dock",
    "behind the ticket hall",
    "in the canteen",
    "at the shipyard",
    "on the mainland",
]
WHY = [
    "because the pressure had dropped",
    "after the storm in spring",
    "before the inspectors came",
    "since the budget allowed it",
    "while the ferry was late",
    "although nobody had asked",
    "as the guests complained",
    "so that the season could begin",
    "when the price of diesel rose",
    "to keep the noise down",
]
ASKED = [
    "who {did} {what} {where}",
    "when was it that {who} {did} {what}",
    "what happened to {what} {where}",
    "why had somebody {did} {what} {why}",
    "the note in which {who} {did} {what} {where}",
]


class Texts:
    """A stream of sentences; the same seed gives the same."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._count = count(1)

    def note(self, sentences: int = 5) -> str:
        """A few sentences, about 16 words each, with a number of their own."""
        told = " ".join(f"{self._fill('{who} {did} {what} {where} {why}')}." for _ in range(sentences))
        return f"Entry {next(self._count)}. {told}"

    def notes(self, number: int) -> list[str]:
        """Several notes."""
        return [self.note() for _ in range(number)]

    def questions(self, number: int) -> list[str]:
        """Questions, each with a number of its own, so that no cache knows it."""
        return [f"{self._fill(self._chance.choice(ASKED))} {next(self._count)}" for _ in range(number)]

    def _fill(self, pattern: str) -> str:
        words = {"who": WHO, "did": DID, "what": WHAT, "where": WHERE, "why": WHY}
        return pattern.format(**{name: self._chance.choice(among) for name, among in words.items()})
