"""Payments confirmed per second, from dial to ledger, with everything real in between.

Citizens dial ``*789*<control number>#``, say yes, and the sandbox operator approves at once.
Counted is what the ledger has booked. Callback acknowledgement is measured apart, one after the
other, on idle processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from benchmarks.installation import installation
from benchmarks.load import Connection, Tally, connect
from benchmarks.ussd import hop
from fees import bills
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.privacy import Keys
from launch.rehearsal import Stack
from wallets.tokens import callback_token

CITIZENS = 32
SECONDS = 10.0
BILLS = 20_000
CALLBACKS = 300
LAST_RECEIPT_WITHIN_S = 60.0


@dataclass(slots=True)
class Run:
    """What the citizens saw."""

    hops: Tally = field(default_factory=Tally)
    confirmed: int = 0


def run() -> dict[str, object]:
    """Measure and return the figures."""
    with installation(("web", "worker", "sweeper", "sandbox")) as stack:
        return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> dict[str, object]:
    numbers = await _issue(stack, BILLS)
    seen, started = Run(), time.perf_counter()
    until = started + SECONDS
    share = BILLS // CITIZENS
    await asyncio.gather(
        *(
            _citizen(stack, n, numbers[n * share : (n + 1) * share], until, seen)
            for n in range(CITIZENS)
        )
    )
    await stack.until(
        "SELECT count(*) >= $1 FROM payments.receipt",
        seen.confirmed,
        patience_s=LAST_RECEIPT_WITHIN_S,
    )
    seconds = time.perf_counter() - started
    callbacks = await _callbacks(stack)
    return {
        "citizens": CITIZENS,
        "web_processes": 1,
        "worker_processes": 1,
        "confirmed": seen.confirmed,
        "payments_per_s": round(seen.confirmed / seconds, 1),
        "hop_p50_ms": seen.hops.percentile_ms(0.50),
        "hop_p99_ms": seen.hops.percentile_ms(0.99),
        "errors": seen.hops.errors,
        "yes_to_receipt_p50_ms": await _receipt_ms(stack, 0.50),
        "yes_to_receipt_p99_ms": await _receipt_ms(stack, 0.99),
        "callback_ack_p50_ms": callbacks.percentile_ms(0.50),
        "callback_ack_p99_ms": callbacks.percentile_ms(0.99),
        "unfinished": await stack.value(
            "SELECT count(*) FROM payments.payment WHERE state <> 'collected'"
        ),
    }


async def _issue(stack: Stack, count: int) -> list[str]:
    database = await Database.connect(stack.servers.urls.database_url, size=1)
    order = bills.BillOrder(agency="JO-CSPD", service="PASSPORT")
    async with database.transaction() as connection:
        issued = await bills.issue_many(
            connection, RandomIds(), [order] * count, at=SystemClock().now()
        )
    await database.close()
    return [each.bill.control_number for each in issued if isinstance(each, bills.Issued)]


async def _citizen(
    stack: Stack, n: int, control_numbers: Sequence[str], until: float, seen: Run
) -> None:
    url, link = f"{stack.gateway}/ussd/sandbox", await connect(stack.gateway)
    for turn, number in enumerate(control_numbers):
        phone = f"+96279{n:03d}{turn % 100:02d}01"
        await _hop(link, hop(url, phone, f"p{n}-{turn}", number), b"CON ", seen)
        await _hop(link, hop(url, phone, f"p{n}-{turn}", f"{number}*1"), b"END ", seen)
        seen.confirmed += 1
        if time.perf_counter() > until:
            break
    link.close()


async def _hop(link: Connection, request: bytes, expected: bytes, seen: Run) -> None:
    before = time.perf_counter()
    answer = await link.send(request)
    seen.hops.latencies.append(time.perf_counter() - before)
    if not answer.body.startswith(expected):
        seen.hops.errors += 1


async def _callbacks(stack: Stack) -> Tally:
    connection = await asyncpg.connect(stack.servers.urls.database_url)
    rows = await connection.fetch("SELECT id FROM wallets.collection LIMIT $1", CALLBACKS)
    await connection.close()
    keys, tally = Keys(stack.environ["MIZAN_SECRET_KEY"]), Tally()
    link = await connect(stack.gateway)
    for row in rows:
        before = time.perf_counter()
        answer = await link.send(_callback(keys, row["id"]))
        tally.latencies.append(time.perf_counter() - before)
        tally.errors += answer.status != 204
    link.close()
    return tally


def _callback(keys: Keys, collection: UUID) -> bytes:
    body = b'{"transactionStatus": "completed", "measured": true}'
    return (
        f"PUT /callbacks/{callback_token(keys, collection)} HTTP/1.1\r\nHost: gateway\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _receipt_ms(stack: Stack, share: float) -> float:
    value = await stack.value(
        "SELECT percentile_cont($1) WITHIN GROUP ("
        " ORDER BY EXTRACT(epoch FROM receipt.issued_at - payment.created_at)::float8) * 1000"
        " FROM payments.receipt JOIN payments.payment ON payment.id = receipt.payment_id",
        share,
    )
    return round(float(str(value)), 1)
