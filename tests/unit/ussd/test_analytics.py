"""Counting dialogues: what a hop adds, that nothing is added twice, that nobody is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.ussd.conftest import CHANNELS, caller, wallet
from tests.unit.ussd.phone import Handset
from ussd.analytics import SQL, Tally, recording
from ussd.engine import Result
from ussd.fake_gateway import FakeGateway
from ussd.hop import Reply
from ussd.routes import routes

CANARY = "+962799876543"
ZONE = "Asia/Amman"
RENEWAL = "JO-PASS/RENEW"
COUNTING = ChannelConfig(name="counting", dialect="json", short_code="*789#", wallets=("sandbox",))
"""Whose operator says when a session is over, and why."""


@dataclass
class Counted:
    """Phones whose dialogues are counted, and the table."""

    line: Any
    gateway: FakeGateway
    tally: Tally
    database: Database
    clock: ManualClock

    def phone(self, msisdn: str = "+962790000000", language: str = "en") -> Handset:
        self.gateway.languages.setdefault(msisdn, language)
        return Handset(self.line, msisdn)

    async def rows(self, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        await self.tally.flush(self.database)
        async with self.database.read() as connection:
            found = await connection.fetch(
                f"SELECT {columns} FROM ussd.step WHERE {where} ORDER BY 1, 2"
            )
        return [tuple(row) for row in found]

    async def screens(self) -> dict[str, tuple[int, int, int]]:
        """Entered, moved on and ended, by screen."""
        found = await self.rows(
            "screen, sum(entered)::int, sum(moved_on)::int, sum(ended)::int",
            "true GROUP BY screen",
        )
        return {screen: (entered, moved, ended) for screen, entered, moved, ended in found}

    async def stages(self, service: str) -> tuple[int, ...]:
        found = await self.rows(
            "sum(opened)::int, sum(priced)::int, sum(confirmed)::int", f"service = '{service}'"
        )
        return found[0]


@pytest.fixture
async def counted(
    database: Database, valkey: Valkey, keys: Keys, clock: ManualClock
) -> AsyncIterator[Counted]:
    gateway, tally = FakeGateway(clock), Tally(clock, RandomIds(), ZONE)
    application = Starlette(
        routes=routes(
            channels=CHANNELS | {COUNTING.name: COUNTING},
            wallets={code: wallet(code) for code in ("sandbox", "other")},
            gateway=gateway,
            valkey=valkey,
            keys=keys,
            clock=clock,
            observe=tally.hop,
        )
    )
    async with caller(application, "127.0.0.1") as line:
        yield Counted(line, gateway, tally, database, clock)


async def test_a_dialogue_is_counted_where_it_came_and_where_it_went(counted: Counted) -> None:
    number = counted.gateway.issue(Money(5000, "JOD"))
    await counted.phone().dials("*789#").sends("1", number, "1").hangs_up()
    await counted.phone().dials("*789#").sends("1", "12")
    assert await counted.screens() == {
        "home": (2, 2, 0),
        "number": (2, 1, 0),
        "confirm": (1, 1, 0),
        "approve": (1, 0, 1),
    }
    assert await counted.stages(RENEWAL) == (1, 1, 1)


async def test_a_stage_counts_once_a_dialogue_and_service(counted: Counted) -> None:
    number = counted.gateway.issue(Money(5000, "JOD"))
    await counted.phone().dials(f"*789*{number}#").sends("7").sends("2").sends("0").sends("1")
    assert await counted.stages(RENEWAL) == (1, 1, 1)
    await counted.phone("+962790000002").dials(f"*789*{number}#").sees("being paid")
    assert await counted.stages(RENEWAL) == (1, 1, 1)


async def test_a_repeated_hop_moves_nobody(counted: Counted) -> None:
    number = counted.gateway.issue(Money(5000, "JOD"))
    await counted.phone().dials(f"*789*{number}#").repeats().repeats().sends("1").repeats()
    assert await counted.screens() == {"confirm": (1, 1, 0), "approve": (1, 0, 1)}
    assert await counted.stages(RENEWAL) == (1, 1, 1)
    assert await counted.rows("screen, sum(hops)::int", "true GROUP BY screen") == [
        ("approve", 2),
        ("confirm", 3),
    ]


@pytest.mark.parametrize(
    ("reason", "column"), [("timeout", "timed_out"), ("abort", "cancelled"), ("error 7", "dropped")]
)
async def test_how_a_dialogue_was_left_is_counted_once_where_it_stood(
    counted: Counted, reason: str, column: str
) -> None:
    hop = {"session": "s", "msisdn": "+962790000000"}
    counted.gateway.languages[hop["msisdn"]] = "en"
    for told in (
        {"event": "start"},
        {"event": "input", "text": "1"},
        {"event": "end", "reason": reason},
        {"event": "end", "reason": reason},
    ):
        await counted.line.post("/ussd/counting", json={**hop, "text": "", **told})
    columns = "screen, timed_out, cancelled, dropped"
    expected = [int(column == each) for each in ("timed_out", "cancelled", "dropped")]
    found = await counted.rows(columns, "timed_out + cancelled + dropped > 0")
    assert found == [("number", *expected)]
    assert (await counted.screens())["number"] == (1, 0, 0)


async def test_a_dialogue_that_was_done_was_not_left(counted: Counted) -> None:
    number = counted.gateway.issue(Money(5000, "JOD"))
    hop = {"session": "s", "msisdn": "+962790000000"}
    counted.gateway.languages[hop["msisdn"]] = "en"
    for told in (
        {"event": "start", "text": number},
        {"event": "input", "text": "1"},
        {"event": "end", "reason": "timeout"},
    ):
        await counted.line.post("/ussd/counting", json={**hop, **told})
    assert (await counted.screens())["approve"] == (1, 0, 1)
    assert await counted.rows("screen, hops", "timed_out + cancelled + dropped > 0") == []


async def test_hops_that_failed_are_counted_as_such(counted: Counted) -> None:
    counted.gateway.down = True
    await counted.phone().dials("*789#").hangs_up()
    assert await counted.rows("screen, hops, failed, entered") == [("none", 1, 1, 0)]


async def test_days_turn_where_the_installation_is(counted: Counted) -> None:
    counted.clock.at = counted.clock.at.replace(hour=20, minute=59, second=59)
    await counted.phone().dials("*789#")
    counted.clock.forward(timedelta(seconds=1))
    await counted.phone("+962790000002").dials("*789#")
    found = await counted.rows("day::text, entered")
    assert found == [("2026-11-21", 1), ("2026-11-22", 1)]


async def test_channels_and_languages_stay_apart(counted: Counted) -> None:
    await counted.phone("+962790000001", "ar").dials("*789#")
    await counted.phone("+962790000002", "fr").dials("*789#")
    found = await counted.rows("language, channel, entered")
    assert found == [("ar", "sandbox", 1), ("fr", "sandbox", 1)]


class Watched(Database):
    """A database that tells what was asked of it, and can lose its answers."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []
        self.loses_answers = False
        self.is_away = False

    def blocks(self) -> list[str]:
        """Names of the blocks that were sent; the driver's own questions are left out."""
        names = {text: name for name, text in SQL.items()}
        return [names[query] for query in self.asked if query in names]

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        if self.is_away:
            raise ConnectionRefusedError("the database is away")
        async with super().read() as connection:
            with connection.query_logger(lambda record: self.asked.append(record.query)):
                yield connection
        if self.loses_answers:
            raise ConnectionResetError("the connection broke after the commit")


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    database = Watched(database_url)
    await database.open()
    yield database
    await database.close()


