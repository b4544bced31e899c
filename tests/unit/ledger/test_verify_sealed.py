"""Sealed books: whatever is changed in any column of any table, verify names its row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.privacy import Keys
from ledger import rules
from ledger.checklist import CHECKS, Finding
from ledger.findings import BadRow
from ledger.periods import Closing
from ledger.seal import Signer
from ledger.sealer import checkpoint_days, seal_once
from ledger.verify import verify
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.closers import YESTERDAY, Clerk
from tests.unit.ledger.makers import IDS, book_all, fee, movement

EVERY = 8
"""Totals are marked this often here."""

KEYS = {
    "account": "id::text",
    "transaction": "id::text",
    "posting": "(SELECT id FROM ledger.transaction t WHERE t.seq = x.seq) || '#' || n",
    "batch": "number::text",
    "delta": "account || ' ' || business_date || ' ' || batch",
    "balance": "account || ' ' || business_date",
    "total": "account::text",
    "mark": "position || ' ' || account",
    "seal": "number::text",
    "checkpoint": "day::text",
    "unsealed": "batch::text",
    "closing": "number::text",
    "reopening_request": "number::text",
    "reopening": "closing::text",
}
"""How verify names a row of each table."""

SEALED = dict.fromkeys(
    ("transaction", "posting"), "x.seq >> 16 IN (SELECT number FROM ledger.batch)"
)
"""Which rows are sealed; of the others, id and time of booking stand nowhere else yet."""

CONSTRAINTS = {
    "checkpoint": ("checkpoint_check",),
    "closing": ("closing_kind_check", "closing_check"),
}
"""What would refuse some other values; who writes into the files of a database asks none."""

FLIP = {
    "smallint": "{0} # 64::smallint",
    "integer": "COALESCE({0}, 0) # 64",
    "bigint": "{0} # 64",
    "numeric": "{0} + 1",
    "text": "left({0}, -1) || chr(ascii(right({0}, 1)) # 8)",
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
    "uuid": "COALESCE(overlay({0}::text placing '9' from 1)::uuid, gen_random_uuid())",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "date": "{0} + 64",
    "jsonb": """jsonb_set({0}, '{{-1,accepted}}', '"as told"')""",
    "text[]": "ARRAY[left({0}[1], -1) || chr(ascii(right({0}[1], 1)) # 8)] || {0}[2:]",
    "integer[]": "ARRAY[{0}[1] # 64] || {0}[2:]",
    "date[]": "ARRAY[{0}[1] + 64] || {0}[2:]",
    "numeric[]": "ARRAY[{0}[1] + 1] || {0}[2:]",
}
"""Another value of each type."""


@pytest.fixture
async def books(database: Database, keys: Keys, clock: ManualClock) -> Database:
    """Five seals over two days, a checkpoint, two marks, a reversal, closings of which one was
    reopened, a seal of nothing but a closing, and a batch not yet sealed.
    """
    signer = Signer(keys)

    async def sealed() -> None:
        while await seal_once(database, signer, clock, limit=8, mark_every=EVERY):
            pass

    first = [fee(f"a{n}", reference=IDS.new(), note=f"n{n}") for n in range(5)]
    await book_all(database, first)
    await book_all(database, [movement("alone")])
    await sealed()
    await book_all(database, [fee(f"b{n}", currency="LBP", note="x") for n in range(6)])
    await book_all(database, [fee("c", occurred_at=clock.now() - timedelta(days=2), note="x")])
    await sealed()
    clock.forward(timedelta(days=1))
    await checkpoint_days(database, signer, clock)
    await _closed(Clerk(database, signer, clock), sealed)
    undo = rules.reversal(first[0], id=IDS.new(), key="undo", occurred_at=clock.now())
    await book_all(database, [undo])
    await sealed()
    await book_all(database, [fee(f"d{n}", note="y") for n in range(5)])
    await sealed()
    await book_all(database, [fee(f"e{n}", note="z", reference=IDS.new()) for n in range(3)])
    return database


async def _closed(clerk: Clerk, sealed: Callable[[], Awaitable[None]]) -> None:
    """A closing that is sealed by itself; one with something accepted, reopened and done again."""

    async def waits(connection: Connection, until: date) -> list[Finding]:
        del connection
        return [Finding("a callback", 2, until)]

    await clerk.close(YESTERDAY - timedelta(days=1))
    await sealed()
    checks, accepted = {**CHECKS, "callbacks": waits}, {"callbacks": "they answer on Sunday"}
    await clerk.close(checks=checks, accepted=accepted)
    await clerk.reopened()
    assert isinstance(await clerk.close(checks=checks, accepted=accepted), Closing)


async def found_in(database: Database, keys: Keys) -> BadRow | None:
    async with database.read() as connection:
        found = await verify(connection, trusted=[Signer(keys).public], mark_every=EVERY)
    return found.bad


async def columns(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Names and types of what is stored, not of what is generated from it."""
    rows = await connection.fetch(
        """SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
           WHERE attrelid = ('ledger.' || $1)::regclass AND attnum > 0 AND NOT attisdropped
             AND attgenerated = '' ORDER BY attnum""",
        table,
    )
    return [(row["attname"], row["type"]) for row in rows]


