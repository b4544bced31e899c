"""The USSD channel on real Valkey with the in-memory gateway, reached by HTTP requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from kernel.clock import ManualClock
from kernel.config import ChannelConfig, WalletConfig
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.peer import Wire
from tests.unit.ussd.phone import Handset
from ussd.fake_gateway import FakeGateway
from ussd.hop import Hop
from ussd.routes import routes

SECRET = "a-secret-path-of-the-operator"


def wallet(code: str, *currencies: str) -> WalletConfig:
    """A wallet operator's settings."""
    names = {"ar": f"محفظة {code}", "en": f"{code} wallet", "fr": f"Portefeuille {code}"}
    return WalletConfig(
        code=code,
        adapter="gsma",
        base_url="http://127.0.0.1:1",
        names=names,
        currencies=currencies or ("JOD", "LBP", "BHD", "ILS", "SYP"),
        countries=("JO", "LB", "BH", "PS", "SY"),
    )


@dataclass
class Exchange:
    """The channel as a test sees it: phones to call with, and the gateway to set up and look at."""

    line: httpx.AsyncClient
    gateway: FakeGateway
    observed: list[tuple[str, str]] = field(default_factory=list)

    def phone(self, msisdn: str = "+962790000000", *, path: str = "/ussd/sandbox") -> Handset:
        """A phone of a subscriber who chose Arabic before."""
        self.gateway.languages.setdefault(msisdn, "ar")
        return Handset(self.line, msisdn, path=path)

    def english(self, msisdn: str = "+962790000000") -> Handset:
        """A phone of a subscriber who chose English before."""
        self.gateway.languages[msisdn] = "en"
        return Handset(self.line, msisdn)


@pytest.fixture
async def exchange(valkey: Valkey, keys: Keys, clock: ManualClock) -> AsyncIterator[Exchange]:
    """Channels ``sandbox`` (loopback), ``secret`` and ``two`` (two wallets) on one application."""
    gateway = FakeGateway(clock)
    observed: list[tuple[str, str]] = []
    application = Starlette(
        routes=routes(
            channels=CHANNELS,
            wallets={code: wallet(code) for code in ("sandbox", "other")},
            gateway=gateway,
            valkey=valkey,
            keys=keys,
            clock=clock,
            observe=lambda channel, result, _s: observed.append((channel, result.screen)),
        )
    )
    async with caller(application, "127.0.0.1") as line:
        yield Exchange(line, gateway, observed)


def cumulative_hop(text: str) -> Hop:
    """All that a subscriber has sent, in a protocol that does not say whether it is a start."""
    return Hop(
        channel="a",
        session_id="s",
        msisdn=Msisdn("+962790000000"),
        network="",
        short_code="",
        phase=None,
        text=text,
        is_cumulative=True,
    )


def caller(application: ASGIApp, address: str) -> httpx.AsyncClient:
    """Somebody who calls the application from an address, over connections that are kept."""
    return httpx.AsyncClient(transport=Wire(application, address), base_url="http://gateway")


CHANNELS = {
    channel.name: channel
    for channel in (
        ChannelConfig(
            name="sandbox", dialect="africastalking", short_code="*789#", wallets=("sandbox",)
        ),
        ChannelConfig(
            name="secret",
            dialect="africastalking",
            short_code="*789#",
            secret=SECRET,
            wallets=("sandbox",),
        ),
        ChannelConfig(
            name="two", dialect="africastalking", short_code="*789#", wallets=("sandbox", "other")
        ),
    )
}
