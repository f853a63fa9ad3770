"""What a library says of how it fares."""

from pathlib import Path

from tests.conftest import OpenLibrary
from tests.support.files import BLUE, picture

PATIENCE = 60.0


def test_what_has_no_vectors_yet_is_counted(open_library: OpenLibrary, folder: Path) -> None:
    picture(folder / "a.png")
    picture(folder / "b.png", BLUE)
    library = open_library(state="loading", slow=True)
    outcome = library.add().wait(PATIENCE)
    assert (outcome.added, outcome.pending_vectors) == (2, 2)
    assert library.status().pending_vectors == 2


def test_an_allowed_folder_that_does_not_exist_is_a_problem_and_adding_says_so(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    library = open_library(roots=(folder, tmp_path / "typo"))
    assert [problem for problem in library.status().problems if "does not exist" in problem] == [
        f"The allowed folder {tmp_path / 'typo'} does not exist, so nothing in it can be read. "
        "Correct --root, or make it."
    ]
    for paths in ([], [str(tmp_path / "typo")], [str(tmp_path / "typo" / "a.pdf")], ["a.pdf"]):
        (failure,) = library.add(paths).wait(PATIENCE).failed
        assert f"{tmp_path / 'typo'}" in failure.reason + failure.path
        assert "does not exist" in failure.reason
