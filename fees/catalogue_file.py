"""Reads a catalogue from TOML: agencies, services, tariffs and demo bills of one country."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

from fees.agency import Agency, Band, Service
from fees.tariff import Asks, LatePenalty, Tariff
from kernel.money import Money, zero
from kernel.texts import LANGUAGES


class CatalogueError(ValueError):
    """The file does not describe a catalogue; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBill:
    """A bill to issue so that somebody can try a payment."""

    agency: Agency
    service: str
    quantity: int
    amount: Money | None
    band: str | None
    due_in_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All of one file, in its order."""

    country: str
    agencies: tuple[Agency, ...]
    services: tuple[Service, ...]
    tariffs: tuple[tuple[Service, Tariff], ...]
    bills: tuple[DemoBill, ...]


class _Table:
    """A TOML table that remembers what was asked of it, so that a misspelt key is noticed."""

    def __init__(self, raw: Mapping[str, Any], where: str) -> None:
        self._raw, self._where, self._asked = raw, where, set[str]()

    def get(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        return self._raw.get(key, default)

    def need(self, key: str) -> Any:
        value = self.get(key)
        if value is None:
            raise CatalogueError(f"{self._where}: {key} is missing")
        return value

    def names(self, key: str) -> dict[str, str]:
        names = self.need(key)
        if not isinstance(names, dict) or tuple(sorted(names)) != tuple(sorted(LANGUAGES)):
            raise CatalogueError(f"{self._where}: {key} needs exactly {', '.join(LANGUAGES)}")
        return cast("dict[str, str]", names)

    def money(self, key: str, currency: str) -> Money | None:
        text = self.get(key)
        return None if text is None else Money.parse(text, currency)

    def tables(self, key: str) -> Iterator[_Table]:
        for raw in self.get(key, []):
            yield _Table(raw, f"{self._where}.{key} {raw.get('code', '')}".rstrip())

    def done(self) -> None:
        unknown = sorted(set(self._raw) - self._asked)
        if unknown:
            raise CatalogueError(f"{self._where}: unknown key {', '.join(unknown)}")

    def fail(self, why: str) -> CatalogueError:
        return CatalogueError(f"{self._where}: {why}")


def read_catalogue(path: Path) -> Catalogue:
    """Read and check a file; raises CatalogueError, ``TOMLDecodeError`` or ``BadAmount``."""
    top = _Table(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    country, zone, currency = top.need("country"), top.need("zone"), top.need("currency")
    agencies: list[Agency] = []
    services: list[Service] = []
    tariffs: list[tuple[Service, Tariff]] = []
    for table in top.tables("agency"):
        agency = Agency(
            code=table.need("code"),
            country=country,
            number=table.need("number"),
            names=table.names("names"),
            short_names=table.names("short_names"),
            zone=zone,
            currency=currency,
        )
        agencies.append(agency)
        for inner in table.tables("service"):
            service, its_tariffs = _service(inner, agency)
            services.append(service)
            tariffs += [(service, tariff) for tariff in its_tariffs]
        table.done()
    bills = [
        _bill(table, {agency.code: agency for agency in agencies}) for table in top.tables("bill")
    ]
    top.done()
    return Catalogue(
        country=country,
        agencies=tuple(agencies),
        services=tuple(services),
        tariffs=tuple(tariffs),
        bills=tuple(bills),
    )


def _service(table: _Table, agency: Agency) -> tuple[Service, list[Tariff]]:
    bands = [
        Band(
            code=band.need("code"), names=band.names("names"), short_names=band.names("short_names")
        )
        for band in table.tables("band")
    ]
    service = Service(
        agency=agency.code,
        code=table.need("code"),
        number=table.need("number"),
        names=table.names("names"),
        short_names=table.names("short_names"),
        currency=agency.currency,
        category=table.need("category"),
        asks=table.get("asks", "nothing"),
        bands=tuple(bands),
    )
    tariffs = [_tariff(inner, service) for inner in table.tables("tariff")]
    if not tariffs:
        raise table.fail("a service needs a tariff")
    table.done()
    return service, tariffs


def _tariff(table: _Table, service: Service) -> Tariff:
    currency = service.currency
    nothing = zero(currency)
    bands = {code: Money.parse(text, currency) for code, text in table.get("bands", {}).items()}
    if set(bands) != {band.code for band in service.bands}:
        raise table.fail("prices and bands differ")
    asks: Asks = service.asks
    amount = table.money("amount", currency)
    if (amount is None) != (asks in ("amount", "band")) or (asks == "band") != bool(bands):
        raise table.fail(f"what it prices does not fit asks = {asks!r}")
    late = table.money("late_per_day", currency)
    cap = table.money("late_cap_per_year", currency)
    if (late is None) != (cap is None):
        raise table.fail("a late penalty needs both its rate and its cap")
    effective_from: date = table.need("effective_from")
    bearer: Literal["citizen", "agency"] = table.get("fee_borne_by", "citizen")
    tariff = Tariff(
        effective_from=effective_from,
        asks=asks,
        currency=currency,
        amount=amount,
        bands=bands,
        minimum=table.money("minimum", currency),
        maximum=table.money("maximum", currency),
        max_quantity=table.get("max_quantity", 1),
        stamp=table.money("stamp", currency) or nothing,
        service_fee=table.money("service_fee", currency) or nothing,
        fee_borne_by=bearer,
        late=LatePenalty(late or nothing, cap or nothing),
        due_days=table.get("due_days", 30),
        expire_days=table.get("expire_days"),
    )
    table.done()
    return tariff


def _bill(table: _Table, agencies: Mapping[str, Agency]) -> DemoBill:
    code = table.need("agency")
    if code not in agencies:
        raise table.fail(f"no agency {code} in this file")
    bill = DemoBill(
        agency=agencies[code],
        service=table.need("service"),
        quantity=table.get("quantity", 1),
        amount=table.money("amount", agencies[code].currency),
        band=table.get("band"),
        due_in_days=table.get("due_in_days", 30),
    )
    table.done()
    return bill
