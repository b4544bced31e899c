"""The settlement cut: what went through the accounts between two positions of the sealed journal.

Positions never change, so a cut is the same whenever it is asked for, however busy the books are,
and cuts that follow one another leave nothing out and take nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart, reports
from ledger.chart import Account
from ledger.reports import Turnover

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Cut:
    """Turnovers behind position ``since`` up to and with ``until``, the next cut's ``since``.

    ``transactions`` counts all of them, whatever accounts were asked for.
    """

    since: int
    until: int
    accounts: dict[Account, Turnover]

    @property
    def transactions(self) -> int:
        """How many there are; positions have no gaps."""
        return self.until - self.since


class NotSealed(ValueError):
    """The journal has no such positions yet."""


async def cut(
    connection: Connection, *, since: int, until: int | None = None, account_prefix: str = ""
) -> Cut:
    """Cut behind ``since`` (0: from the beginning) up to ``until`` (None: all that is sealed).

    Raises NotSealed if the journal does not reach that far.
    """
    last = await reports.last_position(connection)
    end = last if until is None else until
    if not 0 <= since <= end <= last:
        raise NotSealed(f"positions {since + 1} to {end}: the sealed journal ends at {last}")
    rows = await connection.fetch(SQL["cut"], since, end, account_prefix)
    found = {
        account: Turnover(
            Money(int(row["debits"]), account.currency),
            Money(int(row["credits"]), account.currency),
        )
        for row in rows
        for account in (chart.parse(row["path"]),)
    }
    return Cut(since, end, {each: found[each] for each in reports.in_order(found)})
