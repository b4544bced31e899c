"""Finding a fee without a bill: agency, service, and what the service asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel.currency import exponent
from kernel.digits import only_digits
from kernel.money import BadAmount, Money
from payments.refusals import Refusal
from ussd.gateway import AgencyChoice, Asks, Refused, ServiceChoice
from ussd.page import Line, Nav
from ussd.screen import (
    NOT_A_CHOICE,
    Goto,
    Notice,
    Say,
    Screen,
    Stay,
    View,
    choices,
    numbered,
    picked,
)
from ussd.screens.bill import refused
from ussd.session import Session

MAX_QUANTITY: Final = 99


def _show_agencies(_session: Session, agencies: Sequence[AgencyChoice], say: Say) -> View:
    labels = [(str(agency.number), say.name(agency.names)) for agency in agencies]
    options = {str(agency.number): agency.code for agency in agencies}
    title = say("agencies.ask" if labels else "agencies.none")
    return View(title=title, lines=choices(labels), remember={"options": options})


def _take_agencies(session: Session, key: str) -> Goto | Stay:
    agency = picked(session, key)
    return Goto("services", {"agency": agency}) if agency else NOT_A_CHOICE


def _show_services(_session: Session, services: Sequence[ServiceChoice], say: Say) -> View:
    labels = [(str(service.number), say.name(service.names)) for service in services]
    options = {str(service.number): service.code for service in services}
    title = say("services.ask" if labels else "services.none")
    return View(title=title, lines=choices(labels), remember={"options": options})


def _take_services(session: Session, key: str) -> Goto | Stay:
    service = picked(session, key)
    return chosen(service, agency=session.args["agency"]) if service else NOT_A_CHOICE


def chosen(service: str, *, agency: str) -> Goto:
    """On to what a service asks for, and its price."""
    # Answers given for another service, before somebody went back, must not price this one.
    fresh = {"number": None, "quantity": 1, "amount": None, "band": None, "other": ""}
    return Goto("order", {"agency": agency, "service": service, "billed_to": "", **fresh})


def _show_order(_session: Session, service: ServiceChoice | None, _say: Say) -> Goto:
    """No screen of its own: asks what the service needs, or goes on to the price."""
    if service is None:
        return refused(Refused(Refusal.SERVICE_UNAVAILABLE))
    target = "confirm" if service.asks is Asks.NOTHING else service.asks.value
    return Goto(target, {"currency": service.currency})


def _show_quantity(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("quantity.ask", most=MAX_QUANTITY)),))


def _take_quantity(_session: Session, key: str) -> Goto | Stay:
    digits = only_digits(key)
    count = int(digits) if digits and len(digits) < 4 else 0
    if not 1 <= count <= MAX_QUANTITY:
        return Stay(Notice("quantity.bad", {"most": MAX_QUANTITY}))
    return Goto("confirm", {"quantity": count})


def _show_amount(session: Session, _facts: None, say: Say) -> View:
    currency = session.args["currency"]
    digits = exponent(currency)
    example = Money(5 * 10**digits + (10**digits // 2 if digits else 0), currency)
    return View(lines=(Line(say("amount.ask", example=say.money(example))),))


def _take_amount(session: Session, key: str) -> Goto | Stay:
    currency = session.args["currency"]
    # A comma groups thousands here and marks decimals there: ask for a point, do not guess.
    if "," in key or "٬" in key:
        return Stay(Notice("amount.bad"))
    try:
        amount = Money.parse(key, currency)
    except BadAmount:
        if _has_decimals(key):
            return Stay(_decimals(exponent(currency)))
        return Stay(Notice("amount.bad"))
    if amount.minor <= 0:
        return Stay(Notice("amount.bad"))
    return Goto("confirm", {"amount": amount.plain()})


def _decimals(digits: int) -> Notice:
    return Notice("amount.decimals", {"digits": digits}) if digits else Notice("amount.whole")


def _has_decimals(key: str) -> bool:
    whole, point, fraction = key.replace("٫", ".").partition(".")
    return bool(point and only_digits(whole) and only_digits(fraction))


def _show_band(_session: Session, service: ServiceChoice | None, say: Say) -> View | Goto:
    if service is None:
        return refused(Refused(Refusal.SERVICE_UNAVAILABLE))
    return numbered(say("band.ask"), ((say.name(names), code) for code, names in service.bands))


def _take_band(session: Session, key: str) -> Goto | Stay:
    band = picked(session, key)
    return Goto("confirm", {"band": band}) if band else NOT_A_CHOICE


SCREENS: Final = (
    Screen(
        name="agencies",
        show=_show_agencies,
        take=_take_agencies,
        leads_to=("services",),
        nav=Nav.HOME,
    ),
    Screen(name="services", show=_show_services, take=_take_services, leads_to=("order",)),
    Screen(
        name="order",
        show=_show_order,
        leads_to=("quantity", "amount", "band", "confirm", "refused"),
    ),
    Screen(name="quantity", show=_show_quantity, take=_take_quantity, leads_to=("confirm",)),
    Screen(name="amount", show=_show_amount, take=_take_amount, leads_to=("confirm",)),
    Screen(name="band", show=_show_band, take=_take_band, leads_to=("confirm", "refused")),
)
