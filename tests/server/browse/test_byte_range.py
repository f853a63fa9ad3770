import pytest

from mcp_mmretrieval.server.browse.byte_range import NotSatisfiable, asked_bytes


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=90-999", range(90, 100)),
        ("bytes=99-", range(99, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-999", range(100)),
    ],
)
def test_a_range_is_within_the_file(header: str, expected: range) -> None:
    assert asked_bytes(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-1,4-5",
        "lines=0-9",
        "bytes=a-b",
        "bytes=-1-2",
        "bytes=\u0663-\u0665",
    ],
)
def test_what_is_no_single_range_of_bytes_asks_for_all(header: str | None) -> None:
    assert asked_bytes(header, 100) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=500-600", 100), ("bytes=-0", 100),
                                              ("bytes=0-", 0), ("bytes=-5", 0)])  # fmt: skip
def test_a_range_that_begins_behind_the_end_cannot_be_had(header: str, size: int) -> None:
    with pytest.raises(NotSatisfiable):
        asked_bytes(header, size)
