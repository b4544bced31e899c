"""Closing in tests: fictional clerks, the day before the clock's, everything sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from kernel.clock import ManualClock
from kernel.database import Database
from ledger import periods
from ledger.checklist import CHECKS, Check
from ledger.periods import Closing, Order, PeriodKind, Refused
from ledger.seal import Signer
from ledger.sealer import seal_once

TODAY = date(2026, 11, 21)
YESTERDAY = TODAY - timedelta(days=1)


@dataclass
class Clerk:
    """Closes and reopens; seals before, unless told otherwise."""

    database: Database
    signer: Signer
    clock: ManualClock

    async def seal(self) -> None:
        """Everything that is committed gets its position."""
        await seal_once(self.database, self.signer, self.clock)

    async def close(
        self,
        until: date = YESTERDAY,
        kind: str = "day",
        *,
        checks: Mapping[str, Check] = CHECKS,
        **changes: Any,
    ) -> Closing | Refused:
        """One closing by Amal, of a day that is over."""
        facts: dict[str, Any] = {"latest": YESTERDAY, "by": "Amal", "at": self.clock.now()}
        order = Order(kind=PeriodKind(kind), until=until, **(facts | changes))
        async with self.database.read() as connection:
            return await periods.close(connection, order, checks)

    async def closed(self, until: date = YESTERDAY, kind: str = "day", **changes: Any) -> Closing:
        """The same, and it must work."""
        await self.seal()
        made = await self.close(until, kind, **changes)
        assert isinstance(made, Closing), made
        return made

    async def reopened(self, *, by: str = "Amal", agrees: str = "Basim") -> Closing | Refused:
        """Ask and agree."""
        async with self.database.read() as connection:
            asked = await periods.request_reopening(
                connection, by=by, at=self.clock.now(), reason="a deposit was forgotten"
            )
            assert not isinstance(asked, Refused), asked
            return await periods.approve_reopening(
                connection, asked.number, by=agrees, at=self.clock.now()
            )

    async def lock_date(self) -> date | None:
        """The last day that is shut."""
        async with self.database.read() as connection:
            return await periods.lock_date(connection)

    async def changes(self, made: Closing) -> list[tuple[str, int, int]]:
        """Account, balance then, balance now."""
        async with self.database.read() as connection:
            found = await periods.changes(connection, made)
        return [(each.account, each.then.minor, each.now.minor) for each in found]
