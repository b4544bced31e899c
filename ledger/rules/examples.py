"""One worked example of every rule, from which the page for finance is made: one licence.

A licence costs 5.000 dinars, stamp duty 0.100, and our fee 0.216 with 0.034 value-added tax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from kernel.currency import SYRIA_2026
from kernel.money import Money
from ledger import chart
from ledger.journal import Transaction
from ledger.rules import closing, fees, reconciliation, refunds, settlement
from ledger.rules.template import OfFee, OfSum

OPERATOR: Final = "demo"
AGENCY: Final = "roads"
SERVICE: Final = "licence"


@dataclass(frozen=True, slots=True)
class Example:
    """What happened, in a sentence or two, and what the rule makes of it."""

    story: str
    booked: Transaction


_FACTS: Final[dict[str, Any]] = {
    "id": UUID(int=0),
    "key": "example",
    "occurred_at": datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
    "zone": "Asia/Amman",
}
_AT: Final[dict[str, Any]] = {**_FACTS, "wallet": OPERATOR}
_FOR: Final[dict[str, Any]] = {**_FACTS, "agency": AGENCY, "service": SERVICE}


def jod(text: str) -> Money:
    """Dinars as people write them."""
    return Money.parse(text, "JOD")


TOTAL: Final = jod("5.350")
PART: Final = jod("2.000")
LICENCE: Final[dict[str, Any]] = {
    **_FOR,
    "wallet": OPERATOR,
    "principal": jod("5.000"),
    "penalty": jod("0.000"),
    "stamp": jod("0.100"),
    "service_fee": jod("0.216"),
    "vat": jod("0.034"),
}
"""The parts of the licence, as keywords of a rule."""

_OF_TOTAL: Final[tuple[tuple[OfSum, str], ...]] = (
    (
        fees.late_success,
        f"The payment had expired; an hour later the operator reports {TOTAL} as taken.",
    ),
    (
        fees.duplicate,
        f"The citizen paid from two phones at once; the second {TOTAL} were taken as well.",
    ),
    (refunds.late_refund, "The licence had been paid at the counter, so the late money goes back."),
    (refunds.duplicate_refund, "The second payment goes back."),
    (refunds.refund_confirmed, "The operator paid it out."),
    (
        refunds.refund_rejected,
        "The citizen has closed the wallet, so the operator rejects the refund.",
    ),
    (refunds.refund_again, "The wallet is open again."),
    (refunds.refund_by_bank, "The citizen gave a bank account instead."),
    (reconciliation.bank_explained_deposit, "The operator had forgotten its reference."),
    (reconciliation.bank_explained_refund, "A citizen had paid by mistake."),
    (
        reconciliation.operator_unknown,
        f"The operator's report lists {TOTAL} that we never heard of.",
    ),
    (reconciliation.operator_unknown_refund, "No bill fits it."),
    (
        reconciliation.operator_dispute,
        f"The operator's report lacks a payment of {TOTAL} that it had confirmed to us.",
    ),
    (reconciliation.operator_dispute_paid, "The operator found it and paid."),
    (reconciliation.operator_dispute_write_off, "The operator proved that it was never taken."),
)
"""Rules that move the whole total at the operator, and what happened."""
_OF_LICENCE: Final[tuple[tuple[OfFee, str], ...]] = (
    (
        fees.fee_succeeded,
        f"The operator confirms that it took {TOTAL} from the citizen's wallet for a licence.",
    ),
    (fees.late_accept, "Nobody had paid the licence in the meantime."),
    (
        fees.part_payment_complete,
        f"The missing {TOTAL - PART} came and were booked as an underpayment too; "
        f"now the {TOTAL} pay the licence.",
    ),
    (reconciliation.bank_explained_fee, "A citizen had paid a licence by bank transfer."),
    (reconciliation.operator_unknown_accept, "Its reference is the number of an unpaid licence."),
)
"""Rules that take the licence as a fee."""


def examples() -> dict[str, Example]:
    """Examples by code of their rule; a rule without one is a mistake that a test finds."""
    made = [*_plain(), *_fees(), *_refunds(), *_settlement(), *_reconciliation(), *_closing()]
    return {each.booked.rule: each for each in made}


def _plain() -> Iterator[Example]:
    for moved, story in _OF_TOTAL:
        yield Example(story, moved(amount=TOTAL, **_AT))
    for paid, story in _OF_LICENCE:
        yield Example(story, paid(**LICENCE))


def _fees() -> Iterator[Example]:
    paid = jod("6.000")
    yield Example(
        f"The citizen sent {paid} for a fee of {TOTAL}.", fees.overpayment(paid=paid, **LICENCE)
    )
    yield Example(
        f"The citizen sent {PART} for a fee of {TOTAL}.",
        fees.underpayment(amount=PART, due=TOTAL, **_AT),
    )


def _refunds() -> Iterator[Example]:
    yield Example(
        "The agency was paid yesterday; today everything is given back.",
        refunds.refund_settled(**LICENCE),
    )
    yield Example(
        "The application was withdrawn and everything is given back.",
        refunds.refund_full(**LICENCE),
    )
    excess = jod("0.650")
    yield Example(
        f"The {excess} beyond the fee go back.", refunds.overpayment_refund(amount=excess, **_AT)
    )
    yield Example(
        f"The rest never came; the {PART} go back.",
        refunds.part_payment_refund(amount=PART, **_AT),
    )
    yield Example(
        f"{PART} of the licence are given back. Agency, treasury and we bear it in proportion to "
        "what each got; the odd fils go to the largest remainders.",
        refunds.refund_partial(amount=PART, **LICENCE),
    )
    yield Example(
        f"The agency was paid yesterday. {PART} are given back and, as agreed, the agency alone "
        "bears them.",
        refunds.refund_partial_settled(amount=PART, split={"agency": PART}, **LICENCE),
    )
    yield Example(
        "The wallet had been stolen. The operator takes back all it paid; the treasury does not "
        "return stamp duty and tax.",
        refunds.chargeback(recoverable=("principal", "service_fee"), **LICENCE),
    )
    yield Example(
        "The same after the agency was paid, and only the principal is claimed.",
        refunds.chargeback_settled(
            **LICENCE | dict.fromkeys(("stamp", "service_fee", "vat"), jod("0.000"))
        ),
    )


def _settlement() -> Iterator[Example]:
    commission, deposit, due = jod("0.107"), jod("5.243"), jod("5.000")
    yield Example(
        "By contract the operator keeps two in a hundred.",
        settlement.operator_commission(amount=commission, **_AT),
    )
    yield Example(
        "This operator pays in full and sends an invoice each month.",
        settlement.operator_commission_invoiced(amount=commission, **_AT),
    )
    yield Example(
        "The invoice is paid.", settlement.operator_commission_paid(amount=commission, **_AT)
    )
    yield Example(
        f"The bank statement shows {deposit} from the operator: {TOTAL} less its commission.",
        settlement.bank_deposit(amount=deposit, **_AT),
    )
    yield Example(
        f"{due} were collected for the agency and are sent to it.",
        settlement.settle_gross(amount=due, **_FOR),
    )
    yield Example(
        "The bank statement shows that they left.",
        settlement.settle_confirmed(amount=due, agency=AGENCY, **_FACTS),
    )
    taken, owed = jod("0.050"), jod("2.000")
    yield Example(
        f"Of the {due} we keep {taken} as agreed, and {owed} that the agency owes us for a refund.",
        settlement.settle_net(amount=due, commission=taken, claw_back=owed, **_FOR),
    )
    yield Example(
        "The agency's account number was wrong.", settlement.settle_failed(amount=due, **_FOR)
    )
    yield Example(
        "The treasury is paid what this licence brought.",
        settlement.tax_remit(stamp=jod("0.100"), vat=jod("0.034"), **_FACTS),
    )
    earned = jod("0.109")
    yield Example(
        f"Of our fee of {LICENCE['service_fee']} the operator kept {commission}; the rest is ours.",
        settlement.own_sweep(amount=earned, **_FACTS),
    )


def _reconciliation() -> Iterator[Example]:
    yield Example(
        f"The bank statement shows {TOTAL} from an unknown sender.",
        reconciliation.bank_unidentified(amount=TOTAL, **_FACTS),
    )
    odd, cap = jod("0.003"), jod("0.005")
    yield Example(
        f"Counting in hundredths, the operator paid {odd} less than was due; up to {cap} are "
        "allowed.",
        reconciliation.rounding(amount=odd, cap=cap, **_AT),
    )
    yield Example(
        "The bank took its monthly charge from the account of public money.",
        reconciliation.bank_charge(amount=jod("0.750"), bank="collection", **_FACTS),
    )


def _closing() -> Iterator[Example]:
    yield Example(
        "The licence was booked for the wrong citizen.",
        closing.reversal(fees.fee_succeeded(**LICENCE), id=UUID(int=1), key="undo"),
    )
    yield Example(
        "A month ends with one licence and the operator's commission on it.",
        closing.period_close(
            {
                chart.service_fee("JOD"): jod("-0.216"),
                chart.operator_commission(OPERATOR, "JOD"): jod("0.107"),
            },
            **_FACTS,
        ),
    )
    held = {
        chart.clearing(OPERATOR, "XSP"): "312700.70",
        chart.agency_payable("pass", "passport", "XSP"): "-312700.30",
        chart.stamp_duty("XSP"): "-0.40",
    }
    yield Example(
        "Syria took two zeros off its pound (old pounds are XSP here). Each balance becomes its "
        "nearest hundredth of a new pound; together they are a hundredth too much.",
        closing.redenomination(
            {path: Money.parse(text, "XSP") for path, text in held.items()}, SYRIA_2026, **_FACTS
        ),
    )
