"""Which documents a question names."""

import pytest

from mcp_mmretrieval.searching.naming import DocumentName, NameIndex

INDEX = NameIndex(
    {
        "netflix15": DocumentName("Annual Report 2015 Netflix", "/r/f1.pdf"),
        "netflix16": DocumentName("Annual Report 2016 Netflix", "/r/f2.pdf"),
        "kestrel": DocumentName("", "/r/KestrelManual_v2.pdf"),
        "report": DocumentName("Report", "/r/report.pdf"),
        "note": DocumentName("Milk and bread"),
    }
)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("page 3 of the Netflix annual report 2015", {"netflix15"}),
        ("page 3 of the Netflix annual report", {"netflix15", "netflix16"}),
        ("page 3 of the Kestrel manual", {"kestrel"}),
        ("page 3 of report.pdf", {"report"}),
        ("the first line of milk and bread", {"note"}),
        ("page 3 of this report", set()),
        ("revenue on page 3", set()),
    ],
)
def test_a_document_is_named_by_its_title_or_file(question: str, named: set[str]) -> None:
    assert INDEX.named(question) == named


def test_nothing_is_named_in_an_empty_library() -> None:
    assert NameIndex({}).named("page 3 of report.pdf") == frozenset()


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("page 2 of data.md", {"data"}),
        ("page 2 of annual-data.md", {"annual"}),
        ("page 2 of a.md and annual-data.md", {"a", "annual"}),
        ("a.md第2页", {"a"}),
        ("请看a.md第2页", {"a"}),
    ],
)
def test_a_file_whose_name_ends_another_one_is_not_named_with_it(question: str, named: set[str]) -> None:
    files = {"a": "/r/a.md", "data": "/r/data.md", "annual": "/r/annual-data.md"}
    index = NameIndex({id: DocumentName("", path) for id, path in files.items()})
    assert index.named(question) == named
