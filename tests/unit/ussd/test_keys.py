"""How many keys it takes: to pay a bill that was dialled, and to reach any service at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pytest

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from ussd.facts import Call
from ussd.fake_gateway import FakeGateway, offer_of
from ussd.gateway import (
    Asks,
    FoundService,
    Offer,
    Order,
    Price,
    Refused,
    ServiceChoice,
    WalletChoice,
)
from ussd.hop import Hop, Phase
from ussd.profiles import PROFILES, page_of, settled
from ussd.session import Session, Vault
from ussd.walk import advance, begin

CITIZEN = Msisdn("+962790000000")
LONGEST_AGENCY = "هيئة المعلومات والحكومة الإلكترونية"
LONGEST_SERVICE = "بدل رخصة قيادة تالفة"
WORST = Money(180_000_000, "LBP")
AGENCIES, SERVICES = 60, 60
BANDS = tuple((f"B{at}", {"ar": f"فئة رقم {at}"}) for at in range(1, 10))
ANSWERS = {Asks.NOTHING: "", Asks.QUANTITY: "3", Asks.AMOUNT: "5000000", Asks.BAND: "9"}

MOST_KEYS = 7
MOST_KEYS_OF_A_BILL = 3


def service(at: int) -> ServiceChoice:
    """The services of an agency ask for nothing, a number, an amount and a class in turn."""
    asks = [*Asks][at % 4]
    names = {"ar": f"{LONGEST_SERVICE} {at}"}
    bands = BANDS if asks is Asks.BAND else ()
    return ServiceChoice(
        code=f"S{at}", number=at, names=names, currency="LBP", asks=asks, bands=bands
    )


@dataclass
class LargeGateway(FakeGateway):
    """Sixty agencies with sixty services each; every price is the widest there is."""

    fees: int = field(default=0)

    @cached_property
    def everything(self) -> Sequence[FoundService]:
        """All 3,600 of them."""
        return [
            FoundService(
                short_code=agency * 100 + each.number,
                agency=f"A{agency}",
                agency_names=self.names[f"A{agency}"],
                service=each,
                category="travel",
            )
            for agency in range(1, AGENCIES + 1)
            for each in self.catalogue[f"A{agency}"]
        ]

    async def directory(self, country: str | None) -> Sequence[FoundService]:
        """All of them at once."""
        del country
        return self.everything

    async def order_price(self, order: Order) -> Offer | Refused:
        """Any of them costs the widest amount."""
        found = service(int(order.service[1:]))
        offer = offer_of(WORST)
        return replace(offer, agency=self.names[order.agency], service=found.names)


def large(clock: ManualClock) -> LargeGateway:
    """The gateway of the largest catalogue."""
    codes = [f"A{at}" for at in range(1, AGENCIES + 1)]
    services = [service(at) for at in range(1, SERVICES + 1)]
    return LargeGateway(
        clock,
        countries={"JO": codes},
        names={code: {"ar": f"{LONGEST_AGENCY} {code}"} for code in codes},
        catalogue=dict.fromkeys(codes, services),
        languages={CITIZEN.e164: "ar"},
    )


@dataclass
class Caller:
    """Walks the menu as a session does, without a network in between, and counts."""

    gateway: FakeGateway
    channel: ChannelConfig
    vault: Vault
    clock: ManualClock
    session: Session | None = None
    sent: list[str] = field(default_factory=list)

    async def dials(self, text: str = "") -> Caller:
        """Begin."""
        self.session = await begin(self._call(text, Phase.START), None)
        return self

    async def sends(self, *inputs: str) -> Caller:
        """Answer the screens."""
        for each in inputs:
            assert self.session is not None
            self.sent.append(each)
            await advance(self._call(each, Phase.INPUT), self.session)
        return self

    async def reads_on(self) -> None:
        """Go to the last page of a screen."""
        assert self.session is not None
        while not self.session.on_last_page:
            await self.sends("1")

    def _call(self, text: str, phase: Phase) -> Call:
        hop = Hop(
            channel="keys",
            session_id="one",
            msisdn=CITIZEN,
            network="",
            short_code="*789#",
            phase=phase,
            text=text,
            is_cumulative=False,
        )
        return Call(
            hop=hop,
            channel=self.channel,
            page=page_of(self.channel),
            wallets=(WalletChoice("sandbox", {"ar": "محفظة"}, ("JOD", "LBP")),),
            gateway=self.gateway,
            vault=self.vault,
            now_ms=self.clock.milliseconds(),
            deadline=asyncio.get_running_loop().time() + 60,
        )


def caller(gateway: FakeGateway, keys: Keys, clock: ManualClock, profile: str) -> Caller:
    channel = ChannelConfig(
        name="keys", dialect="africastalking", short_code="*789#", profile=profile
    )
    return Caller(gateway, settled(channel), Vault(keys), clock)


@pytest.mark.parametrize("profile", ["standard", "safaricom"])
async def test_any_of_3600_services_is_seven_keys_from_its_price(
    keys: Keys, clock: ManualClock, profile: str
) -> None:
    gateway = large(clock)
    most = 0
    for found in gateway.everything:
        phone = await caller(gateway, keys, clock, profile).dials()
        await phone.sends(str(found.short_code))
        if answer := ANSWERS[found.service.asks]:
            await phone.sends(answer)
        assert phone.session is not None
        assert phone.session.screen == "confirm", phone.session.pages
        assert phone.session.args["service"] == found.service.code
        # An amount is as long as it is; of all else every single press counts.
        pressed = sum(1 if each == ANSWERS[Asks.AMOUNT] else len(each) for each in phone.sent)
        most = max(most, pressed)
    assert most <= MOST_KEYS


async def test_who_chooses_from_the_lists_needs_no_more_by_the_numbers_beside_them(
    keys: Keys, clock: ManualClock
) -> None:
    gateway = large(clock)
    for found in gateway.everything[:: SERVICES + 1]:
        agency, number = divmod(found.short_code, 100)
        phone = await caller(gateway, keys, clock, "standard").dials()
        await phone.sends("2", str(agency), str(number))
        if answer := ANSWERS[found.service.asks]:
            await phone.sends(answer)
        assert phone.session is not None
        assert (phone.session.screen, phone.session.args["service"]) == (
            "confirm",
            found.service.code,
        )
        assert len(phone.sent) <= MOST_KEYS


async def test_who_chooses_the_language_first_needs_one_more_and_still_no_more_than_seven(
    keys: Keys, clock: ManualClock
) -> None:
    gateway = large(clock)
    gateway.languages.clear()
    phone = await caller(gateway, keys, clock, "standard").dials()
    await phone.sends("1", "6060")
    assert phone.session is not None
    assert phone.session.screen == "confirm"
    assert sum(map(len, phone.sent)) <= MOST_KEYS


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_dialled_bill_is_paid_with_three_keys_however_long_its_words(
    keys: Keys, clock: ManualClock, profile: str
) -> None:
    gateway = FakeGateway(clock, languages={CITIZEN.e164: "ar"})
    number = gateway.issue(WORST)
    each = Money(18_000_000, "LBP")
    total = WORST + each + each + each
    price = Price(principal=WORST, stamp=each, penalty=each, service_fee=each, total=total)
    gateway.bills[number].offer = Offer(
        {"ar": "ترخيص السواقين"}, {"ar": LONGEST_SERVICE}, price, quantity=99
    )
    phone = await caller(gateway, keys, clock, profile).dials(number)
    await phone.reads_on()
    await phone.sends("1")
    assert phone.session is not None
    assert phone.session.ended
    assert len(phone.sent) <= MOST_KEYS_OF_A_BILL
    (intent,) = gateway.intents.values()
    assert intent.agreed_total == total
