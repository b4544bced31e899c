"""What every use case needs, gathered once: storage, keys, clock, ids and the wallets we collect
from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernel.clock import Clock
from kernel.config import PaymentsConfig, WalletConfig
from kernel.database import Database
from kernel.ids import Ids
from kernel.privacy import Keys
from wallets.port import Wallet


def _nobody() -> None:
    """A process that looks for work by itself needs no wake-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The dependencies of the use cases; built by a composition root.

    ``wake`` is called after a commit that left work for a worker.
    """

    database: Database
    keys: Keys
    clock: Clock
    ids: Ids
    config: PaymentsConfig
    wallets: dict[str, Wallet]
    wallet_configs: dict[str, WalletConfig]
    public_url: str
    wake: Callable[[], None] = _nobody
