"""Both forms of the gateway, in memory and over the real parts, keep the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from fees import bills, catalogue
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
    """A gateway with one open bill."""

    gateway: Gateway
    control_number: str
    ids: RandomIds

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
    return Party(gateway, gateway.issue(Money(10_000, "JOD")), RandomIds())


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
    assert isinstance(bill, bills.Bill)
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
    yield Party(DeskGateway(desk, Limits(valkey, keys, clock)), bill.control_number, ids)
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


async def an_order(gateway: Gateway) -> Order:
    """Three of the first Jordanian service that is sold by number."""
    for agency in await gateway.agencies("JO"):
        for service in await gateway.services(agency.code):
            if service.asks is Asks.QUANTITY:
                return Order(agency=agency.code, service=service.code, quantity=3)
    raise AssertionError("no service asks for a quantity")
