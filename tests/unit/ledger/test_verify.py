"""Verification: sound books pass; any change made behind the ledger's back is found and named."""

from __future__ import annotations

from uuid import UUID

import pytest

from kernel.database import Database
from ledger import rules
from ledger.verify import verify
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import IDS, MORNING, book_all, fee, movement


async def tamper(database: Database, statement: str, *values: object) -> None:
    """Change the journal as only the database's owner can, with the triggers off."""
    async with database.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(statement, *values)


@pytest.fixture
async def ids(database: Database) -> list[UUID]:
    """Five fees and the reversal of the first, in the order of recording."""
    fees = [fee(f"k{n}", reference=IDS.new()) for n in range(5)]
    await book_all(database, fees)
    undo = rules.reversal(fees[0], id=IDS.new(), key="undo", occurred_at=MORNING)
    return await book_all(database, [undo]) and [each.id for each in (*fees, undo)]


async def test_sound_books_verify_and_say_how_much_there_is(
    database: Database, ids: list[UUID]
) -> None:
    async with database.read() as connection:
        found = await verify(connection)
    assert (found.transactions, found.postings, found.bad) == (len(ids), 24, None)


TRANSACTION = "UPDATE ledger.transaction SET {} WHERE id = $1"
POSTING = """UPDATE ledger.posting SET {}
    WHERE seq = (SELECT seq FROM ledger.transaction WHERE id = $1) AND n = 2"""
LINES = "DELETE FROM ledger.posting WHERE seq = (SELECT seq FROM ledger.transaction WHERE id = $1)"
OTHER = "(SELECT id FROM ledger.account WHERE path = 'Income:ServiceFee:JOD')"
SWAP = """UPDATE ledger.posting p SET amount = (
        SELECT amount FROM ledger.posting o WHERE o.seq = p.seq AND o.n = 4 - p.n)
    WHERE seq = (SELECT seq FROM ledger.transaction WHERE id = $1) AND n IN (1, 3)"""
INSERT = """INSERT INTO ledger.posting (seq, n, debit, credit, amount)
    SELECT seq, 5, debit, credit, 7 FROM ledger.posting
    WHERE n = 1 AND seq = (SELECT seq FROM ledger.transaction WHERE id = $1)"""


@pytest.mark.parametrize(
    ("statement", "row", "why"),
    [
        (TRANSACTION.format("note = 'x'"), "transaction", "digest"),
        (TRANSACTION.format("rule = 'OTHER'"), "transaction", "digest"),
        (TRANSACTION.format("zone = 'Asia/Nowhere'"), "transaction", "digest"),
        (TRANSACTION.format("reference = NULL"), "transaction", "digest"),
        (TRANSACTION.format("occurred_at = occurred_at + '1 us'"), "transaction", "digest"),
        (TRANSACTION.format("business_date = business_date + 1"), "transaction", "business date"),
        (POSTING.format("amount = amount + 1"), "posting#2", "its amount is 51, it was booked as"),
        (POSTING.format(f"credit = {OTHER}"), "posting#2", "its credit is"),
        (POSTING.format("debit = 999999"), "posting#2", "does not exist"),
        (POSTING.format("amount = 900000000000000000"), "posting#2", "the amount"),
        (POSTING.format("n = 7"), "posting#2", "missing"),
        (SWAP, "posting", "not those that its digest is of"),
        (INSERT, "posting#5", "put in later"),
        (LINES, "posting#1", "missing"),
        (f"{LINES} AND n = 4", "posting#4", "missing"),
    ],
)
async def test_a_changed_row_is_found_and_named(
    database: Database, ids: list[UUID], statement: str, row: str, why: str
) -> None:
    await tamper(database, statement, ids[3])
    async with database.read() as connection:
        found = await verify(connection)
    table, _, n = row.partition("#")
    assert found.bad is not None
    assert (found.bad.table, found.bad.key) == (table, f"{ids[3]}#{n}" if n else str(ids[3]))
    assert why in found.bad.why
    assert not found.is_sound


async def test_a_missing_transaction_is_found_by_its_postings(
    database: Database, ids: list[UUID]
) -> None:
    await tamper(database, "DELETE FROM ledger.transaction WHERE id = $1", ids[3])
    async with database.read() as connection:
        found = await verify(connection)
    assert found.bad is not None
    assert (found.bad.table, found.transactions) == ("transaction", 4)
    assert "missing" in found.bad.why


async def test_the_first_bad_row_in_order_of_recording_is_named(
    database: Database, ids: list[UUID]
) -> None:
    for each in (ids[4], ids[2]):
        await tamper(database, POSTING.format("amount = 1"), each)
    async with database.read() as connection:
        found = await verify(connection)
    assert found.bad is not None
    assert (found.transactions, found.bad.key) == (2, str(ids[2]))


async def test_a_reversal_that_is_no_mirror_is_found(database: Database) -> None:
    original = movement("k")
    await book_all(database, [original])
    wrong = movement("undo", reverses=original.id)
    await book_all(database, [wrong])
    async with database.read() as connection:
        found = await verify(connection)
    assert found.bad is not None
    assert (found.bad.key, found.bad.why) == (
        str(wrong.id),
        "it is not the mirror of what it reverses",
    )
