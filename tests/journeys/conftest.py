"""One running installation for all journeys, and citizens to walk through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from launch.rehearsal import ROOT, Stack
from tests.installation import installation, town_on
from tests.journeys.town import Town


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Gateway, worker, sweeper and sandbox operator as processes on real servers."""
    home = tmp_path_factory.mktemp("stack")
    with installation(home, config=ROOT / "tests" / "stack.toml", pace=0.04) as running:
        yield running


@pytest.fixture
async def town(stack: Stack) -> AsyncIterator[Town]:
    """The running installation as a test sees it."""
    async with town_on(stack) as seen:
        yield seen