class Bench:
    """A copy to tamper with, one row at a time, and put right again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, *statements: str) -> None:
        """Statements as only the owner of the database can, with the triggers off."""
        async with self._database.transaction() as connection:
            await connection.execute(ALL_RIGHTS)
            for statement in statements:
                await connection.execute(statement)

    async def change(self, table: str, change: str, at: str) -> str:
        """Change one row; its key afterwards."""
        async with self._database.transaction() as connection:
            await connection.execute(ALL_RIGHTS)
            key = KEYS[table]
            return (
                await connection.fetchval(
                    f"UPDATE ledger.{table} x {change} WHERE ctid = '{at}' RETURNING {key}"
                )
                or ""
            )

    async def keep(self, table: str) -> None:
        """Remember a table."""
        names = await self._names(table)
        if table == "account":
            await self.run("ALTER TABLE ledger.account ALTER COLUMN id SET GENERATED BY DEFAULT")
        for name in CONSTRAINTS.get(table, ()):
            await self.run(f"ALTER TABLE ledger.{table} DROP CONSTRAINT {name}")
        await self.run(f"CREATE TABLE kept_{table} AS SELECT {names} FROM ledger.{table}")

    async def put_back(self, table: str) -> None:
        """The table as it was remembered."""
        names = await self._names(table)
        await self.run(
            f"DELETE FROM ledger.{table}",
            f"INSERT INTO ledger.{table} ({names}) SELECT {names} FROM kept_{table}",
        )

    async def _names(self, table: str) -> str:
        async with self._database.read() as connection:
            return ", ".join(name for name, _ in await columns(connection, table))

    async def every(self, table: str) -> list[tuple[str, str]]:
        """Places and keys of all rows that can be found."""
        async with self._database.read() as connection:
            rows = await connection.fetch(
                f"SELECT ctid::text AS at, {KEYS[table]} AS key FROM ledger.{table} x"
                f" WHERE {SEALED.get(table, 'true')} ORDER BY ctid"
            )
        return [(row["at"], row["key"]) for row in rows]

    async def rows(self, table: str) -> list[tuple[str, str]]:
        """The first, the middle and the last of them."""
        rows = await self.every(table)
        return [rows[at] for at in sorted({0, len(rows) // 2, len(rows) - 1})]


@pytest.mark.parametrize("table", list(KEYS))
async def test_a_change_in_any_column_is_found_and_its_row_is_named(
    books: Database, keys: Keys, table: str
) -> None:
    bench = Bench(books)
    assert await found_in(books, keys) is None
    await bench.keep(table)
    async with books.read() as connection:
        names = await columns(connection, table)
    missed = []
    for place in range(len(await bench.rows(table))):
        for name, type_ in names:
            at, key = (await bench.rows(table))[place]
            value = FLIP[type_].format(name)
            changed = await bench.change(table, f"SET {name} = {value}", at)
            bad = await found_in(books, keys)
            if bad is None or bad.table != table or bad.key not in {key, changed}:
                missed.append((name, key, changed, bad))
            await bench.put_back(table)
    assert not missed, "\n".join(map(str, missed))
    assert await found_in(books, keys) is None


@pytest.mark.parametrize("table", list(KEYS))
async def test_a_deleted_row_is_found_in_its_table(books: Database, keys: Keys, table: str) -> None:
    bench = Bench(books)
    await bench.keep(table)
    for place in range(len(await bench.rows(table))):
        at, key = (await bench.rows(table))[place]
        await bench.run(f"DELETE FROM ledger.{table} WHERE ctid = '{at}'")
        bad = await found_in(books, keys)
        assert bad is not None, key
        assert bad.table == table, (key, bad)
        await bench.put_back(table)


INSERT = {
    "transaction": """INSERT INTO ledger.transaction (
                          seq, id, recorded_at, occurred_at, business_date, version, rule, zone,
                          key, digest, note)
                      SELECT seq + 60, gen_random_uuid(), recorded_at, occurred_at, business_date,
                          version, rule, zone, 'new', digest, note
                      FROM ledger.transaction ORDER BY seq LIMIT 1""",
    "posting": """INSERT INTO ledger.posting (seq, n, debit, credit, amount)
                  SELECT seq, 5, debit, credit, 1 FROM ledger.posting ORDER BY seq, n LIMIT 1""",
    "batch": "INSERT INTO ledger.batch VALUES (99, 99, 1, 4)",
    "delta": """INSERT INTO ledger.delta SELECT account, business_date + 64, position, batch,
                    1, 0, 1 FROM ledger.delta ORDER BY position LIMIT 1""",
    "balance": """INSERT INTO ledger.balance SELECT account, business_date + 64, 1, 0, 1
                  FROM ledger.balance LIMIT 1""",
    "total": "INSERT INTO ledger.total VALUES (99, 1, 0, 1)",
    "mark": "INSERT INTO ledger.mark VALUES (99, 1, 1, 0, 1)",
    "seal": """INSERT INTO ledger.seal SELECT number + 1, 99, transactions, root, '{}', hash,
                   sealed_at, text, hash, signature, substr(tags, 1, 4 * transactions)
               FROM ledger.seal ORDER BY number DESC LIMIT 1""",
    "checkpoint": """INSERT INTO ledger.checkpoint SELECT day + 1, last_seal + 1, last_seal + 1,
                         last_position, root, hash, text, hash, signature FROM ledger.checkpoint""",
    "unsealed": """INSERT INTO ledger.unsealed SELECT 99, transactions, accounts, dates, debits,
                       credits, postings FROM ledger.unsealed""",
    "closing": """INSERT INTO ledger.closing SELECT 99, kind, until, closed_at, closed_by, checks,
                      position, snapshot, hash, replaces FROM ledger.closing LIMIT 1""",
    "reopening_request": """INSERT INTO ledger.reopening_request
                            SELECT 2, closing, requested_at, requested_by, reason, recorded_at
                            FROM ledger.reopening_request""",
    "reopening": """INSERT INTO ledger.reopening
                    SELECT 1, 2, approved_at, approved_by, recorded_at FROM ledger.reopening""",
}


@pytest.mark.parametrize("table", list(INSERT))
async def test_a_row_put_in_is_found_in_its_table(books: Database, keys: Keys, table: str) -> None:
    await Bench(books).run(INSERT[table])
    bad = await found_in(books, keys)
    assert bad is not None
    assert bad.table == table, bad


SWAP = {
    "transaction": ("seq", "UPDATE ledger.transaction SET seq = {1} WHERE seq = {0}"),
    "batch": ("position", "UPDATE ledger.batch SET position = {1} WHERE position = {0}"),
    "seal": ("number", "UPDATE ledger.seal SET number = {1} WHERE number = {0}"),
    "delta": ("account", "UPDATE ledger.delta SET account = {1} WHERE account = {0}"),
    "balance": ("account", "UPDATE ledger.balance SET account = {1} WHERE account = {0}"),
    "total": ("account", "UPDATE ledger.total SET account = {1} WHERE account = {0}"),
    "closing": ("number", "UPDATE ledger.closing SET number = {1} WHERE number = {0}"),
    "account": ("path", "UPDATE ledger.account SET path = {1} WHERE path = {0}"),
}


@pytest.mark.parametrize("table", list(SWAP))
async def test_two_rows_that_changed_places_are_found(
    books: Database, keys: Keys, table: str
) -> None:
    column, statement = SWAP[table]
    async with books.read() as connection:
        rows = await connection.fetch(
            f"SELECT DISTINCT {column}::text AS at FROM ledger.{table} ORDER BY 1 LIMIT 2"
        )
    first, second = (f"'{row['at']}'" for row in rows)
    aside = "'Equity:Aside:JOD'" if table == "account" else "'9999'"
    await Bench(books).run(
        *(statement.format(*pair) for pair in ((first, aside), (second, first), (aside, second)))
    )
    bad = await found_in(books, keys)
    assert bad is not None
    assert bad.table == table, bad


async def test_books_signed_with_another_key_are_not_sound(books: Database) -> None:
    bad = await found_in(books, Keys("another secret of an installation, made up"))
    assert bad is not None
    assert (bad.table, bad.key) == ("seal", "1")


async def test_processes_side_by_side_find_what_one_finds(
    books: Database, database_url: str, keys: Keys
) -> None:
    await Bench(books).run("UPDATE ledger.posting SET amount = amount + 1 WHERE n = 3")
    alone = await found_in(books, keys)
    async with books.read() as connection:
        together = await verify(connection, url=database_url, alone_up_to=0, stretch=5, processes=2)
    assert together.bad == alone
    assert (together.transactions, together.postings) == (0, 0)
