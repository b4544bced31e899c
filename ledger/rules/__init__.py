"""The posting rules: every way in which money is booked, one function per rule.

A rule's function has the name of its code and takes keywords only, beside the entry or the balances
it is made from. It returns the transaction; nothing here reads or writes the books.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ledger.rules import closing, fees, reconciliation, refunds, settlement
from ledger.rules.closing import (
    period_close,
    redenomination,
    reversal,
)
from ledger.rules.fees import (
    duplicate,
    fee_succeeded,
    late_accept,
    late_success,
    overpayment,
    part_payment_complete,
    underpayment,
)
from ledger.rules.reconciliation import (
    bank_charge,
    bank_explained_deposit,
    bank_explained_fee,
    bank_explained_refund,
    bank_unidentified,
    operator_dispute,
    operator_dispute_paid,
    operator_dispute_write_off,
    operator_unknown,
    operator_unknown_accept,
    operator_unknown_refund,
    rounding,
)
from ledger.rules.refunds import (
    chargeback,
    chargeback_settled,
    duplicate_refund,
    late_refund,
    overpayment_refund,
    part_payment_refund,
    refund_again,
    refund_by_bank,
    refund_confirmed,
    refund_full,
    refund_partial,
    refund_partial_settled,
    refund_rejected,
    refund_settled,
)
from ledger.rules.settlement import (
    bank_deposit,
    operator_commission,
    operator_commission_invoiced,
    operator_commission_paid,
    own_sweep,
    settle_confirmed,
    settle_failed,
    settle_gross,
    settle_net,
    tax_remit,
)
from ledger.rules.template import Facts, Fee, Movement, Rule, Sum

__all__ = [
    "RULES",
    "Facts",
    "Fee",
    "Movement",
    "Rule",
    "Sum",
    "bank_charge",
    "bank_deposit",
    "bank_explained_deposit",
    "bank_explained_fee",
    "bank_explained_refund",
    "bank_unidentified",
    "chargeback",
    "chargeback_settled",
    "duplicate",
    "duplicate_refund",
    "fee_succeeded",
    "late_accept",
    "late_refund",
    "late_success",
    "operator_commission",
    "operator_commission_invoiced",
    "operator_commission_paid",
    "operator_dispute",
    "operator_dispute_paid",
    "operator_dispute_write_off",
    "operator_unknown",
    "operator_unknown_accept",
    "operator_unknown_refund",
    "overpayment",
    "overpayment_refund",
    "own_sweep",
    "part_payment_complete",
    "part_payment_refund",
    "period_close",
    "redenomination",
    "refund_again",
    "refund_by_bank",
    "refund_confirmed",
    "refund_full",
    "refund_partial",
    "refund_partial_settled",
    "refund_rejected",
    "refund_settled",
    "reversal",
    "rounding",
    "settle_confirmed",
    "settle_failed",
    "settle_gross",
    "settle_net",
    "tax_remit",
    "underpayment",
]


def _in_order(rule: Rule) -> tuple[int, str]:
    return int(rule.number.rstrip("abcdefghijklmnopqrstuvwxyz")), rule.number


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.code: rule
        for rule in sorted(
            (
                *fees.RULES,
                *refunds.RULES,
                *settlement.RULES,
                *reconciliation.RULES,
                *closing.RULES,
            ),
            key=_in_order,
        )
    }
)
"""All rules by code, in the order of their numbers."""
