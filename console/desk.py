"""What the console needs, gathered once by a composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from kernel.clock import Clock
from kernel.database import Database
from kernel.ids import Ids
from kernel.privacy import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Storage, keys, clock; the zone business days and times are shown in (IANA name).

    ``wallet_names``: wallet code -> language -> name; a wallet without a name shows its code.
    """

    database: Database
    keys: Keys
    clock: Clock
    ids: Ids
    public_url: str
    is_sandbox: bool = False
    zone: str = "Asia/Amman"
    wallet_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the console over TLS: decides the cookies and HSTS."""
        return self.public_url.startswith("https://")

    @property
    def tzinfo(self) -> ZoneInfo:
        """The business zone."""
        return ZoneInfo(self.zone)
