"""The chart of accounts: one function per account, and what a valid account path is.

A path says all there is to know: its first component is the kind, its last the currency
(``Assets:Clearing:SANDBOX:JOD``). Every path is also valid in beancount and hledger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from kernel.currency import EXPONENTS, RETIRED, exponent

MAX_PATH = 120
_PATH = re.compile(
    r"(?P<kind>Assets|Liabilities|Equity|Income|Expenses)"
    r"(?::[A-Z0-9][A-Za-z0-9-]*)+:(?P<currency>[A-Z]{3})"
)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")


class Kind(StrEnum):
    """The five roots of the chart."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    EQUITY = "Equity"
    INCOME = "Income"
    EXPENSES = "Expenses"

    @property
    def is_debit_normal(self) -> bool:
        """Whether a healthy balance of this kind stands on the debit side."""
        return self in (Kind.ASSETS, Kind.EXPENSES)


@dataclass(frozen=True, slots=True)
class Account:
    """A path with what it says."""

    path: str
    kind: Kind
    currency: str


class BadAccount(ValueError):
    """Not a path of the chart, or a code that cannot be part of one."""


@lru_cache(maxsize=10_000)
def parse(path: str) -> Account:
    """Read a path; raises BadAccount for anything that is not an account in a known currency."""
    found = _PATH.fullmatch(path)
    if not found or len(path) > MAX_PATH or found["currency"] not in EXPONENTS | RETIRED:
        raise BadAccount(f"not an account: {path[:MAX_PATH]!r}")
    return Account(path, Kind(found["kind"]), found["currency"])


_BY_PAYMENT = ("Suspense", "RefundPayable", "Duplicate", "Overpayment", "PartPayment")


def is_kept_by_payment(path: str) -> bool:
    """Whether each payment's money on the account must be cleared for itself (and not: the oldest
    money first).
    """
    return path.split(":")[1] in _BY_PAYMENT


def code(text: str) -> str:
    """An operator's, agency's or service's code as a component: upper case, no underscores."""
    component = text.upper().replace("_", "-")
    if not _CODE.fullmatch(component):
        raise BadAccount(f"not a code of letters, digits and hyphens: {text[:40]!r}")
    return component


def _account(*components: str, currency: str) -> str:
    exponent(currency)
    return ":".join((*components, currency))


# Assets: what others owe us and what lies at the bank.


def clearing(wallet: str, currency: str) -> str:
    """What an operator owes us for wallet debits; zero after each of its deposits."""
    return _account("Assets:Clearing", code(wallet), currency=currency)


def bank_collection(currency: str) -> str:
    """Public money at the bank; never mixed with our own."""
    return _account("Assets:Bank:Collection", currency=currency)


def bank_operating(currency: str) -> str:
    """Our own money at the bank."""
    return _account("Assets:Bank:Operating", currency=currency)


def agency_receivable(agency: str, currency: str) -> str:
    """Refunds and charge-backs after the agency was paid; zero by set-off."""
    return _account("Assets:AgencyReceivable", code(agency), currency=currency)


def operator_dispute(wallet: str, currency: str) -> str:
    """Booked by us, missing in the operator's report; aged."""
    return _account("Assets:Suspense:OperatorDispute", code(wallet), currency=currency)


# Liabilities: what we hold for others.


def agency_payable(agency: str, service: str, currency: str) -> str:
    """Principal (and penalty) collected for an agency's service."""
    return _account("Liabilities:Agency", code(agency), code(service), currency=currency)


def stamp_duty(currency: str) -> str:
    """Stamp duty due to the treasury."""
    return _account("Liabilities:StampDuty", currency=currency)


def vat(currency: str) -> str:
    """Value-added tax due to the treasury."""
    return _account("Liabilities:VAT", currency=currency)


def refund_payable(wallet: str, currency: str) -> str:
    """Refunds approved, not yet confirmed by the operator."""
    return _account("Liabilities:RefundPayable", code(wallet), currency=currency)


def late_success(wallet: str, currency: str) -> str:
    """Money that arrived after its payment was refused or expired; wants acceptance or refund."""
    return _account("Liabilities:Suspense:LateSuccess", code(wallet), currency=currency)


def unallocated_bank(currency: str) -> str:
    """Bank credits nobody has explained yet."""
    return _account("Liabilities:Suspense:Unallocated:Bank", currency=currency)


def unallocated_operator(wallet: str, currency: str) -> str:
    """In the operator's report, unknown to us; wants explaining."""
    return _account("Liabilities:Suspense:Unallocated", code(wallet), currency=currency)


def refund_failed(wallet: str, currency: str) -> str:
    """Refunds the operator rejected; to be paid another way."""
    return _account("Liabilities:Suspense:RefundFailed", code(wallet), currency=currency)


def duplicate(wallet: str, currency: str) -> str:
    """A second wallet debit for one bill; the citizen's money."""
    return _account("Liabilities:Duplicate", code(wallet), currency=currency)


def overpayment(currency: str) -> str:
    """Paid beyond the bill; the citizen's money."""
    return _account("Liabilities:Overpayment", currency=currency)


def part_payment(currency: str) -> str:
    """Paid short of the bill; not the agency's until complete."""
    return _account("Liabilities:PartPayment", currency=currency)


def settlement_in_transit(agency: str, currency: str) -> str:
    """Bank instruction to an agency sent, not confirmed."""
    return _account("Liabilities:SettlementInTransit", code(agency), currency=currency)


def commission_payable(wallet: str, currency: str) -> str:
    """Commission of an operator that invoices instead of deducting."""
    return _account("Liabilities:CommissionPayable", code(wallet), currency=currency)


# Income, expenses, equity: ours.


def service_fee(currency: str) -> str:
    """Our fee, whoever bears it."""
    return _account("Income:ServiceFee", currency=currency)


def agency_commission(currency: str) -> str:
    """Our commission from agencies."""
    return _account("Income:AgencyCommission", currency=currency)


def operator_commission(wallet: str, currency: str) -> str:
    """What an operator keeps of what it collects."""
    return _account("Expenses:OperatorCommission", code(wallet), currency=currency)


def bank_charges(currency: str) -> str:
    """What the bank takes."""
    return _account("Expenses:BankCharges", currency=currency)


def rounding(currency: str) -> str:
    """Differences from operators that keep fewer decimals than the currency has."""
    return _account("Expenses:Rounding", currency=currency)


def write_off(currency: str) -> str:
    """Breaks given up after two people agreed."""
    return _account("Expenses:ReconWriteOff", currency=currency)


def chargeback_loss(currency: str) -> str:
    """Charge-backs that cannot be recovered."""
    return _account("Expenses:ChargebackLoss", currency=currency)


def opening(currency: str) -> str:
    """Counterpart of opening balances."""
    return _account("Equity:Opening", currency=currency)


def retained_earnings(currency: str) -> str:
    """Results of closed periods."""
    return _account("Equity:RetainedEarnings", currency=currency)


def trading(currency: str) -> str:
    """One half of an exchange between two currencies, each half balanced in itself."""
    return _account("Equity:Trading", currency=currency)
