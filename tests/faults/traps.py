"""Freeze a process at one statement, for one payment, without a hook in the product.

A trap is an open transaction of the test that holds what the statement needs: a row lock, or a
unique key that the statement is about to insert. The statement waits; the process can then be
killed exactly there. ``session_replication_role`` switches foreign keys off for the trap, so that
it holds nothing but its key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from launch.rehearsal import PATIENCE_S
from tests.faults.wreck import Wreck


@dataclass(frozen=True, slots=True)
class Trap:
    """What is held (``$1`` is the payment) and how the operator behaves in that payment."""

    sql: str
    ends: str = "01"


_STEP: Final = (
    "INSERT INTO payments.transition (payment_id, n, to_state, event, at)"
    " VALUES ($1, {}, 'created', 'trap', now())"
)
_WORK: Final = "INSERT INTO kernel.work (kind, key) VALUES ('{}', $1::uuid::text{})"

TRAPS: Final[Mapping[str, Trap]] = {
    "it locks the payment to send it": Trap(
        "SELECT FROM payments.payment WHERE id = $1 FOR UPDATE"
    ),
    "it writes that it will send": Trap(_STEP.format(2)),
    "the operator accepted, it stores the answer": Trap(
        "SELECT FROM wallets.collection JOIN payments.payment ON collection_id = collection.id"
        " WHERE payment.id = $1 FOR UPDATE OF collection",
        ends="05",
    ),
    "the operator accepted, it writes that": Trap(_STEP.format(3), ends="05"),
    "it plans the next question": Trap(_WORK.format("payments.query", ""), ends="05"),
    "it marks the bill paid": Trap(
        "SELECT FROM fees.bill JOIN payments.payment USING (control_number)"
        " WHERE payment.id = $1 FOR UPDATE OF bill"
    ),
    "it books": Trap(
        "INSERT INTO ledger.transaction"
        " (seq, id, key, digest, rule, version, occurred_at, zone, business_date, recorded_at)"
        " SELECT -1, gen_random_uuid(), 'fee:' || collection_id, sha256('trap'), 'TRAP', 1, now(),"
        "        'UTC', current_date, now() FROM payments.payment WHERE id = $1"
    ),
    "it issues the receipt": Trap(
        "INSERT INTO payments.receipt (number, code, payment_id, issued_at, amount, currency)"
        " VALUES ('trap ' || $1::uuid, 'trap ' || $1::uuid, $1, now(), 1, 'JOD')"
    ),
    "it writes that money was collected": Trap(_STEP.format(4)),
    "it owes the message": Trap(_WORK.format("sms.tell", " || ':receipt'")),
    "it writes the message": Trap(
        "INSERT INTO sms.message (id, purpose, payment_id, recipient, language, template,"
        ' "values", body, alphabet, segments, carrier, created_at, state_at)'
        " SELECT gen_random_uuid(), 'receipt', id, payer, 'ar', 'trap', '{}', 'trap', 'GSM-7', 1,"
        "        'trap', now(), now() FROM payments.payment WHERE id = $1"
    ),
}


class Sprung:
    """Traps that are set; each on a connection of its own."""

    def __init__(self, wreck: Wreck) -> None:
        self._wreck = wreck
        self._holders: dict[str, asyncpg.Connection[asyncpg.Record]] = {}

    async def hold(self, name: str, sql: str, *values: object) -> None:
        """Set one trap: run SQL in a transaction that stays open."""
        holder = await self._wreck.connect()
        self._holders[name] = holder
        await holder.execute("BEGIN")
        await holder.execute("SET LOCAL session_replication_role = replica")
        await holder.execute("SET LOCAL lock_timeout = '5s'")
        await holder.fetch(sql, *values)

    async def all_caught(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until every trap holds somebody, all at the same moment."""
        pids = {name: holder.get_server_pid() for name, holder in self._holders.items()}
        watcher = await self._wreck.connect()
        deadline = time.monotonic() + patience_s
        try:
            while True:
                rows = await watcher.fetch(
                    "SELECT unnest(pg_blocking_pids(pid)) AS pid FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock'"
                )
                caught = {row["pid"] for row in rows}
                empty = [name for name, pid in pids.items() if pid not in caught]
                if not empty:
                    return
                assert time.monotonic() < deadline, (
                    f"nobody came to: {empty}\n{self._wreck.stack.tail()}"
                )
                await asyncio.sleep(0.01)
        finally:
            await watcher.close()

    async def release(self) -> None:
        """Let go of everything; a dead process's statement then fails or rolls back."""
        for holder in self._holders.values():
            if not holder.is_closed():
                await holder.close()  # the server rolls its transaction back


@asynccontextmanager
async def traps(wreck: Wreck) -> AsyncIterator[Sprung]:
    """A set of traps that is released at the end of the block."""
    async with AsyncExitStack() as stack:
        sprung = Sprung(wreck)
        stack.push_async_callback(sprung.release)
        yield sprung


async def set_for(sprung: Sprung, payments: Mapping[str, UUID]) -> None:
    """Set the trap of each name for the payment of that name."""
    for name, payment in payments.items():
        await sprung.hold(name, TRAPS[name].sql, payment)
