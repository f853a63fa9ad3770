"""What runs in a model process: each model is loaded once, and let go of."""

import threading
from pathlib import Path

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.process.host import LoadedModels
from tests.support.engines import until
from tests.support.models import ColourEmbedder


class CountingLoader(InProcessLoader):
    def __init__(self, folder: Path) -> None:
        super().__init__(Settings(library=folder))
        self.loads: list[str] = []
        self.gate = threading.Event()

    def embedder(self, maker: str) -> Embedder:
        self.loads.append(maker)
        self.gate.wait(60)
        return ColourEmbedder(maker)


def test_a_model_is_loaded_by_one_thread_while_many_wait_for_it(tmp_path: Path) -> None:
    loader = CountingLoader(tmp_path)
    models, found = LoadedModels(loader), list[object]()
    threads = [threading.Thread(target=lambda: found.append(models.get("embedder", "one"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    loader.gate.set()
    for thread in threads:
        thread.join(60)
    assert loader.loads == ["one"]
    assert len({id(model) for model in found}) == 1
    assert len(found) == 4


def test_one_that_is_let_go_of_is_loaded_again(tmp_path: Path) -> None:
    loader = CountingLoader(tmp_path)
    loader.gate.set()
    models = LoadedModels(loader)
    first = models.get("embedder", "one")
    models.get("embedder", "other")
    models.release("embedder", "one")
    models.release("embedder", "unknown")
    assert models.get("embedder", "one") is not first
    assert loader.loads == ["one", "other", "one"]


def test_one_that_is_let_go_of_while_it_is_loaded_is_not_kept(tmp_path: Path) -> None:
    loader = CountingLoader(tmp_path)
    models, found = LoadedModels(loader), list[object]()
    thread = threading.Thread(target=lambda: found.append(models.get("embedder", "one")))
    thread.start()
    until(lambda: loader.loads == ["one"], 10)
    models.release("embedder", "one")
    loader.gate.set()
    thread.join(60)
    assert models.get("embedder", "one") is not found[0]
    assert loader.loads == ["one", "one"]
