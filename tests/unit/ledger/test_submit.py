"""Booking: one result per transaction in order, once per key; a refusal harms nobody else."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.database import Database
from kernel.money import MAX_MINOR, Money
from ledger import journal, reports, rules
from ledger.journal import LedgerRefusal, Posted, Posting, Refused
from tests.unit.ledger.makers import (
    CASH,
    IDS,
    MORNING,
    OPENING,
    Told,
    book,
    book_all,
    fee,
    movement,
    posted,
    replayed,
    told,
)


async def count(database: Database, table: str) -> int:
    async with database.read() as connection:
        number: int = await connection.fetchval(f"SELECT count(*) FROM ledger.{table}")
    return number


async def test_results_come_in_the_order_of_the_transactions(database: Database) -> None:
    batch = [fee(f"key {9 - n}") for n in range(9)]
    assert told(await book(database, *batch)) == [posted(each.id) for each in batch]


async def test_nothing_submitted_gives_nothing(database: Database) -> None:
    assert await book(database) == []


async def test_a_booked_transaction_reads_back_as_it_was(database: Database) -> None:
    sent = fee("k", note="رسم رخصة", reference=IDS.new())
    await book_all(database, [sent])
    async with database.read() as connection:
        found = await reports.transaction(connection, sent.id)
    assert found is not None
    assert (found.transaction, found.digest) == (sent, sent.digest())


async def test_the_same_key_and_body_gives_the_first_id_and_books_nothing(
    database: Database,
) -> None:
    first = fee("k")
    again = dataclasses.replace(first, id=IDS.new())
    await book_all(database, [first])
    assert told(await book(database, again, first)) == [replayed(first.id)] * 2
    assert await count(database, "posting") == len(first.postings)


async def test_a_repeat_inside_one_batch_is_a_repeat_too(database: Database) -> None:
    first, other = fee("k"), fee("other")
    again = dataclasses.replace(first, id=IDS.new())
    results = await book(database, first, other, again)
    assert told(results) == [posted(first.id), posted(other.id), replayed(first.id)]
    assert await count(database, "transaction") == 2


async def test_the_same_moment_in_another_time_zone_is_the_same_body(database: Database) -> None:
    first = movement("k")
    amman = MORNING.astimezone(datetime.strptime("+0300", "%z").tzinfo)
    await book_all(database, [first])
    again = movement("k", occurred_at=amman)
    assert told(await book(database, again)) == [replayed(first.id)]


async def test_the_same_key_with_another_body_is_refused_and_names_the_field(
    database: Database,
) -> None:
    first = movement("k")
    changes: list[tuple[str, dict[str, Any]]] = [
        ("rule", {"rule": "OTHER"}),
        ("version", {"version": 2}),
        ("occurred_at", {"occurred_at": MORNING + timedelta(microseconds=1)}),
        ("zone", {"zone": "Asia/Beirut"}),
        ("reference", {"reference": IDS.new()}),
        ("note", {"note": "other"}),
        ("postings", {"postings": (Posting(CASH, OPENING, Money(1001, "JOD")),)}),
        ("postings", {"postings": (Posting(OPENING, CASH, Money(1000, "JOD")),)}),
        ("postings", {"postings": first.postings * 2}),
    ]
    await book_all(database, [first])
    others = [dataclasses.replace(first, id=IDS.new(), **change) for _, change in changes]
    assert await book(database, *others) == [
        Refused(LedgerRefusal.KEY_REUSED, field) for field, _ in changes
    ]
    assert await count(database, "posting") == 1


async def test_an_id_stands_for_one_transaction_only(database: Database) -> None:
    first = movement("k")
    await book_all(database, [first])
    assert await book(database, movement("other", id=first.id)) == [Refused(LedgerRefusal.ID_TAKEN)]


BAD = [
    (LedgerRefusal.MALFORMED, "key", movement("")),
    (LedgerRefusal.MALFORMED, "key", movement("k" * 201)),
    (LedgerRefusal.MALFORMED, "key", movement("k\x00")),
    (LedgerRefusal.MALFORMED, "note", movement("bad", note="two\nlines")),
    (LedgerRefusal.MALFORMED, "note", movement("bad", note="\ud800")),
    (LedgerRefusal.MALFORMED, "note", movement("bad", note="n" * 501)),
    (LedgerRefusal.MALFORMED, "rule", movement("bad", rule="")),
    (LedgerRefusal.MALFORMED, "version", movement("bad", version=0)),
    (LedgerRefusal.MALFORMED, "version", movement("bad", version=40_000)),
    (LedgerRefusal.MALFORMED, "zone", movement("bad", zone="Asia/Nowhere")),
    (LedgerRefusal.MALFORMED, "zone", movement("bad", zone="../etc/passwd")),
    (LedgerRefusal.MALFORMED, "zone", movement("bad", zone="Asia")),
    (
        LedgerRefusal.MALFORMED,
        "occurred_at",
        movement("bad", occurred_at=MORNING.replace(tzinfo=None)),
    ),
    (
        LedgerRefusal.MALFORMED,
        "occurred_at",
        movement("bad", occurred_at=datetime.max.replace(tzinfo=UTC), zone="Asia/Amman"),
    ),
    (LedgerRefusal.MALFORMED, "postings", dataclasses.replace(movement("bad"), postings=())),
    (
        LedgerRefusal.ACCOUNT_INVALID,
        "posting 1",
        movement("bad", ("Assets:Bank:x:JOD", OPENING, 1)),
    ),
    (
        LedgerRefusal.ACCOUNT_INVALID,
        "posting 2",
        movement("bad", (CASH, OPENING, 1), (CASH, "Assets:Bank:Vault", 1)),
    ),
    (LedgerRefusal.ACCOUNTS_EQUAL, "posting 1", movement("bad", (CASH, CASH, 1))),
    (LedgerRefusal.AMOUNT_NOT_POSITIVE, "posting 1", movement("bad", (CASH, OPENING, 0))),
    (LedgerRefusal.AMOUNT_NOT_POSITIVE, "posting 1", movement("bad", (CASH, OPENING, -1))),
    (
        LedgerRefusal.CURRENCY_MISMATCH,
        "posting 1",
        movement("bad", (CASH, "Equity:Opening:BHD", 1)),
    ),
    (LedgerRefusal.ORIGINAL_UNKNOWN, "", movement("bad", reverses=IDS.new())),
]


async def test_a_refused_transaction_leaves_nothing_and_its_neighbours_stand(
    database: Database,
) -> None:
    batch = [movement("first")]
    expected: list[Told] = [posted(batch[0].id)]
    for reason, detail, bad in BAD:
        neighbour = movement(f"behind {len(batch)}")
        batch += [bad, neighbour]
        expected += [Refused(reason, detail), posted(neighbour.id)]
    assert told(await book(database, *batch)) == expected
    assert await count(database, "transaction") == len(BAD) + 1
    assert await count(database, "posting") == len(BAD) + 1
    assert await count(database, "account") == 2


async def test_a_transaction_refused_by_the_books_opens_no_account(database: Database) -> None:
    await book_all(database, [movement("k")])
    other = movement("k", ("Assets:Bank:Vault:JOD", "Equity:Other:JOD", 5))
    unknown = movement("u", ("Assets:Bank:Cellar:JOD", OPENING, 5), reverses=IDS.new())
    fine = movement("fine", ("Assets:Bank:Chest:JOD", OPENING, 5))
    refused, refused_too, third = await book(database, other, unknown, fine)
    assert isinstance(refused, Refused)
    assert isinstance(refused_too, Refused)
    assert told([third]) == [posted(fine.id)]
    async with database.read() as connection:
        paths = {each.path for each in await reports.accounts(connection)}
    assert paths == {CASH, OPENING, "Assets:Bank:Chest:JOD"}


async def test_a_transaction_is_reversed_at_most_once(database: Database) -> None:
    original = fee("k")
    await book_all(database, [original])
    undo = rules.reversal(original, id=IDS.new(), key="undo", occurred_at=MORNING)
    again = rules.reversal(original, id=IDS.new(), key="again", occurred_at=MORNING)
    assert told(await book(database, undo, again)) == [
        posted(undo.id),
        Refused(LedgerRefusal.ALREADY_REVERSED, str(undo.id)),
    ]
    assert told(await book(database, undo)) == [replayed(undo.id)]
    async with database.read() as connection:
        trial = await reports.trial_balance(connection)
    assert {turnover.balance.minor for turnover in trial.accounts.values()} == {0}


async def test_a_failed_database_transaction_takes_its_postings_with_it(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await journal.submit(connection, [movement("k")])
            raise RuntimeError("the caller's own trouble")

    with pytest.raises(RuntimeError, match="own trouble"):
        await fail()
    assert await count(database, "transaction") == 0
    assert isinstance((await book(database, movement("k")))[0], Posted)


async def test_the_business_date_is_the_day_in_the_agencys_zone(database: Database) -> None:
    late_evening = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    there = movement("amman", occurred_at=late_evening, zone="Asia/Amman")
    here = movement("utc", occurred_at=late_evening)
    await book_all(database, [there, here])
    async with database.read() as connection:
        page = await reports.journal(connection)
    days = {item.transaction.key: str(item.business_date) for item in page.items}
    assert days == {"amman": "2026-11-22", "utc": "2026-11-21"}


async def test_the_largest_amount_is_booked_exactly_and_no_larger_one(database: Database) -> None:
    await book_all(database, [movement("k", (CASH, OPENING, MAX_MINOR))])
    (refused,) = await book(database, movement("l", (CASH, OPENING, MAX_MINOR + 1)))
    assert refused == Refused(LedgerRefusal.MALFORMED, "amount")
    async with database.read() as connection:
        trial = await reports.trial_balance(connection)
    assert trial.totals["JOD"].debits.minor == MAX_MINOR


async def test_a_batch_of_a_thousand_keeps_its_order_in_the_journal(database: Database) -> None:
    batch = [movement(f"k{n}") for n in range(1000)]
    await book_all(database, batch)
    async with database.read() as connection:
        page = await reports.journal(connection, limit=1000)
    assert [item.transaction.key for item in reversed(page.items)] == [each.key for each in batch]
