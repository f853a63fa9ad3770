"""Numbers printed on pages become their labels."""

from mcp_mmretrieval.adding.page_numbers import with_printed_numbers
from mcp_mmretrieval.types import Place, Segment

BODY = "\n".join(["Eleven farms sold 240 sheep in 2023.", "It was a good year.", "Nobody left."] * 3)


def pages(*texts: str, labels: dict[int, str] | None = None) -> list[Segment]:
    return [
        Segment(
            document="0" * 64, modality="page", place=Place(page=at), text=text, label=(labels or {}).get(at, "")
        )
        for at, text in enumerate(texts, 1)
    ]  # fmt: skip


def labels_of(*texts: str) -> list[str]:
    return [segment.label for segment in with_printed_numbers(pages(*texts))]


def test_numbers_at_the_foot_that_run_on_are_labels() -> None:
    front = ["Cover", "Contents"]
    assert labels_of(*front, *(f"{BODY}\n{number}" for number in range(1, 7))) == ["", "", *"123456"]


def test_numbers_within_a_head_line_count_too() -> None:
    heads = [f"Annual Report 2023 | Page {number} of 90\n{BODY}" for number in range(40, 46)]
    assert labels_of(*heads) == ["40", "41", "42", "43", "44", "45"]


def test_numbers_that_are_the_files_own_count_are_no_labels() -> None:
    assert labels_of(*(f"{BODY}\n{number}" for number in range(1, 7))) == [""] * 6


def test_numbers_that_do_not_run_on_are_no_labels() -> None:
    assert labels_of(*(f"{BODY}\nSold: {number}" for number in (17, 4, 99, 23, 5, 60))) == [""] * 6
    assert labels_of(*(f"{BODY}\nReport of 2023" for _ in range(6))) == [""] * 6


def test_roman_numbers_of_the_front_matter_and_then_arabic_ones() -> None:
    front = [f"{BODY}\n{number}" for number in ("ii", "iii", "iv", "v")]
    body = [f"{BODY}\n{number}" for number in range(1, 6)]
    assert labels_of("Cover", *front, *body)[1:5] == ["ii", "iii", "iv", "v"]
    assert labels_of("Cover", *front, *body)[-4:] == ["2", "3", "4", "5"]


def test_a_page_without_a_number_amid_others_gets_the_one_it_would_have() -> None:
    found = labels_of(*(BODY if number == 14 else f"{BODY}\n{number}" for number in range(11, 19)))
    assert found == [str(number) for number in range(11, 19)]


def test_sections_that_are_numbered_anew_keep_their_numbers() -> None:
    texts = [f"{BODY}\nF-{number}" for number in range(1, 6)]
    assert labels_of("Cover", "Contents", *texts) == ["", "", "F-1", "F-2", "F-3", "F-4", "F-5"]


def test_labels_that_the_file_gives_stay() -> None:
    given = pages(*(f"{BODY}\n{number}" for number in range(11, 17)), labels={at: f"A-{at}" for at in range(1, 7)})
    assert with_printed_numbers(given) == given


def test_what_has_no_pages_is_left_alone() -> None:
    passage = Segment(document="0" * 64, modality="text", place=Place(first=0, last=9), text="7\n8\n9")
    assert with_printed_numbers([passage]) == [passage]
