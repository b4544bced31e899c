"""Looking back: my payments and bills, a receipt sent again, a score, a code checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel.digits import grouped, only_digits
from payments.afterwards import SCORES
from payments.refusals import text_key
from ussd.gateway import OpenBill, Receipt, Recent, Refused
from ussd.page import Line, Nav
from ussd.screen import NOT_A_CHOICE, Goto, Notice, Say, Screen, Stay, View, numbered, picked
from ussd.screens.bill import control_number
from ussd.session import Session

CODE_DIGITS: Final = 15
SHOWN: Final = 5
"""How many of the last payments are listed."""
LISTED: Final = 9
"""How many open bills are listed, the next due first."""


def _show_payments(_session: Session, payments: Sequence[Recent], say: Say) -> View:
    entries = (
        (f"{say.money(each.total)} {say(f'state.{each.state}')}", key_of(each)) for each in payments
    )
    return numbered(say("payments.title" if payments else "payments.none"), entries)


def key_of(payment: Recent) -> str:
    """Which of the payments it is: there may be several of one bill."""
    return f"{payment.control_number} {payment.at.isoformat()}"


def _take_payments(session: Session, key: str) -> Goto | Stay:
    shown = picked(session, key)
    return Goto("payment", {"shown": shown}) if shown else NOT_A_CHOICE


def _show_payment(_session: Session, payment: Recent | None, say: Say) -> View | Goto:
    if payment is None:
        return Goto("payments")
    lines = [
        Line(say.name(payment.service)),
        Line(say.name(payment.agency)),
        Line(f"{say.money(payment.total)} {say('state.' + payment.state)}"),
        Line(say.day(payment.on)),
    ]
    if payment.receipt_number and payment.receipt_code:
        lines += [
            Line(say("payment.receipt", number=payment.receipt_number)),
            Line(say("payment.code", code=grouped(payment.receipt_code, 5))),
        ]
    wishes = {"2": "tickets"}
    if payment.receipt_code:
        wishes |= {"1": "again"} if payment.is_rated else {"1": "again", "3": "rate"}
    lines += [Line(say(f"payment.{wishes[key]}"), key=key) for key in sorted(wishes)]
    remember = {"wishes": wishes, "number": payment.control_number}
    return View(lines=tuple(lines), remember=remember)


def _take_payment(session: Session, key: str) -> Goto | Stay:
    wish = session.args["wishes"].get(key)
    return Goto(wish) if wish else NOT_A_CHOICE


def _show_again(_session: Session, is_sent: bool, say: Say) -> View:
    return View(lines=(Line(say("again.sent" if is_sent else "again.enough")),))


_SCORE_OF: Final = {str(score): score for score in SCORES}


def _show_rate(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("rate.ask")),))


def _take_rate(_session: Session, key: str) -> Goto | Stay:
    score = _SCORE_OF.get(key.lstrip("0"))
    return Goto("rated", {"score": score}) if score else NOT_A_CHOICE


def _show_rated(_session: Session, _is_new: bool, say: Say) -> View:
    return View(lines=(Line(say("rate.thanks")),))


def _show_bills(_session: Session, bills: Sequence[OpenBill], say: Say) -> View:
    entries = (
        (f"{say.money(bill.total)} {say.name(bill.service)}", bill.control_number) for bill in bills
    )
    return numbered(say("bills.title" if bills else "bills.none"), entries)


def _take_bills(session: Session, key: str) -> Goto | Stay:
    number = picked(session, key)
    return control_number(number) if number else NOT_A_CHOICE


def _show_receipt(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("receipt.ask", digits=CODE_DIGITS)),))


def _take_receipt(_session: Session, key: str) -> Goto | Stay:
    digits = only_digits(key)
    if digits is None or len(digits) != CODE_DIGITS:
        return Stay(Notice("receipt.bad", {"digits": CODE_DIGITS}))
    return Goto("genuine", {"code": digits})


def _show_genuine(_session: Session, receipt: Receipt | Refused | None, say: Say) -> View | Goto:
    if receipt is None:
        return Goto("receipt", notice=Notice("receipt.unknown"))
    if isinstance(receipt, Refused):
        return Goto("receipt", notice=Notice(text_key(receipt.reason)))
    lines = (
        Line(say("receipt.genuine")),
        Line(f"{say.money(receipt.amount)} {say.day(receipt.on)}"),
        Line(say.name(receipt.service)),
        Line(say.name(receipt.agency)),
        Line(say("payment.receipt", number=receipt.number)),
    )
    return View(lines=lines)


SCREENS: Final = (
    Screen(
        name="payments",
        show=_show_payments,
        take=_take_payments,
        leads_to=("payment",),
        nav=Nav.HOME,
    ),
    Screen(
        name="payment",
        show=_show_payment,
        take=_take_payment,
        leads_to=("payments", "again", "tickets", "rate"),
    ),
    Screen(name="again", show=_show_again, nav=Nav.NONE, ends=True),
    Screen(name="rate", show=_show_rate, take=_take_rate, leads_to=("rated",)),
    Screen(name="rated", show=_show_rated, nav=Nav.NONE, ends=True),
    Screen(name="bills", show=_show_bills, take=_take_bills, leads_to=("confirm",), nav=Nav.HOME),
    Screen(
        name="receipt",
        show=_show_receipt,
        take=_take_receipt,
        leads_to=("genuine",),
        nav=Nav.HOME,
    ),
    Screen(name="genuine", show=_show_genuine, leads_to=("receipt",), nav=Nav.NONE, ends=True),
)
