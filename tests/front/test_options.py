import pytest

from mcp_mmretrieval.cli import command_parser
from mcp_mmretrieval.front.options import is_serve_command, option_values, serve_parser


@pytest.mark.parametrize(
    ("argv", "serves"),
    [
        ([], True),
        (["serve"], True),
        (["--root", "/a"], True),
        (["search", "fog"], False),
        (["--help"], False),
        (["-h"], False),
        (["--version"], False),
    ],
    ids=lambda value: " ".join(value) or "none" if isinstance(value, list) else "",
)
def test_options_alone_mean_serve_but_for_those_about_the_program(argv: list[str], serves: bool) -> None:
    assert is_serve_command(argv) is serves


def test_what_was_not_given_is_none() -> None:
    assert set(option_values(serve_parser().parse_args([])).values()) == {None}


def test_the_short_parser_and_the_whole_one_read_serve_alike() -> None:
    argv = ["--root", "/a", "--root", "/b", "--library", "/l", "--profile", "omni", "--config", "c.toml"]
    argv += ["--read-only", "--watch"]
    short = option_values(serve_parser().parse_args(argv))
    assert short == option_values(command_parser().parse_args(["serve", *argv]))
    given = {"roots": ["/a", "/b"], "library": "/l", "profile": "omni", "config": "c.toml"}
    assert short == {**given, "read_only": True, "watch": True, "ray": None}


def test_a_command_that_cannot_be_read_only_leaves_it_open() -> None:
    assert option_values(command_parser().parse_args(["status"]))["read_only"] is None
