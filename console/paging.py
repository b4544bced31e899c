"""Pages of a list: how many, which one, where the neighbours are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.show import link

SIZE = 50
_LAST_PAGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """``number`` counts from 1, ``total`` all rows; ``query``: the list's other GET parameters."""

    number: int
    query: Mapping[str, str]
    size: int = SIZE
    total: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Paging:
        """The page asked for by ``?page=``; anything odd means the first."""
        text = query.get("page", "1")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
        others = {name: value for name, value in query.items() if name != "page"}
        return cls(number=min(max(number, 1), _LAST_PAGE), query=others)

    def among(self, total: int) -> Paging:
        """The same page, knowing how many rows there are."""
        return replace(self, total=total)

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return min(self.offset + self.size, self.total)

    @property
    def previous(self) -> str | None:
        """Query of the page before, if there is one."""
        return self._at(self.number - 1) if self.number > 1 else None

    @property
    def next(self) -> str | None:
        """Query of the page after, if there is one."""
        return self._at(self.number + 1) if self.last < self.total else None

    def _at(self, number: int) -> str:
        return link("", **{**self.query, "page": number})
