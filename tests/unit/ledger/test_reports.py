"""Reports over known entries: trial balance, statement, journal, and whether the books balance."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import MAX_MINOR, Money
from kernel.privacy import Keys
from ledger import reports, rules
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.unit.ledger.makers import CASH, IDS, OPENING, amount, book_all, fee, movement

CLEARING = "Assets:Clearing:DEMO:JOD"


def on(day: int, hour: int = 9) -> datetime:
    """A day of November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
async def booked(database: Database) -> Database:
    """Three days at the bank, the last entry booked with an earlier date."""
    await book_all(database, [movement("a", (CASH, OPENING, 1000), occurred_at=on(1))])
    await book_all(database, [movement("c", (OPENING, CASH, 300), occurred_at=on(3))])
    await book_all(
        database, [movement("b", (CASH, OPENING, 50), (CASH, OPENING, 7), occurred_at=on(2))]
    )
    return database


async def test_empty_books_balance_and_report_nothing(database: Database) -> None:
    async with database.read() as connection:
        trial = await reports.trial_balance(connection)
        assert (trial.accounts, trial.totals, trial.is_balanced) == ({}, {}, True)
        assert await reports.is_balanced(connection)
        assert await reports.statement(connection, CASH) is None
        assert await reports.journal(connection) == reports.JournalPage((), None)
        assert await reports.journal(connection, account=CASH) == reports.JournalPage((), None)
        assert await reports.transaction(connection, IDS.new()) is None


async def test_a_trial_balance_has_turnovers_balances_and_totals_per_currency(
    database: Database,
) -> None:
    await book_all(database, [fee("j"), fee("l", currency="LBP"), fee("i", currency="ILS")])
    await book_all(database, [rules.refund_confirmed(key="r", **amount(400))])
    async with database.read() as connection:
        trial = await reports.trial_balance(connection)
        assert await reports.is_balanced(connection)
    assert list(trial.totals) == ["ILS", "JOD", "LBP"]
    assert trial.is_balanced
    (clearing,) = [trial.accounts[each] for each in trial.accounts if each.path == CLEARING]
    assert clearing.debits == Money(5400, "JOD")
    assert clearing.credits == Money(400, "JOD")
    assert clearing.balance == Money(5000, "JOD")
    assert trial.totals["JOD"].debits == Money(5800, "JOD")
    kinds = [each.kind.value for each in trial.accounts if each.currency == "JOD"]
    assert kinds == ["Assets", "Liabilities", "Liabilities", "Liabilities", "Income"]


async def test_a_trial_balance_as_of_a_day_includes_that_day_and_what_was_booked_late_for_it(
    booked: Database,
) -> None:
    async with booked.read() as connection:
        found = {
            day: (await reports.trial_balance(connection, date(2026, 11, day))).totals
            for day in (1, 2, 3)
        }
    assert {day: totals["JOD"].debits.minor for day, totals in found.items()} == {
        1: 1000,
        2: 1057,
        3: 1357,
    }


async def test_a_statement_runs_from_opening_to_closing_in_business_order(booked: Database) -> None:
    async with booked.read() as connection:
        found = await reports.statement(
            connection, CASH, since=date(2026, 11, 2), until=date(2026, 11, 3)
        )
    assert found is not None
    assert found.opening == Money(1000, "JOD")
    assert [line.amount.minor for line in found.lines] == [50, 7, -300]
    assert [line.balance.minor for line in found.lines] == [1050, 1057, 757]
    assert found.closing == found.lines[-1].balance
    assert found.turnover == reports.Turnover(Money(57, "JOD"), Money(300, "JOD"))
    assert {line.counterpart for line in found.lines} == {OPENING}
    assert found.is_complete


async def test_a_statement_cut_short_says_so_and_still_closes_right(booked: Database) -> None:
    async with booked.read() as connection:
        found = await reports.statement(connection, CASH, limit=2)
        exact = await reports.statement(connection, CASH, limit=4)
    assert found is not None
    assert exact is not None
    assert (len(found.lines), found.is_complete) == (2, False)
    assert found.closing == Money(757, "JOD")
    assert (len(exact.lines), exact.is_complete) == (4, True)


