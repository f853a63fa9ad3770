"""The things that a model has to find, and the questions: some forty things of six kinds, each asked for at least once.

Those of a kind are alike at first sight, so that what tells them apart is what they show or say, not what they are.
Everything is made at run time; nothing belongs to anybody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from mcp_mmretrieval.bench.proof import noises, scenes
from mcp_mmretrieval.demo_media import charts, photos
from mcp_mmretrieval.demo_media.film import DEMO_SAMPLE_RATE_HZ, SCENE_SECONDS, film_pictures, read_recording
from mcp_mmretrieval.types import Content, Film, Sound, VectorKind

if TYPE_CHECKING:
    from PIL import Image

    from mcp_mmretrieval.types import Picture

ProofKind = Literal["text", "page", "chart", "photo", "sound", "film"]
LANE_OF_KIND: dict[ProofKind, VectorKind] = {
    "text": "text",
    "page": "picture",
    "chart": "picture",
    "photo": "picture",
    "film": "picture",
    "sound": "sound",
}
"""Which vectors a thing competes with, as in a search."""


@dataclass(frozen=True, slots=True)
class ProofItem:
    """One thing to be found."""

    name: str
    kind: ProofKind
    content: Content


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """A question with its one right answer."""

    asked: Content
    kind: ProofKind
    """Of what is asked with."""
    answer: str
    """The name of the item."""


_PAGES = {
    "bread": (
        "Rye bread with caraway",
        "Mix the sourdough with flour and water in the evening and leave the bowl under a cloth. In the morning add "
        "salt and caraway seeds, knead for ten minutes and let the dough rise in a basket.",
        "Heat the oven to 240 degrees, with a dish of water at the bottom. Bake for fifty minutes.",
    ),
    "bees": (
        "Bees in winter",
        "From November on the colony sits in a tight cluster and keeps its queen warm. Do not open the hive. Lift it "
        "a little at one side: if it is light, put sugar paste on top of the frames.",
        "A piece of mesh before the entrance keeps mice out.",
    ),
    "brakes": (
        "Adjusting a bicycle's brakes",
        "Loosen the bolt that holds the cable, press both brake pads against the rim with one hand, pull the cable "
        "tight and fasten the bolt again. The lever should stop two fingers before the handlebar.",
        "Worn pads have no grooves left: replace them in pairs.",
    ),
    "lease": (
        "Contract of lease",
        "The flat on the second floor is let from the first of May. The rent is 740 euros a month, due on the third "
        "working day. The tenant pays a deposit of two rents, which is returned when the keys are.",
        "Either side may end this contract with three months' notice.",
    ),
    "glacier": (
        "The retreat of the glacier",
        "Since 1950 the tongue of the glacier has become shorter by two kilometres. Its meltwater has filled a lake "
        "behind the old moraine, which is measured each summer from a boat.",
        "If the moraine broke, a flood would reach the village within twenty minutes.",
    ),
    "leaflet": (
        "Drops against hay fever",
        "Put one drop into each eye in the morning and in the evening. Take out contact lenses before, and wait for a "
        "quarter of an hour before you put them in again.",
        "Do not use the bottle for longer than four weeks after you have opened it.",
    ),
    "chess": (
        "The endgame with rook and pawn",
        "With the king before its pawn the defender draws by keeping the rook on the third rank, until the pawn moves "
        "there; then the rook goes to the far end of the board and gives check from behind.",
        "This is called Philidor's position.",
    ),
    "pool": (
        "Rules of the swimming pool",
        "Take a shower before you enter the water. Children under eight swim only with an adult. Running along the "
        "edge and jumping in from the side are forbidden.",
        "The pool closes when there is thunder.",
    ),
}
_CHARTS: dict[str, tuple[str, dict[str, float], bool]] = {
    "rainfall": ("Rainfall by month, mm", {"Jan": 82, "Mar": 64, "May": 41, "Jul": 18, "Sep": 57, "Nov": 96}, False),
    "wolves": ("Wolf packs counted", {"2000": 1, "2005": 4, "2010": 9, "2015": 38, "2020": 157, "2025": 209}, True),
    "languages": ("First language of pupils", {"German": 61, "Turkish": 14, "Arabic": 9, "Polish": 6}, False),
    "battery": ("Battery charge over a day, %", {"6h": 100, "9h": 84, "12h": 61, "15h": 43, "18h": 12}, True),
}
_TEXTS = {
    "tides": "The moon pulls at the sea, so that the water rises and falls twice a day along the coast.",
    "saffron": "The red threads of a crocus, picked by hand in autumn, are the most expensive spice in the world.",
    "printing": "Gutenberg cast single letters of lead, which could be set into lines and used again for another book.",
    "vaccine": "In 1796 Edward Jenner gave a boy cowpox on purpose, and found that he could no longer get smallpox.",
    "owl": "Its feathers have soft edges, so that a mouse does not hear the hunter that comes out of the night.",
    "concrete": "Roman harbours have stood for two thousand years, as their builders mixed volcanic ash into the lime.",
    "inflation": "When prices rise faster than wages, a family can buy less with the same salary than the year before.",
    "violin": "The bow's horsehair is rubbed with resin, which lets it catch the string and set it swinging.",
}
_PHOTOS = {
    "clock": scenes.clock,
    "balloon": scenes.balloon,
    "football": scenes.football,
    "umbrella": scenes.umbrella,
    "mushroom": scenes.mushroom,
    "sailing boat": scenes.sailing_boat,
}
_FILMS = {
    "traffic light": scenes.traffic_light,
    "sunset": scenes.sunset,
    "candle": scenes.candle,
    "countdown": scenes.countdown,
}
_NOISES = {
    "siren": noises.siren,
    "birdsong": noises.birdsong,
    "rain": noises.rain,
    "knocking": noises.knocking,
    "bell": noises.church_bell,
    "telephone": noises.telephone,
}
_SPOKEN = {"put on": 0, "meeting point": 1, "rescue boat": 2}
"""The scene of the demo's safety drill in which it is said."""

