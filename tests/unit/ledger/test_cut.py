"""The settlement cut: exact between positions, repeatable while traffic runs, quick."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger import reports
from ledger.cut import Cut, NotSealed, cut
from ledger.seal import Signer
from ledger.sealer import seal_once
from tests.unit.ledger.makers import CASH, OPENING, book, book_all, fee, movement

PAYABLE = "Liabilities:Agency:ROADS:LICENCE:JOD"


@pytest.fixture
def signer(keys: Keys) -> Signer:
    """The test installation's signer."""
    return Signer(keys)


def told(found: Cut) -> dict[str, tuple[int, int]]:
    """Debits and credits by path."""
    return {
        account.path: (each.debits.minor, each.credits.minor)
        for account, each in found.accounts.items()
    }


async def test_a_cut_takes_what_is_behind_one_position_up_to_and_with_another(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    for n in range(6):
        await book_all(database, [movement(f"{n}", (CASH, OPENING, 10**n))])
        await seal_once(database, signer, clock)
    async with database.read() as connection:
        found = await cut(connection, since=2, until=4)
        assert told(found) == {CASH: (1100, 0), OPENING: (0, 1100)}
        assert (found.since, found.until, found.transactions) == (2, 4, 2)
        whole = await cut(connection, since=0)
        assert (whole.until, told(whole)[CASH]) == (6, (111_111, 0))
        assert told(await cut(connection, since=6)) == {}


async def test_a_position_inside_a_batch_cuts_it_in_two(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement(f"{n}", (CASH, OPENING, 10**n)) for n in range(5)])
    await seal_once(database, signer, clock)
    async with database.read() as connection:
        assert told(await cut(connection, since=1, until=3))[CASH] == (110, 0)


async def test_only_accounts_of_the_prefix_are_told(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [fee("a"), fee("b"), fee("c", agency="waters")])
    await seal_once(database, signer, clock)
    async with database.read() as connection:
        found = await cut(connection, since=0, account_prefix="Liabilities:Agency:ROADS:")
        assert told(found) == {PAYABLE: (0, 10_100)}
        assert found.transactions == 3
        assert told(await cut(connection, since=0, account_prefix="Liab%")) == {}


@pytest.mark.parametrize(("since", "until"), [(-1, 1), (0, 2), (2, None), (1, 0)])
async def test_what_is_not_sealed_cannot_be_cut(
    since: int, until: int | None, database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("a")])
    await seal_once(database, signer, clock)
    await book_all(database, [movement("b")])
    async with database.read() as connection:
        with pytest.raises(NotSealed, match="ends at 1"):
            await cut(connection, since=since, until=until)


async def test_cuts_that_follow_each_other_while_traffic_runs_add_up_and_stay_as_they_are(
    database: Database, signer: Signer, clock: ManualClock
) -> None:
    running = True

    async def traffic(writer: int) -> int:
        n = 0
        while running:
            await book(database, *(movement(f"{writer}.{n}.{each}") for each in range(1 + n % 5)))
            n += 1
        return n

    writers = [asyncio.create_task(traffic(each)) for each in range(4)]
    cuts: list[Cut] = []
    at = 0
    while len(cuts) < 12:
        if not await seal_once(database, signer, clock):
            continue
        async with database.read() as connection:
            cuts.append(await cut(connection, since=at))
        at = cuts[-1].until
    running = False
    assert all(await asyncio.gather(*writers))
    async with database.read() as connection:
        for each in cuts:
            assert await cut(connection, since=each.since, until=each.until) == each
            assert told(each).get(CASH, (0, 0)) == (1000 * each.transactions, 0)
        trial = await reports.trial_balance(connection, at)
    assert trial.totals["JOD"].debits.minor == 1000 * at


async def test_a_hundred_thousand_payments_are_cut_in_a_moment(
    database: Database, database_url: str, signer: Signer, clock: ManualClock
) -> None:
    """Written as the sealer leaves them: batches of twenty fees, marks where they belong."""
    await book_all(database, [fee("opens the accounts")])
    await seal_once(database, signer, clock)
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        """
        INSERT INTO ledger.batch (number, position, transactions, seal)
        SELECT 10000 + n, 2 + 20 * n, 20, 2 FROM generate_series(0, 4999) AS n;
        INSERT INTO ledger.delta (account, business_date, position, batch, debits, credits,
                                  postings)
        SELECT d.account, d.business_date, 2 + 20 * n, 10000 + n, 20 * d.debits, 20 * d.credits,
               20 * d.postings
        FROM generate_series(0, 4999) AS n, ledger.delta d WHERE d.position = 1;
        INSERT INTO ledger.mark (position, account, debits, credits, postings)
        SELECT 65541, account, 65541 * debits, 65541 * credits, 65541 * postings
        FROM ledger.delta WHERE position = 1;
        ANALYZE ledger.delta; ANALYZE ledger.batch;
        """
    )
    await owner.close()
    async with database.read() as connection:
        began = time.perf_counter()
        found = await cut(connection, since=1)
        took_s = time.perf_counter() - began
        middle = await cut(connection, since=1, until=65_541)
    assert found.transactions == 100_000
    assert told(found)[PAYABLE] == (0, 100_000 * 5_050)
    assert told(middle)[PAYABLE] == (0, 65_540 * 5_050)
    assert took_s < 5
