"""Ready-made payments and a desk of the text channel for its tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from kernel.clock import ManualClock
from kernel.config import CarrierConfig
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from payments.offer import Offer, Refused
from payments.receipt import ReceiptCheck
from payments.refusals import Refusal
from payments.states import State
from payments.view import PaymentDetail
from sms.carriers.sandbox import Sandbox
from sms.channels import Channel
from sms.desk import SmsDesk
from sms.port import Handover, Outgoing, Sent

PAYER = Msisdn("+96171888000")
PAYMENT = UUID("01930000-0000-7000-8000-000000000001")
AT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
LBP = Money(180_000_000, "LBP")


def payment(**changed: object) -> PaymentDetail:
    """A collected payment of a carrier's penalty in Lebanon; anything may differ."""
    zero = Money(0, "LBP")
    usual = PaymentDetail(
        id=PAYMENT,
        state=State.COLLECTED,
        reason=None,
        agency_names={
            "ar": "المديرية العامة للأمن العام",
            "en": "General Directorate of General Security",
            "fr": "Direction générale de la Sûreté générale",
        },
        service_names={
            "ar": "غرامة على شركة نقل عن راكب بلا وثائق",
            "en": "Penalty on a carrier for a passenger without papers",
            "fr": "Amende au transporteur d'un passager sans papiers",
        },
        agency_short_names={"ar": "الأمن العام", "en": "Gen. Security", "fr": "Sûreté générale"},
        service_short_names={"ar": "غرامة نقل", "en": "Carrier penalty", "fr": "Amende"},
        zone="Asia/Beirut",
        total=LBP,
        created_at=AT,
        control_number="123456789012",
        receipt_number="12345678901",
        receipt_code="123456789012345",
        is_held=False,
        agency="LB-GS",
        service="CARRIER",
        principal=LBP,
        stamp=zero,
        penalty=zero,
        service_fee=zero,
        agency_fee=zero,
        payer=b"\x00" * 16,
        wallet="sandbox",
        channel="sandbox",
        language="ar",
        state_at=AT,
        collection_id=PAYMENT,
        receipt_issued_at=AT,
    )
    return replace(usual, **changed)  # type: ignore[arg-type]  # names are checked by replace


@dataclass
class FixedPayments:
    """Payments, receipts and bills as a test lays them out."""

    payments: dict[UUID, PaymentDetail] = field(default_factory=dict)
    receipts: dict[str, ReceiptCheck] = field(default_factory=dict)
    offers: dict[str, Offer | Refused] = field(default_factory=dict)

    async def payment(self, connection: Connection, payment_id: UUID) -> PaymentDetail | None:
        """The payment laid out under an id."""
        assert not connection.is_closed()
        return self.payments.get(payment_id)

    async def receipt(self, typed: str, viewer: Msisdn) -> ReceiptCheck | None:
        """The receipt laid out under a code, to anybody."""
        del viewer
        return self.receipts.get(typed)

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """The bill laid out under a control number, to anybody."""
        del viewer
        return self.offers.get(control_number, Refused(Refusal.BILL_NOT_FOUND))


class ScriptedCarrier(Sandbox):
    """A sandbox route that answers each hand-over as told, and may act before it answers."""

    def __init__(self, config: CarrierConfig, *answers: Handover) -> None:
        self.sender = config.sender
        self.answers = list(answers)
        self.handed_over: list[Outgoing] = []
        self.before_answering: Callable[[Outgoing], object] | None = None

    async def send(self, message: Outgoing) -> Handover:
        """Answer with the next scripted outcome; the last one stays."""
        self.handed_over.append(message)
        if self.before_answering is not None:
            act = self.before_answering(message)
            if hasattr(act, "__await__"):
                await act
        if len(self.answers) > 1:
            return self.answers.pop(0)
        return self.answers[0] if self.answers else Sent(str(message.id))


def config(**changed: object) -> CarrierConfig:
    """Settings of the sandbox route without a secret."""
    values: dict[str, object] = {"name": "sandbox", "carrier": "sandbox", "sender": "MIZAN"}
    return CarrierConfig(**{**values, **changed})  # type: ignore[arg-type]  # checked by the class


def desk(database: Database, keys: Keys, clock: ManualClock, *answers: Handover) -> SmsDesk:
    """A desk with fixed payments and one scripted carrier called ``sandbox``."""
    settings = config()
    return SmsDesk(
        database=database,
        keys=keys,
        clock=clock,
        ids=RandomIds(),
        payments=FixedPayments(),
        channels={"sandbox": Channel(settings, ScriptedCarrier(settings, *answers))},
        default_channel="sandbox",
        public_url="https://gw.example.gov.jo",
    )
