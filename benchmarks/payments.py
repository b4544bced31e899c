"""Payments per second from dial to ledger, and how long each step takes, on real parts.

Citizens dial ``*789*<control number>#`` and say yes; the sandbox operator approves at once. First
as many as will go, counted by receipts. Then at a steady share of that rate, for latencies that
are not queueing. Callback acknowledgement is measured on idle processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
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
SECONDS = 6.0
STEADY_SECONDS = 10.0
STEADY_SHARE = 0.4
BILLS = 12_000
CALLBACKS = 300
LAST_RECEIPT_WITHIN_S = 120.0


@dataclass(slots=True)
class Crowd:
    """Citizens of one phase: where they call, which bills they pay, what they saw."""

    stack: Stack
    bills: Iterator[tuple[int, str]]
    hops: Tally = field(default_factory=Tally)
    confirmed: int = 0


def run() -> dict[str, object]:
    """Measure and return the figures."""
    with installation(("web", "worker", "sweeper", "sandbox"), pace=0.1) as stack:
        return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> dict[str, object]:
    numbers = enumerate(await _issue(stack, BILLS))
    flood = Crowd(stack, numbers)
    rate = await _flood(flood)
    await stack.until(
        "SELECT NOT EXISTS (SELECT FROM kernel.work WHERE due_at <= now())",
        patience_s=LAST_RECEIPT_WITHIN_S,
    )
    since = SystemClock().now()
    steady = await _steadily(Crowd(stack, numbers), rate * STEADY_SHARE)
    callbacks = await _callbacks(stack)
    return {
        "processes": dict.fromkeys(stack.running, 1),
        "payments_per_s": round(rate, 1),
        "confirmed": flood.confirmed,
        "steady_payments_per_s": round(rate * STEADY_SHARE, 1),
        "hop_p50_ms": steady.hops.percentile_ms(0.50),
        "hop_p99_ms": steady.hops.percentile_ms(0.99),
        "yes_to_receipt_p50_ms": await _receipt_ms(stack, 0.50, since),
        "yes_to_receipt_p99_ms": await _receipt_ms(stack, 0.99, since),
        "callback_ack_p50_ms": callbacks.percentile_ms(0.50),
        "callback_ack_p99_ms": callbacks.percentile_ms(0.99),
        "errors": flood.hops.errors + steady.hops.errors + callbacks.errors,
        "unfinished": await stack.value(
            "SELECT count(*) FROM payments.payment WHERE state <> 'collected'"
        ),
    }


async def _flood(crowd: Crowd) -> float:
    """As many as will go for a while; receipts per second until 95 % of them were out.

    The rest may wait for a scheduled query: a flooded gateway answers some callbacks with 503.
    """
    until = time.perf_counter() + SECONDS
    await asyncio.gather(*(_calls(crowd, until) for _ in range(CITIZENS)))
    enough = round(crowd.confirmed * 0.95)
    await crowd.stack.until(
        "SELECT count(*) >= $1 FROM payments.receipt", enough, patience_s=LAST_RECEIPT_WITHIN_S
    )
    seconds = await crowd.stack.value(
        "SELECT EXTRACT(epoch FROM max(issued_at) - (SELECT min(created_at) FROM payments.payment))"
        "::float8 FROM (SELECT issued_at FROM payments.receipt ORDER BY issued_at LIMIT $1) first",
        enough,
    )
    return enough / float(str(seconds))


async def _calls(crowd: Crowd, until: float) -> None:
    link = await connect(crowd.stack.gateway, Connection)
    while time.perf_counter() < until:
        await _pay(crowd, link)
    link.close()


async def _steadily(crowd: Crowd, per_s: float) -> Crowd:
    """One citizen after the other at a fixed pace, whether or not the earlier ones are done."""
    count = round(per_s * STEADY_SECONDS)
    links = [await connect(crowd.stack.gateway, Connection) for _ in range(min(count, CITIZENS))]
    free = asyncio.Queue[Connection]()
    for link in links:
        free.put_nowait(link)

    async def citizen(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        link = await free.get()
        await _pay(crowd, link)
        free.put_nowait(link)

    await asyncio.gather(*(citizen(number / per_s) for number in range(count)))
    await crowd.stack.until(
        "SELECT NOT EXISTS (SELECT FROM payments.payment WHERE state <> 'collected')",
        patience_s=LAST_RECEIPT_WITHIN_S,
    )
    for link in links:
        link.close()
    return crowd


async def _pay(crowd: Crowd, link: Connection) -> None:
    serial, number = next(crowd.bills)
    url, phone = f"{crowd.stack.gateway}/ussd/sandbox", f"+96279{serial % 100_000:05d}01"
    await _hop(link, hop(url, phone, f"p{serial}", number), b"CON ", crowd.hops)
    await _hop(link, hop(url, phone, f"p{serial}", f"{number}*1"), b"END ", crowd.hops)
    crowd.confirmed += 1


async def _hop(link: Connection, request: bytes, expected: bytes, hops: Tally) -> None:
    before = time.perf_counter()
    answer = await link.send(request)
    hops.latencies.append(time.perf_counter() - before)
    hops.errors += not answer.body.startswith(expected)


async def _issue(stack: Stack, count: int) -> list[str]:
    database = await Database.connect(stack.servers.urls.database_url, size=1)
    order = bills.BillOrder(agency="JO-CSPD", service="PASSPORT")
    async with database.transaction() as connection:
        issued = await bills.issue_many(
            connection, RandomIds(), [order] * count, at=SystemClock().now()
        )
    await database.close()
    return [each.bill.control_number for each in issued if isinstance(each, bills.Issued)]


async def _callbacks(stack: Stack) -> Tally:
    connection = await asyncpg.connect(stack.servers.urls.database_url)
    rows = await connection.fetch("SELECT id FROM wallets.collection LIMIT $1", CALLBACKS)
    await connection.close()
    keys, tally = Keys(stack.environ["MIZAN_SECRET_KEY"]), Tally()
    link = await connect(stack.gateway, Connection)
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


async def _receipt_ms(stack: Stack, share: float, since: datetime) -> float:
    value = await stack.value(
        "SELECT percentile_cont($1) WITHIN GROUP ("
        " ORDER BY EXTRACT(epoch FROM receipt.issued_at - payment.created_at)::float8) * 1000"
        " FROM payments.receipt JOIN payments.payment ON payment.id = receipt.payment_id"
        " WHERE payment.created_at >= $2",
        share,
        since,
    )
    return round(float(str(value)), 1)
