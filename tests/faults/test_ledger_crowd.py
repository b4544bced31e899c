"""Four processes on the same accounts at once, a sealer beside them: nobody waits in a ring,
nothing is tried twice, no guard is passed at any position, and the books agree to the last unit.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from dataclasses import dataclass

import asyncpg

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from launch.rehearsal import PATIENCE_S
from ledger import reports, rules
from ledger.guards import Guard, guard
from ledger.journal import LedgerRefusal, Transaction
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.faults import bookers
from tests.faults.bookers import MARK_EVERY, Booker
from tests.faults.crowd import AT_ONCE, Hand, Tally
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, book_all, movement

PROCESSES = 4
OWN, SHARED, UNDONE = 400, 300, 160
SAFES = tuple(f"Assets:Bank:SAFE-{n}:JOD" for n in range(3))
HIGHEST = 400
CLOSED = "Assets:Bank:CLOSED:JOD"

RUNNING = """
WITH moved AS (
    SELECT e.account, b.position, e.seq, sum(e.signed) AS signed
    FROM ledger.entry e JOIN ledger.batch b ON b.number = e.seq >> 16
    GROUP BY e.account, b.position, e.seq
), running AS (
    SELECT account, sum(signed) OVER (PARTITION BY account ORDER BY position, seq) AS balance
    FROM moved
)
SELECT a.path, min(r.balance) AS lowest, max(r.balance) AS highest
FROM running r JOIN ledger.account a ON a.id = r.account
WHERE a.path = ANY ($1) GROUP BY a.path ORDER BY a.path
"""
"""What guarded accounts went through, from position to position."""


async def prepare(database: Database) -> list[Transaction]:
    """Guards, and entries that all will want to undo."""
    async with database.transaction() as connection:
        for path in SAFES:
            await guard(connection, Guard(path, Money(0, "JOD"), Money(HIGHEST, "JOD")))
        await guard(connection, Guard(CLOSED, is_closed=True))
    originals = [movement(f"original {n}") for n in range(UNDONE)]
    await book_all(database, originals)
    return originals


def own(process: int, chance: random.Random) -> list[Transaction]:
    """What nobody else books: hot accounts, safes, now and then a new account or a closed one."""
    made = []
    for n in range(OWN):
        safe, other = chance.sample(SAFES, 2)
        size = chance.randint(1, 120)
        pairs = [(safe, CASH), (CASH, safe), (safe, other), (CASH, OPENING), (CASH, CLOSED)]
        debit, credit = chance.choices(pairs, (4, 4, 4, 6, 1))[0]
        new = f"Assets:Bank:NEW-{n // 10}:JOD"
        made.append(movement(f"{process}.{n}", (debit, credit, size), (new, OPENING, 1)))
    return made


def share(
    process: int, originals: list[Transaction], common: list[Transaction]
) -> list[Transaction]:
    """A process's work: its own, and what is everybody's in an order of its own."""
    chance = random.Random(process)
    undo = [
        rules.reversal(
            each,
            id=IDS.new(),
            # Every other process undoes it in another name: one of the two is refused.
            key=f"undo {each.key} {process % 2 if n % 4 == 0 else ''}",
            occurred_at=MORNING,
        )
        for n, each in enumerate(originals)
    ]
    again = [dataclasses.replace(each, id=IDS.new()) for each in common]
    queues = [own(process, chance), undo, again]
    mixed, turns = [], random.Random(0)
    while any(queues):
        queue = turns.choice([each for each in queues if each])
        # All come to the same few at the same time, each in an order of its own.
        few, queue[:AT_ONCE] = queue[:AT_ONCE], []
        mixed += chance.sample(few, len(few))
    return mixed


async def test_four_processes_and_a_sealer_on_the_same_accounts(
    database_url: str, database: Database, keys: Keys
) -> None:
    originals = await prepare(database)
    common = [movement(f"common {n}", (CASH, OPENING, 3)) for n in range(SHARED)]
    server = await Server.of(database_url)
    deadlocks, numbers = await server.deadlocks(), await server.numbers()
    sealer = Booker(bookers.seal, database_url, "0")
    hands = [
        Hand(database_url, n < PROCESSES // 2, share(n, originals, common))
        for n in range(PROCESSES)
    ]
    for hand in hands:
        hand.go()
    tallies = [await hand.tally() for hand in hands]
    await sealer.tells(1)
    sealer.kill()
    await server.left_alone()
    assert await server.deadlocks() == deadlocks
    assert sum(each.in_doubt for each in tallies) == 0
    # Each call draws one number: whoever was refused by the server and came again drew another.
    calls = await server.numbers() - numbers
    assert calls == sum(each.calls for each in tallies)
    assert calls >= 200
    await server.admin.close()
    check_outcomes(tallies)
    while await seal_once(database, Signer(keys), ManualClock(MORNING), mark_every=MARK_EVERY):
        pass
    async with database.read() as connection:
        found = await verify(connection, trusted=[Signer(keys).public], mark_every=MARK_EVERY)
        assert found.bad is None, found.bad
        trial = await reports.trial_balance(connection)
        rows = await connection.fetch(RUNNING, [*SAFES, CLOSED])
    assert found.transactions == UNDONE + sum(each.outcomes["posted"] for each in tallies)
    assert trial.is_balanced
    assert [row["path"] for row in rows] == list(SAFES)
    assert all(row["lowest"] >= 0 and row["highest"] <= HIGHEST for row in rows), rows


def check_outcomes(tallies: list[Tally]) -> None:
    """What is everybody's was booked by exactly one, and guards had something to refuse."""
    all_of = sum((each.outcomes for each in tallies), Counter[str]())
    named = UNDONE // 4  # undone in two names, each wanted by half of the processes
    assert all_of["replayed"] + all_of[LedgerRefusal.ALREADY_REVERSED] == (
        (PROCESSES - 1) * (SHARED + UNDONE)
    )
    assert all_of[LedgerRefusal.ALREADY_REVERSED] == named * PROCESSES // 2
    assert all_of[LedgerRefusal.BELOW_MINIMUM] > 0
    assert all_of[LedgerRefusal.ABOVE_MAXIMUM] > 0
    assert all_of[LedgerRefusal.ACCOUNT_CLOSED] > 0
    assert sum(all_of.values()) == PROCESSES * (OWN + SHARED + UNDONE)


@dataclass
class Server:
    """What the server counts in this database."""

    admin: asyncpg.Connection[asyncpg.Record]
    own: int

    @classmethod
    async def of(cls, url: str) -> Server:
        """Before anybody else is there."""
        server = cls(await asyncpg.connect(url), 0)
        server.own = await server.sessions()
        return server

    async def sessions(self) -> int:
        """Of the product's pools."""
        return int(
            await self.admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'mizan'"
            )
        )

    async def left_alone(self) -> None:
        """Wait until the sessions of others are gone: then what they counted is told."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.sessions() > self.own:
                pass

    async def deadlocks(self) -> int:
        """How many it has broken up."""
        return int(
            await self.admin.fetchval(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
        )

    async def numbers(self) -> int:
        """How many numbers of batches were drawn."""
        return int(await self.admin.fetchval("SELECT last_value FROM ledger.batch_number"))
