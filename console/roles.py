"""Who may do what in the console: five roles, one table."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is here; ``role.<name>.what`` in the texts says each in one sentence."""

    VIEWER = "viewer"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ADMIN = "admin"
    AGENCY = "agency"
    """Of one agency: every page it gets to shows that agency's rows only (``Visit.agency``)."""


class Permission(StrEnum):
    """What a page or an action asks for."""

    OWN_ACCOUNT = "own_account"
    SEE_PAYMENTS = "see_payments"
    SEE_BOOKS = "see_books"
    SEE_USAGE = "see_usage"
    SEE_TICKETS = "see_tickets"
    DOWNLOAD = "download"
    REVEAL_NUMBER = "reveal_number"
    CLOSE_BOOKS = "close_books"
    SEE_AUDIT = "see_audit"
    ANSWER_TICKETS = "answer_tickets"
    MANAGE_STAFF = "manage_staff"


_P = Permission
_READ = frozenset({_P.OWN_ACCOUNT, _P.SEE_PAYMENTS, _P.SEE_BOOKS, _P.SEE_USAGE, _P.SEE_TICKETS})

GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _READ,
    Role.FINANCE: _READ | {_P.DOWNLOAD, _P.REVEAL_NUMBER, _P.CLOSE_BOOKS, _P.ANSWER_TICKETS},
    Role.AUDITOR: _READ | {_P.DOWNLOAD, _P.SEE_AUDIT},
    Role.ADMIN: frozenset(Permission),
    Role.AGENCY: frozenset({_P.OWN_ACCOUNT, _P.SEE_TICKETS, _P.ANSWER_TICKETS}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a role holds a permission."""
    return permission in GRANTS[role]
