"""The catalogues: every language says everything, every key is used, every value has its words."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from console.audit import Action
from console.closings import CHECKS
from console.messages import FILTERS, STATES
from console.pages.queues import LATE_KINDS, LATE_STATES
from console.papers import FORMS
from console.passwords import PasswordProblem
from console.payment_filter import GROUPS
from console.period import PRESETS
from console.render import NAV, TEXTS
from console.roles import Permission, Role
from console.staff import StaffRefusal
from console.usage import BY, STAGES
from kernel.currency import EXPONENTS, RETIRED
from kernel.texts import LANGUAGES
from ledger import chart
from ledger.chart import Kind
from ledger.periods import PeriodKind, PeriodRefusal
from ledger.rules import RULES
from payments.states import Event, State
from payments.tickets import REASONS, TicketKind, TicketState
from sms.port import Failure
from ussd.menu import MENU
from wallets.port import Reason

PACKAGE = Path(__file__).parents[3] / "console"
STATUSES = (400, 403, 404, 405, 413, 500)

FAMILIES: dict[str, set[str]] = {
    "account": set(),
    "action": set(Action),
    "closing.check": set(CHECKS),
    "closing.found": {"unsealed", "unbalanced", "waiting", "given_up"},
    "closing.kind": set(PeriodKind),
    "closing.refused": set(PeriodRefusal),
    "currency": {*EXPONENTS, *RETIRED},
    "delivery": {*FILTERS, *STATES},
    "event": set(Event),
    "evidence": {"collect", "query", "reverse", "callback"},
    "failure": set(Failure),
    "files": set(FORMS),
    "kind": set(Kind),
    "late.kind": set(LATE_KINDS),
    "late.state": set(LATE_STATES),
    "nav": {item.key for item in NAV},
    "password": {*PasswordProblem, StaffRefusal.WRONG_PASSWORD},
    "payment": {"principal", "penalty", "stamp", "service_fee"},
    "period": set(PRESETS),
    "permission": set(Permission),
    "problem": {f"{status}.{part}" for status in STATUSES for part in ("title", "text")},
    "purpose": {
        "receipt",
        "refused",
        "expired",
        "late",
        "beneficiary",
        "again-1",
        "again-2",
        "again-3",
        "ticket_open",
        "ticket_answered",
        "ticket_closed",
    },
    "reason": set(Reason),
    "role": {f"{role}{end}" for role in Role for end in ("", ".what")},
    "rule": {f"{code}{end}" for code in RULES for end in ("", ".what")},
    "staff.refused": {str(each) for each in StaffRefusal} - {"wrong_password"},
    "state": {*State, *GROUPS},
    "ticket.kind": set(TicketKind),
    "ticket.reason": {f"{kind}.{each}" for kind in TicketKind for each in REASONS[kind]},
    "ticket.state": set(TicketState),
    "usage": {"abandoned", "day", "ended", "entered", "funnel", "minutes", "month", "moved_on"}
    | {"seconds", "stops", "timed_out", "cancelled", "dropped"},
    "usage.by": set(BY),
    "usage.language": set(LANGUAGES),
    "usage.over": {"day", "month"},
    "usage.stage": {f"{stage}{end}" for stage in STAGES for end in ("", ".what")},
    "work.state": {"parked", "running", "waiting"},
}
"""Keys that are put together from a value; each value has its words."""


def built_keys() -> set[str]:
    return {f"{family}.{value}" for family, values in FAMILIES.items() for value in values}


def written_keys() -> set[str]:
    """Keys that stand in templates and modules."""
    sources = [*PACKAGE.glob("templates/*.html"), *PACKAGE.rglob("*.py")]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    return set(re.findall(r"\bt\('([a-z_.0-9]+[a-z0-9_])'", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_key_with_the_same_places(language: str) -> None:
    assert TEXTS.keys(language) == TEXTS.keys("ar")
    for key in TEXTS.keys("ar"):
        said = TEXTS.get(language, key)
        assert said.strip(), key
        assert places(said) == places(TEXTS.get("ar", key)), key


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_key_that_a_page_asks_for_is_there() -> None:
    assert (written_keys() | built_keys()) - TEXTS.keys("ar") == set()


def test_no_key_is_left_that_nobody_asks_for() -> None:
    named = {key for key in TEXTS.keys("ar") if key.startswith(("account.", "screen."))}
    assert TEXTS.keys("ar") - written_keys() - built_keys() - named == set()


def test_only_screens_of_the_menu_have_names() -> None:
    named = {key.removeprefix("screen.") for key in TEXTS.keys("ar") if key.startswith("screen.")}
    assert named
    assert named <= set(MENU)


def test_every_account_of_the_chart_has_words() -> None:
    wallet, agency, service, currency = "W", "A", "S", "JOD"
    paths = [
        chart.clearing(wallet, currency),
        chart.bank_collection(currency),
        chart.bank_operating(currency),
        chart.agency_receivable(agency, currency),
        chart.operator_dispute(wallet, currency),
        chart.agency_payable(agency, service, currency),
        chart.stamp_duty(currency),
        chart.vat(currency),
        chart.refund_payable(wallet, currency),
        chart.late_success(wallet, currency),
        chart.unallocated_bank(currency),
        chart.unallocated_operator(wallet, currency),
        chart.refund_failed(wallet, currency),
        chart.duplicate(wallet, currency),
        chart.overpayment(currency),
        chart.part_payment(currency),
        chart.settlement_in_transit(agency, currency),
        chart.commission_payable(wallet, currency),
        chart.service_fee(currency),
        chart.agency_commission(currency),
        chart.operator_commission(wallet, currency),
        chart.bank_charges(currency),
        chart.rounding(currency),
        chart.write_off(currency),
        chart.chargeback_loss(currency),
        chart.opening(currency),
        chart.retained_earnings(currency),
        chart.trading(currency),
    ]
    keys = TEXTS.keys("ar")
    for path in paths:
        heads = [path.rsplit(":", cut)[0] for cut in (1, 2, 3)]
        assert any(f"account.{head}" in keys for head in heads), path


def test_arabic_is_written_without_stretching_or_hidden_marks() -> None:
    hidden = re.compile("[\u0640\u200e\u200f\u202a-\u202e\u2066-\u2069٠-٩]")
    for key in TEXTS.keys("ar"):
        assert not hidden.search(TEXTS.get("ar", key)), key
