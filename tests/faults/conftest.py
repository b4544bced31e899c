"""An installation to break: every test finds it whole, and leaves books that agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from launch.rehearsal import Stack
from tests.faults.wreck import Wreck
from tests.installation import installation, town_on


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The processes that the tests here kill."""
    home = tmp_path_factory.mktemp("faults")
    with installation(home, config=Path(__file__).parent / "stack.toml", pace=0.06) as running:
        yield running


@pytest.fixture
async def wreck(stack: Stack) -> AsyncIterator[Wreck]:
    """The installation with hands on it; whatever a test left broken is mended after it."""
    async with town_on(stack) as town:
        hands = Wreck(town)
        try:
            yield hands
        finally:
            await hands.mend()
