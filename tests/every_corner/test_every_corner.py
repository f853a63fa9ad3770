"""What stands in any corner of a file is found by its words, first of all, and leads to that file."""

from collections import Counter
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from tests.every_corner.office_files import plant_office
from tests.every_corner.pictures import plant_pictures
from tests.every_corner.planting import Planter
from tests.every_corner.recordings import plant_recordings
from tests.every_corner.texts import plant_texts

pytestmark = [pytest.mark.builtin, pytest.mark.timeout(900)]

FOUND_AT_LEAST = 0.98


def planted_folder(folder: Path) -> Planter:
    planter = Planter(folder)
    for plant in (plant_office, plant_texts, plant_pictures, plant_recordings):
        plant(planter)
    return planter


def test_what_stands_in_any_corner_of_any_file_is_found_first(tmp_path: Path) -> None:
    planter = planted_folder(tmp_path / "files")
    settings = Settings.read(library=tmp_path / "library", roots=(tmp_path / "files",))
    missed = []
    with Library.open(settings=settings) as library:
        outcome = library.add().wait(600)
        assert outcome.failed == ()
        for planted in planter.planted:
            hits = library.search(planted.word, limit=3, rerank=False).hits
            if not hits or not hits[0].path.endswith(planted.file):
                missed.append(planted)
    told = Counter(f"{Path(one.file).suffix}: {one.corner}" for one in missed)
    assert len(planter.files) >= 120
    assert len(planter.planted) >= 400
    assert len(missed) <= (1 - FOUND_AT_LEAST) * len(planter.planted), told
