"""Limits that accounts must keep: no overdraft, an exposure cap, closed for good.

Only guarded accounts are locked while a transaction is booked; all others never wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kernel.database import Connection
from kernel.log import event
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Guard:
    """Limits of an account's balance (debits less credits), None for no limit; who set them, why.

    An operator's exposure cap is the maximum of its clearing account; an agency's payable must not
    be overdrawn: its maximum is zero, as it stands on the credit side. A transaction that moves a
    balance towards a limit and beyond it is refused; one that moves it back is not.
    """

    account: str
    minimum: Money | None = None
    maximum: Money | None = None
    is_closed: bool = False
    by: str = ""
    reason: str = ""

    def is_passed_by(self, balance: Money) -> bool:
        """Whether a balance is beyond a limit."""
        is_below = self.minimum is not None and balance < self.minimum
        return is_below or (self.maximum is not None and self.maximum < balance)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guard with the account's balance now; ``set_at`` None: from before that was kept."""

    guard: Guard
    balance: Money
    set_at: datetime | None


async def guard(connection: Connection, wanted: Guard) -> None:
    """Put a guard on an account, or change it; raises ValueError if its limits make no sense."""
    currency = chart.parse(wanted.account).currency
    limits = [each for each in (wanted.minimum, wanted.maximum) if each is not None]
    if any(each.currency != currency for each in limits):
        raise ValueError(f"{wanted.account} is in {currency}")
    if len(limits) == 2 and limits[1] < limits[0]:
        raise ValueError(f"the least, {limits[0]}, is above the most, {limits[1]}")
    await connection.execute(
        SQL["set_guard"],
        wanted.account,
        _minor(wanted.minimum),
        _minor(wanted.maximum),
        wanted.is_closed,
        wanted.by,
        wanted.reason,
    )
    event(
        "ledger.guarded",
        account=wanted.account,
        minimum=str(wanted.minimum),
        maximum=str(wanted.maximum),
        is_closed=wanted.is_closed,
        by=wanted.by,
        reason=wanted.reason,
    )


async def lift(connection: Connection, account: str, *, by: str, reason: str) -> None:
    """Take the guard off an account, if there is one."""
    await connection.execute(SQL["lift_guard"], account)
    event("ledger.guard_lifted", account=account, by=by, reason=reason)


async def held(connection: Connection, account: str) -> Guarded | None:
    """The guard of an account, which nobody else changes until the transaction ends."""
    await connection.execute(SQL["lock_guards"])
    return (await guards(connection, account)).get(account)


async def guards(connection: Connection, account: str | None = None) -> dict[str, Guarded]:
    """Every guard by account, or only that of one."""
    found = {}
    for row in await connection.fetch(SQL["guards"], account):
        currency = chart.parse(row["path"]).currency
        minimum, maximum = (
            None if minor is None else Money(int(minor), currency)
            for minor in (row["min_balance"], row["max_balance"])
        )
        known = Guard(row["path"], minimum, maximum, row["is_closed"], row["set_by"], row["reason"])
        balance = Money(int(row["balance"]), currency)
        found[known.account] = Guarded(known, balance, row["set_at"])
    return found


async def is_account(connection: Connection, path: str) -> bool:
    """Whether an account was opened: something was booked on it, or it was guarded."""
    return bool(await connection.fetchval(SQL["is_account"], path))


def _minor(amount: Money | None) -> Decimal | None:
    return None if amount is None else Decimal(amount.minor)
