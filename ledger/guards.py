"""Limits that accounts must keep: no overdraft, an exposure cap, closed for good.

Only guarded accounts are locked while a transaction is booked; all others never wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kernel.database import Connection
from kernel.log import event
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Guard:
    """Limits of an account's balance (debits less credits); None is no limit.

    An operator's exposure cap is the maximum of its clearing account; an agency's payable must not
    be overdrawn: its maximum is zero, as it stands on the credit side. A transaction that moves a
    balance towards a limit and beyond it is refused; one that moves it back is not.
    """

    account: str
    minimum: Money | None = None
    maximum: Money | None = None
    is_closed: bool = False


async def guard(connection: Connection, wanted: Guard) -> None:
    """Put a guard on an account, or change it; raises ValueError if its limits make no sense."""
    currency = chart.parse(wanted.account).currency
    limits = [each for each in (wanted.minimum, wanted.maximum) if each is not None]
    if any(each.currency != currency for each in limits):
        raise ValueError(f"{wanted.account} is in {currency}")
    if len(limits) == 2 and limits[1] < limits[0]:
        raise ValueError("the minimum is above the maximum")
    await connection.execute(
        SQL["set_guard"],
        wanted.account,
        _minor(wanted.minimum),
        _minor(wanted.maximum),
        wanted.is_closed,
    )
    event(
        "ledger.guarded",
        account=wanted.account,
        minimum=str(wanted.minimum),
        maximum=str(wanted.maximum),
        is_closed=wanted.is_closed,
    )


async def guards(connection: Connection) -> dict[str, tuple[Guard, Money]]:
    """Every guard by account, with the balance now."""
    found = {}
    for row in await connection.fetch(SQL["guards"]):
        currency = chart.parse(row["path"]).currency
        minimum, maximum = (
            None if minor is None else Money(int(minor), currency)
            for minor in (row["min_balance"], row["max_balance"])
        )
        known = Guard(row["path"], minimum, maximum, row["is_closed"])
        found[known.account] = (known, Money(int(row["balance"]), currency))
    return found


def _minor(amount: Money | None) -> Decimal | None:
    return None if amount is None else Decimal(amount.minor)
