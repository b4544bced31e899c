"""Paying for somebody else, and what else can be done about what stands on the confirm screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.digits import only_digits
from payments.tickets import TicketKind
from ussd.page import Line
from ussd.screen import NOT_A_CHOICE, Goto, Notice, Say, Screen, Stay, View, choices
from ussd.session import Session

_WISHES: Final = {str(at): kind for at, kind in enumerate(TicketKind, 2)}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose number was typed: their pseudonym, and the end of the number to show."""

    subscriber: str
    tail: str


def _show_options(session: Session, _facts: None, say: Say) -> View:
    labels = [("1", say("options.other"))]
    if session.args.get("number") is not None:
        # Only of a bill can anything be asked; a fee that was chosen is none yet.
        labels += [(key, say(f"ticket.{kind}")) for key, kind in _WISHES.items()]
    return View(lines=choices(labels))


def _take_options(session: Session, key: str) -> Goto | Stay:
    if key == "1":
        return Goto("other")
    if key in _WISHES and session.args.get("number") is not None:
        return Goto("reason", {"kind": _WISHES[key].value})
    return NOT_A_CHOICE


def _show_other(session: Session, _facts: None, say: Say) -> View:
    lines = [Line(say("other.ask"))]
    if session.args.get("billed_to"):
        lines.append(Line(say("other.billed"), key="1"))
    return View(lines=tuple(lines))


def _take_other(session: Session, key: str) -> Goto | Stay:
    billed_to = session.args.get("billed_to")
    if key == "1" and billed_to:
        return Goto("confirm", {"other": billed_to, "tail": ""})
    if only_digits(key.removeprefix("+")) is None:
        return Stay(Notice("other.bad"))
    # The number goes no further than this hop: "person" turns it into a pseudonym.
    return Goto("person", {"typed": key})


def _show_person(_session: Session, person: Person | None, _say: Say) -> Goto:
    """No screen of its own: a number is known, or asked for again."""
    if person is None:
        return Goto("other", {"typed": None}, notice=Notice("other.bad"))
    return Goto("confirm", {"other": person.subscriber, "tail": person.tail, "typed": None})


SCREENS: Final = (
    Screen(name="options", show=_show_options, take=_take_options, leads_to=("other", "reason")),
    Screen(name="other", show=_show_other, take=_take_other, leads_to=("confirm", "person")),
    Screen(name="person", show=_show_person, leads_to=("confirm", "other")),
)
