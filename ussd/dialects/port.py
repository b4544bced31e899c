"""What a dialect does: read an operator's request, write a reply in the operator's form. No I/O."""

from __future__ import annotations

from typing import Protocol

from ussd.hop import Answer, Arrival, Hop, Reply, Unreadable


class Dialect(Protocol):
    """One operator protocol."""

    def read(self, channel: str, arrival: Arrival) -> Hop | Unreadable:
        """The hop a request carries; never raises, whatever the bytes are."""
        ...

    def write(self, reply: Reply) -> Answer:
        """The HTTP answer that shows a page."""
        ...
