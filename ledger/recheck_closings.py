"""Check closings and reopenings: that they follow one another as they may, and what they froze.

They are gone through in the order in which the database wrote them, as a stack: only the last one
that stands can be reopened, by a request and somebody else's consent. That is all there is for
those that no seal covers yet; those that one covers are checked with it (ledger/chain.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any

from kernel.database import Connection
from kernel.sql import package_sql
from ledger import seal
from ledger.findings import Found

SQL = package_sql(__file__)

Opened = tuple[tuple[datetime, date | None], ...]
"""From when on which business date was the first open one (None: all were), in order of time."""

_ONE_DAY = timedelta(days=1)


async def check_closings(
    connection: Connection, events: Sequence[Any], covered: Set[str]
) -> Opened:
    """Every closing's text and place, every request and reopening; raises Found.

    ``events`` are all decisions in order, ``covered`` the names of those that are sealed: the
    oldest.
    """
    rows = {row["number"]: row for row in await connection.fetch(SQL["all_closings"])}
    walk = _Walk(rows)
    passed: Any = None
    for event in events:
        if event["name"] not in covered:
            passed = passed or event
        elif passed:
            table, _, key = passed["name"].partition(" ")
            raise Found(table, key, "no seal covers it, and one covers what came after it")
        walk.go(event)
    return tuple(walk.opened)


class _Walk:
    """What stands after each event."""

    def __init__(self, closings: dict[int, Any]) -> None:
        self._closings = closings
        self._stands: list[Any] = []
        self._requests: dict[int, Any] = {}
        self._last = 0
        self.opened: list[tuple[datetime, date | None]] = []

    def go(self, event: Any) -> None:
        """One more; raises Found."""
        match event["kind_of"]:
            case "closing":
                self._close(self._closings[event["number"]])
            case "reopening_request":
                self._ask(event)
            case _:
                self._reopen(event)
        if event["kind_of"] != "reopening_request":
            opens = self._stands[-1]["until"] + _ONE_DAY if self._stands else None
            self.opened.append((event["moment"], opens))

    def _close(self, row: Any) -> None:
        number = row["number"]
        if number != self._last + 1:
            why = "it is missing, or was not written in its turn"
            raise Found("closing", self._last + 1, why)
        _check_text(row)
        top = self._stands[-1] if self._stands else None
        if top and row["until"] <= top["until"]:
            again = row["until"] == top["until"] and (row["kind"], top["kind"]) == ("month", "day")
            if not again:
                raise Found("closing", number, f"closing {top['number']} had shut its day already")
        after = top["number"] if top else 0
        done = [each for each in range(after + 1, number) if self._until(each) <= row["until"]]
        if row["replaces"] != (done[-1] if done else None):
            raise Found("closing", number, "it does not do again what it says")
        self._stands.append(row)
        self._last = number

    def _until(self, number: int) -> date:
        until: date = self._closings[number]["until"]
        return until

    def _ask(self, event: Any) -> None:
        number = event["number"]
        if number != len(self._requests) + 1:
            raise Found("reopening_request", len(self._requests) + 1, "it is missing")
        if not self._is_last(event["closing"]):
            why = f"closing {event['closing']} was not the last one that stood"
            raise Found("reopening_request", number, why)
        self._requests[number] = event

    def _reopen(self, event: Any) -> None:
        closing, asked = event["closing"], self._requests.get(event["number"])
        if asked is None or asked["closing"] != closing:
            raise Found("reopening", closing, "nobody had asked for it")
        if asked["who"].strip().lower() == event["who"].strip().lower():
            raise Found("reopening", closing, "whoever asked for it has agreed to it")
        if not self._is_last(closing):
            raise Found("reopening", closing, "it was not the last closing that stood")
        self._stands.pop()

    def _is_last(self, closing: int) -> bool:
        return bool(self._stands) and self._stands[-1]["number"] == closing


def _check_text(row: Any) -> None:
    head = (
        f"mizan-closing-v1\nnumber {row['number']}\n{row['kind']} until {row['until']}\n"
        f"position {row['position']}\n\n"
    )
    if not row["snapshot"].startswith(head):
        raise Found("closing", row["number"], "its snapshot is not one of its columns")
    if seal.hash_of(row["snapshot"]) != row["hash"]:
        raise Found("closing", row["number"], "its hash is not that of its snapshot")


async def check_snapshots(connection: Connection) -> None:
    """What closings that stand froze is what the books of their days still make."""
    days = iter(await connection.fetch(SQL["turnovers_by_day"]))
    sums: dict[str, list[int]] = {}
    day = next(days, None)
    for row in await connection.fetch(SQL["standing_snapshots"]):
        while day is not None and day["business_date"] <= row["until"]:
            side = sums.setdefault(day["path"], [0, 0])
            side[0] += int(day["debits"])
            side[1] += int(day["credits"])
            day = next(days, None)
        lines = row["snapshot"].partition("\n\n")[2].splitlines()
        if sorted(lines) != sorted(_lines(sums.items())):
            why = "its snapshot is not what the books of its day make"
            raise Found("closing", row["number"], why)


def _lines(sums: Iterable[tuple[str, list[int]]]) -> Iterable[str]:
    for path, (debits, credits) in sums:
        yield f"{path} {debits} {credits} {debits - credits}"
