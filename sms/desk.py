"""What the text channel needs, gathered once, and the narrow view it has of payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from kernel.clock import Clock
from kernel.config import LimitsConfig
from kernel.database import Connection, Database
from kernel.ids import Ids
from kernel.limits import Limits
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from payments import offer, receipt, view
from payments.desk import Desk
from payments.guesses import bill_guesses, receipt_guesses
from payments.offer import Offer, Refused, is_miss
from payments.receipt import ReceiptCheck
from payments.refusals import Refusal
from payments.view import PaymentDetail
from sms.channels import Channel


class PaymentsView(Protocol):
    """What messages are about."""

    async def payment(self, connection: Connection, payment_id: UUID) -> PaymentDetail | None:
        """One payment, whole."""
        ...

    async def receipt(self, typed: str, viewer: Msisdn) -> ReceiptCheck | Refused | None:
        """The receipt behind a code; None if not genuine. Refuses: too_many_misses."""
        ...

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """What paying a bill costs, or why it cannot be paid now, as ``viewer`` may know it.

        Who tries too many numbers that are absent is told so (too_many_misses).
        """
        ...


class DeskView:
    """The view of the payments desk itself."""

    def __init__(self, desk: Desk, limits: Limits, settings: LimitsConfig) -> None:
        self._desk = desk
        self._bills = bill_guesses(limits, settings)
        self._receipts = receipt_guesses(limits, settings)

    async def payment(self, connection: Connection, payment_id: UUID) -> PaymentDetail | None:
        """One payment, whole."""
        return await view.payment(connection, payment_id)

    async def receipt(self, typed: str, viewer: Msisdn) -> ReceiptCheck | Refused | None:
        """See the view."""
        async with self._receipts.one(viewer) as attempt:
            if attempt is None:
                return Refused(Refusal.TOO_MANY_MISSES)
            found = await receipt.check(self._desk, typed)
            attempt.hit = found is not None
        return found

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """See the view."""
        async with self._bills.one(viewer) as attempt:
            if attempt is None:
                return Refused(Refusal.TOO_MANY_MISSES)
            seen = await offer.offer_to(self._desk, control_number, viewer)
            attempt.hit = not is_miss(seen)
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsDesk:
    """The dependencies of the text channel; built by a composition root.

    ``default_channel`` carries what starts with us; an answer goes back where its question came
    from. ``short_codes`` maps USSD channels to what a citizen dials (``*789#``), ``""`` being the
    usual one.
    """

    database: Database
    keys: Keys
    clock: Clock
    ids: Ids
    payments: PaymentsView
    channels: Mapping[str, Channel]
    default_channel: str
    public_url: str
    short_codes: Mapping[str, str] = field(default_factory=lambda: {"": "*789#"})
    send_again_after_s: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0)
    answers_limit: int = 10
    answers_window: timedelta = timedelta(hours=1)

    def dial(self, channel: str = "", control_number: str = "") -> str:
        """What to dial on a channel, for one bill if given: ``*789*123456789012#``."""
        code = self.short_codes.get(channel) or self.short_codes[""]
        return f"{code.removesuffix('#')}*{control_number}#" if control_number else code
