"""One operator a test, with a book of its own, and a client that hears its callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.sandbox.gsma_answers import Answers
from tests.contract.sandbox.operator_process import (
    HURRIED,
    OBSERVED,
    Client,
    Ear,
    OperatorProcess,
    client_at,
    listening_ear,
)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    """Where callbacks, reports and USSD hops arrive."""
    async with listening_ear() as ear:
        yield ear


@pytest.fixture
async def client(tmp_path: Path, ear: Ear) -> AsyncIterator[Client]:
    """A client of an operator in this process (over HTTP all the same) with a fresh book."""
    async with client_at(HURRIED, tmp_path, ear) as client:
        yield client


@pytest.fixture
async def observer(tmp_path: Path, ear: Ear) -> AsyncIterator[Client]:
    """The same, slow enough to look while something is still under way."""
    async with client_at(OBSERVED, tmp_path, ear) as client:
        yield client


@pytest.fixture
async def person(tmp_path: Path, ear: Ear) -> AsyncIterator[Client]:
    """The same at the pace of people, who have two minutes to answer a prompt."""
    async with client_at(1.0, tmp_path, ear) as client:
        yield client


@pytest.fixture
def operator(tmp_path: Path, ear: Ear) -> Iterator[OperatorProcess]:
    """A running operator process."""
    running = OperatorProcess(tmp_path, ear.url, pace=OBSERVED)
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def caller(operator: OperatorProcess, ear: Ear) -> AsyncIterator[Client]:
    """A client of the operator process."""
    async with httpx.AsyncClient(
        base_url=operator.url, timeout=15, trust_env=False, verify=False
    ) as http:
        yield Client(http, ear)


@pytest.fixture(scope="session")
def answers() -> Answers:
    """The judge of answers."""
    return Answers()
