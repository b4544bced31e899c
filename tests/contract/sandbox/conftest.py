"""One operator a test, with a book of its own, and a client that hears its callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.app import build
from sandbox.settings import Settings
from tests.contract.sandbox.gsma_answers import Answers
from tests.contract.sandbox.operator_process import (
    PACE,
    Client,
    Ear,
    OperatorProcess,
    listening_ear,
    served,
)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    """Where callbacks, reports and USSD hops arrive."""
    async with listening_ear() as ear:
        yield ear


@pytest.fixture
async def client(tmp_path: Path, ear: Ear) -> AsyncIterator[Client]:
    """A client of an operator in this process (over HTTP all the same) with a fresh book."""
    settings = Settings(gateway=ear.url, home=tmp_path, pace=PACE)
    async with (
        served(build(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=15, trust_env=False) as http,
    ):
        yield Client(http, ear)


@pytest.fixture
def operator(tmp_path: Path, ear: Ear) -> Iterator[OperatorProcess]:
    """A running operator process."""
    running = OperatorProcess(tmp_path, ear.url)
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def caller(operator: OperatorProcess, ear: Ear) -> AsyncIterator[Client]:
    """A client of the operator process."""
    async with httpx.AsyncClient(base_url=operator.url, timeout=15, trust_env=False) as http:
        yield Client(http, ear)


@pytest.fixture(scope="session")
def answers() -> Answers:
    """The judge of answers."""
    return Answers()
