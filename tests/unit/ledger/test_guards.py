"""Guarded accounts: a limit holds for each transaction in its place, alone or in a batch."""

from __future__ import annotations

import asyncio
import dataclasses
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database import Database
from kernel.money import Money
from ledger.guards import Guard, guard, guards
from ledger.journal import LedgerRefusal, Refused, Transaction
from tests.unit.ledger.makers import (
    CASH,
    IDS,
    OPENING,
    book,
    book_all,
    movement,
    posted,
    replayed,
    told,
)

VAULT = "Assets:Bank:Vault:JOD"


def into(key: str, minor: int, account: str = VAULT) -> Transaction:
    return movement(key, (account, OPENING, minor))


def out_of(key: str, minor: int, account: str = VAULT) -> Transaction:
    return movement(key, (OPENING, account, minor))


def jod(minor: int) -> Money:
    return Money(minor, "JOD")


async def put(database: Database, wanted: Guard) -> None:
    async with database.transaction() as connection:
        await guard(connection, wanted)


async def balance(database: Database, account: str = VAULT) -> int:
    async with database.read() as connection:
        return (await guards(connection))[account].balance.minor


async def test_an_account_that_must_not_be_overdrawn_refuses_only_what_would(
    database: Database,
) -> None:
    await put(database, Guard(VAULT, minimum=jod(0)))
    batch = [into("a", 100), out_of("b", 70), out_of("c", 31), out_of("d", 30), movement("e")]
    refused = Refused(LedgerRefusal.BELOW_MINIMUM, VAULT)
    assert told(await book(database, *batch)) == [
        posted(batch[0].id),
        posted(batch[1].id),
        refused,
        posted(batch[3].id),
        posted(batch[4].id),
    ]
    assert await balance(database) == 0


async def test_a_batch_cannot_pass_a_limit_by_putting_the_money_in_afterwards(
    database: Database,
) -> None:
    await put(database, Guard(VAULT, minimum=jod(0)))
    early, late = out_of("early", 50), into("late", 50)
    refused, fine = told(await book(database, early, late))
    assert refused == Refused(LedgerRefusal.BELOW_MINIMUM, VAULT)
    assert fine == posted(late.id)


async def test_an_exposure_cap_refuses_what_would_exceed_it(database: Database) -> None:
    await put(database, Guard(VAULT, maximum=jod(100)))
    first, second, third = into("a", 60), into("b", 60), into("c", 40)
    assert told(await book(database, first, second, third)) == [
        posted(first.id),
        Refused(LedgerRefusal.ABOVE_MAXIMUM, VAULT),
        posted(third.id),
    ]


async def test_a_closed_account_takes_nothing(database: Database) -> None:
    await book_all(database, [into("a", 5)])
    await put(database, Guard(VAULT, is_closed=True))
    closed = Refused(LedgerRefusal.ACCOUNT_CLOSED, VAULT)
    assert told(await book(database, into("b", 1), out_of("c", 1))) == [closed, closed]


async def test_an_account_beyond_its_limit_can_be_brought_back(database: Database) -> None:
    await book_all(database, [into("a", 500)])
    await put(database, Guard(VAULT, maximum=jod(100)))
    more, less = into("more", 1), out_of("less", 50)
    assert told(await book(database, more, less)) == [
        Refused(LedgerRefusal.ABOVE_MAXIMUM, VAULT),
        posted(less.id),
    ]


async def test_a_repeat_at_the_limit_is_a_repeat_and_moves_nothing(database: Database) -> None:
    await put(database, Guard(VAULT, maximum=jod(100)))
    first = into("a", 80)
    await book_all(database, [first])
    again = dataclasses.replace(first, id=IDS.new())
    rest = into("rest", 20)
    assert told(await book(database, again, again, rest)) == [
        replayed(first.id),
        replayed(first.id),
        posted(rest.id),
    ]


