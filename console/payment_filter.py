"""Which payments a list shows: GET parameters in, those of ``console.matching_payment`` out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from console import period
from console.period import Period
from console.visit import Visit
from kernel.clock import business_date
from kernel.currency import EXPONENTS
from kernel.database import Connection
from kernel.digits import to_western
from kernel.sql import package_sql
from payments.states import State

SQL = package_sql(__file__)

GROUPS: Final[dict[str, tuple[State, ...]]] = {
    "in_flight": (State.CREATED, State.SENT, State.PENDING),
    "attention": (State.UNKNOWN, State.REVIEW),
}
"""Values of ``?state=`` that stand for several states; the text key is ``state.<value>``."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_SEPARATORS = str.maketrans("", "", " \t\u00a0\u200e\u200f\u2066\u2067\u2068\u2069")
_MAX_REFERENCE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What was chosen.

    ``reference``: a control number, receipt number, receipt code or payment id; ``payer_handle``:
    a search by phone number. These are exact and look at all dates. ``search_ended``: that search
    was another session's, or another one came after it.
    """

    period: Period
    state: str = ""
    agency: str = ""
    service: str = ""
    wallet: str = ""
    currency: str = ""
    reference: str = ""
    payer_handle: str = ""
    payer: bytes | None = None
    search_ended: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether something is looked for by name, so that dates do not matter."""
        return bool(self.reference or self.payer_handle)

    @property
    def query(self) -> dict[str, str]:
        """The GET parameters that make this filter: a permalink (but for a number searched for)."""
        values = {
            **self.period.query,
            "state": self.state,
            "agency": self.agency,
            "service": f"{self.agency}/{self.service}" if self.service else "",
            "wallet": self.wallet,
            "currency": self.currency,
            "reference": self.reference,
            "payer": self.payer_handle,
        }
        return {name: value for name, value in values.items() if value}

    async def parameters(self, connection: Connection) -> tuple[Any, ...]:
        """The nine parameters of ``console.matching_payment``."""
        return (
            None if self.is_exact else self.period.since,
            None if self.is_exact else self.period.before,
            _states(self.state),
            self.agency or None,
            self.service or None,
            self.wallet or None,
            self.currency or None,
            await self._ids(connection),
            self.payer if self.payer_handle else None,
        )

    async def _ids(self, connection: Connection) -> list[UUID] | None:
        if self.search_ended or self.period.is_bad:
            return []
        if not self.reference:
            return None
        text = self.reference.lower()
        found = await connection.fetch(
            SQL["payments_by_reference"],
            self.reference,
            UUID(text) if _UUID.fullmatch(text) else None,
        )
        return [row["id"] for row in found]


def of(visit: Visit) -> PaymentFilter:
    """Read the filter of a request; values nobody offered are dropped."""
    query, session = visit.query, visit.signed_in
    today = business_date(visit.now, visit.desk.zone)
    handle = query.get("payer", "")
    is_ours = bool(handle) and handle == session.search_handle
    agency, service = _service(query)
    return PaymentFilter(
        period=period.of(query, today=today, zone=visit.desk.zone, default="7d"),
        state=_known(query, "state", {*GROUPS, *State}),
        agency=agency,
        service=service,
        wallet=query.get("wallet", "")[:64],
        currency=_known(query, "currency", set(EXPONENTS)),
        reference=to_western(query.get("reference", "")).translate(_SEPARATORS)[:_MAX_REFERENCE],
        payer_handle=handle[:16],
        payer=session.search_payer if is_ours else None,
        search_ended=bool(handle) and not is_ours,
    )


def _service(query: Mapping[str, str]) -> tuple[str, str]:
    """``?service=AGENCY/CODE`` names its agency too; with another ``?agency=`` it is dropped."""
    chosen = query.get("agency", "")[:64]
    agency, slash, service = query.get("service", "")[:130].partition("/")
    return (agency, service) if slash and service and chosen in ("", agency) else (chosen, "")


def _known(query: Mapping[str, str], name: str, values: set[str]) -> str:
    value = query.get(name, "")
    return value if value in values else ""


def _states(state: str) -> list[str] | None:
    if not state:
        return None
    return [each.value for each in GROUPS.get(state, ())] or [state]
