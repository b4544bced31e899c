"""What a service costs on a day: the tariff in force, read for many services in one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from fees.agency import Agency, Service, agency_of, service_of
from fees.refusals import FeeRefusal
from fees.tariff import LatePenalty, Tariff
from kernel.database import Connection, Row
from kernel.money import Money
from kernel.sql import package_sql

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Terms:
    """A service, its agency and the tariff in force."""

    agency: Agency
    service: Service
    tariff: Tariff


async def terms_in_force(
    connection: Connection,
    wanted: Iterable[tuple[str, str]],
    *,
    on: date | None = None,
    at: datetime | None = None,
) -> dict[tuple[str, str], Terms | FeeRefusal]:
    """Terms of pairs of agency and service code, on a day, or on a moment's day at the agency.

    Refuses: agency_unknown, service_unknown, no_tariff.
    """
    pairs = list(dict.fromkeys(wanted))
    agencies, services = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = await connection.fetch(SQL["terms"], agencies, services, on, at)
    found = {(row["asked_agency"], row["asked_service"]): _terms_of(row) for row in rows}
    return {pair: found.get(pair, FeeRefusal.AGENCY_UNKNOWN) for pair in pairs}


def _terms_of(row: Row) -> Terms | FeeRefusal:
    if row["service"] is None:
        return FeeRefusal.SERVICE_UNKNOWN
    if row["effective_from"] is None:
        return FeeRefusal.NO_TARIFF
    return Terms(agency_of(row), service_of(row), _tariff_of(row))


def _tariff_of(row: Row) -> Tariff:
    currency: str = row["service_currency"]

    def maybe(column: str) -> Money | None:
        minor = row[column]
        return None if minor is None else Money(minor, currency)

    return Tariff(
        effective_from=row["effective_from"],
        asks=row["asks"],
        currency=currency,
        amount=maybe("amount_minor"),
        bands={band: Money(minor, currency) for band, minor in row["band_minor"].items()},
        minimum=maybe("minimum_minor"),
        maximum=maybe("maximum_minor"),
        max_quantity=row["max_quantity"],
        stamp=Money(row["stamp_minor"], currency),
        service_fee=Money(row["service_fee_minor"], currency),
        fee_borne_by=row["fee_borne_by"],
        late=LatePenalty(
            Money(row["late_day_minor"], currency), Money(row["late_cap_minor"], currency)
        ),
        due_days=row["due_days"],
        expire_days=row["expire_days"],
    )
