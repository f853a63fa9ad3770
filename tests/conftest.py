"""A folder of files, a library over it with models that one can work out by hand, and the built-in models."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.config.sources import default_cache_path
from mcp_mmretrieval.demo_media import make_media
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.weights import MINILM_WHEEL
from tests.support.models import ModelsByHand


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def machine_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is made from weights once is made once for all tests and what they start, and not in the person's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield Path(default_cache_path())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one root."""
    path = tmp_path / "files"
    path.mkdir()
    return path


OpenLibrary = Callable[..., Library]


@pytest.fixture
def open_library(tmp_path: Path, folder: Path) -> Iterator[OpenLibrary]:
    """Opens the same library folder again and again; closes what is left open."""
    opened: list[Library] = []

    def open_it(*, space: str = "colours", state: str = "ready", slow: bool = False, **given: object) -> Library:
        settings = Settings.read(**{"library": tmp_path / "library", "roots": (folder,), "workers": 1, **given})
        models = ModelsByHand(settings, space=space, state=state, slow=slow)  # type: ignore[arg-type]
        opened.append(Library.open(settings=settings, models=models))
        return opened[-1]

    yield open_it
    for library in opened:
        library.close()


@pytest.fixture
def library(open_library: OpenLibrary) -> Library:
    return open_library()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelPool:
    """The models of a fresh library. Tests that use them are marked `builtin`."""
    if not MINILM_WHEEL.installed:
        pytest.skip("the extra [builtin] is not installed")
    return ModelPool(Settings(library=tmp_path_factory.mktemp("library")))


@pytest.fixture(scope="session")
def demo_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's files, made once. Tests only read them."""
    folder = tmp_path_factory.mktemp("demo")
    make_media(folder)
    return folder
