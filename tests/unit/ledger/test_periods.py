"""Closing: in date order, with a checklist and a snapshot; late entries go to the open day; two
people reopen.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.privacy import Keys
from ledger import chart, journal, periods, reports, rules
from ledger.checklist import CHECKS, Finding
from ledger.journal import Posted
from ledger.periods import Closing, PeriodRefusal, Refused
from ledger.seal import Signer
from ledger.verify import verify
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.closers import TODAY, YESTERDAY, Clerk
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, book, book_all, fee, movement

DAY = timedelta(days=1)
SUSPENSE = "Liabilities:Suspense:LateSuccess:DEMO:JOD"


@pytest.fixture
def clerk(database: Database, keys: Keys, clock: ManualClock) -> Clerk:
    """Somebody who closes."""
    return Clerk(database, Signer(keys), clock)


async def booked_on(database: Database, key: str, occurred_at: datetime) -> date:
    (result,) = await book(database, movement(key, occurred_at=occurred_at))
    assert isinstance(result, Posted)
    return result.business_date


async def test_everything_is_open_until_a_day_is_closed(clerk: Clerk, database: Database) -> None:
    assert await clerk.lock_date() is None
    assert await booked_on(database, "old", MORNING - 400 * DAY) == TODAY - 400 * DAY


async def test_an_entry_for_a_closed_day_stands_on_the_first_open_one_and_keeps_its_own(
    clerk: Clerk, database: Database
) -> None:
    await clerk.closed(TODAY - 3 * DAY)
    late = movement("late", occurred_at=MORNING - 5 * DAY, zone="Asia/Amman")
    await book_all(database, [late])
    assert await booked_on(database, "open", MORNING - 2 * DAY) == TODAY - 2 * DAY
    assert await booked_on(database, "now", MORNING) == TODAY
    async with database.read() as connection:
        found = await reports.transaction(connection, late.id)
    assert found is not None
    assert found.business_date == TODAY - 2 * DAY
    assert found.transaction == late
    assert found.transaction.business_date == TODAY - 5 * DAY


async def test_what_a_closing_moved_is_sound_also_when_it_is_reopened_and_no_other_day_is(
    clerk: Clerk, database: Database
) -> None:
    await clerk.closed()
    await book_all(database, [movement("late", occurred_at=MORNING - 5 * DAY)])
    await clerk.reopened()
    async with database.read() as connection:
        assert (await verify(connection)).bad is None
    async with database.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute("UPDATE ledger.transaction SET business_date = business_date + 1")
    async with database.read() as connection:
        bad = (await verify(connection)).bad
    assert bad is not None
    assert (bad.table, "business date" in bad.why) == ("transaction", True)


async def test_a_repeat_after_closing_gives_the_first_answer(
    clerk: Clerk, database: Database
) -> None:
    entry = movement("once", occurred_at=MORNING - DAY)
    (first,) = await book(database, entry)
    await clerk.closed()
    assert await book(database, entry) == [first]


async def test_the_closed_balances_never_change_again(clerk: Clerk, database: Database) -> None:
    await book_all(database, [fee("k", occurred_at=MORNING - DAY)])
    made = await clerk.closed()
    await book_all(database, [fee("late", occurred_at=MORNING - DAY), fee("now")])
    assert await clerk.changes(made) == []
    await clerk.seal()
    assert await clerk.changes(made) == []


async def test_a_closing_keeps_who_when_where_and_a_snapshot_with_its_hash(
    clerk: Clerk, database: Database, clock: ManualClock
) -> None:
    await book_all(database, [movement("a", occurred_at=MORNING - DAY), movement("today")])
    made = await clerk.closed()
    assert (made.closed_by, made.closed_at, made.position) == ("Amal", clock.now(), 2)
    assert made.snapshot == (
        "mizan-closing-v1\nnumber 1\nday until 2026-11-20\nposition 2\n\n"
        f"{CASH} 1000 0 1000\n{OPENING} 0 1000 -1000\n"
    )
    assert made.hash == hashlib.sha256(made.snapshot.encode()).digest()
    assert made.is_intact
    assert [(each.name, each.findings) for each in made.items] == [(name, ()) for name in CHECKS]
    async with database.read() as connection:
        assert await periods.closings(connection) == [made]


async def test_days_are_closed_in_order_and_never_before_they_are_over(clerk: Clerk) -> None:
    assert await clerk.close(TODAY) == Refused(PeriodRefusal.NOT_OVER)
    assert await clerk.close(TODAY + DAY) == Refused(PeriodRefusal.NOT_OVER)
    await clerk.closed(TODAY - 2 * DAY)
    assert await clerk.close(TODAY - 3 * DAY) == Refused(PeriodRefusal.ALREADY_CLOSED)
    assert await clerk.close(TODAY - 2 * DAY) == Refused(PeriodRefusal.ALREADY_CLOSED)
    await clerk.closed(TODAY - DAY)
    assert await clerk.lock_date() == TODAY - DAY


async def test_a_month_is_closed_on_its_last_day_also_behind_it(clerk: Clerk) -> None:
    end = date(2026, 10, 31)
    assert await clerk.close(end - DAY, "month") == Refused(PeriodRefusal.NOT_A_MONTHS_END)
    await clerk.closed(end)
    assert (await clerk.closed(end, "month")).kind == "month"
    assert await clerk.close(end, "month") == Refused(PeriodRefusal.ALREADY_CLOSED)
    assert await clerk.close(end) == Refused(PeriodRefusal.ALREADY_CLOSED)


def test_the_latest_day_is_over_in_every_zone_of_the_books() -> None:
    at = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # the 21st in Amman, the 20th in UTC
    assert periods.latest_day(at, ["Asia/Amman"]) == date(2026, 11, 19)
    assert periods.latest_day(at + 2 * timedelta(hours=1), ["Asia/Amman"]) == date(2026, 11, 20)
    assert periods.latest_day(at + 2 * timedelta(hours=1), ["America/Lima"]) == date(2026, 11, 19)
    assert periods.month_end(date(2026, 11, 20)) == date(2026, 10, 31)
    assert periods.month_end(date(2028, 2, 29)) == date(2028, 2, 29)
    assert periods.month_end(date.max) == date.max


async def test_what_is_not_sealed_yet_stands_in_the_way(clerk: Clerk, database: Database) -> None:
    await book_all(database, [movement("a", occurred_at=MORNING - 2 * DAY), movement("today")])
    refused = await clerk.close()
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == (PeriodRefusal.OPEN_ITEMS, "unsealed")
    findings = {each.name: each.findings for each in refused.items}
    assert findings["unsealed"] == (Finding("not sealed yet", 2, TODAY - 2 * DAY),)
    assert await clerk.lock_date() is None
    assert isinstance(await clerk.close(TODAY - 3 * DAY), Closing)  # nothing of these days waits


async def test_suspense_is_named_with_the_age_of_what_is_left(
    clerk: Clerk, database: Database
) -> None:
    clearing = chart.clearing("demo", "JOD")
    for back, units in ((9, 500), (7, 300), (4, 200)):
        at = MORNING - back * DAY
        await book_all(
            database, [movement(f"in {back}", (clearing, SUSPENSE, units), occurred_at=at)]
        )
    out = movement("out", (SUSPENSE, CASH, 600), occurred_at=MORNING - 3 * DAY)
    await book_all(database, [out])  # the 500 and 100 of the 300
    await clerk.seal()
    refused = await clerk.close()
    assert isinstance(refused, Refused)
    assert refused.detail == "suspense"
    (found,) = next(each.findings for each in refused.items if each.name == "suspense")
    assert found == Finding(f"{SUSPENSE} -0.400 JOD", 1, TODAY - 7 * DAY)
    assert isinstance(await clerk.close(TODAY - 10 * DAY), Closing)


async def test_an_open_item_is_accepted_by_name_and_with_a_reason(
    clerk: Clerk, database: Database
) -> None:
    await book_all(database, [movement("s", (CASH, SUSPENSE, 5), occurred_at=MORNING - DAY)])
    await clerk.seal()
    assert await clerk.close(accepted={"suspens": "x"}) == Refused(
        PeriodRefusal.UNKNOWN_CHECK, "suspens"
    )
    assert await clerk.close(accepted={"suspense": " "}) == Refused(
        PeriodRefusal.REASON_MISSING, "suspense"
    )
    made = await clerk.closed(accepted={"suspense": "the operator answers on Sunday"})
    kept = {each.name: each.accepted for each in made.items}
    assert kept == {"unsealed": "", "balanced": "", "suspense": "the operator answers on Sunday"}


async def test_the_database_keeps_no_closing_with_an_open_item(database: Database) -> None:
    checks = [{"name": "x", "findings": [{"what": "y"}], "accepted": ""}]
    async with database.read() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.fetch(
                "SELECT * FROM ledger.close_v1('day', $1, $1, now(), 'Amal', $2)", YESTERDAY, checks
            )


async def test_callers_bring_checks_of_their_own(clerk: Clerk) -> None:
    asked: list[date] = []

    async def open_door(connection: Connection, until: date) -> list[Finding]:
        del connection
        asked.append(until)
        return [Finding("the door is open")]

    checks = {**CHECKS, "door": open_door}
    refused = await clerk.close(checks=checks)
    assert isinstance(refused, Refused)
    assert refused.detail == "door"
    assert asked == [YESTERDAY]
    assert isinstance(await clerk.close(checks=checks, accepted={"door": "summer"}), Closing)


async def test_two_people_reopen_and_the_lock_date_goes_back_to_the_closing_before(
    clerk: Clerk, database: Database
) -> None:
    await clerk.closed(TODAY - 2 * DAY)
    last = await clerk.closed(TODAY - DAY)
    assert await clerk.reopened(agrees=" amal ") == Refused(PeriodRefusal.SAME_PERSON)
    assert await clerk.lock_date() == TODAY - DAY
    opened = await clerk.reopened()
    assert isinstance(opened, Closing)
    assert opened.number == last.number
    assert opened.reopening is not None
    assert (opened.reopening.requested_by, opened.reopening.approved_by) == ("Amal", "Basim")
    assert opened.reopening.reason == "a deposit was forgotten"
    assert await clerk.lock_date() == TODAY - 2 * DAY
    assert await booked_on(database, "again", MORNING - DAY) == TODAY - DAY
    assert isinstance(await clerk.reopened(), Closing)
    assert await clerk.lock_date() is None


async def test_there_must_be_something_to_reopen_and_a_reason(clerk: Clerk) -> None:
    async with clerk.database.read() as connection:
        at = clerk.clock.now()
        ask = periods.request_reopening
        assert await ask(connection, by="Amal", at=at, reason="why not") == Refused(
            PeriodRefusal.NOTHING_CLOSED
        )
        assert await ask(connection, by="Amal", at=at, reason=" ") == Refused(
            PeriodRefusal.REASON_MISSING
        )
        assert await ask(connection, by="", at=at, reason="why") == Refused(
            PeriodRefusal.NAME_MISSING
        )
        assert await periods.approve_reopening(connection, 7, by="Basim", at=at) == Refused(
            PeriodRefusal.NO_REQUEST
        )


async def test_a_request_is_about_the_last_closing_only(clerk: Clerk) -> None:
    await clerk.closed(TODAY - 2 * DAY)
    async with clerk.database.read() as connection:
        at = clerk.clock.now()
        asked = await periods.request_reopening(connection, by="Amal", at=at, reason="r")
        assert isinstance(asked, periods.Request)
        assert await periods.pending_reopenings(connection) == [asked]
        await clerk.closed(TODAY - DAY)
        assert await periods.pending_reopenings(connection) == []
        assert await periods.approve_reopening(
            connection, asked.number, by="Basim", at=at
        ) == Refused(PeriodRefusal.SUPERSEDED)
    assert await clerk.lock_date() == TODAY - DAY


async def test_closing_again_keeps_the_old_snapshot_and_tells_what_changed(
    clerk: Clerk, database: Database
) -> None:
    await book_all(database, [movement("a", occurred_at=MORNING - DAY)])
    first = await clerk.closed()
    await clerk.reopened()
    await book_all(database, [movement("forgotten", occurred_at=MORNING - DAY)])
    again = await clerk.closed()
    assert (again.replaces, again.number) == (first.number, 2)
    async with database.read() as connection:
        old = await periods.closing(connection, first.number)
    assert old is not None
    assert (old.snapshot, old.hash) == (first.snapshot, first.hash)
    assert await clerk.changes(old) == [(CASH, 1000, 2000), (OPENING, -1000, -2000)]
    assert await clerk.changes(again) == []


async def test_results_are_carried_to_retained_earnings_on_the_last_day(
    clerk: Clerk, database: Database
) -> None:
    end = date(2026, 10, 31)
    await book_all(database, [fee("k", occurred_at=MORNING - 30 * DAY), fee("november")])
    await clerk.seal()
    await book_all(database, [fee("november, too")])
    async with database.read() as connection:
        facts: dict[str, Any] = {"id": IDS.new(), "until": end, "by": "Amal"}
        assert await periods.carry_results(connection, **facts) is True
        assert await periods.carry_results(connection, **facts) is False
    made = await clerk.closed(end, "month")
    balances = {line.split()[0]: line.split()[3] for line in made.balances.splitlines()}
    assert balances["Income:ServiceFee:JOD"] == "0"
    assert balances["Equity:RetainedEarnings:JOD"] == "-250"
    async with database.read() as connection:
        assert await periods.carry_results(connection, **facts) == Refused(
            PeriodRefusal.ALREADY_CLOSED
        )
        entry = (await reports.journal(connection, rule="PERIOD_CLOSE")).items[0]
    assert entry.business_date == end
    assert entry.transaction.note == "by Amal"


async def test_history_of_closings_only_grows(clerk: Clerk, database: Database) -> None:
    await clerk.closed()
    await clerk.reopened()
    for table in ("closing", "reopening_request", "reopening"):
        for statement in (f"DELETE FROM ledger.{table}", f"TRUNCATE ledger.{table} CASCADE"):
            async with database.read() as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_a_reversal_of_an_entry_of_a_closed_day_stands_on_the_open_one(
    clerk: Clerk, database: Database
) -> None:
    original = movement("k", occurred_at=MORNING - DAY)
    await book_all(database, [original])
    await clerk.closed()
    (undone,) = await book(database, rules.reversal(original, id=IDS.new(), key="undo"))
    assert isinstance(undone, journal.Posted)
    assert undone.business_date == TODAY
