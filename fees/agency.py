"""Agencies and their services as values, and how to read them from rows."""

from __future__ import annotations

from dataclasses import dataclass

from fees.tariff import Asks
from kernel.database import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A public body that is owed fees. ``number`` is its stable place in its country's menu."""

    code: str
    country: str
    number: int
    names: dict[str, str]
    short_names: dict[str, str]
    zone: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A class that the price depends on: a weight, a validity, a first or a second loss."""

    code: str
    names: dict[str, str]
    short_names: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What an agency charges for. ``number`` is its stable place in the agency's menu."""

    agency: str
    code: str
    number: int
    names: dict[str, str]
    short_names: dict[str, str]
    currency: str
    category: str
    asks: Asks
    bands: tuple[Band, ...]


def agency_of(row: Row) -> Agency:
    """From a row of ``fees.offer``."""
    return Agency(
        code=row["agency"],
        country=row["country"],
        number=row["agency_number"],
        names=row["agency_names"],
        short_names=row["agency_short_names"],
        zone=row["zone"],
        currency=row["agency_currency"],
    )


def service_of(row: Row) -> Service:
    """From a row of ``fees.offer``."""
    return Service(
        agency=row["agency"],
        code=row["service"],
        number=row["service_number"],
        names=row["service_names"],
        short_names=row["service_short_names"],
        currency=row["service_currency"],
        category=row["category"],
        asks=row["asks"],
        bands=tuple(Band(**band) for band in row["bands"]),
    )
