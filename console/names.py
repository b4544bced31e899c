"""Names of agencies, services and wallets for people to read, instead of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.desk import Desk
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

    def agency(self, code: str) -> str:
        """Name of an agency."""
        return self._pick(self.agencies.get(code), code)

    def service(self, agency: str, code: str) -> str:
        """Name of a service of an agency."""
        return self._pick(self.services.get((agency, code)), code)

    def wallet(self, code: str) -> str:
        """Name of a wallet operator."""
        return self._pick(self.wallets.get(code), code)

    def services_of(self, agency: str) -> list[str]:
        """Codes of an agency's services."""
        return [code for owner, code in self.services if owner == agency]

    def _pick(self, names: _Named | None, code: str) -> str:
        return (names or {}).get(self.language) or (names or {}).get("ar") or code


async def load(connection: Connection, desk: Desk, language: str) -> Names:
    """Read the catalogue's names."""
    agencies: dict[str, _Named] = {}
    services: dict[tuple[str, str], _Named] = {}
    for row in await connection.fetch(SQL["catalogue_names"]):
        if row["service"] is None:
            agencies[row["agency"]] = row["names"]
        else:
            services[row["agency"], row["service"]] = row["names"]
    return Names(language, agencies, services, desk.wallet_names)
