"""What stands beside the cells of an ODS: comments with their cells, drawings, pictures."""

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import SplitStep
from tests.media.office.spreadsheets.test_sheets import ods, ods_cell
from tests.support.media_files import notes, parts, picture, source


def split(table: str, **files: bytes) -> list[SplitStep]:
    data = ods(
        f'<table:table table:name="A">{table}</table:table>', {k.replace("__", "/"): v for k, v in files.items()}
    )
    return list(media.split(source(data, "book.ods"), Limits()))


def test_comments_name_their_cell_whatever_is_repeated_before_it() -> None:
    said = '<office:annotation><dc:creator xmlns:dc="dc">Ann</dc:creator><text:p>Too dear</text:p></office:annotation>'
    table = (
        f'<table:table-row table:number-rows-repeated="5">{ods_cell("x")}</table:table-row>'
        f'<table:table-row><table:table-cell table:number-columns-repeated="2"/>'
        f'<table:table-cell office:value-type="string">{said}<text:p>seen</text:p></table:table-cell></table:table-row>'
    )
    found = [part.segment.text for part in parts(split(table))]
    assert found[-1] == "Comment on C6: Ann: Too dear"
    assert found[0].endswith(" |  | seen")


def test_drawings_and_pictures_are_read() -> None:
    drawn = '<shape xmlns:d="d" xmlns:x="x"><d:custom-shape><text:p>Mind the tide</text:p></d:custom-shape>{}</shape>'
    image = '<d:frame><d:image x:href="Pictures/a.png"/><d:desc>The bay</d:desc></d:frame>'
    found = [part.segment for part in parts(split(drawn.format(image), **{"Pictures__a.png": picture()}))]
    assert [(each.place.part, each.text, each.heading) for each in found] == [
        ("sheet=A", "Mind the tide\n\nPicture: The bay", "A"),
        ("sheet=A&picture=1", "", "A > The bay"),
    ]


def test_macros_are_said() -> None:
    row = f"<table:table-row>{ods_cell('x')}</table:table-row>"
    assert notes(split(row, Basic__Standard__M=b"")) == ["It has macros. They were not run."]
