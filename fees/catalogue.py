"""The catalogue: agencies and services as the menu lists them, prices, and the demo data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from fees import bills
from fees.agency import Agency, Band, Service, agency_of, service_of
from fees.catalogue_file import Catalogue, DemoBill, read_catalogue
from fees.refusals import FeeRefusal
from fees.tariff import Asked, Charge
from fees.tariff import price as price_by
from fees.terms import terms_in_force
from kernel.clock import SystemClock, business_date
from kernel.database import Connection
from kernel.ids import Ids, RandomIds
from kernel.log import event
from kernel.money import Money
from kernel.sql import package_sql

__all__ = [
    "Agency", "Band", "FeeRefusal", "PayableBill", "Service", "agencies", "demo_bills", "load_demo",
    "offered", "price", "services", "services_of",
]  # fmt: skip

SQL = package_sql(__file__)

_DEMO = Path(__file__).parent / "demo"


@dataclass(frozen=True, slots=True)
class PayableBill:
    """A control number to try, and what it is for."""

    control_number: str
    description: str


async def agencies(connection: Connection, country: str | None = None) -> list[Agency]:
    """Agencies of a country (ISO 3166-1 alpha-2), or all, in the order of the menu."""
    return [agency_of(row) for row in await connection.fetch(SQL["agencies"], country)]


async def is_served(connection: Connection, country: str | None) -> bool:
    """Whether there are agencies in a country."""
    return bool(await connection.fetchval(SQL["is_served"], country))


async def services(connection: Connection, agency: str) -> list[Service]:
    """Services of an agency in the order of its menu."""
    return [service_of(row) for row in await connection.fetch(SQL["services"], agency)]


async def services_of(connection: Connection, country: str | None) -> list[tuple[Agency, Service]]:
    """Every service of a country's agencies, or of all, in the order of the menus."""
    rows = await connection.fetch(SQL["services_of_country"], country)
    return [(agency_of(row), service_of(row)) for row in rows]


async def offered(
    connection: Connection, agency: str, service: str
) -> tuple[Agency, Service] | None:
    """One service and its agency, by their codes."""
    row = await connection.fetchrow(SQL["offered"], agency, service)
    return None if row is None else (agency_of(row), service_of(row))


async def price(
    connection: Connection,
    agency: str,
    service: str,
    *,
    on: date,
    quantity: int = 1,
    amount: Money | None = None,
    band: str | None = None,
) -> Charge | FeeRefusal:
    """What a citizen would be charged on a day, by the tariff then in force.

    Refuses: agency_unknown, service_unknown, no_tariff, and all that ``tariff.price`` refuses.
    """
    found = await terms_in_force(connection, [(agency, service)], on=on)
    terms = found[agency, service]
    if isinstance(terms, FeeRefusal):
        return terms
    return price_by(terms.tariff, Asked(quantity=quantity, amount=amount, band=band))


async def load_demo(
    connection: Connection, *, ids: Ids | None = None, at: datetime | None = None
) -> bool:
    """Load the demo catalogue and issue its bills, once; False if that was done before."""
    ids, at = ids or RandomIds(), at or SystemClock().now()
    async with connection.transaction():
        if not await connection.fetchval(SQL["claim_catalogue"], "demo", at):
            return False
        for file in sorted(_DEMO.glob("*.toml")):
            catalogue = read_catalogue(file)
            await _insert(connection, catalogue)
            for number, bill in enumerate(catalogue.bills, start=1):
                reference = f"DEMO-{catalogue.country}-{number}"
                await _issue_demo(connection, ids, bill, reference=reference, at=at)
    event("catalogue.loaded", name="demo")
    return True


async def demo_bills(connection: Connection) -> list[PayableBill]:
    """Demo bills that can still be paid, for somebody who wants to try."""
    rows = await connection.fetch(SQL["demo_bills"])
    return [
        PayableBill(
            row["control_number"],
            f"{row['country']} · {row['service_names']['en']} · "
            f"{Money(row['total_minor'], row['currency'])}",
        )
        for row in rows
    ]


async def _insert(connection: Connection, catalogue: Catalogue) -> None:
    for agency in catalogue.agencies:
        await connection.execute(
            SQL["insert_agency"], agency.code, agency.country, agency.number, agency.names,
            agency.short_names, agency.zone, agency.currency,
        )  # fmt: skip
    for service in catalogue.services:
        bands = [
            {"code": band.code, "names": band.names, "short_names": band.short_names}
            for band in service.bands
        ]
        await connection.execute(
            SQL["insert_service"], service.agency, service.code, service.number, service.names,
            service.short_names, service.currency, service.category, service.asks, bands,
        )  # fmt: skip
    for owner, tariff in catalogue.tariffs:
        await connection.execute(
            SQL["insert_tariff"], owner.agency, owner.code, tariff.effective_from,
            _minor(tariff.amount), {band: amount.minor for band, amount in tariff.bands.items()},
            _minor(tariff.minimum), _minor(tariff.maximum), tariff.max_quantity,
            tariff.stamp.minor, tariff.service_fee.minor, tariff.fee_borne_by,
            tariff.late.per_day.minor, tariff.late.cap_per_year.minor,
            tariff.due_days, tariff.expire_days,
        )  # fmt: skip


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


async def _issue_demo(
    connection: Connection, ids: Ids, demo: DemoBill, *, reference: str, at: datetime
) -> None:
    zone = demo.agency.zone
    issued = await bills.issue(
        connection,
        ids,
        agency=demo.agency.code,
        service=demo.service,
        at=at,
        quantity=demo.quantity,
        amount=demo.amount,
        band=demo.band,
        due_on=business_date(at, zone) + timedelta(days=demo.due_in_days),
        reference=reference,
    )
    if isinstance(issued, FeeRefusal):
        raise ValueError(f"demo bill {reference}: {issued}")
