"""Mobile networks that this operator can be: one file each says what a gateway is sent and how its
answers are read (docs/sandbox.md). Read from what the operators publish, never from the gateway.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kernel.alphabet import Alphabet
from sandbox.networks.wire import READERS, WRITERS, Bag, Heard, Request, Unheard, filled

HOME_NETWORK: Final = "sandbox"
"""What phones use unless they are told otherwise."""

KINDS: Final = ("start", "input", "over", "abort", "timeout")
_NEWS: Final = KINDS[2:]
"""Kinds that no subscriber reads an answer to; not every operator tells them."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One operator's network: where it posts, in which form, and what one page of it carries."""

    name: str
    source: str
    channel: str
    """The part of the gateway's address that is ours: ``/ussd/{channel}``."""
    septets: int = 182
    ucs2_units: int = 80
    session_ids: str = "text"
    wire: Mapping[str, str]
    fields: Mapping[str, Bag]
    reply: Bag = field(default_factory=dict)

    def request(self, kind: str, values: Mapping[str, str]) -> Request:
        """What is posted for a hop, or for news that the network tells."""
        return WRITERS[self.wire["encoding"]](filled(self.fields[kind], values), self.wire)

    def read(
        self, headers: Mapping[str, str], body: bytes, values: Mapping[str, str]
    ) -> Heard | Unheard:
        """What the phone shows, or why it cannot; ``values`` are those of the request."""
        try:
            return READERS[self.reply["encoding"]](headers, body, filled(self.reply, values))
        except Unheard as problem:
            return problem

    def budget(self, alphabet: Alphabet) -> int:
        """How many septets or UCS-2 units one page carries."""
        return self.septets if alphabet is Alphabet.GSM7 else self.ucs2_units

    def tells(self, kind: str) -> bool:
        """Whether the gateway is told this: not all hear that a session is over."""
        return kind in self.fields


def _load(name: str) -> dict[str, Any]:
    described = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    if "like" not in described:
        return described
    model, without = _load(described.pop("like")), described.pop("without")
    for part, bag in model.items():
        if isinstance(bag, dict):
            model[part] = {key: value for key, value in bag.items() if key not in without}
    return {**model, **described}


def _network(name: str) -> Network:
    described = _load(name)
    common, news = described.pop("request", {}), described.pop("event", None)
    fields = {}
    for kind in KINDS:
        if kind in described:
            shared = news if kind in _NEWS and news else common
            fields[kind] = {**shared, **described.pop(kind)}
    return Network(**{"name": name, "channel": name, "fields": fields, **described})


NETWORKS: Final[Mapping[str, Network]] = {
    name: _network(name)
    for name in (HOME_NETWORK, *sorted(file.stem for file in _FOLDER.glob("*.toml")))
}
