"""Sealing: positions without gaps in the order of commit, sums folded, seals signed and chained."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger import journal, merkle, reports, sealer
from ledger.seal import NOTHING, Signer, hash_of, is_signed, leaf, leaf_hashes, tags
from ledger.sealer import checkpoint_days, checkpoint_line, seal_once
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import CASH, OPENING, book, book_all, fee, movement


@pytest.fixture
def signer(keys: Keys) -> Signer:
    """The test installation's signer."""
    return Signer(keys)


async def rows(database: Database, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.fetch(statement, *values)]


async def test_nothing_to_seal_makes_no_seal(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    assert await seal_once(database, signer, clock) is None
    assert await rows(database, "SELECT number FROM ledger.seal") == []


async def test_positions_count_transactions_from_one_without_a_gap(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    for size in (3, 1, 4):
        await book_all(database, [fee(f"{size}.{n}") for n in range(size)])
    first = await seal_once(database, signer, clock)
    await book_all(database, [fee("later")])
    second = await seal_once(database, signer, clock)
    assert first
    assert second
    assert (first.seal.first_position, first.seal.transactions) == (1, 8)
    assert (second.seal.first_position, second.seal.transactions) == (9, 1)
    assert await rows(
        database, "SELECT position, transactions, seal FROM ledger.batch ORDER BY number"
    ) == [(1, 3, 1), (4, 1, 1), (5, 4, 1), (9, 1, 2)]
    assert await rows(database, "SELECT batch FROM ledger.unsealed") == []


async def test_what_commits_late_is_placed_behind_what_is_sealed(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("opens the accounts")])
    async with database.transaction() as slow:
        await journal.submit(slow, [movement("slow")])
        await book_all(database, [movement("quick", (OPENING, CASH, 7))])
        assert await seal_once(database, signer, clock)
    assert await seal_once(database, signer, clock)
    assert await rows(
        database,
        """SELECT t.key, b.position FROM ledger.transaction t JOIN ledger.batch b
           ON b.number = t.seq >> 16 ORDER BY t.seq""",
    ) == [("opens the accounts", 1), ("slow", 3), ("quick", 2)]


async def test_folding_changes_no_balance(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    async def balances() -> Any:
        async with database.read() as connection:
            return await reports.trial_balance(connection)

    for n in range(5):
        late = timedelta(days=n % 3)
        await book_all(database, [fee(f"{n}", occurred_at=clock.now() - late), movement(f"m{n}")])
    before = await balances()
    assert await seal_once(database, signer, clock, limit=4)
    assert await balances() == before
    await book_all(database, [movement("back", (OPENING, CASH, 1000))])
    changed = await balances()
    assert changed != before
    while await seal_once(database, signer, clock, limit=4):
        pass
    assert await balances() == changed
    assert (
        await rows(
            database,
            """SELECT account, debits, credits, postings FROM ledger.total EXCEPT
           SELECT account, sum(debits), sum(credits), sum(postings) FROM ledger.balance
           GROUP BY account""",
        )
        == []
    )


async def test_a_seal_takes_as_much_as_it_may_and_the_rest_comes_next(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    for n in range(5):
        await book_all(database, [movement(f"{n}a"), movement(f"{n}b")])
    sizes = []
    while made := await seal_once(database, signer, clock, limit=4):
        sizes.append((made.seal.transactions, made.is_full))
    assert sizes == [(4, True), (4, True), (2, False)]


async def test_a_batch_larger_than_a_seal_is_sealed_alone(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement(f"{n}") for n in range(9)])
    await book_all(database, [movement("small")])
    made = await seal_once(database, signer, clock, limit=4)
    assert made
    assert (made.seal.transactions, made.is_full) == (9, True)


async def test_a_seal_says_what_it_stands_for_and_is_signed_and_chained(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    hashes: list[bytes] = []
    for n in range(3):
        booked = [fee(f"{n} {each}", currency=each) for each in ("JOD", "LBP")[: n + 1]]
        await book_all(database, booked)
        made = await seal_once(database, signer, clock)
        assert made
        [row] = await rows(
            database,
            """SELECT text, hash, signature, previous, root, tags, accounts, sealed_at
               FROM ledger.seal WHERE number = $1""",
            n + 1,
        )
        text, hashed, signature, previous, root, kept, accounts, at = row
        assert text == made.seal.text()
        assert hashed == hash_of(text)
        assert is_signed(text, signature, signer.public)
        assert previous == (hashes[-1] if hashes else NOTHING)
        assert (root, at) == (made.seal.root, clock.now())
        assert len(accounts) == (4, 4, 0)[n]
        assert len(kept) == 4 * (made.seal.transactions + len(accounts))
        hashes.append(hashed)


async def test_leaves_made_in_sql_are_those_made_here(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [fee(f"{n}", occurred_at=clock.now()) for n in range(3)])
    made = await seal_once(database, signer, clock)
    leaves = [
        leaf(*row)
        for row in await rows(
            database,
            "SELECT digest, id, recorded_at, business_date FROM ledger.transaction ORDER BY seq",
        )
    ]
    assert made
    assert made.seal.root == merkle.root(leaf_hashes(b"".join(leaves)))
    [(kept,)] = await rows(database, "SELECT tags FROM ledger.seal")
    assert kept.startswith(tags(leaf_hashes(b"".join(leaves))))


async def test_totals_are_marked_when_a_multiple_is_passed(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("first")])
    await seal_once(database, signer, clock)
    assert await rows(database, "SELECT position FROM ledger.mark") == []
    batch = 5000
    for start in range(0, sealer.MARK_EVERY, batch):
        await book_all(database, [movement(f"{start + n}") for n in range(batch)])
    while await seal_once(database, signer, clock):
        pass
    marks = await rows(database, "SELECT DISTINCT position FROM ledger.mark")
    ends = await rows(
        database,
        """SELECT first_position + transactions - 1 FROM ledger.seal
           WHERE (first_position + transactions - 1) / 65536 > (first_position - 1) / 65536""",
    )
    assert marks == ends
    assert len(marks) == 1


async def test_two_sealers_at_once_make_one_chain(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("one")])
    async with database.transaction() as other:
        assert await other.fetchval(sealer.SQL["try_sealer_lock"])
        assert await seal_once(database, signer, clock) is None
    for n in range(20):
        await book_all(database, [movement(f"{n}")])
    await asyncio.gather(*(seal_once(database, signer, clock, limit=2) for _ in range(8)))
    while await seal_once(database, signer, clock, limit=2):
        pass
    assert await rows(database, "SELECT sum(transactions) FROM ledger.seal") == [(21,)]


async def test_a_missing_transaction_stops_the_sealer_and_leaves_everything_as_it_was(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    ids = await book_all(database, [movement("a"), movement("b")])
    async with database.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute("DELETE FROM ledger.transaction WHERE id = $1", ids[0])
    with pytest.raises(sealer.LostTransactions, match="should have 2 transactions, but have 1"):
        await seal_once(database, signer, clock)
    assert await rows(database, "SELECT transactions FROM ledger.unsealed") == [(2,)]
    assert await rows(database, "SELECT * FROM ledger.batch") == []


async def test_the_lag_is_the_wait_of_the_first_transaction(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("one")])
    [(recorded,)] = await rows(database, "SELECT recorded_at FROM ledger.transaction")
    clock.at = recorded + timedelta(seconds=1.5)
    made = await seal_once(database, signer, clock)
    assert made
    assert made.lag_s == 1.5


async def test_each_day_that_is_over_gets_one_checkpoint_chained_to_the_last(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    clock.at = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    for n in range(4):
        await book_all(database, [movement(f"{n}")])
        await seal_once(database, signer, clock)
        clock.forward(timedelta(minutes=40))
    assert clock.now().date() == date(2026, 11, 22)
    [first] = await checkpoint_days(database, signer, clock)
    assert (first.day, first.first_seal, first.last_seal) == (date(2026, 11, 21), 1, 2)
    assert await checkpoint_days(database, signer, clock) == []
    clock.forward(timedelta(days=3))
    [second] = await checkpoint_days(database, signer, clock)
    assert (second.day, second.first_seal, second.last_seal) == (date(2026, 11, 22), 3, 4)
    assert (second.previous, second.last_position) == (hash_of(first.text()), 4)
    async with database.read() as connection:
        line = await checkpoint_line(connection)
        assert line is not None
        text = line.rpartition(" signature=")[0]
        assert text == second.text()
        assert await checkpoint_line(connection, date(2026, 11, 21)) != line
        assert await checkpoint_line(connection, date(2026, 11, 25)) is None


async def test_a_clock_that_goes_back_moves_no_seal_into_a_day_that_is_over(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    clock.at = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    await book_all(database, [movement("0")])
    await seal_once(database, signer, clock)
    clock.forward(timedelta(minutes=2))
    await checkpoint_days(database, signer, clock)
    clock.forward(timedelta(minutes=-5))
    await book_all(database, [movement("1")])
    made = await seal_once(database, signer, clock)
    assert made
    assert made.seal.sealed_at == datetime(2026, 11, 22, tzinfo=UTC)


async def test_seals_only_grow(
    database: Database, owner: Database, signer: Signer, clock: ManualClock
) -> None:
    await book(database, movement("0"))
    await seal_once(database, signer, clock)
    clock.forward(timedelta(days=1))
    await checkpoint_days(database, signer, clock)
    for table in ("seal", "checkpoint", "batch", "delta"):
        with pytest.raises(Exception, match="only grows"):
            await rows(owner, f"DELETE FROM ledger.{table}")
