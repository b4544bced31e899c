"""The checklist of a closing: named checks, what each found open, and who accepted it why.

A check is asked about the days up to a date and names what is open. The ledger has its own; other
packages give theirs to ``periods.close``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something open: what, how many of it, and the day of the oldest, if it has one."""

    what: str
    count: int = 1
    since: date | None = None


Check = Callable[[Connection, date], Awaitable[list[Finding]]]
"""What is open on the days up to and with a business date; nothing: an empty list."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the checklist; ``accepted`` is the reason for closing although it is open."""

    name: str
    findings: tuple[Finding, ...]
    accepted: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it stands in the way of closing."""
        return bool(self.findings) and not self.accepted

    def as_json(self) -> dict[str, Any]:
        """As it is stored and printed."""
        found = [
            {
                "what": each.what,
                "count": each.count,
                "since": each.since.isoformat() if each.since else None,
            }
            for each in self.findings
        ]
        return {"name": self.name, "findings": found, "accepted": self.accepted}


def item_of(stored: Mapping[str, Any]) -> Item:
    """Reads what ``as_json`` made."""
    found = tuple(
        Finding(
            each["what"],
            each["count"],
            date.fromisoformat(each["since"]) if each["since"] else None,
        )
        for each in stored["findings"]
    )
    return Item(stored["name"], found, stored["accepted"])


async def go_through(
    connection: Connection, until: date, checks: Mapping[str, Check], accepted: Mapping[str, str]
) -> tuple[Item, ...]:
    """Every check's item; a reason is kept with its item only if something is open there."""
    items = []
    for name, check in checks.items():
        findings = tuple(await check(connection, until))
        items.append(Item(name, findings, accepted.get(name, "") if findings else ""))
    return tuple(items)


async def unsealed(connection: Connection, until: date) -> list[Finding]:
    """Entries that have no position in the journal yet; the sealer gives them one in a second."""
    row = await connection.fetchrow(SQL["unsealed_until"], until)
    if row is None or not row["count"]:
        return []
    return [Finding("not sealed yet", int(row["count"]), row["since"])]


async def unbalanced(connection: Connection, until: date) -> list[Finding]:
    """Currencies in which debits are not credits, on whatever day: the books are damaged."""
    del until
    rows = await connection.fetch(SQL["currencies_out_of_balance"])
    return [Finding(f"{row['currency']} does not balance") for row in rows]


async def suspense(connection: Connection, until: date) -> list[Finding]:
    """Suspense accounts that are not zero, and since when what is left there has been there."""
    return [
        Finding(f"{row['path']} {Money(int(row['balance']), currency)}", 1, row["since"])
        for row in await connection.fetch(SQL["suspense_on"], until)
        for currency in (chart.parse(row["path"]).currency,)
    ]


CHECKS: Final[Mapping[str, Check]] = {
    "unsealed": unsealed,
    "balanced": unbalanced,
    "suspense": suspense,
}
"""What the ledger itself looks at."""
