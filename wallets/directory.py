"""Which wallets there are: adapters by the name that the configuration uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from kernel.clock import Clock
from kernel.config import ConfigError, WalletConfig
from kernel.http import HttpClient
from kernel.msisdn import Msisdn
from wallets.gsma import GsmaWallet
from wallets.port import Wallet


class _Adapter(Protocol):
    def __call__(self, config: WalletConfig, http: HttpClient, clock: Clock) -> Wallet: ...


ADAPTERS: Final[Mapping[str, _Adapter]] = {"gsma": GsmaWallet}


def build(config: WalletConfig, http: HttpClient, clock: Clock) -> Wallet:
    """The wallet of one ``[wallets.CODE]`` section; raises ConfigError for an unknown adapter."""
    adapter = ADAPTERS.get(config.adapter)
    if adapter is None:
        known = ", ".join(sorted(ADAPTERS))
        raise ConfigError(f"wallets.{config.code}.adapter must be one of {known}")
    return adapter(config, http, clock)


def build_all(
    configs: Mapping[str, WalletConfig], http: HttpClient, clock: Clock
) -> dict[str, Wallet]:
    """Every configured wallet by its code."""
    return {code: build(config, http, clock) for code, config in configs.items()}


def wallet_for(
    configs: Mapping[str, WalletConfig], *, payer: Msisdn, currency: str
) -> WalletConfig | None:
    """The first configured wallet in the payer's country that holds this currency, if any."""
    return next(
        (
            config
            for config in configs.values()
            if payer.region in config.countries and currency in config.currencies
        ),
        None,
    )
