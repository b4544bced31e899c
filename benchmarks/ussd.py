"""How many USSD hops one web process serves, beside a bare Starlette handler on the same core.

One web process on one core, the load on the others. A hop of a live session: form in, session read
and written in Valkey, an Arabic screen rendered. Rounds alternate, so that drift hits all alike;
the server's own CPU time for a request is there too, because others may be using the machine.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote_plus

import uvloop

from benchmarks.installation import installation
from benchmarks.live_sessions import FEW, confirms, fill, is_screen, live_hops, many_sessions
from benchmarks.load import Tally, closed_loop, paced, post
from benchmarks.render import pages_per_s
from kernel.valkey import Valkey
from launch.programs import SERVER
from launch.rehearsal import PROGRAMS, Stack

CONNECTIONS = 32
ROUNDS = 5
SECONDS = 2.0
LIVE: tuple[str, ...] = ()
"""Hops of sessions that are under way: session and screen, no SQL."""
HOME = ("5", "0") * 8
"""Help and back to the first screen, which looks up the citizen's last payment."""

ALL = range(CONNECTIONS)
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_sessions = count()


@dataclass(frozen=True, slots=True)
class Round:
    """One round against one program: what the load saw, and the program's CPU time."""

    tally: Tally
    cpu_us: float


def run() -> dict[str, object]:
    """Measure and return the figures."""
    for name in ("bare", "usual"):
        app = f"benchmarks.{name}:create_app"
        PROGRAMS[name] = ("uvicorn", app, *SERVER, "--port", f"{{{name}}}")
    PROGRAMS["second"] = ("uvicorn", "app:create_app", *SERVER, "--port", "{second}")
    cores = sorted(os.sched_getaffinity(0))
    first, other = {cores[0]}, {cores[1 % len(cores)]}
    pinned = {"web": first, "bare": first, "usual": first, "second": other}
    with (
        installation(("web", "bare", "usual", "second"), cpus=pinned) as stack,
        _elsewhere(set(cores[1:])),
    ):
        figures = uvloop.run(_measure(stack))
    return {**figures, "arabic_pages_rendered_per_s": pages_per_s("ar")}


async def _measure(stack: Stack) -> dict[str, object]:
    await _fresh(stack)
    await _round(stack, "web", LIVE, seconds=1.0)
    names = (("bare", LIVE), ("usual", LIVE), ("web", LIVE), ("web", HOME))
    rounds = []
    for _ in range(ROUNDS):
        await _fresh(stack)
        rounds.append([await _round(stack, *one) for one in names])
    bare, usual, live, home = zip(*rounds, strict=True)
    rate = _median(live)
    steady = [await _steady(stack, rate / 2) for _ in range(ROUNDS)]
    errors = sum(one.tally.errors for several in rounds for one in several)
    errors += sum(one.errors for one in steady)
    return {
        "connections": CONNECTIONS,
        "load_average": round(os.getloadavg()[0], 1),
        "bare_starlette_per_s": round(_median(bare)),
        "usual_way_per_s": round(_median(usual)),
        "hop_per_s": round(rate),
        "hop_with_sql_per_s": round(_median(home)),
        "ratio_to_bare": _ratio(live, bare),
        "ratio_to_usual_way": _ratio(live, usual),
        "cpu_us": {
            "bare": _cpu(bare),
            "usual": _cpu(usual),
            "hop": _cpu(live),
            "bare_to_hop": round(_cpu(bare) / _cpu(live), 3),
        },
        "half_load_p50_ms": _median_ms(steady, 0.50),
        "half_load_p99_ms": _median_ms(steady, 0.99),
        "half_load_p99_ms_of_worst_round": max(one.percentile_ms(0.99) for one in steady),
        **await _two_processes(stack),
        **await many_sessions(stack, _url(stack, "web"), hop),
        **await confirms(stack, _url(stack, "web"), hop),
        "errors": errors,
    }


async def _steady(stack: Stack, per_s: float) -> Tally:
    """Live sessions at a steady pace."""
    await _fresh(stack)
    return await paced(
        _url(stack, "web"),
        lambda n: _hops(_url(stack, "web"), n, LIVE),
        connections=CONNECTIONS,
        seconds=SECONDS,
        per_s=per_s,
        good=is_screen,
    )


async def _two_processes(stack: Stack) -> dict[str, object]:
    """The first alone, then both at once, each with as many connections."""
    one, both = [], []
    others = range(CONNECTIONS, 2 * CONNECTIONS)
    for _ in range(ROUNDS):
        await _fresh(stack)
        one.append((await _round(stack, "web", LIVE)).tally.rate)
        await _fresh(stack)
        two = await asyncio.gather(
            _round(stack, "web", LIVE), _round(stack, "second", LIVE, numbers=others)
        )
        both.append(sum(each.tally.rate for each in two))
    ratio = statistics.median(two / alone for alone, two in zip(one, both, strict=True))
    return {"two_processes_per_s": round(statistics.median(both)), "two_to_one": round(ratio, 2)}


async def _round(
    stack: Stack, name: str, keys: Sequence[str], *, seconds: float = SECONDS, numbers: range = ALL
) -> Round:
    url, before = _url(stack, name), _cpu_s(stack, name)
    tally = await closed_loop(
        url,
        lambda n: _hops(url, numbers[n], keys),
        connections=len(numbers),
        seconds=seconds,
        good=is_screen,
    )
    used = _cpu_s(stack, name) - before
    return Round(tally, used / max(1, len(tally.latencies)) * 1e6)


async def _fresh(stack: Stack) -> None:
    """The live sessions as they were."""
    valkey = Valkey(stack.servers.urls.redis_url)
    await fill(valkey, "few", FEW)
    await valkey.close()


def _cpu_s(stack: Stack, name: str) -> float:
    """CPU time that a program has used, user and system (proc(5), fields 14 and 15)."""
    stat = Path(f"/proc/{stack.running[name].pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _url(stack: Stack, name: str) -> str:
    return f"http://127.0.0.1:{stack.ports[name]}/ussd/sandbox"


def _median(rounds: Sequence[Round]) -> float:
    return statistics.median(one.tally.rate for one in rounds)


def _median_ms(rounds: Sequence[Tally], share: float) -> float:
    return round(statistics.median(one.percentile_ms(share) for one in rounds), 3)


def _cpu(rounds: Sequence[Round]) -> float:
    return round(statistics.median(one.cpu_us for one in rounds), 1)


def _ratio(rounds: Sequence[Round], floor: Sequence[Round]) -> float:
    """Of rates of the same round: the machine was the same for both."""
    pairs = zip(rounds, floor, strict=True)
    return round(statistics.median(one.tally.rate / under.tally.rate for one, under in pairs), 3)


def _hops(url: str, connection: int, keys: Sequence[str]) -> Iterator[bytes]:
    """Sessions one after the other: Arabic is chosen once, then every session sends its keys."""
    if not keys:
        while True:
            yield from live_hops(url, connection, hop)
    phone, first = f"+96279{connection:07d}", f"b{next(_sessions)}"
    yield hop(url, phone, first, "")
    yield hop(url, phone, first, "1")
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


@contextmanager
def _elsewhere(cores: set[int]) -> Iterator[None]:
    """Keep the load generator off the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
