"""Home: what happened today, what waits for a person, and whether the books balance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from console import closings, messages
from console.pages import tickets
from console.payment_filter import GROUPS
from console.render import page
from console.roles import Permission
from console.statements import SQL
from console.visit import Visit
from kernel.clock import business_date
from kernel.database import Row
from ledger import reports
from payments.states import State

_MESSAGE_DAYS = timedelta(days=6)  # with today a week, like the list's preset


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of payments (or cases), the money in them per currency, and the oldest."""

    count: int
    amounts: Sequence[tuple[str, int]]
    oldest: datetime | None = None


async def show(visit: Visit) -> Response:
    """Every tile links to the list that it counts. People of an agency see what waits for them."""
    if not visit.may(Permission.SEE_PAYMENTS):
        return await tickets.show_list(visit)
    today = business_date(visit.now, visit.desk.zone)
    midnight = datetime.combine(today, time.min, visit.desk.tzinfo)
    standing = [*GROUPS["in_flight"], *GROUPS["attention"]]
    async with visit.snapshot() as connection:
        begun = await connection.fetch(SQL["payments_today"], midnight)
        open_ = await connection.fetch(SQL["payments_standing"], standing)
        values: dict[str, Any] = {
            "late": tally(await connection.fetch(SQL["late_money_standing"])),
            "work": await connection.fetchrow(SQL["work_counts"], visit.now),
            "undelivered": await messages.count(
                connection,
                state=messages.PROBLEM,
                since=midnight - _MESSAGE_DAYS,
                before=None,
            ),
            "tickets": await connection.fetchrow(SQL["open_tickets"]),
            "opened": await connection.fetchval(SQL["opened_on"], today),
            "open_days": await closings.open_days(visit, connection),
            "balanced": await reports.is_balanced(connection),
            "halts": await connection.fetch(SQL["halt_reasons"]),
        }
    return page(
        visit,
        "home.html",
        today=today,
        collected=tally(_in(begun, (State.COLLECTED,))),
        by_state=[(state, tally(_in(begun, (state,)))) for state in State],
        in_flight=tally(_in(open_, GROUPS["in_flight"])),
        attention=tally(_in(open_, GROUPS["attention"])),
        **values,
    )


def tally(rows: Iterable[Row]) -> Tally:
    """Add up rows of ``currency, payments, total[, oldest]``; currencies stay apart."""
    count, amounts, oldest = 0, dict[str, int](), None
    for row in rows:
        count += row["payments"]
        amounts[row["currency"]] = amounts.get(row["currency"], 0) + row["total"]
        began = row.get("oldest")
        oldest = began if oldest is None or (began and began < oldest) else oldest
    return Tally(count, sorted(amounts.items()), oldest)


def _in(rows: Iterable[Row], states: Sequence[State]) -> list[Row]:
    return [row for row in rows if row["state"] in states]
