"""Which moment of the books a page shows: now, the end of a day, or a position of the sealed
journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kernel.database import Connection
from kernel.digits import to_western
from ledger import reports

_MAX_POSITION_DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """At most one of a day and a position; neither: now. ``is_bad``: what was typed is neither.

    ``first`` is where a statement between two positions begins.
    """

    day: date | None = None
    position: int | None = None
    first: int = 1
    is_bad: bool = False

    @property
    def at(self) -> date | int | None:
        """What the ledger's reports ask for."""
        return self.day if self.position is None else self.position

    @property
    def in_a_name(self) -> str:
        """For the name of a file; empty for now."""
        if self.position is None:
            return self.day.isoformat() if self.day else ""
        return f"positions-{self.first}-{self.position}"

    async def checked(self, connection: Connection) -> AsOf:
        """The same, or bad if the journal is not sealed so far."""
        if self.position is None:
            return self
        is_ahead = self.position > await reports.last_position(connection)
        return AsOf(is_bad=True) if is_ahead else self


def of(query: Mapping[str, str]) -> AsOf:
    """Read ``as_of`` (a day), or ``position`` with ``first``."""
    day, last, first = (
        to_western(query.get(name, "").strip()) for name in ("as_of", "position", "first")
    )
    try:
        position = _position(last) if last else None
        start = _position(first) if first else 1
        known = date.fromisoformat(day) if day else None
    except ValueError:
        return AsOf(is_bad=True)
    if position is not None and (known is not None or start > position):
        return AsOf(is_bad=True)
    return AsOf(day=known, position=position, first=start)


def _position(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1 or len(text) > _MAX_POSITION_DIGITS:
        raise ValueError("not a position")
    return number
