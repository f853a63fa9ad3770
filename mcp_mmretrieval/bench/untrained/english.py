"""A page of English words: what tokenizers learn from, and what made texts are made of."""

from __future__ import annotations

import re

ENGLISH_WORDS = re.findall(
    r"\w+",
    """
    the water of a harbour was still when first morning light came over old stone walls and ship after ship left its
    place for open sea each month report shows how many people travel between islands what they pay where they stay
    engine pump failed again this summer because nobody had changed filter costs rise with price diesel while winter
    storms keep boats at home our team repaired three doors two windows one roof near northern station new timetable
    begins in april school children ride free under twelve dogs cost half fare tickets can be bought online or aboard
    safety drill every second friday captain speaks short clear words everyone listens then returns to work table four
    lists revenue by region figure seven compares growth since last year market fell before it rose by half percent
    """,
)
