"""One fee that everybody asks about, and wallets that speak to a real server on a loopback port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest

from kernel.clock import ManualClock
from kernel.config import WalletConfig
from kernel.http import HttpClient
from kernel.money import Money
from kernel.msisdn import Msisdn
from tests.contract.wallets.scripted_operator import BASE_PATH, ScriptedOperator, served
from wallets.directory import build
from wallets.port import CollectionRequest, ReversalRequest, Wallet

COLLECTION_ID = UUID("01931e3c-7a00-7aaa-8bbb-0123456789ab")
REVERSAL_ID = UUID("01931e3c-7b00-7aaa-8bbb-0123456789ab")


@pytest.fixture
def fee() -> CollectionRequest:
    """5.000 JOD from a subscriber that exists only here; the payload files speak of the same."""
    return CollectionRequest(
        id=COLLECTION_ID,
        payer=Msisdn.parse("+962790000001"),
        amount=Money(5_000, "JOD"),
        description="Vehicle licence",
        callback_url="http://127.0.0.1:8000/callbacks/" + "a" * 32,
    )


@pytest.fixture
def refund() -> ReversalRequest:
    """All of that fee back."""
    return ReversalRequest(
        id=REVERSAL_ID,
        reference="SBX-1001",
        amount=Money(5_000, "JOD"),
        description="Refund",
        callback_url="http://127.0.0.1:8000/callbacks/" + "b" * 32,
    )


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    """The client that production uses (no certificates to load: these tests speak plain HTTP)."""
    client = HttpClient(verify=False)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def scripted_operator() -> Iterator[ScriptedOperator]:
    """One server for the whole run."""
    scripted = ScriptedOperator()
    with served(scripted) as url:
        scripted.url = url + BASE_PATH
        yield scripted


@pytest.fixture
def operator(scripted_operator: ScriptedOperator) -> ScriptedOperator:
    """An operator that says what the test scripts; ``operator.url`` is where it listens."""
    scripted_operator.forget()
    return scripted_operator


def config(base_url: str, **changes: object) -> WalletConfig:
    """A wallet's section of the configuration, for a GSMA operator at ``base_url``."""
    values: dict[str, object] = {
        "code": "sandbox",
        "adapter": "gsma",
        "base_url": base_url,
        "names": {"en": "Sandbox"},
        "currencies": ("JOD", "LBP", "ILS"),
        "countries": ("JO",),
        "timeout_s": 5.0,
    }
    return WalletConfig(**{**values, **changes})  # type: ignore[arg-type]  # as TOML would give them


@pytest.fixture
def wallet(operator: ScriptedOperator, http: HttpClient, clock: ManualClock) -> Wallet:
    """A GSMA wallet of the scripted operator."""
    return build(config(operator.url), http, clock)
