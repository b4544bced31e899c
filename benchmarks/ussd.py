"""How many USSD hops one web process serves, beside a bare Starlette handler on the same core.

One web process on one core, the load on the others. A hop of a live session: form in, session read
and written in Valkey, an Arabic screen rendered. Rounds alternate, so that drift hits both alike.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from urllib.parse import quote_plus

from benchmarks.installation import installation
from benchmarks.load import Answer, Tally, closed_loop, post
from launch.programs import SERVER
from launch.rehearsal import PROGRAMS, Stack

CONNECTIONS = 32
ROUNDS = 4
SECONDS = 3.0
LIVE = ("1", *["123"] * 15)
"""Pay by number, mistyped again and again: session and screen, no SQL but at the dial."""
HOME = ("5", "0") * 8
"""Help and back to the first screen, which looks up the citizen's last payment."""

_sessions = count()


def run() -> dict[str, object]:
    """Measure and return the figures."""
    PROGRAMS["bare"] = ("uvicorn", "benchmarks.bare:create_app", *SERVER, "--port", "{bare}")
    cores = sorted(os.sched_getaffinity(0))
    pinned = {"web": {cores[0]}, "bare": {cores[0]}}
    with installation(("web", "bare"), cpus=pinned) as stack, _elsewhere(set(cores[1:])):
        return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> dict[str, object]:
    bare_url = f"http://127.0.0.1:{stack.ports['bare']}/ussd/sandbox"
    hop_url = f"{stack.gateway}/ussd/sandbox"
    rounds: list[tuple[Tally, Tally, Tally]] = []
    await _round(hop_url, 1.0, LIVE)
    for _ in range(ROUNDS):
        rounds.append(
            (
                await _round(bare_url, SECONDS, LIVE),
                await _round(hop_url, SECONDS, LIVE),
                await _round(hop_url, SECONDS, HOME),
            )
        )
    best = max((live for _, live, _ in rounds), key=lambda tally: tally.rate)
    return {
        "connections": CONNECTIONS,
        "bare_starlette_per_s": round(statistics.median(bare.rate for bare, _, _ in rounds)),
        "hop_per_s": round(statistics.median(live.rate for _, live, _ in rounds)),
        "hop_with_sql_per_s": round(statistics.median(home.rate for _, _, home in rounds)),
        "ratio": round(statistics.median(live.rate / bare.rate for bare, live, _ in rounds), 3),
        "hop_p50_ms": best.percentile_ms(0.50),
        "hop_p99_ms": best.percentile_ms(0.99),
        "errors": sum(tally.errors for tallies in rounds for tally in tallies),
    }


async def _round(url: str, seconds: float, keys: Sequence[str]) -> Tally:
    return await closed_loop(
        url,
        lambda n: _hops(url, n, keys),
        connections=CONNECTIONS,
        seconds=seconds,
        good=_is_screen,
    )


def _hops(url: str, connection: int, keys: Sequence[str]) -> Iterator[bytes]:
    """Sessions one after the other: Arabic is chosen once, then every session sends its keys."""
    phone = f"+96279{connection:07d}"
    yield hop(url, phone, f"b{next(_sessions)}", "1")
    while True:
        session = f"b{next(_sessions)}"
        for sent in range(len(keys) + 1):
            yield hop(url, phone, session, "*".join(keys[:sent]))


def hop(url: str, phone: str, session: str, text: str) -> bytes:
    """One Africa's Talking hop, ready to write."""
    form = {
        "sessionId": session,
        "phoneNumber": phone,
        "networkCode": "99999",
        "serviceCode": "*789#",
        "text": text,
    }
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in form.items())
    return post(url, body.encode())


def _is_screen(answer: Answer) -> bool:
    return answer.status == 200 and answer.body.startswith(b"CON ")


@contextmanager
def _elsewhere(cores: set[int]) -> Iterator[None]:
    """Keep the load generator off the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
