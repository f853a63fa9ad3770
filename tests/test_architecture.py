"""The house: floors, doors, names and sizes. `ARCHITECTURE.md` prints the floors from here."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "mcp_mmretrieval"
ROOT = Path(__file__).parent.parent / PACKAGE
ARCHITECTURE = ROOT.parent / "ARCHITECTURE.md"
MARK = "<!-- floors -->\n"

FLOORS: list[dict[str, str]] = [
    {
        "errors": "what goes wrong, and what to do next",
        "types": "the nouns: document, place, segment, content",
    },
    {
        "answers": "what the library answers: the records of the Python API",
        "config": "the knobs, the models' records, and what they mean on this machine",
        "concurrency": "locks and gates: who goes first, who shares, who waits",
        "roots": "the allowed folders",
        "small_print": "where a picture has letters too small to be read in a shrunken one",
        "front": "the client's side of an engine, and how processes start; the standard library alone",
    },
    {
        "media": "readers: split a file, load a place; workers isolate them",
        "models": "the seams, the built-in models, the Hub's; one scheduler a device",
        "store": "SQLite, the truth; Chroma, the index",
    },
    {
        "jobs": "work that outlives a call",
        "rollout": "which embedder answers, and which is wanted",
        "targets": "what an agent points at, and its file",
    },
    {"adding": "the first line: files, segments, vectors"},
    {"searching": "the second line: lanes, fusion, reranking, moments"},
    {
        "library": "the product and its Python API",
        "demo_media": "the demo's files",
    },
    {
        "server": "the only place that serves MCP: tools, engine, HTTP",
        "bench": "how fast the models are, whether they are what their records say, and how well they answer",
    },
    {"cli": "the command line, a client of the same engine"},
    {"__main__": "the start of every command"},
]
"""Rooms from the ground up, each a module or a folder at the top of the package, and what it is for."""

MOST_FLOORS = 14
MOST_ENTRIES = 24
MOST_PARAMETERS = 6

DOORS = {
    "mcp": {"server", "cli"},
    "chromadb": {"store"},
    "httpx2": {"store"},
    "sqlite3": {"store"},
    "torch": {"models", "bench"},
    "torchaudio": {"models"},
    "sentence_transformers": {"models", "bench"},
    "transformers": {"models", "bench"},
    "huggingface_hub": {"models"},
    "onnx": {"models"},
    "onnxruntime": {"models"},
    "ctranslate2": {"models"},
    "tokenizers": {"models", "bench"},
    "safetensors": {"models"},
    "rapidocr": {"models"},
    "faster_whisper": {"models"},
    "av": {"media", "demo_media"},
    "PIL": {"media", "models", "server", "demo_media", "small_print"},
    "pypdfium2": {"media"},
    "resvg_py": {"media"},
    "pi_heif": {"media"},
    "python_calamine": {"media"},
    "lxml": {"media"},
    "olefile": {"media"},
    "watchfiles": {"adding"},
    "ray": {"adding"},
    "Stemmer": {"store"},
    "jellyfish": {"store", "searching"},
    "py3langid": {"store"},
    "chardet": {"media"},
    "yaml": {"media"},
    "rich": {"cli"},
    "shtab": {"cli"},
    "matplotlib": {"cli"},
    "ir_measures": {"bench"},
    "scipy": {"bench"},
    "prometheus_client": {"server"},
    "uvicorn": {"server"},
    "starlette": {"server"},
}
"""The rooms that may import a third party."""

NAMES_OF_MANY = {
    "split": "every reader of media has it",
    "load": "every reader of media has it",
    "recognises": "every reader of media has it",
    "parts": "every reader of files that hold several things has it",
    "figures": "every reader of media whose places hold pictures has it",
    "main": "every module that can be run has it",
    "logger": "every module that logs has it",
    "TYPE_CHECKING": "a front does without typing's own, which costs a fifth of its start",
}
"""Public names that stand in several modules, and why they may."""

MIRRORS_OF_A_TOOL = {
    ("server/tools/tools.py", "search_media"),
    ("server/tools/tools.py", "open_media"),
    ("server/tools/tools.py", "list_documents"),
    ("library/__init__.py", "search"),
}
"""Functions that take what a tool takes, one parameter an argument."""

TESTED_TOGETHER = {"bench/untrained": "bench/test_untrained.py"}
"""Rooms whose modules one test file builds, all in the same way."""

FEW_BRANCHES = 3
"""Conditions, loops and the like of a module that is plain enough to be tested with those that use it."""

FILES = sorted(ROOT.rglob("*.py"))
TESTS = Path(__file__).parent


def room(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every imported name, lazy ones too; relative imports are refused, those for type checkers only left out."""
    module = tree(path)
    typing_only = {
        inner
        for node in ast.walk(module)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(module):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [alias.name for alias in node.names]
            yield from (f"{node.module}.{name}" for name in names)


def public_names(path: Path) -> Iterator[str]:
    """What a module defines at its top for others, imports aside."""
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        else:
            continue
        yield from (name for name in names if not name.startswith("_"))


def printed_floors() -> str:
    """The block of ARCHITECTURE.md, the top floor first."""
    lines = []
    for number in reversed(range(len(FLOORS))):
        for at, (name, purpose) in enumerate(FLOORS[number].items()):
            shown = f"{name}/" if (ROOT / name).is_dir() else name
            lines.append(f"{number if at == 0 else '':<3}{shown:<14}{purpose}")
    return "```\n" + "\n".join(lines) + "\n```\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_floors_below_and_third_parties_by_their_door(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        top, *rest = name.split(".")
        if top in DOORS:
            assert here in DOORS[top], f"{here} imports {top}"
        if top != PACKAGE or not rest or here == "__init__" or rest[0] in {here, "__version__"}:
            continue
        assert floor(rest[0]) < floor(here), f"{here} imports {rest[0]}, which is not below it"


def test_every_room_has_one_floor_and_every_floor_its_rooms() -> None:
    listed = [name for rooms in FLOORS for name in rooms]
    assert sorted(listed) == sorted({room(path) for path in FILES} - {"__init__"})


def test_the_architecture_shows_these_floors() -> None:
    shown = ARCHITECTURE.read_text(encoding="utf-8").split(MARK)[1]
    assert shown.startswith(printed_floors()), f"ARCHITECTURE.md should have:\n{printed_floors()}"


def test_every_process_is_started_by_one_module() -> None:
    starting = {"subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_output", "os.spawnv"}
    found = {
        (str(path.relative_to(ROOT)), ast.unparse(node))
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {*starting, "sys.executable"}
    }
    home = "front/child.py"
    launched_by_clients = ("cli/clients.py", "sys.executable")
    assert found == {(home, "subprocess.Popen"), (home, "sys.executable"), launched_by_clients}


def test_the_house_is_small_enough_to_be_remembered() -> None:
    entries = [path for path in ROOT.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES
    assert len(FLOORS) <= MOST_FLOORS


def test_no_import_leads_back_lazy_ones_included() -> None:
    modules = {dotted(path) for path in FILES}
    graph = defaultdict[str, set[str]](set)
    for path in FILES:
        for name in imports(path):
            module = name if name in modules else name.rpartition(".")[0]
            if module in modules - {dotted(path)}:
                graph[dotted(path)].add(module)
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_a_public_name_stands_in_one_module() -> None:
    homes = defaultdict[str, set[str]](set)
    for path in FILES:
        for name in public_names(path):
            homes[name].add(str(path.relative_to(ROOT)))
    several = {name: sorted(found) for name, found in homes.items() if len(found) > 1}
    assert {name: found for name, found in several.items() if name not in NAMES_OF_MANY} == {}
    assert sorted(several) == sorted(NAMES_OF_MANY)


def test_no_function_takes_more_than_six_parameters_unless_a_tool_does() -> None:
    long = {
        (str(path.relative_to(ROOT)), node.name)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for given in [[*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
        if len([one for one in given if one.arg not in ("self", "cls")]) > MOST_PARAMETERS
    }
    assert long == MIRRORS_OF_A_TOOL


def test_each_module_with_logic_has_a_test_file_of_its_name() -> None:
    branching = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.comprehension)
    lacking = []
    for path in FILES:
        here = path.relative_to(ROOT)
        name = here.parent.name if here.name == "__init__.py" else here.stem
        together = TESTED_TOGETHER.get(str(here.parent))
        mirror = TESTS / (together or here.parent / f"test_{name}.py")
        branches = sum(isinstance(node, branching) for node in ast.walk(tree(path)))
        if branches > FEW_BRANCHES and not mirror.exists():
            lacking.append(f"{here}: {mirror.relative_to(TESTS)}")
    assert lacking == []


def test_no_reason_of_a_failure_repeats_the_message_of_a_parser() -> None:
    """Such a message may hold what the file says: a reason has words of our own and places."""
    repeated = [
        f"{path.relative_to(ROOT)}:{value.lineno}"
        for path in FILES
        if room(path) == "media"
        for handler in ast.walk(tree(path))
        if isinstance(handler, ast.ExceptHandler) and handler.name and not _catches_our_own(handler)
        for call in ast.walk(handler)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "UnreadableMedia"
        for value in ast.walk(call)
        if isinstance(value, ast.FormattedValue)
        for used in [value.value.args[0] if isinstance(value.value, ast.Call) and value.value.args else value.value]
        if isinstance(used, ast.Name) and used.id == handler.name and "_place" not in ast.unparse(value)
    ]
    assert repeated == []


def _catches_our_own(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.type, ast.Name) and handler.type.id == "ParserDeath"
