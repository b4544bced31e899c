"""Asking something of an agency about a bill: a complaint, instalments, a correction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from payments.refusals import Refusal, text_key
from payments.tickets import REASONS, Opened, TicketKind, TicketRefusal
from ussd.gateway import Offer, Refused, TicketStatus
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
from ussd.screens.bill import CONTROL_NUMBER_DIGITS, control_number
from ussd.session import Session

SHOWN: Final = 5
"""How many of the last tickets are listed."""

_KINDS: Final = {str(at): kind for at, kind in enumerate(TicketKind, 1)}
_NO_BILL: Final = frozenset({Refusal.BILL_NOT_FOUND, Refusal.TOO_MANY_MISSES})
_STATUS: Final = str(len(_KINDS) + 1)


def _show_tickets(_session: Session, _facts: None, say: Say) -> View:
    labels = [(key, say(f"ticket.{kind}")) for key, kind in _KINDS.items()]
    return View(title=say("tickets.ask"), lines=choices([*labels, (_STATUS, say("tickets.mine"))]))


def _take_tickets(session: Session, key: str) -> Goto | Stay:
    if key == _STATUS:
        return Goto("my_tickets")
    if key not in _KINDS:
        return NOT_A_CHOICE
    is_known = session.args.get("number") is not None
    return Goto("reason" if is_known else "ticket_bill", {"kind": _KINDS[key].value})


def _show_bill(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("number.ask", digits=CONTROL_NUMBER_DIGITS)),))


def _take_bill(_session: Session, key: str) -> Goto | Stay:
    found = control_number(key)
    return Goto("reason", {"number": found.args["number"]}) if isinstance(found, Goto) else found


def _show_reason(session: Session, bill: Offer | Refused, say: Say) -> View | Goto:
    if isinstance(bill, Refused) and bill.reason in _NO_BILL:
        return Goto("ticket_bill", notice=Notice(text_key(bill.reason)))
    kind = TicketKind(session.args["kind"])
    reasons = ((say(f"reason.{kind}.{each}"), each) for each in REASONS[kind])
    return numbered(say(f"reason.{kind}.ask"), reasons)


def _take_reason(session: Session, key: str) -> Goto | Stay:
    reason = picked(session, key)
    return Goto("note", {"reason": reason}) if reason else NOT_A_CHOICE


def _show_note(_session: Session, _facts: None, say: Say) -> View:
    return View(lines=(Line(say("note.ask")), Line(say("note.none"), key="1")))


def _take_note(_session: Session, key: str) -> Goto | Stay:
    if not key:
        return NOT_A_CHOICE
    return Goto("ticket_sent", {"note": "" if key == "1" else key})


def _show_sent(_session: Session, sent: Opened | TicketRefusal, say: Say) -> View | Goto:
    if sent is TicketRefusal.BILL_NOT_FOUND:
        return Goto("ticket_bill", notice=Notice(text_key(Refusal.BILL_NOT_FOUND)))
    if isinstance(sent, Opened):
        text = say("ticket.sent" if sent.is_new else "ticket.before", number=sent.number)
    else:
        text = say("ticket.too_many")
    # What somebody wrote is the agency's business: it leaves the session here.
    return View(lines=(Line(text),), remember={"note": None})


def _show_mine(_session: Session, tickets: Sequence[TicketStatus], say: Say) -> View:
    return numbered(
        say("tickets.title" if tickets else "tickets.none"),
        ((f"{each.number} {say(f'ticket.state.{each.state}')}", each.number) for each in tickets),
    )


def _take_mine(session: Session, key: str) -> Goto | Stay:
    number = picked(session, key)
    return Goto("ticket", {"ticket": number}) if number else NOT_A_CHOICE


def _show_ticket(_session: Session, ticket: TicketStatus | None, say: Say) -> View | Goto:
    if ticket is None:
        return Goto("my_tickets", notice=Notice("ticket.unknown"))
    lines = [
        Line(f"{say(f'ticket.{ticket.kind}')} {ticket.number}"),
        Line(say.name(ticket.agency)),
        Line(f"{say.day(ticket.on)} {say(f'ticket.state.{ticket.state}')}"),
    ]
    if ticket.answer:
        lines.append(Line(say("ticket.answer", answer=ticket.answer)))
    return View(lines=tuple(lines))


SCREENS: Final = (
    Screen(
        name="tickets",
        show=_show_tickets,
        take=_take_tickets,
        leads_to=("ticket_bill", "reason", "my_tickets"),
        nav=Nav.HOME,
    ),
    Screen(name="ticket_bill", show=_show_bill, take=_take_bill, leads_to=("reason",)),
    Screen(name="reason", show=_show_reason, take=_take_reason, leads_to=("note", "ticket_bill")),
    Screen(name="note", show=_show_note, take=_take_note, leads_to=("ticket_sent",), words=True),
    Screen(
        name="ticket_sent",
        show=_show_sent,
        leads_to=("ticket_bill",),
        nav=Nav.NONE,
        ends=True,
    ),
    Screen(name="my_tickets", show=_show_mine, take=_take_mine, leads_to=("ticket",), nav=Nav.HOME),
    Screen(name="ticket", show=_show_ticket, leads_to=("my_tickets",)),
)
