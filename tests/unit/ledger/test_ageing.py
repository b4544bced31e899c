"""How old money on an account is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kernel.database import Database
from ledger import ageing
from ledger.ageing import Ageing
from ledger.journal import Transaction
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, book_all, movement

TODAY = MORNING.date()
SUSPENSE = "Liabilities:Suspense:LateSuccess:DEMO:JOD"


def entry(account: str, minor: int, days: int, reference: UUID | None = None) -> Transaction:
    """Money into (or out of, if negative) an account, some days ago."""
    pair = (account, OPENING) if minor > 0 else (OPENING, account)
    at: datetime = MORNING - timedelta(days=days)
    return movement(str(IDS.new()), (*pair, abs(minor)), occurred_at=at, reference=reference)


async def age(database: Database, account: str, at: date = TODAY) -> Ageing:
    async with database.read() as connection:
        found = await ageing.ageing(connection, account, at=at)
    assert found is not None
    return found


async def test_on_an_account_kept_by_day_the_oldest_money_is_cleared_first(
    database: Database,
) -> None:
    await book_all(
        database,
        [entry(CASH, 100, 40), entry(CASH, 50, 9), entry(CASH, 7, 0), entry(CASH, -120, 0)],
    )
    found = await age(database, CASH)
    assert [(item.days, item.amount.minor) for item in found.items] == [(9, 30), (0, 7)]
    assert [bucket.amount.minor for bucket in found.buckets] == [7, 0, 30, 0, 0]
    assert found.balance.minor == 37


async def test_on_an_account_kept_by_payment_each_payment_is_cleared_for_itself(
    database: Database,
) -> None:
    old, new, done = IDS.new(), IDS.new(), IDS.new()
    await book_all(
        database,
        [
            entry(SUSPENSE, -100, 95, old),
            entry(SUSPENSE, -70, 3, done),
            entry(SUSPENSE, -40, 2, new),
            entry(SUSPENSE, 70, 1, done),
            entry(SUSPENSE, 15, 0, new),
        ],
    )
    found = await age(database, SUSPENSE)
    assert [(item.reference, item.days, item.amount.minor) for item in found.items] == [
        (old, 95, -100),
        (new, 2, -25),
    ]
    assert [bucket.items for bucket in found.buckets] == [0, 1, 0, 0, 1]
    assert (found.balance.minor, found.items[0].since) == (-125, TODAY - timedelta(days=95))


async def test_what_came_after_the_day_asked_for_is_not_there_yet(database: Database) -> None:
    payment = IDS.new()
    await book_all(
        database,
        [entry(SUSPENSE, -5, 10, payment), entry(SUSPENSE, 5, 1, payment), entry(CASH, 9, 1)],
    )
    before = await age(database, SUSPENSE, TODAY - timedelta(days=2))
    assert [(item.days, item.amount.minor) for item in before.items] == [(8, -5)]
    assert (await age(database, SUSPENSE)).items == ()
    assert (await age(database, CASH, TODAY - timedelta(days=2))).items == ()


async def test_an_account_nobody_opened_has_no_age(database: Database) -> None:
    async with database.read() as connection:
        assert await ageing.ageing(connection, CASH, at=TODAY) is None


@given(st.lists(st.integers(-50, 50), max_size=12))
def test_what_is_left_is_the_balance_and_the_youngest_of_its_side(amounts: list[int]) -> None:
    days = [TODAY + timedelta(days=n) for n in range(len(amounts))]
    entries = [(None, day, minor) for day, minor in zip(days, amounts, strict=True)]
    left = ageing._left(entries)
    balance = sum(amounts)
    assert sum(minor for _, _, minor in left) == balance
    assert all(minor * balance > 0 for _, _, minor in left)
    if left:
        # Everything after the oldest that is left is left whole.
        _, oldest, _ = left[0]
        rest = [(day, m) for _, day, m in entries if day > oldest and m * balance > 0]
        assert [(day, minor) for _, day, minor in left[1:]] == rest
