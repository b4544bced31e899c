"""Names of agencies, services, wallets and accounts for people to read, instead of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.render import TEXTS
from console.visit import Visit
from kernel.database import Connection
from kernel.sql import package_sql

SQL = package_sql(__file__)

_Named = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called in one language; what has no name shows its code."""

    language: str
    agencies: Mapping[str, _Named]
    services: Mapping[tuple[str, str], _Named]
    wallets: Mapping[str, _Named]
    short_agencies: Mapping[str, _Named]
    short_services: Mapping[tuple[str, str], _Named]

    def agency(self, code: str) -> str:
        """Full name of an agency."""
        return self._pick(self.agencies.get(code), code)

    def service(self, agency: str, code: str) -> str:
        """Full name of a service of an agency."""
        return self._pick(self.services.get((agency, code)), code)

    def short_agency(self, code: str) -> str:
        """Name of an agency as menus and lists show it."""
        return self._pick(self.short_agencies.get(code), code)

    def short_service(self, agency: str, code: str) -> str:
        """Name of a service as menus and lists show it."""
        return self._pick(self.short_services.get((agency, code)), code)

    def wallet(self, code: str) -> str:
        """Name of a wallet operator."""
        return self._pick(self.wallets.get(code), code)

    def services_of(self, agency: str) -> list[str]:
        """Codes of an agency's services."""
        return [code for owner, code in self.services if owner == agency]

    def account(self, path: str) -> str:
        """An account in words: what it is for, then whose; its path where there are no words."""
        *components, _currency = path.split(":")
        known = TEXTS.keys(self.language)
        for length in range(len(components), 1, -1):
            key = f"account.{':'.join(components[:length])}"
            if key in known:
                whose = self._whose(components[length:])
                return " – ".join((TEXTS.get(self.language, key), *whose))
        return path

    def _whose(self, codes: list[str]) -> list[str]:
        match codes:
            case [agency, service]:
                return [self.short_agency(agency), self.short_service(agency, service)]
            case [code] if code in self.agencies:
                return [self.short_agency(code)]
            case [code]:
                return [self._wallet_of(code)]
        return codes

    def _wallet_of(self, component: str) -> str:
        """A wallet by its component of an account path, which is upper case."""
        codes = (each for each in self.wallets if each.upper().replace("_", "-") == component)
        return self.wallet(next(codes, component))

    def _pick(self, names: _Named | None, code: str) -> str:
        return (names or {}).get(self.language) or (names or {}).get("ar") or code


async def load(connection: Connection, visit: Visit) -> Names:
    """Read the catalogue's names for a visit's language."""
    return await read(connection, visit.language, visit.desk.wallet_names)


async def read(connection: Connection, language: str, wallets: Mapping[str, _Named]) -> Names:
    """Read the catalogue's names; those of wallets are configured."""
    agencies: dict[str, _Named] = {}
    services: dict[tuple[str, str], _Named] = {}
    short_agencies: dict[str, _Named] = {}
    short_services: dict[tuple[str, str], _Named] = {}
    for row in await connection.fetch(SQL["catalogue_names"]):
        if row["service"] is None:
            agencies[row["agency"]] = row["names"]
            short_agencies[row["agency"]] = row["short_names"]
        else:
            services[row["agency"], row["service"]] = row["names"]
            short_services[row["agency"], row["service"]] = row["short_names"]
    return Names(
        language=language,
        agencies=agencies,
        services=services,
        wallets=wallets,
        short_agencies=short_agencies,
        short_services=short_services,
    )
