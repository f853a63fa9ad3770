"""Characters that a reader cannot see, taken out of text but where what is seen depends on them.

Hidden orders to a model have been spelt in tags, in variation selectors and in joiners.
"""

from __future__ import annotations

import re

DEFAULT_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point of Unicode 17.0 (DerivedCoreProperties.txt), as ranges of a regular expression."""
_BLANK = "\u2800\ufff9-\ufffb\U00013430-\U0001343f\U00013441-\U00013442\U00016fe4\U0001d159"
"""Not in that property and yet unseen: the empty Braille cell, interlinear marks, controls and blanks of hieroglyphs,
the filler of Khitan, the note without a head."""

_TEXT_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u2328\u23cf\u23ed-\u23ef\u23f1-\u23f2\u23f8-\u23fa"
    "\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fc\u2600-\u2604\u260e\u2611\u2618\u261d\u2620\u2622-\u2623\u2626\u262a"
    "\u262e-\u262f\u2638-\u263a\u2640\u2642\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e\u2692\u2694-\u2697\u2699"
    "\u269b-\u269c\u26a0\u26a7\u26b0-\u26b1\u26c8\u26cf\u26d1\u26d3\u26e9\u26f0-\u26f1\u26f4\u26f7-\u26f9\u2702"
    "\u2708-\u2709\u270c-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2733-\u2734\u2744\u2747\u2763-\u2764\u27a1"
    "\u2934-\u2935\u2b05-\u2b07\u3030\u303d\u3297\u3299\U0001f170-\U0001f171\U0001f17e-\U0001f17f\U0001f202\U0001f237"
    "\U0001f321\U0001f324-\U0001f32c\U0001f336\U0001f37d\U0001f396-\U0001f397\U0001f399-\U0001f39b\U0001f39e-\U0001f39f"
    "\U0001f3cb-\U0001f3ce\U0001f3d4-\U0001f3df\U0001f3f3\U0001f3f5\U0001f3f7\U0001f43f\U0001f441\U0001f4fd"
    "\U0001f549-\U0001f54a\U0001f56f-\U0001f570\U0001f573-\U0001f579\U0001f587\U0001f58a-\U0001f58d\U0001f590\U0001f5a5"
    "\U0001f5a8\U0001f5b1-\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1"
    "\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa\U0001f6cb\U0001f6cd-\U0001f6cf\U0001f6e0-\U0001f6e5\U0001f6e9"
    "\U0001f6f0\U0001f6f3"
)
"""Emoji without Emoji_Presentation (emoji-data.txt), digits aside: a variation selector turns text into a picture."""
_EMOJI = "\u2190-\u27bf\u2900-\u2bff\U0001f000-\U0001faff"
"""Where the emoji of sequences lie: a joiner makes one picture of two."""
_CURSIVE = "\u0620-\u06d3\u06d5-\u06dc\u06ee-\u070e\u0710-\u07fa\u0840-\u085b\u0860-\u088e\u08a0-\u08c9\u1820-\u18aa"
"""Arabic, Syriac, N'Ko, Mandaic, Mongolian: joiners say whether two letters touch."""
_VIRAMA = (
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b-\u0d3c\u0d4d\u0dca\u1039-\u103a\u17d2\u1b44\u1baa-\u1bab"
    "\ua806\ua8c4\ua953\ua9c0\uaaf6\uabed\U00011046\U00011133\U000111c0\U00011235\U0001134d\U00011442\U000114c2"
)
"""Signs that drop a vowel (Canonical_Combining_Class 9) of the scripts of India and around: joiners beside one choose
the shape of the letters (Unicode Standard, chapter 12; RFC 5892, A.1 and A.2)."""

_UNSEEN = DEFAULT_IGNORABLE + _BLANK
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_SEEN = "|".join(
    [
        rf"(?<=[{_TEXT_EMOJI}])[\ufe0e\ufe0f]",
        r"(?<=[0-9#*])\ufe0f(?=\u20e3)",
        rf"(?:(?<=[{_EMOJI}])|(?<=[{_TEXT_EMOJI}]\ufe0f)){_JOINER}(?=[{_EMOJI}])",
        rf"(?<=[{_CURSIVE}]){_NON_JOINER}(?=[{_CURSIVE}])",
        rf"(?<=[{_CURSIVE}]){_JOINER}(?![{_CURSIVE}{_UNSEEN}])|(?<![{_CURSIVE}{_UNSEEN}]){_JOINER}(?=[{_CURSIVE}])",
        rf"(?<=[{_VIRAMA}])[{_NON_JOINER}{_JOINER}]|(?<=[\u0900-\u0dff]){_JOINER}(?=[{_VIRAMA}])",
    ]
)
_INVISIBLE = re.compile(f"(?=[{_UNSEEN}])(?!{_SEEN}).")


def without_invisible(text: str) -> str:
    """The text without what no reader sees.

    One variation selector stays after a character that is text or picture by it, and a joiner where letters or emoji
    look different by it.
    """
    return _INVISIBLE.sub("", text)