async def test_a_flush_is_one_statement_however_much_was_counted(
    counted: Counted, watched: Watched
) -> None:
    for at, language in enumerate(("ar", "en", "fr")):
        await counted.phone(f"+96279000001{at}", language).dials("*789#").sends("1")
    await counted.tally.flush(watched)
    assert watched.blocks() == ["forget_writers", "add_steps"]
    await counted.phone("+962790000020").dials("*789#")
    await counted.tally.flush(watched)
    await counted.tally.flush(watched)
    assert watched.blocks() == ["forget_writers", "add_steps", "add_steps"]


async def test_processes_add_up(counted: Counted) -> None:
    await counted.phone().dials("*789#")
    await counted.tally.flush(counted.database)
    restarted = Tally(counted.clock, RandomIds(), ZONE)
    for tally in (restarted, Tally(counted.clock, RandomIds(), ZONE)):
        tally.hop("sandbox", Result(Reply("", False), "home", "en", "shown"), 0.01)
    restarted.hop("sandbox", Result(Reply("", False), "home", "en", "shown"), 0.01)
    await restarted.flush(counted.database)
    assert await counted.rows("screen, hops") == [("home", 3)]


async def test_a_batch_whose_answer_was_lost_counts_once(
    counted: Counted, watched: Watched
) -> None:
    await counted.phone().dials("*789#")
    watched.loses_answers = True
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await counted.tally.flush(watched)
    await counted.phone("+962790000002").dials("*789#")
    assert await counted.rows("screen, entered") == [("home", 1)]
    assert await counted.rows("screen, entered") == [("home", 2)]


async def test_while_the_database_is_away_counts_wait(counted: Counted, watched: Watched) -> None:
    watched.is_away = True
    async with recording(counted.tally, watched, every_s=0.001):
        for at in range(5):
            await counted.phone(f"+96279000003{at}").dials("*789#")
        watched.is_away = False
    assert await counted.rows("screen, entered") == [("home", 5)]


async def test_what_was_counted_is_kept_when_the_process_ends(counted: Counted) -> None:
    async with recording(counted.tally, counted.database, every_s=3600):
        await counted.phone().dials("*789#")
    async with counted.database.read() as connection:
        assert await connection.fetchval("SELECT sum(entered) FROM ussd.step") == 1


async def test_nobody_is_in_the_table(counted: Counted, keys: Keys) -> None:
    number = counted.gateway.issue(Money(5000, "JOD"), payer=CANARY)
    await counted.phone(CANARY).dials(f"*789*{number}#").sends("2", "0", "1")
    await counted.phone(CANARY).dials("*789#").sends("5", "123456789012345", "98765")
    await counted.tally.flush(counted.database)
    async with counted.database.read() as connection:
        rows = await connection.fetch("SELECT step::text FROM ussd.step")
        writers = await connection.fetch("SELECT writer::text FROM ussd.writer")
    text = " ".join(str(row[0]) for row in (*rows, *writers))
    pseudonym = keys.pseudonym(Msisdn(CANARY)).hex()
    assert "approve" in text
    for canary in (CANARY[1:], CANARY[-9:], number, "123456789012345", "98765", pseudonym):
        assert canary not in text
