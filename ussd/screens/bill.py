"""Paying: the control number, the confirm screen, the wallet, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kernel.digits import check_digits_hold, only_digits
from payments.refusals import Refusal, text_key
from ussd.gateway import Offer, Price, Refused, Started, WalletChoice
from ussd.page import Line, Nav
from ussd.screen import NOT_A_CHOICE, Goto, Notice, Say, Screen, Stay, View, numbered, picked
from ussd.session import Session

CONTROL_NUMBER_DIGITS: Final = 12

_ASK_AGAIN: Final = frozenset({Refusal.CONTROL_NUMBER_MISTYPED, Refusal.BILL_NOT_FOUND})


@dataclass(frozen=True, slots=True)
class ConfirmFacts:
    """The offer, the wallets the subscriber could pay from, and the id a yes would have."""

    outcome: Offer | Refused
    wallets: tuple[WalletChoice, ...]
    payment: UUID


def control_number(typed: str) -> Goto | Stay:
    """Check a typed control number without asking anybody: letters, length, check digits."""
    digits = only_digits(typed)
    if digits is None:
        return Stay(Notice("number.letters"))
    if len(digits) != CONTROL_NUMBER_DIGITS:
        return Stay(Notice("number.length", {"typed": len(digits)}))
    if not check_digits_hold(digits):
        return Stay(Notice(text_key(Refusal.CONTROL_NUMBER_MISTYPED)))
    return Goto("confirm", {"number": digits, "other": "", "billed_to": ""})


def _show_number(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("number.ask", digits=CONTROL_NUMBER_DIGITS)),))


def _take_number(_session: Session, key: str) -> Goto | Stay:
    return control_number(key)


def _show_confirm(session: Session, facts: ConfirmFacts, say: Say) -> View | Goto:
    if isinstance(facts.outcome, Refused):
        return refused(facts.outcome)
    offer, total = facts.outcome, facts.outcome.price.total
    wallets = [wallet.code for wallet in facts.wallets if total.currency in wallet.currencies]
    if not wallets:
        return refused(Refused(Refusal.CURRENCY_NOT_SUPPORTED))
    wallet = session.args.get("wallet") if len(wallets) > 1 else wallets[0]
    if wallet not in wallets:
        return Goto("wallet", {"currency": total.currency})
    lines = (
        Line(say.name(offer.agency)),
        *((Line(say.name(offer.service)),) if offer.service else ()),
        *_choices_made(offer, say),
        *_items(offer.price, say),
        *_other(session, say),
        # The total and the key that agrees to it are never apart.
        Line(say("confirm.total", amount=say.money(total)), keep=True),
        Line(say("confirm.pay"), key="1", keep=True),
        Line(say("confirm.options"), key="2"),
    )
    remember = {
        "wallet": wallet,
        "agreed": [total.minor, total.currency],
        "payment": str(facts.payment),
        "billed_to": offer.billed_to,
        "about": offer.about,
    }
    return View(lines=lines, remember=remember)


def _other(session: Session, say: Say) -> tuple[Line, ...]:
    """Who else gets the receipt, if somebody was named."""
    if not session.args.get("other"):
        return ()
    tail = session.args["tail"]
    return (Line(say("confirm.other", tail=tail) if tail else say("confirm.billed")),)


def _choices_made(offer: Offer, say: Say) -> tuple[Line, ...]:
    band = (Line(say.name(offer.band)),) if offer.band else ()
    many = (Line(say("confirm.quantity", count=offer.quantity)),) if offer.quantity > 1 else ()
    return band + many


def _items(price: Price, say: Say) -> list[Line]:
    if price.principal == price.total:
        return []
    parts = zip(
        _ITEMS, (price.principal, price.stamp, price.penalty, price.service_fee), strict=True
    )
    return [Line(say(key, amount=say.amount(part))) for key, part in parts if part.minor]


_ITEMS: Final = ("confirm.principal", "confirm.stamp", "confirm.penalty", "confirm.service_fee")


def _take_confirm(_session: Session, key: str) -> Goto | Stay:
    targets = {"1": "approve", "2": "options"}
    return Goto(targets[key]) if key in targets else NOT_A_CHOICE


def _show_wallet(session: Session, wallets: tuple[WalletChoice, ...], say: Say) -> View:
    currency = session.args["currency"]
    offered = [wallet for wallet in wallets if currency in wallet.currencies]
    return numbered(say("wallet.ask"), ((say.name(each.names), each.code) for each in offered))


def _take_wallet(session: Session, key: str) -> Goto | Stay:
    code = picked(session, key)
    return Goto("confirm", {"wallet": code}) if code else NOT_A_CHOICE


def _show_approve(_session: Session, outcome: Started | Refused, say: Say) -> View | Goto:
    if isinstance(outcome, Started):
        return View(lines=(Line(say("approve.text")),))
    if outcome.reason is Refusal.TOTAL_CHANGED:
        return Goto("confirm", notice=Notice(text_key(outcome.reason)))
    return refused(outcome)


def refused(outcome: Refused) -> Goto:
    """Where a refusal leads: back to the number if that can mend it, else to a closing word."""
    if outcome.reason in _ASK_AGAIN:
        return Goto("number", notice=Notice(text_key(outcome.reason)))
    on = outcome.on.isoformat() if outcome.on else None
    return Goto("refused", {"reason": outcome.reason.value, "on": on})


def _show_refused(session: Session, _facts: None, say: Say) -> View:
    key, on = text_key(Refusal(session.args["reason"])), session.args["on"]
    if on is not None and f"{key}.on" in _DATED:
        return View(lines=(Line(say(f"{key}.on", day=say.day(date.fromisoformat(on)))),))
    return View(lines=(Line(say(key)),))


_DATED: Final = frozenset(
    f"{text_key(reason)}.on" for reason in (Refusal.BILL_ALREADY_PAID, Refusal.BILL_EXPIRED)
)


SCREENS: Final = (
    Screen(
        name="number",
        show=_show_number,
        take=_take_number,
        leads_to=("confirm",),
        nav=Nav.HOME,
    ),
    Screen(
        name="confirm",
        show=_show_confirm,
        take=_take_confirm,
        leads_to=("approve", "options", "wallet", "refused", "number"),
        whole=True,
    ),
    Screen(name="wallet", show=_show_wallet, take=_take_wallet, leads_to=("confirm",)),
    Screen(
        name="approve",
        show=_show_approve,
        leads_to=("confirm", "refused", "number"),
        nav=Nav.NONE,
        ends=True,
        spends=True,
    ),
    Screen(name="refused", show=_show_refused, nav=Nav.NONE, ends=True),
)
