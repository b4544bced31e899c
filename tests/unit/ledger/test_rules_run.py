"""Two weeks of two operators and two agencies: when all is settled, only what we earned is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.money import Money
from ledger import chart, rules
from ledger.journal import Transaction
from tests.unit.ledger.books import Books
from tests.unit.ledger.makers import IDS, MORNING

NOTHING: Final = Money(0, "JOD")
MUST_BE_EMPTY: Final = ("Assets:Clearing", "Assets:AgencyReceivable", "Assets:Suspense", "Liab")


def jod(text: str) -> Money:
    """Dinars."""
    return Money.parse(text, "JOD")


class Run(Books):
    """Books into which rules are booked by name, each entry with a key of its own."""

    def do(self, rule: Any, *made_of: Any, **facts: Any) -> Transaction:
        """Book one rule."""
        key = f"{len(self.entries) + 1}"
        return self.book(rule(*made_of, id=IDS.new(), key=key, occurred_at=MORNING, **facts))


def fee(wallet: str, agency: str, principal: str, stamp: str) -> dict[str, Any]:
    """A fee with our 0.216 and 0.034 tax on top."""
    return {
        "wallet": wallet,
        "agency": agency,
        "service": "licence",
        "principal": jod(principal),
        "penalty": NOTHING,
        "stamp": jod(stamp),
        "service_fee": jod("0.216"),
        "vat": jod("0.034"),
    }


ROADS: Final = fee("demo", "roads", "5.000", "0.100")
CIVIL: Final = fee("other", "civil", "8.000", "0.250")


def citizens(run: Run) -> None:
    """What citizens pay, and what they get back."""
    withdrawn = run.do(rules.fee_succeeded, **ROADS)
    run.do(rules.fee_succeeded, **ROADS)
    shortened = run.do(rules.fee_succeeded, **CIVIL)
    run.do(rules.late_success, wallet="demo", amount=jod("5.350"))
    run.do(rules.late_accept, **ROADS)
    run.do(rules.duplicate, wallet="demo", amount=jod("5.350"))
    run.do(rules.duplicate_refund, wallet="demo", amount=jod("5.350"))
    run.do(rules.refund_confirmed, wallet="demo", amount=jod("5.350"))
    run.do(rules.overpayment, **CIVIL, paid=jod("9.000"))
    run.do(rules.overpayment_refund, wallet="other", amount=jod("0.500"))
    run.do(rules.refund_confirmed, wallet="other", amount=jod("0.500"))
    run.do(rules.refund_full, **ROADS, reference=withdrawn.id)
    run.do(rules.refund_confirmed, wallet="demo", amount=jod("5.350"))
    run.do(rules.refund_partial, **CIVIL, amount=jod("2.000"), reference=shortened.id)
    run.do(rules.refund_confirmed, wallet="other", amount=jod("2.000"))


def operators(run: Run) -> None:
    """What operators keep and pay; one deposit comes in two, the second without a name."""
    run.do(rules.operator_commission, wallet="demo", amount=jod("0.107"))
    run.do(rules.rounding, wallet="demo", amount=jod("0.003"), cap=jod("0.005"))
    run.do(rules.bank_deposit, wallet="demo", amount=jod("10.590"))
    run.do(rules.bank_deposit, wallet="other", amount=jod("14.300"))
    run.do(rules.bank_unidentified, amount=jod("0.700"))
    run.do(rules.bank_explained_deposit, wallet="other", amount=jod("0.700"))


def agencies(run: Run) -> None:
    """Roads is paid, then one fee is charged back, which its next settlement makes good."""
    roads = {"agency": "roads", "service": "licence"}
    commission = {"commission": jod("0.050"), "claw_back": NOTHING}
    run.do(rules.settle_net, **roads, amount=jod("10.000"), **commission)
    run.do(rules.settle_confirmed, agency="roads", amount=jod("9.950"))
    principal_only = ROADS | dict.fromkeys(("stamp", "service_fee", "vat"), NOTHING)
    run.do(rules.chargeback_settled, **principal_only)
    run.do(rules.fee_succeeded, **ROADS | {"principal": jod("12.000")})
    run.do(rules.bank_deposit, wallet="demo", amount=jod("7.350"))
    netted = {"commission": jod("0.049"), "claw_back": jod("5.000")}
    run.do(rules.settle_net, **roads, amount=jod("12.000"), **netted)
    run.do(rules.settle_confirmed, agency="roads", amount=jod("6.951"))
    civil = {"agency": "civil", "service": "licence", "amount": jod("14.118")}
    run.do(rules.settle_net, **civil, **commission)
    run.do(rules.settle_confirmed, agency="civil", amount=jod("14.068"))


def ourselves(run: Run) -> None:
    """The treasury's and our own."""
    run.do(rules.tax_remit, stamp=jod("0.741"), vat=jod("0.162"))
    run.do(rules.own_sweep, amount=jod("1.068"))


@pytest.fixture
def run() -> Run:
    """All that happened."""
    books = Run()
    for part in (citizens, operators, agencies, ourselves):
        part(books)
    return books


def test_after_thirty_two_entries_only_what_we_earned_is_left_and_it_lies_at_our_bank(
    run: Run,
) -> None:
    assert len(run.entries) == 32
    assert run.sums() == {"JOD": 0}
    assert run.all(*MUST_BE_EMPTY) == {}
    assert run.all("Assets") == {chart.bank_operating("JOD"): jod("1.068")}
    earned = -sum(each.minor for each in run.all("Income", "Expenses").values())
    assert Money(earned, "JOD") == jod("1.068")


def test_closing_the_period_leaves_the_result_in_retained_earnings(run: Run) -> None:
    run.do(rules.period_close, run.all("Income", "Expenses"))
    assert run.all("") == {
        chart.bank_operating("JOD"): jod("1.068"),
        chart.retained_earnings("JOD"): jod("-1.068"),
    }


def test_a_bookkeeping_program_finds_the_same_balances_and_notices_a_single_fils(
    run: Run, tmp_path: Path
) -> None:
    text = as_beancount(run)
    assert accepted(text, tmp_path)
    assert not accepted(text.replace("1.068 JOD", "1.067 JOD", 2), tmp_path)
    assert not accepted(
        text.replace(
            "balance Assets:Clearing:DEMO:JOD 0.000", "balance Assets:Clearing:DEMO:JOD 0.001"
        ),
        tmp_path,
    )


def as_beancount(run: Run) -> str:
    """The run with its closing balances, nothing tolerated."""
    lines = ['option "tolerance_multiplier" "0"']
    lines += [f"2026-01-01 open {path} JOD" for path in sorted(run.balances)]
    for entry in run.entries:
        lines.append(f'2026-11-21 * "{entry.rule}"')
        for each in entry.postings:
            lines.append(f"  {each.debit}  {each.amount.plain()} JOD")
            lines.append(f"  {each.credit}  -{each.amount.plain()} JOD")
    for path in sorted(run.balances):
        lines.append(f"2026-11-22 balance {path} {run.holds(path).plain()} ~ 0 JOD")
    return "\n".join(lines) + "\n"


def accepted(text: str, folder: Path) -> bool:
    """Whether beancount's own check finds nothing wrong."""
    file = folder / "run.beancount"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "beancount.scripts.check", "--no-cache", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
