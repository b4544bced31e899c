"""Closing days from the console: what is looked at, and the words and lists for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from console.names import Names
from console.render import TEXTS, text
from console.show import link, ref, word
from console.visit import Visit
from kernel.database import Connection
from ledger import checklist, periods
from ledger.checklist import Check, Finding, Item
from ledger.periods import Closing, Order, PeriodKind, Refused
from payments import closing
from payments.states import State

CHECKS: Final[Mapping[str, Check]] = {**checklist.CHECKS, **closing.CHECKS}
"""Everything that is looked at, as on the command line."""

NEVER_ACCEPTED: Final = frozenset({"unsealed", "balanced"})
"""What the page lets nobody accept: the one is over in a second, the other must be mended."""

_PATIENCE_S: Final = 3.0
_LOOK_AGAIN_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A finding in words, with the list that shows it; None: no page shows more."""

    words: Markup
    address: str | None
    count: int
    since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An item of the checklist as a page shows it."""

    name: str
    is_open: bool
    accepted: str
    lines: tuple[Line, ...]

    @property
    def can_be_accepted(self) -> bool:
        """Whether a reason is enough to close although it is open."""
        return self.name not in NEVER_ACCEPTED


async def latest_day(visit: Visit, connection: Connection) -> date:
    """The last day that is over everywhere."""
    return periods.latest_day(visit.now, await closing.zones(connection))


async def open_days(visit: Visit, connection: Connection) -> int:
    """How many days that are over are not closed."""
    return await periods.open_days(connection, await latest_day(visit, connection))


async def order(visit: Visit, until: date, kind: PeriodKind, reasons: Mapping[str, str]) -> Order:
    """What somebody wants closed, in the name they signed in with."""
    async with visit.desk.database.read() as connection:
        latest = await latest_day(visit, connection)
    accepted = {name: reason for name, reason in reasons.items() if name not in NEVER_ACCEPTED}
    return Order(
        kind=kind,
        until=until,
        latest=latest,
        by=visit.signed_in.staff_name,
        at=visit.now,
        accepted=accepted,
    )


async def wait_for_sealer(visit: Visit, wanted: Order) -> None:
    """Give the sealer the second that it needs, if nothing else stands in the way."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _PATIENCE_S
    while loop.time() < give_up:
        async with visit.desk.database.read() as connection:
            refused = await periods.check(connection, wanted, CHECKS)
        if refused is None or not refused.is_for_the_sealer:
            return
        await asyncio.sleep(_LOOK_AGAIN_S)


async def close(connection: Connection, wanted: Order) -> Closing | Refused:
    """Close, in the caller's transaction."""
    return await periods.close(connection, wanted, CHECKS)


def shown(visit: Visit, called: Names, items: Iterable[Item], until: date) -> list[Checked]:
    """A checklist for a page."""
    return [
        Checked(
            name=item.name,
            is_open=item.is_open,
            accepted=item.accepted,
            lines=tuple(_line(visit, called, item.name, each, until) for each in item.findings),
        )
        for item in items
    ]


def _line(visit: Visit, called: Names, check: str, found: Finding, until: date) -> Line:
    words, address = _told(visit.language, called, check, found.what, until)
    return Line(words=words, address=address, count=found.count, since=found.since)


def _told(
    language: str, called: Names, check: str, what: str, until: date
) -> tuple[Markup, str | None]:
    """What was found, in words, and the list that shows it."""
    first, _, rest = what.partition(" ")
    match check:
        case "unsealed":
            return text(language, "closing.found.unsealed"), None
        case "balanced":
            said = text(language, "closing.found.unbalanced", currency=ref(first))
            return said, "/console/trial-balance"
        case "suspense":
            said = Markup("{} {}").format(word(called.account(first)), ref(rest))
            return said, link(f"/console/accounts/{first}/ageing", as_of=until)
        case "callbacks":
            given_up = what != "waiting"
            key = "given_up" if given_up else "waiting"
            state = "parked" if given_up else "all"
            return text(language, f"closing.found.{key}"), link("/console/work", state=state)
        case "payments" if what in list(State):
            days = {"period": "between", "to": until}
            return text(language, f"state.{what}"), link("/console/payments", state=what, **days)
        case "late_money" if f"late.kind.{first}" in TEXTS.keys(language):
            said = Markup("{} – {}").format(
                text(language, f"late.kind.{first}"), word(called.wallet(rest))
            )
            return said, link("/console/late-money", state="open", kind=first)
    return word(what), None
