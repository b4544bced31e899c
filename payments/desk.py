"""What every use case needs, gathered once: storage, keys, clock, ids and the wallets we collect
from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kernel.clock import Clock
from kernel.config import PaymentsConfig, WalletConfig
from kernel.database import Database
from kernel.group_commit import GroupCommit
from kernel.ids import Ids
from kernel.privacy import Keys
from wallets.port import Wallet

Item = TypeVar("Item")
Result = TypeVar("Result")


def _nobody() -> None:
    """A process that looks for work by itself needs no wake-up."""


class Groups:
    """The group commits of a desk's use cases, each made when it is first used."""

    def __init__(self) -> None:
        self.made: dict[str, GroupCommit[Any, Any]] = {}

    def of(
        self, name: str, make: Callable[[], GroupCommit[Item, Result]]
    ) -> GroupCommit[Item, Result]:
        """The one of that name."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    async def close(self) -> None:
        """Take nothing more, finish what was accepted."""
        for made in self.made.values():
            await made.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The dependencies of the use cases; built by a composition root.

    ``wake`` is called after a commit that left work for a worker. Close ``groups`` before the
    database.
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
    groups: Groups = field(default_factory=Groups, init=False, compare=False)
