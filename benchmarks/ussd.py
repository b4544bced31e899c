"""How many USSD hops one web process serves, beside a bare Starlette handler on the same core.

One web process on one core, the load on the others. A hop of a live session: form in, session read
and written in Valkey, an Arabic screen rendered. Rounds alternate, so that drift hits both alike.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterator
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
HOPS_PER_SESSION = 16

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
    rounds: list[tuple[Tally, Tally]] = []
    await _round(hop_url, 1.0)
    for _ in range(ROUNDS):
        rounds.append((await _round(bare_url, SECONDS), await _round(hop_url, SECONDS)))
    bare = statistics.median(floor.rate for floor, _ in rounds)
    hops = statistics.median(ours.rate for _, ours in rounds)
    best = max((ours for _, ours in rounds), key=lambda tally: tally.rate)
    return {
        "connections": CONNECTIONS,
        "hop_per_s": round(hops),
        "bare_starlette_per_s": round(bare),
        "ratio": round(statistics.median(ours.rate / floor.rate for floor, ours in rounds), 3),
        "hop_p50_ms": best.percentile_ms(0.50),
        "hop_p99_ms": best.percentile_ms(0.99),
        "errors": sum(ours.errors + floor.errors for floor, ours in rounds),
    }


async def _round(url: str, seconds: float) -> Tally:
    return await closed_loop(
        url, lambda n: _hops(url, n), connections=CONNECTIONS, seconds=seconds, good=_is_screen
    )


def _hops(url: str, connection: int) -> Iterator[bytes]:
    """Sessions one after the other: a dial, then help and back, in Arabic."""
    phone = f"+96279{connection:07d}"
    yield hop(url, phone, f"b{next(_sessions)}", "1")
    while True:
        session, keys = f"b{next(_sessions)}", ["5", "0"] * (HOPS_PER_SESSION // 2)
        for sent in range(HOPS_PER_SESSION + 1):
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