async def test_a_statement_cut_short_has_the_first_lines_by_whatever_plan(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    others = [f"Liabilities:Agency:A{n}:S:JOD" for n in (3, 1, 2)]
    opened = [movement(other, (CLEARING, other, 1)) for other in sorted(others)]
    await book_all(database, opened)
    for n, other in enumerate(others):
        await book_all(database, [movement(f"{n}", (CASH, other, 1))])
        await seal_once(database, Signer(keys), clock)
    async with database.read() as connection:
        for off in "nestloop", "hashjoin", "mergejoin":
            await connection.execute(f"SET enable_{off} = off")
            for found in (
                await reports.statement(connection, CASH, limit=2),
                await reports.statement_at(connection, CASH, until=6, limit=2),
            ):
                assert found is not None
                assert [line.counterpart for line in found.lines] == others[:2]


async def test_a_statement_of_days_without_entries_opens_and_closes_equal(booked: Database) -> None:
    async with booked.read() as connection:
        found = await reports.statement(connection, CASH, since=date(2026, 11, 10))
    assert found is not None
    assert (found.opening, found.lines, found.closing) == (Money(757, "JOD"), (), found.opening)


async def test_the_journal_pages_from_the_newest_without_gap_or_repeat(database: Database) -> None:
    await book_all(database, [movement(f"k{n}") for n in range(25)])
    seen: list[str] = []
    after = None
    async with database.read() as connection:
        while True:
            page = await reports.journal(connection, after=after, limit=10)
            seen += [item.transaction.key for item in page.items]
            if (after := page.next) is None:
                break
    assert seen == [f"k{n}" for n in reversed(range(25))]


async def test_the_journal_filters_by_day_rule_payment_and_account(booked: Database) -> None:
    payment = IDS.new()
    await book_all(booked, [fee("fee", reference=payment, occurred_at=on(2))])
    async with booked.read() as connection:

        async def keys(**filters: object) -> list[str]:
            page = await reports.journal(connection, **filters)  # type: ignore[arg-type]  # a table
            return [item.transaction.key for item in page.items]

        assert await keys(since=date(2026, 11, 2), until=date(2026, 11, 2)) == ["fee", "b"]
        assert await keys(rule="FEE_SUCCEEDED") == ["fee"]
        assert await keys(reference=payment) == ["fee"]
        assert await keys(account=CLEARING) == ["fee"]
        assert await keys(account=CASH, since=date(2026, 11, 3)) == ["c"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger.unsealed SET debits[1] = debits[1] + 1",
        "UPDATE ledger.unsealed SET accounts[1] = 999999",
        "INSERT INTO ledger.total SELECT 999999, 5, 0, 1",
        "INSERT INTO ledger.total SELECT id, 5, 4, 1 FROM ledger.account LIMIT 1",
    ],
)
async def test_sums_that_differ_or_belong_to_no_account_do_not_balance(
    database: Database, owner: Database, damage: str
) -> None:
    await book_all(database, [fee("j"), fee("i", currency="ILS")])
    async with owner.read() as connection:
        assert await reports.is_balanced(connection)
        await connection.execute(damage)
        assert not await reports.is_balanced(connection)


async def test_sums_may_be_larger_than_any_amount_and_than_64_bits(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    lines = [(CASH, OPENING, MAX_MINOR)] * 100
    for n in range(2):
        await book_all(database, [movement(f"k{n}", *lines)])
        assert await seal_once(database, Signer(keys), clock)
    await book_all(database, [movement("unsealed", *lines), movement("alone")])
    total = Money(300 * MAX_MINOR + 1000, "JOD")
    assert total.minor > 2**64
    async with database.read() as connection:
        trial = await reports.trial_balance(connection)
        statement = await reports.statement(connection, CASH)
        assert await reports.is_balanced(connection)
        assert (await verify(connection)).bad is None
    assert statement is not None
    assert trial.totals["JOD"].debits == trial.totals["JOD"].credits == statement.closing == total
