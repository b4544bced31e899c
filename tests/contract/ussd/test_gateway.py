"""Both forms of the gateway, in memory and over the real parts, keep the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from fees import bills, catalogue
from kernel import subscribers
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig
from kernel.database import Database
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments.desk import Desk
from payments.refusals import Refusal
from payments.tickets import Opened, TicketKind, TicketRefusal, TicketRequest, TicketState
from tests.unit.ussd.conftest import wallet
from ussd.desk_gateway import DeskGateway
from ussd.fake_gateway import FakeGateway
from ussd.gateway import Asks, Gateway, Intent, Offer, Order, Refused, Started
from wallets.directory import build_all

CITIZEN = Msisdn("+962790000000")
NEIGHBOUR = Msisdn("+962790000001")
ABSENT = "999999999940"


@dataclass
class Party:
    """A gateway with one open bill to nobody in particular, and one to the neighbour."""

    gateway: Gateway
    control_number: str
    ids: RandomIds
    theirs: str

    async def intent(self, **changes: object) -> Intent:
        """A yes to the bill."""
        offer = await self.gateway.offer(self.control_number, CITIZEN)
        assert isinstance(offer, Offer)
        values: dict[str, object] = {
            "id": self.ids.new(),
            "payer": CITIZEN,
            "wallet": "sandbox",
            "channel": "sandbox",
            "language": "ar",
            "agreed_total": offer.price.total,
            "control_number": self.control_number,
        }
        return Intent(**{**values, **changes})  # type: ignore[arg-type]  # the fields above


@pytest.fixture
def in_memory(clock: ManualClock) -> Party:
    gateway = FakeGateway(clock)
    ten = Money(10_000, "JOD")
    theirs = gateway.issue(ten, payer=NEIGHBOUR.e164)
    return Party(gateway, gateway.issue(ten), RandomIds(), theirs)


@pytest.fixture
async def at_the_desk(
    database: Database, valkey: Valkey, keys: Keys, clock: ManualClock
) -> AsyncIterator[Party]:
    http, configs, ids = HttpClient(), {"sandbox": wallet("sandbox")}, RandomIds()
    async with database.transaction() as connection:
        await catalogue.load_demo(connection, at=clock.now())
        bill = await bills.issue(
            connection, ids, agency="JO-CSPD", service="PASSPORT", at=clock.now()
        )
        theirs = await bills.issue(
            connection,
            ids,
            agency="JO-CSPD",
            service="PASSPORT",
            at=clock.now(),
            payer=await subscribers.remember(connection, keys, NEIGHBOUR),
        )
    assert isinstance(bill, bills.Bill)
    assert isinstance(theirs, bills.Bill)
    desk = Desk(
        database=database,
        keys=keys,
        clock=clock,
        ids=ids,
        config=PaymentsConfig(),
        wallets=build_all(configs, http, clock),
        wallet_configs=configs,
        public_url="https://gateway.example",
    )
    gateway = DeskGateway(desk, Limits(valkey, keys, clock))
    yield Party(gateway, bill.control_number, ids, theirs.control_number)
    await http.close()


@pytest.fixture(params=["memory", "desk"])
def party(request: pytest.FixtureRequest, in_memory: Party, at_the_desk: Party) -> Party:
    return in_memory if request.param == "memory" else at_the_desk


async def test_a_language_is_remembered(party: Party) -> None:
    assert await party.gateway.language(CITIZEN) is None
    await party.gateway.set_language(CITIZEN, "fr")
    assert await party.gateway.language(CITIZEN) == "fr"
    assert await party.gateway.language(NEIGHBOUR) is None


async def test_a_country_sees_its_agencies_and_a_stranger_all(party: Party) -> None:
    own = await party.gateway.agencies("JO")
    everything = await party.gateway.agencies("KE")
    assert 0 < len(own) < len(everything)
    for agencies in (own, everything):
        assert len({agency.number for agency in agencies}) == len(agencies)
        assert all(agency.names["ar"] and agency.names["en"] for agency in agencies)


async def test_services_have_their_own_menu_numbers(party: Party) -> None:
    for agency in await party.gateway.agencies("JO"):
        services = await party.gateway.services(agency.code)
        assert services
        assert len({service.number for service in services}) == len(services)
        assert all(0 < service.number < 99 for service in services)
        assert all(bool(service.bands) == (service.asks is Asks.BAND) for service in services)
    assert list(await party.gateway.services("NOBODY")) == []


async def test_an_absent_bill_is_refused(party: Party) -> None:
    refused = await party.gateway.offer(ABSENT, CITIZEN)
    assert isinstance(refused, Refused)
    assert refused.reason in (Refusal.BILL_NOT_FOUND, Refusal.CONTROL_NUMBER_MISTYPED)


async def test_a_start_is_made_once_and_the_bill_is_then_in_flight(party: Party) -> None:
    intent = await party.intent()
    started = await party.gateway.start(intent)
    assert started == Started(intent.id, party.control_number)
    assert await party.gateway.start(intent) == started
    refused = await party.gateway.offer(party.control_number, CITIZEN)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.PAYMENT_IN_FLIGHT
    (recent,) = await party.gateway.recent(CITIZEN, 5)
    assert (recent.state, recent.total) == ("pending", intent.agreed_total)
    assert (recent.control_number, recent.receipt_code) == (party.control_number, None)
    assert list(await party.gateway.recent(NEIGHBOUR, 5)) == []


async def test_a_second_payer_is_told_before_any_debit(party: Party) -> None:
    intent = await party.intent()
    other = await party.intent(payer=NEIGHBOUR)
    await party.gateway.start(intent)
    refused = await party.gateway.start(other)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.PAYMENT_IN_FLIGHT


async def test_another_total_than_the_agreed_one_starts_nothing(party: Party) -> None:
    intent = await party.intent(agreed_total=Money(1, "JOD"))
    refused = await party.gateway.start(intent)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.TOTAL_CHANGED
    assert list(await party.gateway.recent(CITIZEN, 5)) == []


async def test_an_order_is_priced_and_started_with_a_number_of_its_own(party: Party) -> None:
    order = await an_order(party.gateway)
    offer = await party.gateway.order_price(order)
    assert isinstance(offer, Offer)
    assert offer.quantity == order.quantity
    intent = await party.intent(control_number=None, order=order, agreed_total=offer.price.total)
    started = await party.gateway.start(intent)
    assert isinstance(started, Started)
    assert started.control_number != party.control_number
    assert await party.gateway.start(intent) == started
    (recent,) = await party.gateway.recent(CITIZEN, 5)
    assert recent.control_number == started.control_number


async def test_an_order_of_nothing_known_is_refused(party: Party) -> None:
    for agency in ("NOBODY", (await party.gateway.agencies("JO"))[0].code):
        refused = await party.gateway.order_price(Order(agency=agency, service="NOTHING"))
        assert refused == Refused(Refusal.SERVICE_UNAVAILABLE)


async def test_an_order_without_the_band_that_sets_its_price_is_refused(party: Party) -> None:
    for agency in await party.gateway.agencies("JO"):
        for service in await party.gateway.services(agency.code):
            if service.asks is Asks.BAND:
                for band in (None, "NO SUCH BAND"):
                    order = Order(agency=agency.code, service=service.code, band=band)
                    refused = await party.gateway.order_price(order)
                    assert refused == Refused(Refusal.SERVICE_UNAVAILABLE)


async def test_an_invented_receipt_code_is_not_genuine(party: Party) -> None:
    assert await party.gateway.check_receipt("123456789012345", CITIZEN) is None


async def test_every_listed_service_has_a_short_code_of_its_own(party: Party) -> None:
    found = await party.gateway.directory("JO")
    agencies = {agency.code: agency.number for agency in await party.gateway.agencies("JO")}
    assert len({each.short_code for each in found}) == len(found) > 0
    for each in found:
        assert each.short_code == agencies[each.agency] * 100 + each.service.number
        assert each.service in await party.gateway.services(each.agency)
        assert each.category
    everywhere = await party.gateway.directory("KE")
    assert len({each.short_code for each in everywhere}) == len(everywhere) > len(found)


async def test_of_a_bill_in_another_name_only_agency_and_total_are_seen(party: Party) -> None:
    number = party.theirs
    (bill,) = await party.gateway.open_bills(NEIGHBOUR, 5)
    assert bill.control_number == number
    assert list(await party.gateway.open_bills(CITIZEN, 5)) == []
    own = await party.gateway.offer(number, NEIGHBOUR)
    assert isinstance(own, Offer)
    assert (own.service["ar"], own.billed_to, own.price.total) == (
        bill.service["ar"], "", bill.total,
    )  # fmt: skip
    seen = await party.gateway.offer(number, CITIZEN)
    assert isinstance(seen, Offer)
    assert (seen.agency, seen.service, seen.band) == (own.agency, {}, None)
    assert (seen.price.total, seen.price.stamp.minor) == (own.price.total, 0)
    assert seen.billed_to == await party.gateway.remember(NEIGHBOUR)


async def test_a_bill_can_be_paid_for_somebody_who_is_on_file(party: Party) -> None:
    intent = await party.intent(beneficiary=await party.gateway.remember(NEIGHBOUR))
    assert isinstance(await party.gateway.start(intent), Started)


async def test_what_is_not_paid_is_neither_rated_nor_receipted_again(party: Party) -> None:
    await party.gateway.start(await party.intent())
    assert not await party.gateway.rate(CITIZEN, party.control_number, 5)
    assert not await party.gateway.send_receipt_again(CITIZEN, party.control_number)


async def test_a_wish_is_on_file_once_for_whoever_asked(party: Party) -> None:
    request = TicketRequest(
        id=party.ids.new(),
        citizen=CITIZEN,
        kind=TicketKind.CORRECTION,
        reason="amount",
        note="",
        control_number=party.control_number,
        channel="sandbox",
        language="ar",
    )
    opened = await party.gateway.open_ticket(request)
    assert isinstance(opened, Opened)
    assert opened.is_new
    for same in (request, replace(request, id=party.ids.new())):
        assert await party.gateway.open_ticket(same) == Opened(opened.number, is_new=False)
    (ticket,) = await party.gateway.tickets(CITIZEN, 5)
    assert (ticket.number, ticket.kind, ticket.state, ticket.answer) == (
        opened.number, TicketKind.CORRECTION, TicketState.OPEN, "",
    )  # fmt: skip
    assert list(await party.gateway.tickets(NEIGHBOUR, 5)) == []
    absent = replace(request, id=party.ids.new(), control_number=ABSENT)
    assert await party.gateway.open_ticket(absent) is TicketRefusal.BILL_NOT_FOUND


async def an_order(gateway: Gateway) -> Order:
    """Three of the first Jordanian service that is sold by number."""
    for agency in await gateway.agencies("JO"):
        for service in await gateway.services(agency.code):
            if service.asks is Asks.QUANTITY:
                return Order(agency=agency.code, service=service.code, quantity=3)
    raise AssertionError("no service asks for a quantity")
