"""What an operator's network carries and how it behaves (``operators.toml``), and a channel on it.

A channel names a profile and overrides what it knows better.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from kernel.alphabet import Alphabet
from kernel.config import ChannelConfig, WalletConfig
from ussd.page import Profile
from ussd.screen import TEXTS, alphabet_for

DATA: Final = Path(__file__).with_name("operators.toml")
STANDARD: Final = "standard"

HOME_KEYS: Final = ("00", "000")
MORE_KEYS: Final = ("99", "88")
"""Keys of the menu, best first: the first that the operator leaves to us. Never ``98``."""

RESUME_S: Final = 160
"""How long a session may be gone on with by a new dial, from when the network has given up waiting
for the subscriber.
"""


class SessionIds(StrEnum):
    """How far a session id can be trusted."""

    UNIQUE = "unique"
    RECYCLED = "recycled"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProfile:
    """One section of ``operators.toml``, which says what the settings mean; times in seconds."""

    name: str
    source: str
    septets: int
    ucs2_units: int
    alphabets: frozenset[Alphabet]
    idle_s: int
    answer_s: float
    reserved_keys: tuple[str, ...]
    session_ids: SessionIds
    currency: str
    wallets: tuple[str, ...]

    @property
    def page(self) -> Profile:
        """What one page carries, and its keys."""
        return _page(self.septets, self.ucs2_units, self.reserved_keys)


def settled(channel: ChannelConfig, wallets: Iterable[WalletConfig] = ()) -> ChannelConfig:
    """The channel with all that it leaves to its profile; ValueError names a wrong setting."""
    profile = PROFILES.get(channel.profile)
    if profile is None:
        known = ", ".join(sorted(PROFILES))
        raise ValueError(
            f"ussd.{channel.name}: unknown profile {channel.profile!r} (known: {known})"
        )
    shown = languages_in(profile.alphabets)
    offered = channel.languages or shown
    for language in (*offered, channel.default_language):
        if language not in shown:
            raise ValueError(f"ussd.{channel.name}: {profile.name} shows no {language!r}")
    if channel.default_language not in offered:
        raise ValueError(f"ussd.{channel.name}: default_language is not among its languages")
    idle_s = channel.idle_s or profile.idle_s
    in_currency = [wallet.code for wallet in wallets if profile.currency in wallet.currencies]
    return replace(
        channel,
        septets=channel.septets or profile.septets,
        ucs2_units=channel.ucs2_units or profile.ucs2_units,
        reserved_keys=channel.reserved_keys or profile.reserved_keys,
        idle_s=idle_s,
        answer_s=channel.answer_s or profile.answer_s,
        languages=offered,
        session_ttl_s=channel.session_ttl_s or idle_s + RESUME_S,
        wallets=channel.wallets or profile.wallets or tuple(in_currency),
    )


def languages_in(alphabets: frozenset[Alphabet]) -> tuple[str, ...]:
    """The languages that these alphabets show, in the order they are offered."""
    return tuple(
        language
        for language in TEXTS.languages
        if Alphabet.UCS2 in alphabets or alphabet_for(language) in alphabets
    )


def page_of(channel: ChannelConfig) -> Profile:
    """What one page of a settled channel carries, and its keys."""
    return _page(channel.septets, channel.ucs2_units, channel.reserved_keys)


@lru_cache
def _page(septets: int, ucs2_units: int, reserved: tuple[str, ...]) -> Profile:
    return Profile(septets, ucs2_units, _free(HOME_KEYS, reserved), _free(MORE_KEYS, reserved))


def _free(keys: tuple[str, ...], reserved: tuple[str, ...]) -> str:
    return next((key for key in keys if key not in reserved), keys[-1])


def _profile(name: str, section: Mapping[str, Any]) -> OperatorProfile:
    lists = {key: tuple(value) for key, value in section.items() if isinstance(value, list)}
    return OperatorProfile(
        **{
            **section,
            **lists,
            "name": name,
            "alphabets": frozenset(map(Alphabet, section["alphabets"])),
            "session_ids": SessionIds(section["session_ids"]),
        }
    )


def _profiles(file: Path) -> dict[str, OperatorProfile]:
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    standard = sections[STANDARD]
    return {name: _profile(name, {**standard, **section}) for name, section in sections.items()}


PROFILES: Final[Mapping[str, OperatorProfile]] = _profiles(DATA)
