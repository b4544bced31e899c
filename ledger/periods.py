"""Closing days and months: up to the lock date nothing is booked any more, and two people reopen.

Closings go forward in date order. Each keeps its checklist and a snapshot of the balances with its
hash; nothing of it is ever changed, also not by reopening.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel.clock import business_date
from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart, journal, rules
from ledger.chart import Account
from ledger.checklist import CHECKS, Check, Item, go_through, item_of
from ledger.reports import Turnover, in_order

SQL = package_sql(__file__)

ONE_DAY: Final = timedelta(days=1)


class PeriodKind(StrEnum):
    """What is closed."""

    DAY = "day"
    MONTH = "month"


class PeriodRefusal(StrEnum):
    """Why nothing was closed or reopened."""

    NAME_MISSING = "name_missing"
    REASON_MISSING = "reason_missing"
    UNKNOWN_CHECK = "unknown_check"
    NOT_A_MONTHS_END = "not_a_months_end"
    NOT_OVER = "not_over"
    ALREADY_CLOSED = "already_closed"
    OPEN_ITEMS = "open_items"
    NOTHING_CLOSED = "nothing_closed"
    NO_REQUEST = "no_request"
    SAME_PERSON = "same_person"
    SUPERSEDED = "superseded"


MEANING: Final[dict[PeriodRefusal, str]] = {
    PeriodRefusal.NAME_MISSING: "Who does it must be named.",
    PeriodRefusal.REASON_MISSING: "It needs a reason.",
    PeriodRefusal.UNKNOWN_CHECK: "No check on the list has the name in the detail.",
    PeriodRefusal.NOT_A_MONTHS_END: "A month ends on its last day.",
    PeriodRefusal.NOT_OVER: "That day is not over yet everywhere.",
    PeriodRefusal.ALREADY_CLOSED: "That day is closed already.",
    PeriodRefusal.OPEN_ITEMS: "Something is open; settle it, or accept it with a reason.",
    PeriodRefusal.NOTHING_CLOSED: "There is no closing to reopen.",
    PeriodRefusal.NO_REQUEST: "There is no such request.",
    PeriodRefusal.SAME_PERSON: "Whoever asked cannot be the one who agrees.",
    PeriodRefusal.SUPERSEDED: "It is not about the last closing any more; ask anew.",
}
"""What each refusal means for finance."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done; ``items`` is the checklist if something on it is open."""

    reason: PeriodRefusal
    detail: str = ""
    items: tuple[Item, ...] = ()

    @property
    def is_for_the_sealer(self) -> bool:
        """Whether nothing is open but what the sealer settles by itself in a second."""
        return [each.name for each in self.items if each.is_open] == ["unsealed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Close up to and with ``until``; ``latest`` is the last day that may be closed now.

    ``accepted`` gives the reason for each check that may be open.
    """

    kind: PeriodKind
    until: date
    latest: date
    by: str
    at: datetime
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants a closing reopened and waits for another person to agree."""

    number: int
    closing: int
    requested_at: datetime
    requested_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reopening:
    """How a closing was reopened."""

    requested_at: datetime
    requested_by: str
    reason: str
    approved_at: datetime
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closing as it was made; ``reopening`` says that it does not stand any more.

    ``position`` is where the sealed journal ended. ``snapshot`` is a text of what was closed and
    of every account's debits, credits and balance; ``hash`` its SHA-256. ``replaces`` is the
    reopened closing that this one does again.
    """

    number: int
    kind: PeriodKind
    until: date
    closed_at: datetime
    closed_by: str
    items: tuple[Item, ...]
    position: int
    snapshot: str
    hash: bytes
    replaces: int | None
    reopening: Reopening | None

    @property
    def is_intact(self) -> bool:
        """Whether the snapshot is the one that was hashed."""
        return sha256(self.snapshot.encode()).digest() == self.hash

    @property
    def balances(self) -> str:
        """The lines of the snapshot: path, debits, credits, balance in minor units."""
        return self.snapshot.partition("\n\n")[2]

    @property
    def accounts(self) -> dict[Account, Turnover]:
        """The same as values, in the order of the chart."""
        lines = (line.split(" ") for line in self.balances.splitlines())
        read = {
            chart.parse(path): (int(debits), int(credits)) for path, debits, credits, _ in lines
        }
        return {
            account: Turnover(*(Money(minor, account.currency) for minor in read[account]))
            for account in in_order(read)
        }


@dataclass(frozen=True, slots=True)
class Change:
    """An account whose balance (debits less credits) on a closed day is not what it was then."""

    account: str
    then: Money
    now: Money


def latest_day(now: datetime, zones: Iterable[str]) -> date:
    """The last day that is over in all zones (IANA); UTC counts, entries without a zone use it."""
    return min(business_date(now, zone) for zone in {"UTC", *zones}) - ONE_DAY


def month_end(day: date) -> date:
    """The last month's end up to a day."""
    is_last = day.day == monthrange(day.year, day.month)[1]
    return day if is_last else day.replace(day=1) - ONE_DAY


async def lock_date(connection: Connection) -> date | None:
    """Business dates up to this one are shut; None: none is."""
    opens: date | None = await connection.fetchval(SQL["open_from"])
    return opens - ONE_DAY if opens else None


async def check(
    connection: Connection, order: Order, checks: Mapping[str, Check] = CHECKS
) -> Refused | None:
    """What stands in the way of closing now; None: nothing does."""
    refused = _misunderstood(order, checks)
    if refused:
        return refused
    reason = await connection.fetchval(SQL["cannot_close"], order.kind, order.until, order.latest)
    if reason:
        return Refused(PeriodRefusal(reason))
    items = await go_through(connection, order.until, checks, order.accepted)
    return _open(items) if any(each.is_open for each in items) else None


async def close(
    connection: Connection, order: Order, checks: Mapping[str, Check] = CHECKS
) -> Closing | Refused:
    """Go through the checklist and close, in one transaction of the database.

    Submits in flight are waited for and those that come later book on the next day. What already
    stands in the way is found before anybody has to wait.
    """
    refused = await check(connection, order, checks)
    if refused:
        return refused
    async with connection.transaction():
        await connection.execute(SQL["lock_closings"])
        items = await go_through(connection, order.until, checks, order.accepted)
        if any(each.is_open for each in items):
            return _open(items)
        row: Any = await connection.fetchrow(
            SQL["close"],
            order.kind,
            order.until,
            order.latest,
            order.at,
            order.by.strip(),
            [each.as_json() for each in items],
        )
        if row["outcome"] != "closed":
            return Refused(PeriodRefusal(row["outcome"]))
        return _closing(await connection.fetchrow(SQL["closings"], row["number"], 1, 0))


async def request_reopening(
    connection: Connection, *, by: str, at: datetime, reason: str
) -> Request | Refused:
    """Ask for the last closing to be reopened; another person must agree."""
    if not by.strip():
        return Refused(PeriodRefusal.NAME_MISSING)
    if not reason.strip():
        return Refused(PeriodRefusal.REASON_MISSING)
    row: Any = await connection.fetchrow(SQL["request_reopening"], at, by.strip(), reason.strip())
    if row["outcome"] != "requested":
        return Refused(PeriodRefusal(row["outcome"]))
    return (await pending_reopenings(connection))[-1]


async def pending_reopenings(connection: Connection) -> list[Request]:
    """Requests that may still be agreed to, oldest first."""
    return [Request(*row) for row in await connection.fetch(SQL["pending_reopenings"])]


async def approve_reopening(
    connection: Connection, request: int, *, by: str, at: datetime
) -> Closing | Refused:
    """Agree to a request of another person: the lock date goes back to the closing before."""
    if not by.strip():
        return Refused(PeriodRefusal.NAME_MISSING)
    row: Any = await connection.fetchrow(SQL["approve_reopening"], request, at, by.strip())
    if row["outcome"] != "reopened":
        return Refused(PeriodRefusal(row["outcome"]))
    return _closing(await connection.fetchrow(SQL["closings"], row["number"], 1, 0))


async def open_days(connection: Connection, latest: date) -> int:
    """How many days up to ``latest`` are not closed; before anything was closed, those with books
    from the first entry on.
    """
    last = await lock_date(connection)
    if last is None:
        first = await connection.fetchval(SQL["first_day"])
        last = first - ONE_DAY if first else latest
    return max((latest - last).days, 0)


async def closings(
    connection: Connection, *, limit: int | None = None, offset: int = 0
) -> list[Closing]:
    """Every closing there ever was, newest first, or some of them."""
    rows = await connection.fetch(SQL["closings"], None, limit, offset)
    return [_closing(row) for row in rows]


async def closing(connection: Connection, number: int) -> Closing | None:
    """One closing."""
    row = await connection.fetchrow(SQL["closings"], number, 1, 0)
    return _closing(row) if row else None


async def changes(connection: Connection, made: Closing) -> list[Change]:
    """Where the books of that day differ from what was closed.

    None for a closing that stands; for a reopened one, what was booked since.
    """
    then = _read(made.balances)
    now = _read(await connection.fetchval(SQL["balances"], made.until))
    return [
        Change(path, *(Money(each, chart.parse(path).currency) for each in (before, after)))
        for path in sorted(then.keys() | now.keys())
        for before, after in ((then.get(path, 0), now.get(path, 0)),)
        if before != after
    ]


async def carry_results(
    connection: Connection, *, id: UUID, until: date, zone: str = "UTC", by: str
) -> bool | Refused:
    """Book PERIOD_CLOSE on a day that is still open: income and expenses up to it go to equity.

    False if there is nothing to carry. It is to be sealed before the day is closed.
    """
    async with connection.transaction():
        await connection.execute(SQL["lock_closings"])
        if (await lock_date(connection) or date.min) >= until:
            return Refused(PeriodRefusal.ALREADY_CLOSED)
        rows = await connection.fetch(SQL["results_until"], until)
        if not rows:
            return False
        entry = rules.period_close(
            {
                row["path"]: Money(int(row["balance"]), chart.parse(row["path"]).currency)
                for row in rows
            },
            id=id,
            key=f"period-close:{until}:{id}",
            occurred_at=datetime.combine(until, time.max, ZoneInfo(zone)),
            zone=zone,
            note=f"by {by}",
        )
        (result,) = await journal.submit(connection, [entry])
        if isinstance(result, journal.Refused):
            raise RuntimeError(f"{entry.rule}: {result.reason} {result.detail}")
        return True


def _misunderstood(order: Order, checks: Mapping[str, Check]) -> Refused | None:
    if not order.by.strip():
        return Refused(PeriodRefusal.NAME_MISSING)
    if order.kind is PeriodKind.MONTH and month_end(order.until) != order.until:
        return Refused(PeriodRefusal.NOT_A_MONTHS_END)
    for name, reason in order.accepted.items():
        if name not in checks:
            return Refused(PeriodRefusal.UNKNOWN_CHECK, name)
        if not reason.strip():
            return Refused(PeriodRefusal.REASON_MISSING, name)
    return None


def _open(items: tuple[Item, ...]) -> Refused:
    names = ", ".join(each.name for each in items if each.is_open)
    return Refused(PeriodRefusal.OPEN_ITEMS, names, items)


def _closing(row: Any) -> Closing:
    return Closing(
        number=row["number"],
        kind=PeriodKind(row["kind"]),
        until=row["until"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        items=tuple(item_of(each) for each in row["checks"]),
        position=row["position"],
        snapshot=row["snapshot"],
        hash=row["hash"],
        replaces=row["replaces"],
        reopening=_reopening(row) if row["approved_at"] else None,
    )


def _reopening(row: Any) -> Reopening:
    return Reopening(
        row["requested_at"],
        row["requested_by"],
        row["reason"],
        row["approved_at"],
        row["approved_by"],
    )


def _read(lines: str) -> dict[str, int]:
    """Balance by path."""
    return {
        path: int(balance)
        for path, _, _, balance in (line.split(" ") for line in lines.splitlines())
    }
