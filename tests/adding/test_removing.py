"""Taking files and texts out of the library."""

from pathlib import Path

from mcp_mmretrieval.library import Library
from tests.support.calls import add, cited
from tests.support.files import picture
from tests.support.models import PATIENCE


def test_removing_leaves_nothing_to_find(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    (folder / "b.md").write_text("red", encoding="utf-8")
    add(library)
    foreseen = library.remove(["a.png", "nowhere.png"], dry_run=True)
    assert len(cited(library, "red")) == 2
    removal = library.remove(["a.png", "nowhere.png"])
    assert foreseen == removal
    assert (removal.files, removal.documents, removal.unknown) == (1, 1, ("nowhere.png",))
    assert cited(library, "red") == ["b.md#char=0,3"]
    assert (folder / "a.png").exists()


def test_a_folder_goes_with_all_below_it_and_a_text_by_its_id(library: Library, folder: Path) -> None:
    (folder / "trip").mkdir()
    picture(folder / "trip" / "a.png")
    (folder / "trip" / "b.md").write_text("red", encoding="utf-8")
    (folder / "c.md").write_text("red", encoding="utf-8")  # the same content: the document stays
    add(library)
    note = library.add(text="red note", title="Note").wait(PATIENCE)
    assert note.added == 1
    id = next(one.id for one in library.documents()[0] if not one.path)
    removal = library.remove(["trip", id])
    assert (removal.files, removal.documents, removal.segments, removal.unknown) == (2, 2, 2, ())
    assert cited(library, "red") == ["c.md#char=0,3"]
