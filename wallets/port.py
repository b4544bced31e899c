"""The port to a mobile wallet: ask for money, ask what became of it, give it back.

"No answer" is not "no": an outcome is accepted, refused or unknown, and only ``final`` ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from kernel.money import Money
from kernel.msisdn import Msisdn


class Outcome(StrEnum):
    """What the operator said, if it said anything that can be relied on."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why an operator refused, in words that are the same for every operator."""

    insufficient_funds = "insufficient_funds"
    user_declined = "user_declined"
    user_timeout = "user_timeout"
    limit = "limit"
    payer_not_found = "payer_not_found"
    payer_blocked = "payer_blocked"
    operator_unavailable = "operator_unavailable"
    duplicate = "duplicate"
    currency = "currency"
    config_error = "config_error"
    other = "other"


EvidenceKind: TypeAlias = Literal["collect", "query", "reverse", "callback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRequest:
    """Ask ``payer`` for ``amount``; ``id`` is made and stored before the first call, for good."""

    id: UUID
    payer: Msisdn
    amount: Money
    description: str
    callback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRequest:
    """Give a collection back; ``id`` is the reversal's own, ``reference`` the collection's."""

    id: UUID
    reference: str
    amount: Money
    description: str
    callback_url: str


Attempt: TypeAlias = CollectionRequest | ReversalRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the operator has told us so far about one attempt, to ask by."""

    correlation: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One exchange as it came over the wire; ``status`` is None when no answer came."""

    kind: EvidenceKind
    at: datetime
    method: str
    url_path: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one call tells about an attempt.

    ACCEPTED and final: the money moved, and the evidence names our attempt, amount and payer.
    ACCEPTED, not final: the operator works on it. REFUSED and final: no money moved.
    REFUSED, not final: this call was turned away before anything could happen (``resend_safe``).
    UNKNOWN: ask again later; ``mismatch`` says why evidence that looked good was not believed.
    ``resend_safe``: the same id may be sent again without a second debit. ``code``: the operator's
    own, or one of ours when it gave none (``not_sent``, ``no_answer``, ``unreadable``).
    """

    outcome: Outcome
    final: bool = False
    reason: Reason | None = None
    code: str = ""
    correlation: str | None = None
    reference: str | None = None
    occurred_at: datetime | None = None
    amount: Money | None = None
    mismatch: str = ""
    resend_safe: bool = False
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a callback says. A hint: it never moves money, it only tells when to ask."""

    outcome: Outcome
    reference: str | None = None
    correlation: str | None = None


class AuthMode(StrEnum):
    """How the payer agrees to a debit."""

    push_prompt = "push_prompt"
    otp_in_session = "otp_in_session"
    redirect = "redirect"
    transfer_then_prove = "transfer_then_prove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an operator's API can do; callers ask this, never the adapter's name."""

    auth_mode: AuthMode
    currencies: tuple[str, ...]
    prompt_window_s: float
    query_by: Literal["ours", "theirs", "none"]
    refuses_duplicates: bool
    reversal: Literal["none", "full", "partial"]


class ServiceStatus(StrEnum):
    """How an operator says it is."""

    available = "available"
    degraded = "degraded"
    unavailable = "unavailable"
    unknown = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """An operator's word on its own health; ``delay_ms`` is the delay it announces."""

    status: ServiceStatus
    delay_ms: int | None = None
    restored_at: datetime | None = None


class NotNow(RuntimeError):
    """The operator must not be asked at present; nothing was sent. Come back after ``after_s``."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"not before {after_s:.1f} s")
        self.after_s = after_s


class Wallet(Protocol):
    """One operator. Calls never raise for what an operator does; they return a Verdict."""

    @property
    def code(self) -> str:
        """The configured name, for example ``sandbox``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this operator can do."""
        ...

    async def collect(self, request: CollectionRequest) -> Verdict:
        """Ask the payer for money."""
        ...

    async def query(self, request: Attempt, known: Known) -> Verdict:
        """Ask what became of an attempt; raises NotNow before anything is sent."""
        ...

    async def reverse(self, request: ReversalRequest) -> Verdict:
        """Ask for a collection's money to go back."""
        ...

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Claim:
        """What a stored callback claims; unreadable ones claim UNKNOWN."""
        ...
