"""What the tests of this package share."""

from __future__ import annotations

from datetime import UTC, datetime

from fees import bills
from fees.bills import Bill, BillOrder
from kernel.database import Connection
from kernel.ids import RandomIds

NINE_O_CLOCK = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

PASSPORT = BillOrder(agency="JO-CSPD", service="PASSPORT")
"""50.000 JOD; 0.150 borne by the agency."""


class ScriptedIds(RandomIds):
    """Draws the given digits in turn, to make control numbers collide."""

    def __init__(self, *drawn: str) -> None:
        self._drawn = iter(drawn)

    def digits(self, count: int) -> str:
        return next(self._drawn)[:count]


async def issued(
    connection: Connection, order: BillOrder = PASSPORT, at: datetime = NINE_O_CLOCK
) -> Bill:
    """A bill that must not be refused."""
    [answer] = await bills.issue_many(connection, RandomIds(), [order], at=at)
    assert isinstance(answer, bills.Issued), answer
    return answer.bill
