"""What stands before a query and before a document."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.prompts import Prompts
from tests.support import tiny
from tests.support.contents import picture, plain
from tests.support.tiny import gemma


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemma.embedder(tmp_path_factory.mktemp("models") / "tiny-gemma")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> HubEmbedder:
    return HubEmbedder(gemma.record(folder), Device())


@pytest.fixture(scope="module")
def model(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def test_a_model_that_is_instructed_gets_its_prompts_apart_from_the_text() -> None:
    beginning = Prompts("find: ", "title: {title} | ", instructs=False)
    assert (beginning.before("query"), beginning.instruction("query")) == ("find: ", "")
    assert (beginning.before("document", " Pump "), beginning.before("document")) == (
        "title: Pump | ",
        "title: none | ",
    )
    instructed = Prompts("Find it.", "Take it in.", instructs=True)
    assert (instructed.before("query"), instructed.instruction("query")) == ("", "Find it.")
    assert (beginning.titled, instructed.titled) == (True, False)


def test_prompts_stand_before_texts_and_make_a_space_of_their_own(tmp_path: Path) -> None:
    folder = tiny.clip(tmp_path / "tiny-clip")
    embedder = HubEmbedder(EmbedderSpec(model=str(folder)), Device())
    spec = EmbedderSpec(model=str(folder), query_prompt="find: ", document_prompt="text: ")
    prompted = HubEmbedder(spec, Device())
    np.testing.assert_allclose(
        prompted.embed_query("lake")["text"], embedder.embed_documents(["find: lake"]), atol=1e-5
    )
    np.testing.assert_allclose(prompted.embed_documents(["lake"]), embedder.embed_documents(["text: lake"]), atol=1e-5)
    np.testing.assert_allclose(
        prompted.embed_documents([picture(0)]), embedder.embed_documents([picture(0)]), atol=1e-5
    )
    assert prompted.identity != embedder.identity


def test_the_title_of_its_document_stands_before_a_text(embedder: HubEmbedder, model: SentenceTransformer) -> None:
    found = embedder.embed_documents(["It leaks.", "It leaks."], titles=["Pump <|image|> 4", ""])
    wanted = plain(
        model, [{"text": "title: Pump < |image|> 4 | text: It leaks."}, {"text": "title: none | text: It leaks."}]
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)
