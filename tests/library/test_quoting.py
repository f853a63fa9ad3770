"""Whether a quotation stands where a citation says, in documents of several kinds with scripted noise."""

import random
import textwrap
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.library.quoting import MAX_QUOTE_CHARACTERS
from mcp_mmretrieval.models import RecognisedText, TextReader
from mcp_mmretrieval.types import Identity, Picture
from tests.support.calls import add
from tests.support.models import ModelsByHand
from tests.support.pdf_pages import page_pdf
from tests.support.quotes import TruePlace, quotations

WHO, DID, WHAT, WHERE = (
    line.split()
    for line in """
    Marit Jonas Ada Ravi Lucia Owen Priya Tomasz Ingrid Kofi Elena Hugo
    repaired ordered measured cleaned painted checked replaced described moved counted insured returned
    lanterns turbines blankets compressors telescopes barrels carpets sensors radiators flutes mirrors kettles
    harbour quarry greenhouse observatory library workshop bakery orchard windmill station cellar theatre
    """.strip().splitlines()
)
WHY = (
    "because their warranty had run out",
    "after the committee had confirmed the offer",
    "while the main entrance was still flooded",
    "although nobody remembered the original order",
    "so that the modern furnace could warm the chamber",
    "since the former supplier burned down",
)


def sentences(chance: random.Random, count: int) -> list[str]:
    return [
        f"{chance.choice(WHO)} {chance.choice(DID)} {chance.randint(12, 980)} {chance.choice(WHAT)} at the "
        f"{chance.choice(WHERE)} in {chance.randint(1950, 2025)} {chance.choice(WHY)}, which cost "
        f"{chance.randint(1, 90)},{chance.randint(100, 999)}.{chance.randint(10, 99)} euros."
        for _ in range(count)
    ]


def misread(chance: random.Random, text: str) -> str:
    """What OCR makes of it: letters of the same shape, blanks lost and added, words broken at a line's end."""
    words = []
    for word in text.split():
        if word[0].isdigit():
            word = word.replace("1", "l", 1) if chance.random() < 0.1 else word
        elif word.islower() and chance.random() < 0.12:
            old, new = chance.choice([("rn", "m"), ("m", "rn"), ("h", "b"), ("e", "c"), ("l", "1"), ("o", "0")])
            word = word.replace(old, new, 1) if len(word) > 3 else word
        elif word.isalpha() and len(word) > 7 and chance.random() < 0.2:
            word = word[:4] + chance.choice(("-\n", " ")) + word[4:]
        words.append(word + ("" if word.islower() and chance.random() < 0.03 else " "))
    return "".join(words)


