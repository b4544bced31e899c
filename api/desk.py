"""What the API needs: the payments desk, and counts of how often somebody guesses codes."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.limits import Limits
from payments.desk import Desk


@dataclass(frozen=True, slots=True)
class ApiDesk:
    """The dependencies of the API and the receipt check; built by a composition root."""

    desk: Desk
    limits: Limits
    checks_a_minute: int = 30
    """Receipt checks one client may make."""
