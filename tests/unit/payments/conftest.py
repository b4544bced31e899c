"""A desk over the real database with a scripted wallet, a bill to pay, and a hand on the work
table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from fees import bills, catalogue
from fees.bills import Bill
from kernel import work
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig, WalletConfig
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.work import Work
from payments import send, verify
from payments.desk import Desk
from payments.start import Started, StartRequest, start
from tests.unit.payments.scripted_wallet import ScriptedWallet
from wallets import inbox
from wallets.inbox import Callback
from wallets.port import Evidence
from wallets.tokens import callback_token, digest

CITIZEN = Msisdn("+962790000001")
NEIGHBOUR = Msisdn("+962790000002")

WALLET = WalletConfig(
    code="sandbox",
    adapter="scripted",
    base_url="http://127.0.0.1:1",
    names={"ar": "محفظة", "en": "Wallet", "fr": "Portefeuille"},
    currencies=("JOD", "BHD"),
    countries=("JO",),
    poll_schedule_s=(90, 600, 6000),
)


@dataclass
class Counter:
    """Drives payments by hand: start, deliver work, callbacks, time."""

    desk: Desk
    wallet: ScriptedWallet
    clock: ManualClock

    async def bill(self) -> Bill:
        async with self.desk.database.transaction() as connection:
            bill = await bills.issue(
                connection,
                self.desk.ids,
                agency="JO-CSPD",
                service="PASSPORT",
                at=self.clock.now(),
                due_on=date(2027, 1, 1),
            )
        assert isinstance(bill, Bill), bill
        return bill

    def request(self, bill: Bill, **changes: object) -> StartRequest:
        values: dict[str, Any] = {
            "id": self.desk.ids.new(),
            "payer": CITIZEN,
            "wallet": "sandbox",
            "channel": "sandbox",
            "language": "ar",
            "agreed_total": bill.charge(self.clock.now().date()).total,
            "control_number": bill.control_number,
            "by_payer": True,
        }
        return StartRequest(**(values | changes))

    async def started(self) -> tuple[UUID, Bill]:
        bill = await self.bill()
        answer = await start(self.desk, self.request(bill))
        assert isinstance(answer, Started), answer
        return answer.payment_id, bill

    async def work(self, *, kinds: tuple[str, ...] = ("payments", "wallets")) -> list[str]:
        """Handle what is due now, messages excepted; returns the kinds handled."""
        handlers: dict[str, Callable[[Desk, Work], Awaitable[None]]] = {
            "payments.collect": send.send,
            "payments.query": verify.query,
            "wallets.callback": verify.on_callback,
        }
        done = []
        for item in await work.claim(self.desk.database):
            if item.kind.startswith(kinds):
                await handlers[item.kind](self.desk, item)
                done.append(item.kind)
        return done

    async def callback(self, payment: UUID, body: bytes = b"{}") -> None:
        """Store a callback as the route does."""
        collection = await self.value(
            "SELECT collection_id FROM payments.payment WHERE id = $1", payment
        )
        token = callback_token(self.desk.keys, collection)
        evidence = Evidence(
            kind="callback", at=self.clock.now(), method="PUT", url_path="/callbacks/x", body=body
        )
        callback = Callback(self.desk.ids.new(), digest(token), evidence, len(body))
        async with self.desk.database.transaction() as connection:
            (stored,) = await inbox.store(connection, [callback])
        assert stored is not None
        if stored.is_repeat:
            await self.run(
                "UPDATE kernel.work SET due_at = now() WHERE key = $1", str(stored.evidence)
            )

    async def make_due(self) -> None:
        """Bring all planned work to now, leases included: time passes without waiting."""
        await self.run(
            "UPDATE kernel.work SET due_at = now() - interval '1 second', leased_until = NULL"
        )

    async def later(self, seconds: float) -> None:
        """Let time pass, and what was planned meanwhile come due."""
        self.clock.forward(timedelta(seconds=seconds))
        await self.make_due()

    async def state(self, payment: UUID) -> str:
        return str(await self.value("SELECT state FROM payments.payment WHERE id = $1", payment))

    async def told(self) -> list[str]:
        async with self.desk.database.read() as connection:
            rows = await connection.fetch(
                "SELECT key FROM kernel.work WHERE kind = 'sms.tell' ORDER BY id"
            )
        return [row["key"].partition(":")[2] for row in rows]

    async def value(self, sql: str, *values: object) -> Any:
        async with self.desk.database.read() as connection:
            return await connection.fetchval(sql, *values)

    async def run(self, sql: str, *values: object) -> None:
        async with self.desk.database.transaction() as connection:
            await connection.execute(sql, *values)

    async def balance(self, account: str) -> int:
        """Debits less credits of accounts that begin so."""
        total = await self.value(
            "SELECT COALESCE(sum(signed), 0)::bigint FROM ledger.entry"
            " JOIN ledger.account ON account.id = entry.account WHERE path LIKE $1 || '%'",
            account,
        )
        assert isinstance(total, int)
        return total


@pytest.fixture
async def counter(database: Database, keys: Keys, ids: RandomIds, clock: ManualClock) -> Counter:
    wallet = ScriptedWallet(clock)
    desk = Desk(
        database=database,
        keys=keys,
        clock=clock,
        ids=ids,
        config=PaymentsConfig(poll_jitter=0.0),
        wallets={"sandbox": wallet},
        wallet_configs={"sandbox": WALLET},
        public_url="https://gateway.example",
    )
    async with database.transaction() as connection:
        await catalogue.load_demo(connection, at=clock.now())
    return Counter(desk, wallet, clock)
