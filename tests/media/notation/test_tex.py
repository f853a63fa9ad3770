"""The letters behind TeX's accents."""

import pytest

from mcp_mmretrieval.media.notation.tex import read_tex


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"M\"uller, M{\"u}ller, M\"{u}ller", "Müller, Müller, Müller"),
        (r"Jos\'e na\"\i ve \'{\i}", "José naïve í"),
        (r"Stra{\ss}e, Gro\ss{}e, \O re, {\aa}l, \L{}\'od\'z", "Straße, Große, Øre, ål, Łódź"),
        (r"\v{s} \c{c} \H{o} \k{a} \u{g} \r{a} \=a \.z \c c", "š ç ő ą ğ å ā ż ç"),
        (r"for\-mat and~so", "format and so"),
        (r"50\% of R\&D, a\_b", "50% of R&D, a_b"),
        (r"\textbf{bold} \\ \newline $\alpha_1$ \oint \lambda", r"\textbf{bold} \\ \newline $\alpha_1$ \oint \lambda"),
        (r"title = {{M}arkov and {DNA}s of {IBM}}", "title = {Markov and DNAs of {IBM}}"),
    ],
)
def test_accents_are_letters_and_commands_stay(written: str, read: str) -> None:
    assert read_tex(written).mapped.text == read


def test_german_shorthands_count_where_german_is_set() -> None:
    assert '"a' in read_tex('He said "and so').mapped.text
    assert read_tex('\\usepackage[ngerman]{babel} K"ase, Stra"se').mapped.text.endswith("Käse, Straße")


def test_what_follows_the_end_of_a_line_has_no_accent_by_it() -> None:
    written = r'One \\"Adler" and \\`Eagle` \\\\'
    assert read_tex(written).mapped.text == written


def test_the_title_and_the_headings_are_found() -> None:
    read = read_tex('\\title{A \\emph{new} M\\"uhle}\n\\section{One}\ntext\n\\subsection*{Two}\n')
    assert read.title == "A new Mühle"
    assert [(heading.level, heading.title) for heading in read.headings] == [(3, "One"), (5 - 1, "Two")]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "broken", ["\\", "{", "\\title{", "\\section{", "{\\", '\\"{', "\\v ", "\\usepackage[", "[german "]
)
def test_broken_tex_is_read_in_time(broken: str) -> None:
    assert read_tex(broken * 20_000).mapped.text


def test_part_of_a_word_in_another_face_does_not_part_it() -> None:
    written = r"\textit{Ober}fläche, Kirk\emph{caldy}, ef{}fect, \emph{alone} here"
    assert read_tex(written).mapped.text == r"Oberfläche, Kirkcaldy, effect, \emph{alone} here"
