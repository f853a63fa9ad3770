"""Definitions in source code, with what stands over them and their bodies."""

import random

import pytest

from mcp_mmretrieval.media.notation.program import program_structure

PYTHON = '''import os


# A boat that sails.
@dataclass
class Boat:
    """A boat."""

    def sail(
        self,
        far: int,
    ) -> int:
        if far:
            return 1

        return 2

    async def anchor(self) -> None: ...


def main() -> None:
    Boat().sail(1)


if __name__ == "__main__":
    main()
'''
C = """#include <x.h>

/* Adds
 * two. */
static int add(int a, int b)
{
    if (a) {
        return b;
    }
    return a + b;
}

class Boat : public Thing {
public:
    void run(int far) {
        go(far);
    }
};

int depth = 3;
"""
JAVASCRIPT = """export default class App extends View {
  render() {
    return 1;
  }
}
const add = async (a, b) => {
  return a + b;
};
start(1);
"""
RUBY = """module Harbour
  class Boat
    def sail
      1
    end
  end
end
puts 1
"""


def whole(text: str) -> list[str]:
    return [text[block.at : block.end].strip("\n") for block in program_structure(text, braces=True)[1]]


def titles(text: str) -> list[str]:
    return [heading.title for heading in program_structure(text, braces=True)[0]]


def test_a_definition_has_its_body_and_what_is_said_over_it() -> None:
    assert whole(PYTHON) == [
        PYTHON[PYTHON.index("# A boat") : PYTHON.index("def main")].strip("\n"),
        "def main() -> None:\n    Boat().sail(1)",
    ]
    assert whole(C) == [
        C[C.index("/* Adds") : C.index("class Boat")].strip("\n"),
        C[C.index("class Boat") : C.index("int depth")].strip("\n"),
    ]
    assert whole(JAVASCRIPT) == [
        JAVASCRIPT[: JAVASCRIPT.index("const add")].strip("\n"),
        JAVASCRIPT[JAVASCRIPT.index("const add") : JAVASCRIPT.index("start(1)")].strip("\n"),
    ]
    assert whole(RUBY) == [RUBY[: RUBY.index("puts")].strip("\n")]


def test_signatures_are_headings_and_control_flow_is_none() -> None:
    assert titles(PYTHON) == ["class Boat", "def sail(", "async def anchor(self) -> None: ...", "def main() -> None"]
    assert titles(C) == ["static int add(int a, int b)", "class Boat : public Thing", "void run(int far)"]
    assert titles(JAVASCRIPT) == ["export default class App extends View", "render()", "const add = async (a, b) =>"]
    assert titles(RUBY) == ["module Harbour", "class Boat", "def sail"]
    assert titles("if (a) {\n  b();\n}\nwhile (x) {\n}\nreturn f(x) {\n") == []


def test_a_class_that_is_too_long_leaves_its_functions_whole() -> None:
    functions = [f"    def act_{number}(self) -> int:\n" + f"        return {number}\n" * 20 for number in range(9)]
    assert whole("class Long:\n" + "".join(functions)) == [function.strip("\n") for function in functions]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["def f\n", "a(", "a b ", "{\n", "}\n", "# x\n", "\n", " ", "static ", "x) {\n", "const a = (", "a:\n"]
)
def test_broken_code_is_read_in_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    for block in program_structure(text, braces=True)[1]:
        assert 0 <= block.at < block.end <= len(text)


def test_blocks_come_in_order_and_never_lie_in_one_another() -> None:
    dice = random.Random(5)
    pieces = [
        "def a():\n",
        "class B:\n",
        "    ",
        "  ",
        "x = 1\n",
        "\n",
        "}\n",
        "void f(int a) {\n",
        "# c\n",
        "end\n",
        "@d\n",
    ]
    for _ in range(2000):
        text = "".join(dice.choices(pieces, k=dice.randrange(60)))
        over = 0
        for block in program_structure(text, braces=True)[1]:
            assert over <= block.at < block.end <= len(text)
            over = block.end
