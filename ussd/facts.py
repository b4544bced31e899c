"""What a screen must know before it can be shown: the only place where the menu waits for anything.

``approve`` is here too: its fact is the payment that was started.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.msisdn import BadMsisdn, Msisdn
from payments.tickets import TicketKind, TicketRequest
from ussd.gateway import (
    FoundService,
    Gateway,
    Intent,
    Order,
    Recent,
    ServiceChoice,
    TicketStatus,
    WalletChoice,
)
from ussd.hop import Hop
from ussd.page import Profile
from ussd.screens.bill import ConfirmFacts
from ussd.screens.home import NEWS_FOR
from ussd.screens.other import Person
from ussd.screens.receipts import LISTED, SHOWN, key_of
from ussd.screens.tickets import SHOWN as TICKETS_SHOWN
from ussd.session import Session, Vault


class Call(msgspec.Struct, kw_only=True):
    """One hop with everything around it; ``deadline``: when it is given up, in the loop's time.

    ``identity``: of the session, for the ids of its payments; known once the session is.
    ``is_unique``: the session's id stands for it alone.
    """

    hop: Hop
    channel: ChannelConfig
    page: Profile
    wallets: tuple[WalletChoice, ...]
    gateway: Gateway
    vault: Vault
    now_ms: int
    deadline: float
    identity: str = ""
    is_unique: bool = False

    @property
    def now(self) -> datetime:
        """When the hop came."""
        return datetime.fromtimestamp(self.now_ms / 1000, UTC)

    def payment_id(self, subject: str) -> UUID:
        """The id that paying ``subject`` has in this session."""
        return self.vault.payment_id(self.hop, self.identity, subject, self.now_ms)


TAIL: Final = 3
"""Digits of another person's number that are shown again."""

Loader: TypeAlias = Callable[[Call, Session], Awaitable[Any]]


async def _language(call: Call, _session: Session) -> tuple[str, ...]:
    return call.channel.languages


async def _home(call: Call, _session: Session) -> Recent | None:
    for recent in await call.gateway.recent(call.hop.msisdn, 1):
        if recent.state == "pending" or call.now - recent.at < NEWS_FOR:
            return recent
    return None


async def _help(call: Call, _session: Session) -> str:
    return call.channel.short_code


async def _confirm(call: Call, session: Session) -> ConfirmFacts:
    number = session.args.get("number")
    if number is not None:
        outcome = await call.gateway.offer(number, call.hop.msisdn)
        return ConfirmFacts(outcome, call.wallets, call.payment_id(number))
    order = order_of(session)
    subject = "/".join(
        map(str, (order.agency, order.service, order.quantity, order.amount, order.band))
    )
    return ConfirmFacts(
        await call.gateway.order_price(order), call.wallets, call.payment_id(subject)
    )


async def _wallet(call: Call, _session: Session) -> tuple[WalletChoice, ...]:
    return call.wallets


async def _approve(call: Call, session: Session) -> Any:
    args = session.args
    number = args.get("number")
    intent = Intent(
        id=UUID(args["payment"]),
        payer=call.hop.msisdn,
        wallet=args["wallet"],
        channel=call.channel.name,
        language=session.language,
        agreed_total=Money(*args["agreed"]),
        control_number=number,
        order=order_of(session) if number is None else None,
        beneficiary=args.get("other") or "",
        began_at=datetime.fromtimestamp(session.began_at / 1000, UTC),
    )
    return await call.gateway.start(intent)


async def _agencies(call: Call, _session: Session) -> Any:
    return await call.gateway.agencies(call.hop.msisdn.region)


async def _services(call: Call, session: Session) -> Any:
    return await call.gateway.services(session.args["agency"])


async def _service(call: Call, session: Session) -> ServiceChoice | None:
    for service in await call.gateway.services(session.args["agency"]):
        if service.code == session.args["service"]:
            return service
    return None


async def _payments(call: Call, _session: Session) -> Any:
    return await call.gateway.recent(call.hop.msisdn, SHOWN)


async def _payment(call: Call, session: Session) -> Recent | None:
    for recent in await call.gateway.recent(call.hop.msisdn, SHOWN):
        if key_of(recent) == session.args["shown"]:
            return recent
    return None


async def _genuine(call: Call, session: Session) -> Any:
    return await call.gateway.check_receipt(session.args["code"], call.hop.msisdn)


async def _open_bills(call: Call, _session: Session) -> Any:
    return await call.gateway.open_bills(call.hop.msisdn, LISTED)


async def _again(call: Call, session: Session) -> bool:
    return await call.gateway.send_receipt_again(call.hop.msisdn, session.args["number"])


async def _rated(call: Call, session: Session) -> bool:
    args = session.args
    return await call.gateway.rate(call.hop.msisdn, args["number"], args["score"])


async def _directory(call: Call, _session: Session) -> Sequence[FoundService]:
    return await call.gateway.directory(call.hop.msisdn.region)


async def _in_category(call: Call, session: Session) -> Sequence[FoundService]:
    every = await _directory(call, session)
    return [each for each in every if each.category == session.args["category"]]


async def _found(call: Call, session: Session) -> FoundService | None:
    code = session.args["short_code"]
    return next((each for each in await _directory(call, session) if each.short_code == code), None)


async def _person(call: Call, session: Session) -> Person | None:
    try:
        number = Msisdn.parse(session.args["typed"], call.hop.msisdn.region)
    except BadMsisdn:
        return None
    return Person(await call.gateway.remember(number), number.e164[-TAIL:])


async def _reason(call: Call, session: Session) -> Any:
    return await call.gateway.offer(session.args["number"], call.hop.msisdn)


async def _ticket_sent(call: Call, session: Session) -> Any:
    args = session.args
    wish = (args["kind"], args["number"], args["reason"], args["note"])
    request = TicketRequest(
        id=call.payment_id("/".join(("ticket", *wish))),
        citizen=call.hop.msisdn,
        kind=TicketKind(args["kind"]),
        reason=args["reason"],
        note=args["note"],
        control_number=args["number"],
        channel=call.channel.name,
        language=session.language,
    )
    return await call.gateway.open_ticket(request)


async def _my_tickets(call: Call, _session: Session) -> Any:
    return await call.gateway.tickets(call.hop.msisdn, TICKETS_SHOWN)


async def _ticket(call: Call, session: Session) -> TicketStatus | None:
    for ticket in await call.gateway.tickets(call.hop.msisdn, 4 * TICKETS_SHOWN):
        if ticket.number == session.args["ticket"]:
            return ticket
    return None


def order_of(session: Session) -> Order:
    """The order that the browsed answers make."""
    args = session.args
    amount = args.get("amount")
    return Order(
        agency=args["agency"],
        service=args["service"],
        quantity=args.get("quantity", 1),
        amount=Money.parse(amount, args["currency"]) if amount else None,
        band=args.get("band"),
    )


LOADERS: Final[Mapping[str, Loader]] = {
    "language": _language,
    "home": _home,
    "resume": _home,
    "help": _help,
    "confirm": _confirm,
    "wallet": _wallet,
    "approve": _approve,
    "agencies": _agencies,
    "services": _services,
    "order": _service,
    "band": _service,
    "payments": _payments,
    "payment": _payment,
    "genuine": _genuine,
    "bills": _open_bills,
    "again": _again,
    "rated": _rated,
    "find": _directory,
    "category": _in_category,
    "offers": _in_category,
    "found": _found,
    "person": _person,
    "reason": _reason,
    "ticket_sent": _ticket_sent,
    "my_tickets": _my_tickets,
    "ticket": _ticket,
}
"""Screens that are not here need nothing but the session."""
