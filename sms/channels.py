"""The SMS routes of an installation (``[sms.CHANNEL]``) and the carrier of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kernel.config import CarrierConfig, ConfigError
from kernel.http import HttpClient
from sms.carriers.sandbox import Sandbox
from sms.port import Carrier


def _twilio(config: CarrierConfig, http: HttpClient) -> Carrier:
    """Its library is loaded only where there is such a route: no other takes as long."""
    from sms.carriers.twilio import Twilio

    return Twilio(config, http)


CARRIERS: Final[dict[str, Callable[[CarrierConfig, HttpClient], Carrier]]] = {
    "sandbox": Sandbox,
    "twilio": _twilio,
}


@dataclass(frozen=True, slots=True)
class Channel:
    """A configured route."""

    config: CarrierConfig
    carrier: Carrier

    def path(self, what: str) -> str:
        """Path of our side of the route, for example ``/sms/sandbox/status``."""
        secret = f"/{self.config.secret}" if self.config.secret else ""
        return f"/sms/{self.config.name}{secret}/{what}"


def open_channels(configs: Mapping[str, CarrierConfig], http: HttpClient) -> dict[str, Channel]:
    """One channel per section; raises ConfigError for a carrier nobody wrote."""
    channels = {}
    for name, config in configs.items():
        make = CARRIERS.get(config.carrier)
        if make is None:
            known = ", ".join(sorted(CARRIERS))
            raise ConfigError(f"sms.{name}: unknown carrier {config.carrier!r}; use {known}")
        channels[name] = Channel(config, make(config, http))
    return channels
