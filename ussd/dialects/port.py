"""What a dialect does: read an operator's request, answer in the operator's form. Pure, no I/O."""

from __future__ import annotations

from typing import Protocol

from kernel.config import ChannelConfig
from ussd.hop import Answer, Arrival, Hop, Reply, Unreadable


class Dialect(Protocol):
    """One operator protocol."""

    @property
    def methods(self) -> frozenset[str]:
        """The HTTP methods that the operator uses."""
        ...

    @property
    def has_path(self) -> bool:
        """Whether the operator appends a path of its own to the channel's URL."""
        ...

    def read(self, channel: ChannelConfig, arrival: Arrival) -> Hop | Unreadable:
        """The hop a request carries; never raises, whatever the bytes are."""
        ...

    def write(self, hop: Hop, reply: Reply, /) -> Answer:
        """The HTTP answer that shows a page."""
        ...

    def acknowledge(self, hop: Hop, /) -> Answer:
        """The answer to news of a session's end, which nobody sees."""
        ...

    def refuse(self, why: Unreadable, apology: str, /) -> Answer:
        """The answer to what is no hop; the apology is for the subscriber, where one is shown."""
        ...
