from pathlib import Path

from PIL import Image


def test_charts_and_photographs_are_pictures_of_some_size(demo_files: Path) -> None:
    pictures = sorted([*demo_files.glob("charts/*"), *demo_files.glob("photos/*")])
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 600
