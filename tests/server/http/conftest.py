from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.http import Address, serving
from tests.support.library import FakeLibrary


@pytest.fixture
async def address(library: FakeLibrary) -> AsyncIterator[Address]:
    async with serving(library) as address:
        yield address