def misheard(chance: random.Random, text: str) -> str:
    """What speech recognition makes of it: words that sound alike, and a filler."""
    alike = {"their": "there", "while": "wile", "main": "mane", "so": "sew", "flutes": "fluts", "furnace": "furness"}
    words = [alike.get(word, word) if chance.random() < 0.5 else word for word in text.split()]
    words.insert(len(words) // 2, "uh")
    return " ".join(words)


class ScriptedReader:
    """Reads off a picture what stands in the script for its width."""

    def __init__(self, script: Mapping[int, str]) -> None:
        self._script = script

    @property
    def identity(self) -> Identity:
        return {"name": "script"}

    def read(self, picture: Picture) -> str:
        return self._script.get(picture.shape[1], "")

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class ScriptedModels(ModelsByHand):
    def __init__(self, settings: Settings, script: Mapping[int, str]) -> None:
        super().__init__(settings)
        self._reader = ScriptedReader(script)

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return self._reader


def _pdf(text: str) -> bytes:
    shown = " T* ".join(f"({line}) Tj" for line in textwrap.wrap(text, 90))
    return page_pdf(f"BT /F 9 Tf 12 TL 30 800 Td {shown} ET")


def _clock(seconds: int) -> str:
    return f"00:{seconds // 60:02}:{seconds % 60:02},000"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, list[TruePlace]]]:
    """Three documents of each of four kinds, in a library, with what is truly in them."""
    chance, base = random.Random(7), tmp_path_factory.mktemp("quoting")
    folder = base / "files"
    folder.mkdir()
    script: dict[int, str] = {}
    truth: dict[str, str] = {}
    for number in range(3):
        said = sentences(chance, 5)
        truth[f"note{number}.md"] = note = " ".join(said)
        (folder / f"note{number}.md").write_text(note.replace(" the ", "\nthe "), encoding="utf-8")
        truth[f"report{number}.pdf"] = " ".join(sentences(chance, 8))
        (folder / f"report{number}.pdf").write_bytes(_pdf(truth[f"report{number}.pdf"]))
        truth[f"scan{number}.png"] = " ".join(sentences(chance, 6))
        script[300 + number] = misread(chance, truth[f"scan{number}.png"])
        Image.new("RGB", (300 + number, 300), (9 * number, 90, 90)).save(folder / f"scan{number}.png")
        spoken = sentences(chance, 3)
        truth[f"call{number}.wav"] = " ".join(spoken)
        with wave.open(str(folder / f"call{number}.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8_000)
            sound.writeframes(np.full(8_000 * 24, number, np.int16).tobytes())
        cues = [
            f"{at + 1}\n{_clock(7 * at)} --> {_clock(7 * at + 7)}\n{misheard(chance, one)}\n"
            for at, one in enumerate(spoken)
        ]
        (folder / f"call{number}.srt").write_text("\n".join(cues), encoding="utf-8")
    settings = Settings.read(library=base / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=ScriptedModels(settings, script)) as library:
        add(library)
        places = [
            TruePlace(name, library.check_quote(name, " ".join(text.split()[:3])).citation, text)
            for name, text in truth.items()
        ]
        yield library, places


def test_of_two_hundred_quotations_nearly_all_are_judged_right(documents: tuple[Library, list[TruePlace]]) -> None:
    library, places = documents
    asked = quotations(random.Random(3), places, {"true": 100, "altered": 50, "other": 50})
    wrong = [(one, check) for one in asked if not one.judged_right(check := library.check_quote(one.target, one.quote))]
    assert len(asked) == 200
    assert len(wrong) <= 6, wrong
    assert [one for one, _ in wrong if one.truth != "true"] == []


PAPER = [
    "The survey of 1987 counted 412 herons along the Elbe. Their number had not fallen since the floods.",
    "Later surveys were made by Hansen. She found 1,204 nests, 3.5 per cent of them empty, at a cost of $900.",
]


@pytest.fixture
def paper(library: Library, folder: Path) -> Library:
    filler = "\n\n".join(f"Paragraph {at} of the archive says nothing of birds at all. " * 12 for at in range(4))
    (folder / "birds.md").write_text(f"{PAPER[0]}\n\n{filler}\n\n{PAPER[1]}", encoding="utf-8")
    (folder / "trains.md").write_text("The night train to Trieste leaves at nine.", encoding="utf-8")
    add(library)
    return library


def test_what_stands_elsewhere_in_the_document_comes_with_the_citation_to_open(paper: Library) -> None:
    beginning = paper.look("birds.md").segment.place
    check = paper.check_quote("birds.md#char=0,60", "she found 1204 nests")
    assert check.verdict == "elsewhere"
    assert check.found == "She found 1,204 nests"
    assert "She found 1,204 nests" in paper.look(check.citation).text
    assert check.citation != check.target
    assert beginning.first == 0


def test_a_whole_document_is_as_good_a_target_and_the_place_is_told(paper: Library) -> None:
    check = paper.check_quote("birds.md", "counted 412 herons along the Elbe")
    assert (check.verdict, check.distance) == ("exact", 0)
    assert check.citation.startswith("birds.md#char=0,")


def test_another_number_is_nowhere_and_the_answer_names_it(paper: Library) -> None:
    check = paper.check_quote("birds.md", "The survey of 1987 counted 421 herons along the Elbe")
    assert check.verdict == "nowhere"
    assert [(one.quoted, one.found) for one in check.differences] == [("421", "412")]
    assert "counted 412 herons" in check.found


def test_words_of_another_document_are_nowhere(paper: Library) -> None:
    check = paper.check_quote("birds.md", "The night train to Trieste leaves at nine")
    assert (check.verdict, check.citation, check.found) == ("nowhere", "", "")


def test_a_quotation_may_go_over_the_end_of_a_passage(library: Library, folder: Path) -> None:
    text = " ".join(f"Sentence {at} is about the {at * 7} lamps in hall {at * 3}." for at in range(120))
    (folder / "long.md").write_text(text, encoding="utf-8")
    add(library)
    hits = library.look("long.md#char=0,1").segment.place
    assert hits.last is not None
    for at in range(5, 110):
        check = library.check_quote("long.md", f"{at * 7} lamps in hall {at * 3}. Sentence {at + 1} is about the")
        assert check.verdict == "exact", at


def test_what_cannot_be_checked_is_refused_with_what_to_do(paper: Library) -> None:
    with pytest.raises(BadArgument, match="no word and no number"):
        paper.check_quote("birds.md", " ... ")
    with pytest.raises(BadArgument, match="2,000 at most"):
        paper.check_quote("birds.md", "a" * (MAX_QUOTE_CHARACTERS + 1))
    with pytest.raises(NotInLibrary, match=r"fish\.md"):
        paper.check_quote("fish.md", "herons")


def test_the_pieces_of_a_quotation_with_omissions_stand_in_their_order(paper: Library) -> None:
    right = "the survey \u2026 counted 412 herons ... had not fallen"
    assert paper.check_quote("birds.md", right).verdict == "exact"
    assert paper.check_quote("birds.md", "counted 412 herons [...] The survey of 1987").verdict == "nowhere"
    denied = paper.check_quote("birds.md", "Their number had \u2026 fallen since the floods")
    assert (denied.verdict, [one.found for one in denied.differences]) == ("nowhere", ["not"])
    away = paper.check_quote("birds.md#char=0,60", "Later surveys ... found 1,204 nests")
    assert (away.verdict, away.distance) == ("elsewhere", 0)
    with pytest.raises(BadArgument, match="8 at most"):
        paper.check_quote("birds.md", " ... ".join(["herons"] * 9))