_ASKED: dict[str, tuple[str, ...]] = {
    "bread": ("How hot must the oven be for a loaf of rye?",),
    "bees": ("how to feed a hive in the cold season", "keeping mice away from a colony of insects"),
    "brakes": ("My bike does not stop well. How do I tighten the cable?",),
    "lease": ("How much is the monthly rent?", "period of notice for a tenant"),
    "glacier": ("ice that melts in the mountains and a danger of flooding",),
    "leaflet": ("eye drops for an allergy to pollen",),
    "chess": ("how to draw with a rook against a pawn",),
    "pool": ("May children swim alone?",),
    "routes": ("Which ferry route carries the most passengers?",),
    "diesel": ("price of fuel over the year", "When was diesel most expensive?"),
    "crossing": ("what share of the cost is spent on the crew",),
    "rainfall": ("the driest month of the year", "bar chart of precipitation"),
    "wolves": ("How fast has the number of wolves grown?",),
    "languages": ("what children speak at home",),
    "battery": ("how long the charge of a device lasts",),
    "lighthouse": ("a lighthouse by the sea in the evening",),
    "mountains": ("mountain ranges in the haze",),
    "clock": ("a round clock on a wall",),
    "balloon": ("a hot-air balloon",),
    "football": ("a soccer ball on a lawn",),
    "umbrella": ("an umbrella in the rain",),
    "mushroom": ("a toadstool in the forest",),
    "sailing boat": ("a sailing boat",),
    "traffic light": ("a traffic light turns green", "red, amber and green lamps of a signal"),
    "sunset": ("the sun goes down over the ocean",),
    "candle": ("a candle burning down", "the flame of a wax candle"),
    "countdown": ("numbers counting down",),
    "life jacket": ("how to fasten a life jacket",),
    "siren": ("the siren of an ambulance",),
    "birdsong": ("birds singing",),
    "rain": ("the sound of falling rain",),
    "knocking": ("somebody knocks on a door",),
    "bell": ("a church bell tolling",),
    "telephone": ("a telephone is ringing",),
    "put on": ("a voice says to put on a life jacket",),
    "meeting point": ("somebody tells people to walk to the upper deck",),
    "rescue boat": ("a voice says that the crew lowers a boat with a crane",),
    "tides": ("Why is there high water at the beach?",),
    "saffron": ("the price of a kitchen ingredient made of flowers",),
    "printing": ("the invention of movable type",),
    "vaccine": ("first inoculation against an infectious disease",),
    "owl": ("a bird of prey that flies without a sound",),
    "concrete": ("why ancient buildings in the water last so long",),
    "inflation": ("loss of purchasing power of households",),
    "violin": ("how a stringed instrument makes its tone",),
}
"""Questions in words by the name of what answers them."""


