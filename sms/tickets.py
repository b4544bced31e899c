"""What citizens are told of their tickets: the number, the agency's answer, the end."""

from __future__ import annotations

from kernel import work
from kernel.log import event
from kernel.work import Work
from payments import tickets
from payments.tickets import Ticket
from sms.compose import TEXTS, Composed, compose, name_in
from sms.desk import SmsDesk
from sms.outbox import Draft, put
from sms.port import read_uuid


async def tell(desk: SmsDesk, item: Work) -> None:
    """Handle ``sms.ticket`` (key ``<ticket id>:<state>``): write the message, once."""
    ticket_id, _, state = item.key.partition(":")
    known = read_uuid(ticket_id)
    async with desk.database.transaction() as connection:
        ticket = await tickets.find(connection, known) if known else None
        if ticket is None or state not in list(tickets.TicketState):
            await work.park(connection, item, f"nothing to tell: {item.key}")
            event("sms.tell_parked", work=item.key)
            return
        draft = Draft(
            purpose=f"ticket_{state}",
            recipient=ticket.citizen,
            composed=about_ticket(desk, ticket, state),
            channel=desk.default_channel,
        )
        await put(desk, connection, draft)
        await work.finish(connection, item)


def about_ticket(desk: SmsDesk, ticket: Ticket, state: str) -> Composed:
    """Compose what a citizen is told of a ticket that is ``open``, ``answered`` or ``closed``."""
    language = ticket.language if ticket.language in TEXTS.languages else "ar"
    values = {
        "number": ticket.number,
        "answer": ticket.answer,
        "dial": desk.dial(ticket.channel, ticket.number),
    }
    agency = name_in(language, ticket.agency_names, ticket.agency_short_names)
    return compose(f"ticket.{state}", language, values, ("agency", agency))
