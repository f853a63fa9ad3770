from mcp_mmretrieval.store.names import MAX_NEAR_NAMES, near_paths, paths_ending_in

HELD = [
    "/r/notes/Boiler.md",
    "/r/mail/boiler.md",
    "/r/notes/Stra\u00dfe.pdf",
    "/r/cafe\u0301.txt",
    "/r/report-2024.pdf",
]


def test_the_end_of_a_path_is_enough_whatever_its_case_and_the_form_of_its_accents() -> None:
    assert paths_ending_in("boiler.md", HELD) == HELD[:2]
    assert paths_ending_in("Notes/boiler.md", HELD) == [HELD[0]]
    assert paths_ending_in("caf\u00e9.txt", HELD) == [HELD[3]]
    assert paths_ending_in("./STRASSE.pdf", HELD) == [HELD[2]]


def test_a_part_of_a_name_and_a_path_from_the_top_are_no_end_of_a_path() -> None:
    assert paths_ending_in("oiler.md", HELD) == []
    assert paths_ending_in("/boiler.md", HELD) == []
    assert paths_ending_in("", HELD) == []


def test_near_names_are_those_without_or_with_another_suffix_and_the_misspelt() -> None:
    assert near_paths("boiler", HELD) == HELD[:2]
    assert near_paths("x/boiler.txt", HELD) == HELD[:2]
    assert near_paths("repport-2024.pdf", HELD) == [HELD[4]]
    assert near_paths("quite different", HELD) == []
    assert len(near_paths("a", [f"/r/{folder}/a.md" for folder in range(9)])) == MAX_NEAR_NAMES
