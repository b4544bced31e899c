"""An installation with the demo catalogue, keys of two agencies, and a browser of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx
from starlette.applications import Starlette

from api import keys
from api.desk import ApiDesk
from api.routes import routes
from fees import bills, catalogue
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig, WalletConfig
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments import receipt, start
from payments.desk import Desk
from payments.start import Started, StartRequest
from wallets.port import Wallet

PUBLIC_URL = "https://gw.example.gov.jo"
PAYER = Msisdn("+962790000001")
_WALLET = WalletConfig(
    code="sandbox", adapter="gsma", base_url="http://127.0.0.1:9", names={"ar": "محفظة"},
    currencies=("JOD",), countries=("JO",),
)  # fmt: skip


@dataclass
class Town:
    """Two agencies, ``JO-CSPD`` and another, each with a key."""

    desk: ApiDesk
    key: str
    other_key: str
    demo_bills: int

    async def issued(self) -> int:
        """How many bills there are beside those of the demo."""
        async with self.desk.desk.database.read() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM fees.bill")
        return count - self.demo_bills

    @asynccontextmanager
    async def client(self, host: str = "203.0.113.7") -> AsyncIterator[httpx.AsyncClient]:
        """A browser at an address."""
        app = Starlette(routes=routes(self.desk))
        transport = httpx.ASGITransport(app, client=(host, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            yield client

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request with the first agency's key, unless ``key`` says otherwise."""
        key = options.pop("key", self.key)
        host = options.pop("host", "203.0.113.7")
        headers = options.pop("headers", {})
        if key is not None:
            headers = {"authorization": f"Bearer {key}", **headers}
        async with self.client(host) as client:
            return await client.request(method, path, headers=headers, **options)

    async def issue(self, **body: Any) -> httpx.Response:
        """Ask for a passport bill under a reference."""
        order = {"service": "PASSPORT", "reference": "case-1", **body}
        return await self.ask("POST", "/api/v1/bills", json=order)

    async def paid(self, control_number: str) -> str:
        """Collect a bill's money and return the receipt's code."""
        desk = self.desk.desk
        async with desk.database.read() as connection:
            bill = await bills.find(connection, control_number, at=desk.clock.now())
        assert bill is not None
        total = bill.charge(desk.clock.now().date()).total
        payment = await self.pending(control_number, total)
        async with desk.database.transaction() as connection:
            for state in ("sent", "collected"):
                await connection.execute(
                    "UPDATE payments.payment SET state = $2 WHERE id = $1", payment, state
                )
            row = await connection.fetchrow("SELECT * FROM payments.payment WHERE id = $1", payment)
            assert row is not None
            at = desk.clock.now()
            await receipt.issue(desk, connection, [row], at)
            assert await bills.mark_paid(connection, control_number, payment=payment, at=at)
            code = await connection.fetchval("SELECT code FROM payments.receipt")
        return cast(str, code)

    async def pending(self, control_number: str, total: Money) -> UUID:
        """Start paying a bill; returns the payment's id."""
        request = StartRequest(
            id=self.desk.desk.ids.new(), payer=PAYER, wallet="sandbox", channel="sandbox",
            language="ar", by_payer=True,
            agreed_total=total, control_number=control_number,
        )  # fmt: skip
        started = await start.start(self.desk.desk, request)
        assert isinstance(started, Started), started
        return started.payment_id


async def found(database: Database, valkey: Valkey, keys_: Keys, clock: ManualClock) -> Town:
    """Set the town up on an empty database."""
    ids = RandomIds()
    desk = Desk(
        database=database, keys=keys_, clock=clock, ids=ids, config=PaymentsConfig(),
        wallets={"sandbox": cast(Wallet, object())}, wallet_configs={"sandbox": _WALLET},
        public_url=PUBLIC_URL,
    )  # fmt: skip
    async with database.transaction() as connection:
        await catalogue.load_demo(connection)
        own = await keys.add(connection, ids, "JO-CSPD", at=clock.now())
        other = await keys.add(connection, ids, "BH-IGA", at=clock.now())
        demo_bills = await connection.fetchval("SELECT count(*) FROM fees.bill")
    return Town(ApiDesk(desk, Limits(valkey, keys_, clock)), own, other, demo_bills)
