"""What the operator process needs to know, from the environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
SHORT_CODE = "*789#"


class BadSetting(ValueError):
    """A setting cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``gateway``: where USSD hops and inbound messages go; ``pace``: factor on every delay."""

    gateway: str
    home: Path
    pace: float = 1.0

    @property
    def book(self) -> Path:
        """The operator's book, one SQLite file."""
        return self.home / "sandbox" / "book.sqlite3"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read ``MIZAN_PUBLIC_URL``, ``MIZAN_HOME`` and ``MIZAN_SANDBOX_PACE``; raises BadSetting."""
    text = environ.get("MIZAN_SANDBOX_PACE") or "1"
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not (math.isfinite(pace) and pace > 0):
        raise BadSetting(f"MIZAN_SANDBOX_PACE must be a number above 0, got {text!r}")
    return Settings(
        gateway=(environ.get("MIZAN_PUBLIC_URL") or "http://127.0.0.1:8000").rstrip("/"),
        home=Path(environ.get("MIZAN_HOME") or _ROOT / "var"),
        pace=pace,
    )
