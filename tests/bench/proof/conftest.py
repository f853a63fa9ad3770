"""Things to be found, drawn once: that takes seconds."""

import pytest

from mcp_mmretrieval.bench.proof.items import ProofItem, proof_items


@pytest.fixture(scope="session")
def things() -> list[ProofItem]:
    return proof_items()
