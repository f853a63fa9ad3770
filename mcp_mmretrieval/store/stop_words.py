"""Words that say next to nothing of what a question asks for: articles, prepositions, pronouns, question words."""

# ruff: noqa: RUF001 (letters of other scripts look like Latin ones)

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_mmretrieval.store.stems import is_english

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about all also an and any are as at be been but by can could did do does for from had has have he her his how i
    if in into is its just me more most my no not of on or our out she should so some such than that the their them
    then there these they this to up was we were what when where which why with would you your
    """,
    )
)
"""Those of English."""
_OTHERS = frozenset(
    re.findall(
        r"\w+",
        """
    das dem der des ein eine einem einen einer eines und oder aber nicht ist sind wird werden wurde wurden haben hatte
    für vom von zum zur auf aus bei beim nach über unter auch wie wann warum welche welcher welches wir ich ihr
    muss soll durch gegen ohne sich nur noch wer
    du de et où est sont était au dans avec ce cet cette ces que qui quoi quel quelle quels quelles quand
    pourquoi combien ne leur leurs il ils elles nous vous une les
    del una unos unas para qué quién cuál cuándo cuánto cómo dónde cuando cuanto como donde está están fue
    um uma da dos das na nas quem qual quando onde são está foi ao à não
    della dei delle dello degli dal dalla nel nella quale è sono gli
    het een voor aan zijn niet wie wat waar wanneer hoe welke
    och att det som ett är på inte vad vem när og ikke hvad hvem hvornår hvor
    nie się są kto kiedy gdzie jak jaki jaka jakie dla przez przy
    je že kdo kdy kde které který
    ve bir bu için ile nerede nasıl
    és egy hogy nem mikor hol
    в во на с со не что кто где когда как какой какая какие какое по за из от для к о об у это есть был была были ли
    при до и і й з що хто де коли який яка які від про
    ο η το οι τα του της των τον την και είναι με για από σε στο στη στην στον που πού ποιος ποια ποιο τι πότε πώς δεν
    να θα
    في من على إلى عن ما هو هي متى أين كم كيف مع هل
    של על את עם הוא היא מה מי מתי איפה כמה איך לא
    """,
    )
) | {"का", "की", "के", "में", "है", "हैं", "से", "को", "पर", "और", "यह", "कब", "कहाँ", "क्या", "कौन"}
"""Those of other languages that no English text has, with their accents."""
_SHARED = frozenset(
    re.findall(
        r"\w+",
        """
    die war hat man am an im in on en un el la le lo los las con por par pour sur son sa se su sus ma mi per una van
    den dat door met over uit om te op is es er zu at do no na os as so to ta je
    """,
    )
)
"""Those that are words or parts of names in English too: they count for nothing beside one of the others only."""


def empty_words(spelt: Mapping[str, str]) -> frozenset[str]:
    """Which words of a query in another language than English say nothing; each as a key of `spelt`.

    `spelt`: the words in small letters with their accents, by their normal form.
    """
    sure = {form for form, word in spelt.items() if word in _OTHERS}
    if not sure or is_english(spelt.values()):
        return frozenset()
    return frozenset(sure | {form for form, word in spelt.items() if word in _SHARED})
