"""Words that stand nowhere else, and where they were planted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONSONANTS, VOWELS, LAST = "bdfgklmnprtvz", "aeiou", "bkmnpvz"
DRAWN = [
    "albatross",
    "anchor",
    "apricot",
    "badger",
    "bamboo",
    "barrel",
    "basket",
    "beacon",
    "beetle",
    "blanket",
    "bonfire",
    "bramble",
    "bucket",
    "butter",
    "cabbage",
    "candle",
    "canyon",
    "carpet",
    "castle",
    "cavern",
    "chapel",
    "cherry",
    "chimney",
    "clover",
    "cobbler",
    "copper",
    "cottage",
    "cradle",
    "crystal",
    "daisy",
    "dolphin",
    "dragon",
    "falcon",
    "feather",
    "ferry",
    "fiddle",
    "forest",
    "fountain",
    "garden",
    "garlic",
    "ginger",
    "glacier",
    "goblet",
    "granite",
    "guitar",
    "hammer",
    "harbour",
    "harvest",
    "hazel",
    "helmet",
    "hermit",
    "jasmine",
    "jungle",
    "kettle",
    "lantern",
    "laurel",
    "lemon",
    "leopard",
    "linen",
    "lizard",
    "magnet",
    "mango",
    "maple",
    "marble",
    "meadow",
    "melon",
    "mirror",
    "monkey",
    "mountain",
    "mustard",
    "napkin",
    "nectar",
    "needle",
    "nutmeg",
    "oyster",
    "paddle",
    "parrot",
    "pebble",
    "pepper",
    "pigeon",
    "pillow",
    "pumpkin",
    "puzzle",
    "rabbit",
    "raven",
    "ribbon",
    "saddle",
    "salmon",
    "sandal",
    "shovel",
    "sparrow",
    "spider",
    "squirrel",
    "tunnel",
    "turtle",
    "umbrella",
    "velvet",
    "violin",
    "walnut",
    "whistle",
    "willow",
    "window",
    "zebra",
]
"""Words that are drawn into pictures: OCR knows them, and no text of the folder has them."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A word, the file that holds it, and the corner of the file."""

    word: str
    file: str
    corner: str


class Planter:
    """Gives each corner a word, and remembers it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted: list[Planted] = []
        self.files: list[str] = []
        self._made, self._drawn = _made_words(), iter(DRAWN)

    def open(self, name: str) -> Corners:
        """The corners of a file that is about to be written."""
        self.files.append(name)
        return Corners(self, name)

    def plant(self, file: str, corner: str, *, drawn: bool) -> str:
        word = next(self._drawn if drawn else self._made)
        self.planted.append(Planted(word, file, corner))
        return word


class Corners:
    """The corners of one file."""

    def __init__(self, planter: Planter, name: str) -> None:
        self._planter = planter
        self.name = name

    def __getitem__(self, corner: str) -> str:
        """A new word for a corner."""
        return self._planter.plant(self.name, corner, drawn=False)

    def drawn(self, corner: str) -> str:
        """A new word for a corner that is a picture."""
        return self._planter.plant(self.name, corner, drawn=True)

    def write(self, data: bytes | str) -> None:
        path = self._planter.folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())


def _made_words() -> Iterator[str]:
    """Words of no language, far from each other, that no stemmer shortens."""
    chance, told = random.Random(13), set[str]()
    while True:
        word = "".join(chance.choice(letters) for letters in (CONSONANTS, VOWELS) * 3) + chance.choice(LAST)
        if word[:5] not in told:
            told.add(word[:5])
            yield word