def proof_items() -> list[ProofItem]:
    """All of them, those of a kind side by side."""
    made: list[ProofItem] = [ProofItem(name, "text", text) for name, text in _TEXTS.items()]
    made += [ProofItem(name, "page", _pixels(_page(name))) for name in _PAGES]
    drawn = {"routes": charts.bar_chart(), "diesel": charts.line_chart(), "crossing": charts.pie_chart()}
    drawn |= {name: scenes.draw_chart(title, values, line=line) for name, (title, values, line) in _CHARTS.items()}
    made += [ProofItem(name, "chart", _pixels(picture)) for name, picture in drawn.items()]
    made += [ProofItem(name, "photo", _pixels(scenes.draw_scene(scene))) for name, scene in _PHOTOS.items()]
    made += [ProofItem("lighthouse", "photo", _pixels(photos.lighthouse_photo()))]
    made += [ProofItem("mountains", "photo", _pixels(photos.mountains_photo()))]
    made += [ProofItem(name, "film", _film(scenes.draw_film(scene))) for name, scene in _FILMS.items()]
    drill = [*islice(film_pictures(), 0, scenes.FILM_FRAMES * 4, 4)]
    made += [ProofItem("life jacket", "film", _film(drill))]
    made += [ProofItem(name, "sound", noises.make_noise(noise)) for name, noise in _NOISES.items()]
    return [*made, *(ProofItem(name, "sound", _spoken(scene)) for name, scene in _SPOKEN.items())]


def proof_questions() -> Iterator[ProofQuestion]:
    """In words for each item; and with another view or take of some, as a person has one at hand."""
    for answer, questions in _ASKED.items():
        yield from (ProofQuestion(question, "text", answer) for question in questions)
    for name in ("clock", "balloon", "umbrella", "sailing boat"):
        yield ProofQuestion(_seen_again(scenes.draw_scene(_PHOTOS[name], 0.7)), "photo", name)
    lighthouse = photos.lighthouse_photo(seed=7, across=0.35, sun=0.75)
    yield ProofQuestion(_seen_again(lighthouse), "photo", "lighthouse")
    yield ProofQuestion(_seen_again(photos.mountains_photo(seed=9)), "photo", "mountains")
    for name in ("bees", "lease", "chess"):
        page = _page(name)
        yield ProofQuestion(_pixels(page.crop((40, 60, page.width - 20, 760)).resize((536, 490))), "page", name)
    for name in ("siren", "birdsong", "knocking", "bell"):
        yield ProofQuestion(noises.make_noise(_NOISES[name], seed=5), "sound", name)


def _page(name: str) -> Image.Image:
    title, *paragraphs = _PAGES[name]
    return scenes.draw_text_page(title, paragraphs)


def _pixels(picture: Image.Image) -> Picture:
    return np.asarray(picture.convert("RGB"))


def _seen_again(picture: Image.Image) -> Picture:
    """Nearer, the other way round and by warm light: an untrained model would know the same pixels again."""
    pixels = _pixels(picture)[30:-30, -60:60:-1]
    return np.asarray(pixels * np.array((0.95, 0.75, 0.5)), np.uint8)


def _film(frames: list[Image.Image]) -> Film:
    return Film([_pixels(frame) for frame in frames], tuple(map(float, range(len(frames)))))


def _spoken(scene: int) -> Sound:
    length = SCENE_SECONDS * DEMO_SAMPLE_RATE_HZ
    samples = read_recording("safety-drill.ogg")[scene * length : (scene + 1) * length]
    return Sound((samples / 32_768).astype(np.float32), DEMO_SAMPLE_RATE_HZ)
