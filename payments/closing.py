"""What the payments have left open when a day of the books is closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from fees import catalogue
from kernel.database import Connection, Row
from kernel.sql import package_sql
from ledger.checklist import Check, Finding
from payments.states import OPEN

SQL = package_sql(__file__)


async def zones(connection: Connection) -> set[str]:
    """The time zones (IANA) of all agencies: a day is over when it is over in each."""
    return {each.zone for each in await catalogue.agencies(connection)}


async def callbacks(connection: Connection, until: date) -> list[Finding]:
    """Operators' messages about payments of these days that are stored, but not processed."""
    return _findings(await connection.fetch(SQL["callbacks_until"], until))


async def payments(connection: Connection, until: date) -> list[Finding]:
    """Payments of these days whose end nobody knows: in flight, without an answer, in review."""
    return _findings(await connection.fetch(SQL["unresolved_until"], until, [*OPEN]))


async def late_money(connection: Connection, until: date) -> list[Finding]:
    """Late or duplicate money of these days that nobody has decided about."""
    return _findings(await connection.fetch(SQL["late_money_until"], until))


def _findings(rows: list[Row]) -> list[Finding]:
    return [Finding(row["what"], row["count"], row["since"]) for row in rows]


CHECKS: Final[Mapping[str, Check]] = {
    "callbacks": callbacks,
    "payments": payments,
    "late_money": late_money,
}
"""What closing asks beside the ledger's own checks."""
