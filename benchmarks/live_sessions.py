"""Hops among many live sessions, and hops that start payments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from random import Random
from statistics import median

from benchmarks.load import Answer, Tally, closed_loop, paced
from fees import bills
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from launch.rehearsal import SECRET, Stack
from ussd.hop import Hop
from ussd.menu import EDITIONS
from ussd.session import Session, Vault, dump

LIVE_SESSIONS = 100_000
FEW = 8_000
HOPS = 15
"""Of one session: mistyped numbers, the screen's question again and again."""
CONFIRMS_PER_S = 500
CONFIRM_SECONDS = 4
WARM_UP_S = 1
"""The bills have just been issued: the first commits wait for that to reach the disk."""
CONNECTIONS = 32
ROUNDS = 5
ROUND_S = 0.8
"""So that no subscriber has to come twice: 25,000 hops a second would be as many."""

MakeHop = Callable[[str, str, str, str], bytes]


async def many_sessions(stack: Stack, url: str, hop: MakeHop) -> dict[str, object]:
    """The rate while 100,000 subscribers each have a session, beside the rate with a few, in turns
    so that drift hits both alike. Each hop is another subscriber's than the one before, so that
    nothing but the number of sessions is different.
    """
    valkey = Valkey(stack.servers.urls.redis_url)
    before = await _memory(valkey)
    await fill(valkey, "live", LIVE_SESSIONS)
    size = (await _memory(valkey) - before) / LIVE_SESSIONS
    # Each connection has subscribers of its own, so that no two hops of one cross.
    mine = [range(connection, LIVE_SESSIONS, CONNECTIONS) for connection in range(CONNECTIONS)]
    among = [iter(Random(7).sample(some, len(some))) for some in mine]

    def hops(connection: int) -> Iterator[bytes]:
        for subscriber in among[connection]:
            yield hop(url, _phone(subscriber), f"live{subscriber}", "1*123")

    def hops_of_few(connection: int) -> Iterator[bytes]:
        for typed in range(1, HOPS + 1):
            for subscriber in range(connection, FEW, CONNECTIONS):
                yield hop(url, _phone(subscriber), f"few{subscriber}", "1" + "*123" * typed)

    few, many = [], []
    for _ in range(ROUNDS):
        await fill(valkey, "few", FEW)
        few.append(await _loop(url, hops_of_few))
        many.append(await _loop(url, hops))
    await valkey.close()
    pairs = zip(few, many, strict=True)
    return {
        "live_sessions": LIVE_SESSIONS,
        "bytes_per_session": round(size),
        "hop_among_them_per_s": round(median(one.rate for one in many)),
        "hop_among_them_to_few": round(median(two.rate / one.rate for one, two in pairs), 2),
        "hop_among_them_errors": sum(one.errors for one in (*few, *many)),
    }


async def _loop(url: str, hops: Callable[[int], Iterator[bytes]]) -> Tally:
    return await closed_loop(url, hops, connections=CONNECTIONS, seconds=ROUND_S, good=is_screen)


async def confirms(stack: Stack, url: str, hop: MakeHop) -> dict[str, object]:
    """Citizens who see the total of their bill say yes, at a steady pace: each yes is a payment in
    the database before it is answered.
    """
    wanted = CONFIRMS_PER_S * (WARM_UP_S + CONFIRM_SECONDS)
    numbers = await _issue(stack, wanted)
    name = f"c{time.monotonic_ns()}-"

    def said(connection: int, suffix: str) -> Iterator[bytes]:
        for at in range(connection, wanted, CONNECTIONS):
            yield hop(url, _phone(200_000 + at), f"{name}{at}", numbers[at] + suffix)

    shown = await closed_loop(
        url,
        lambda connection: said(connection, ""),
        connections=CONNECTIONS,
        seconds=600.0,
        good=is_screen,
    )
    tally = await paced(
        url,
        lambda connection: said(connection, "*1"),
        connections=CONNECTIONS,
        seconds=CONFIRM_SECONDS,
        per_s=CONFIRMS_PER_S,
        good=_is_end,
        warm_up_s=WARM_UP_S,
    )
    return {
        "confirms_per_s": round(tally.rate),
        "confirm_p50_ms": tally.percentile_ms(0.50),
        "confirm_p99_ms": tally.percentile_ms(0.99),
        "confirm_errors": shown.errors + tally.errors,
        "payments": await stack.value("SELECT count(*) FROM payments.payment"),
    }


def is_screen(answer: Answer) -> bool:
    """Whether an answer is a page that waits for an input."""
    return answer.status == 200 and answer.body.startswith(b"CON ")


def _is_end(answer: Answer) -> bool:
    return answer.status == 200 and answer.body.startswith(b"END ")


def live_hops(url: str, connection: int, hop: MakeHop) -> Iterator[bytes]:
    """Hops of sessions that are under way, one session after the other; each gets an answer. No two
    of ``2 * CONNECTIONS`` connections have a subscriber in common.
    """
    for subscriber in range(connection, FEW, 2 * CONNECTIONS):
        for typed in range(1, HOPS + 1):
            yield hop(url, _phone(subscriber), f"few{subscriber}", "1" + "*123" * typed)


async def fill(valkey: Valkey, name: str, count: int) -> None:
    """Sessions of as many subscribers, each at the question for a bill's number."""
    vault, clock = Vault(Keys(SECRET)), SystemClock()
    for first in range(0, count, 1000):
        commands = []
        for subscriber in range(first, first + 1000):
            hop = Hop(
                channel="sandbox",
                session_id=f"{name}{subscriber}",
                msisdn=Msisdn(_phone(subscriber)),
                network="",
                short_code="*789#",
                phase=None,
                text="1",
                is_cumulative=True,
            )
            key, at = vault.key(hop, is_unique=True), int(clock.now().timestamp() * 1000)
            session = Session(
                language="ar",
                owner=key.owner,
                screen="number",
                edition=EDITIONS["number"],
                trail=("home",),
                pages=("أدخل رقم الفاتورة (12 رقما)\n0. البداية",),
                identity=key.session.decode(),
                dial=vault.digest(""),
                digest=vault.digest("1"),
                length=1,
                began_at=at,
                at=at,
            )
            commands.append(("SET", key.name, dump(session), "EX", 3600))
            commands.append(("SET", key.last, key.session, "EX", 3600))
        await valkey.ask(*commands)
        await asyncio.sleep(0)


async def _memory(valkey: Valkey) -> int:
    told = await valkey.call("INFO", "memory")
    assert isinstance(told, bytes)
    return int(told.split(b"used_memory:")[1].split(b"\r\n")[0])


def _phone(subscriber: int) -> str:
    return f"+96278{subscriber:07d}"


async def _issue(stack: Stack, count: int) -> list[str]:
    """Bills of fifty dinars, nobody's in particular."""
    database = await Database.connect(stack.servers.urls.database_url, size=1)
    order = bills.BillOrder(agency="JO-CSPD", service="PASSPORT")
    numbers = []
    for _ in range(0, count, 500):
        async with database.transaction() as connection:
            issued = await bills.issue_many(
                connection, RandomIds(), [order] * 500, at=SystemClock().now()
            )
        numbers += [one.bill.control_number for one in issued if isinstance(one, bills.Issued)]
    await database.close()
    return numbers
