"""What channels show of payments: read models with names, amounts and the public state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.database import Connection, Row
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments.desk import Desk
from payments.states import PUBLIC, PublicState, State

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSummary:
    """One line of "my payments"."""

    id: UUID
    state: State
    reason: str | None
    agency_names: dict[str, str]
    service_names: dict[str, str]
    agency_short_names: dict[str, str]
    service_short_names: dict[str, str]
    zone: str
    total: Money
    created_at: datetime
    control_number: str
    receipt_number: str | None
    receipt_code: str | None
    is_held: bool
    """Money came after the end and waits in suspense for a decision."""
    is_rated: bool = False

    @property
    def public_state(self) -> PublicState:
        """The word for citizens and agencies."""
        return PublicState.REVIEW if self.is_held else PUBLIC[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDetail(PaymentSummary):
    """Everything about one payment but its timeline."""

    agency: str
    service: str
    principal: Money
    stamp: Money
    penalty: Money
    service_fee: Money
    agency_fee: Money
    payer: bytes
    wallet: str
    channel: str
    language: str
    state_at: datetime
    collection_id: UUID
    receipt_issued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a payment's timeline, with the evidence that caused it."""

    n: int
    from_state: str | None
    to_state: str
    event: str
    at: datetime
    evidence_id: UUID | None
    detail: str


async def payments_of(desk: Desk, msisdn: Msisdn, limit: int = 5) -> list[PaymentSummary]:
    """A subscriber's newest payments."""
    async with desk.database.read() as connection:
        rows = await connection.fetch(SQL["payments_of_payer"], desk.keys.pseudonym(msisdn), limit)
    return [PaymentSummary(**_summary(row)) for row in rows]


async def payment(connection: Connection, payment_id: UUID) -> PaymentDetail | None:
    """One payment, whole."""
    row = await connection.fetchrow(SQL["payment_detail"], payment_id)
    if row is None:
        return None
    plain = (
        "agency", "service", "payer", "wallet", "channel", "language", "state_at", "collection_id",
        "receipt_issued_at",
    )  # fmt: skip
    return PaymentDetail(
        **_summary(row),
        **_amounts(row),
        **{name: row[name] for name in plain},
    )


async def payments_of_bill(
    connection: Connection, control_number: str, limit: int = 20
) -> list[PaymentDetail]:
    """All payments of one bill, newest first."""
    rows = await connection.fetch(SQL["payments_of_bill"], control_number, limit)
    found = [await payment(connection, row["id"]) for row in rows]
    return [detail for detail in found if detail is not None]


async def transitions(connection: Connection, payment_id: UUID) -> list[Transition]:
    """A payment's timeline, oldest first."""
    rows = await connection.fetch(SQL["transitions_of"], payment_id)
    return [Transition(**row) for row in rows]


def _summary(row: Row) -> dict[str, Any]:
    plain = (
        "id", "reason", "agency_names", "service_names", "agency_short_names",
        "service_short_names", "zone", "created_at", "control_number", "receipt_number",
        "receipt_code", "is_held", "is_rated",
    )  # fmt: skip
    return {
        "state": State(row["state"]),
        "total": Money(row["total"], row["currency"]),
        **{name: row[name] for name in plain},
    }


def _amounts(row: Row) -> dict[str, Any]:
    names = ("principal", "stamp", "penalty", "service_fee", "agency_fee")
    return {name: Money(row[name], row["currency"]) for name in names}