async def test_money_that_is_not_booked_opens_no_room_for_what_follows(database: Database) -> None:
    await put(database, Guard(VAULT, minimum=jod(0)))
    first, original = movement("first"), into("original", 100)
    await book_all(database, [first, original])
    undo = movement("undo", (OPENING, VAULT, 100), reverses=original.id)

    def undoing(key: str, id: UUID) -> Transaction:
        return dataclasses.replace(into(key, 100), reverses=id)

    await book_all(database, [undo])
    refused = Refused(LedgerRefusal.BELOW_MINIMUM, VAULT)
    for taken, reason in (
        (dataclasses.replace(into("taken id", 100), id=first.id), LedgerRefusal.ID_TAKEN),
        (into("undone", 100, VAULT), None),
        (undoing("again", original.id), LedgerRefusal.ALREADY_REVERSED),
        (undoing("nothing", IDS.new()), LedgerRefusal.ORIGINAL_UNKNOWN),
        (dataclasses.replace(into("first", 100), key="first"), LedgerRefusal.KEY_REUSED),
    ):
        out = out_of(f"out after {taken.key}", 100)
        before, after = told(await book(database, taken, out))
        if reason is None:
            assert (before, after) == (posted(taken.id), posted(out.id))
        else:
            assert isinstance(before, Refused)
            assert (before.reason, after) == (reason, refused)
    assert await balance(database) == 0


async def test_a_refused_transaction_may_come_again_when_there_is_room(database: Database) -> None:
    await put(database, Guard(VAULT, minimum=jod(0)))
    early = out_of("k", 10)
    assert isinstance((await book(database, early))[0], Refused)
    await book_all(database, [into("money", 10)])
    assert told(await book(database, early)) == [posted(early.id)]


async def test_sessions_that_meet_at_a_limit_pass_it_together_no_more_than_alone(
    database: Database,
) -> None:
    other = "Assets:Bank:Chest:JOD"
    for account in (VAULT, other):
        await put(database, Guard(account, maximum=jod(1000)))
    batches = [
        [into(f"{n} {accounts[0]} {account}", 30, account) for account in accounts]
        for n in range(40)
        for accounts in ((VAULT, other), (other, VAULT))
    ]
    results = await asyncio.gather(*(book(database, *batch) for batch in batches))
    fine = [each for result in results for each in result if not isinstance(each, Refused)]
    assert len(fine) == 2 * (1000 // 30)
    assert [await balance(database, account) for account in (VAULT, other)] == [990, 990]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from([VAULT, CASH]), st.integers(-60, 60)), max_size=12),
    st.integers(-50, 0),
    st.integers(0, 80),
)
async def test_a_batch_does_what_its_members_one_by_one_would(
    database: Database, moves: list[tuple[str, int]], low: int, high: int
) -> None:
    run = str(IDS.new())
    balances = {VAULT: 0, CASH: 0}
    batch, expected = [], []
    for n, (account, minor) in enumerate((a, m) for a, m in moves if m):
        pair = f"{account[:-4]}{run[-12:]}:JOD"
        make = into if minor > 0 else out_of
        batch.append(make(f"{run} {n}", abs(minor), pair))
        after = balances[account] + minor
        if low <= after <= high or (minor > 0) == (after < low) or account == CASH:
            balances[account] = after
            expected.append(posted(batch[-1].id))
        else:
            reason = LedgerRefusal.ABOVE_MAXIMUM if minor > 0 else LedgerRefusal.BELOW_MINIMUM
            expected.append(Refused(reason, pair))
    await put(database, Guard(f"{VAULT[:-4]}{run[-12:]}:JOD", minimum=jod(low), maximum=jod(high)))
    assert told(await book(database, *batch)) == expected


async def test_limits_that_make_no_sense_are_refused(database: Database) -> None:
    for wanted in (
        Guard(VAULT, minimum=Money(0, "ILS")),
        Guard(VAULT, minimum=jod(2), maximum=jod(1)),
        Guard("Vault", minimum=jod(2)),
    ):
        with pytest.raises(ValueError, match=r"JOD|above|not an account"):
            await put(database, wanted)
