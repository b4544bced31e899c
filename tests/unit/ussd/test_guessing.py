"""Guessing numbers of bills and receipts: what it shows, what it costs, where it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from fees import bills
from kernel import subscribers
from kernel.clock import ManualClock
from kernel.config import LimitsConfig
from kernel.database import Connection, Database
from kernel.digits import with_check_digits
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments.refusals import Refusal
from tests.unit.console.story import Story
from tests.unit.ussd.conftest import CHANNELS, caller, wallet
from tests.unit.ussd.phone import Handset
from ussd.desk_gateway import DeskGateway
from ussd.gateway import Intent, Offer, Refused
from ussd.routes import routes

STRANGER = Msisdn("+962790000007")
OWNER = Msisdn("+962790000001")
LEBANESE = Msisdn("+96171888000")
SETTINGS = LimitsConfig(bill_misses_an_hour=3, all_bill_misses_an_hour=10)
NOT_FOUND = Refused(Refusal.BILL_NOT_FOUND)
TOO_MANY = Refused(Refusal.TOO_MANY_MISSES)


class AskedDatabase(Database):
    """A database that tells what was asked of it, and fails when it shall."""

    fails = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        if self.fails:
            raise ConnectionError("the database is away")

        def note(record: Any) -> None:
            self.asked.append(record.query)

        async with super().read() as connection:
            with connection.query_logger(note):
                yield connection


@dataclass
class Town:
    """A gateway over real parts, and bills of every kind."""

    gateway: DeskGateway
    story: Story
    database: AskedDatabase
    valkey: Valkey
    clock: ManualClock

    async def bill(self, agency: str = "JO-CSPD", payer: Msisdn | None = None) -> str:
        async with self.database.transaction() as connection:
            keys = self.story.keys
            own = await subscribers.remember(connection, keys, payer) if payer else None
            bill = await bills.issue(
                connection,
                RandomIds(),
                agency=agency,
                service="PASSPORT",
                at=self.clock.now(),
                payer=own,
            )
        assert isinstance(bill, bills.Bill), bill
        return bill.control_number

    async def cancelled(self, payer: Msisdn | None = None) -> str:
        number = await self.bill(payer=payer)
        async with self.database.transaction() as connection:
            await bills.cancel(connection, number, at=self.clock.now(), because="a mistake")
        return number

    def restarted(self, valkey: Valkey | None = None) -> None:
        """Another process: it remembers nothing of its own."""
        limits = Limits(valkey or self.valkey, self.story.keys, self.clock)
        self.gateway = DeskGateway(self.story.desk, limits, SETTINGS)


@pytest.fixture
async def town(
    database_url: str, valkey: Valkey, keys: Keys, clock: ManualClock
) -> AsyncIterator[Town]:
    database = AskedDatabase(database_url)
    await database.open()
    story = Story(database, keys, clock)
    await story.open()
    gateway = DeskGateway(story.desk, Limits(valkey, keys, clock), SETTINGS)
    yield Town(gateway, story, database, valkey, clock)
    await story.http.close()
    await database.close()


def absent(at: int = 0) -> str:
    """A number with good check digits and no bill."""
    return with_check_digits(str(5_000_000_000 + at))


def yes(number: str, payer: Msisdn) -> Intent:
    return Intent(
        id=RandomIds().new(),
        payer=payer,
        wallet="sandbox",
        channel="sandbox",
        language="ar",
        agreed_total=Money(50_000, "JOD"),
        control_number=number,
    )


async def guesses(town: Town, count: int, who: Msisdn = STRANGER) -> list[Offer | Refused]:
    return [await town.gateway.offer(absent(at), who) for at in range(count)]


async def test_what_a_stranger_may_not_see_reads_as_absent(town: Town) -> None:
    withdrawn, abroad = await town.cancelled(), await town.bill()
    assert await town.gateway.offer(withdrawn, STRANGER) == NOT_FOUND
    assert await town.gateway.offer(absent(), STRANGER) == NOT_FOUND
    assert await town.gateway.offer(abroad, LEBANESE) == NOT_FOUND
    assert isinstance(await town.gateway.offer(abroad, STRANGER), Offer)


async def test_its_payer_is_told_what_became_of_a_bill(town: Town) -> None:
    withdrawn = await town.cancelled(payer=OWNER)
    assert await town.gateway.offer(withdrawn, OWNER) == Refused(Refusal.BILL_CANCELLED)
    own_abroad = await town.bill(payer=LEBANESE)
    assert isinstance(await town.gateway.offer(own_abroad, LEBANESE), Offer)


async def test_of_somebodys_bill_a_stranger_sees_agency_and_amount(town: Town) -> None:
    number = await town.bill(payer=OWNER)
    seen, whole = (
        await town.gateway.offer(number, STRANGER),
        await town.gateway.offer(number, OWNER),
    )
    assert isinstance(seen, Offer)
    assert isinstance(whole, Offer)
    assert (seen.agency, seen.price.total) == (whole.agency, whole.price.total)
    assert not seen.service
    assert seen.band is None
    assert whole.service


async def test_when_a_bill_of_somebody_was_paid_is_not_a_strangers_business(town: Town) -> None:
    number = await town.bill(payer=OWNER)
    async with town.database.transaction() as connection:
        await bills.mark_paid(connection, number, payment=town.story.ids.new(), at=town.clock.now())
    owners = await town.gateway.offer(number, OWNER)
    assert isinstance(owners, Refused)
    assert owners.on is not None
    assert await town.gateway.offer(number, STRANGER) == replace(owners, on=None)
    # Nor when the answer comes to a yes: it may have been paid since the offer was shown.
    assert await town.gateway.start(yes(number, OWNER)) == owners
    assert await town.gateway.start(yes(number, STRANGER)) == replace(owners, on=None)


async def test_absent_and_forbidden_ask_the_database_the_same(town: Town) -> None:
    asked = []
    for number, viewer in (
        (absent(), STRANGER),
        (await town.cancelled(), STRANGER),
        (await town.bill(), LEBANESE),
    ):
        town.database.asked.clear()
        assert await town.gateway.offer(number, viewer) == NOT_FOUND
        asked.append(list(town.database.asked))
    assert asked[0]
    assert asked[1:] == [asked[0], asked[0]]


async def test_one_phone_has_a_few_misses_an_hour_and_others_theirs(town: Town) -> None:
    bill = await town.bill()
    assert await guesses(town, 5) == [NOT_FOUND] * 3 + [TOO_MANY] * 2
    assert await town.gateway.offer(bill, STRANGER) == TOO_MANY
    assert isinstance(await town.gateway.offer(bill, OWNER), Offer)


async def test_a_burst_of_guesses_is_worth_no_more(town: Town) -> None:
    found = await asyncio.gather(*(town.gateway.offer(absent(n), STRANGER) for n in range(30)))
    assert found.count(NOT_FOUND) == 3
    assert found.count(TOO_MANY) == 27


async def test_looking_at_bills_that_are_there_costs_nothing(town: Town) -> None:
    bill, paid = await town.bill(), await town.cancelled(payer=STRANGER)
    for _ in range(10):
        assert isinstance(await town.gateway.offer(bill, STRANGER), Offer)
        assert await town.gateway.offer(paid, STRANGER) == Refused(Refusal.BILL_CANCELLED)
    assert await guesses(town, 1) == [NOT_FOUND]


async def test_when_a_crowd_guesses_everybody_has_one_miss_and_bills_in_hand_are_paid(
    town: Town,
) -> None:
    crowd = [Msisdn(f"+96279100{at:04d}") for at in range(40)]
    found = [await town.gateway.offer(absent(at), who) for at, who in enumerate(crowd[:10])]
    assert found == [NOT_FOUND] * 10
    twice = [await guesses(town, 2, who) for who in crowd[10:]]
    assert twice == [[NOT_FOUND, TOO_MANY]] * 30
    assert isinstance(await town.gateway.offer(await town.bill(), OWNER), Offer)


async def test_misses_are_forgotten_in_time(town: Town) -> None:
    assert (await guesses(town, 4))[-1] == TOO_MANY
    town.clock.forward(timedelta(hours=2))
    assert await guesses(town, 1) == [NOT_FOUND]


async def test_a_refused_guess_does_not_prolong_the_wait(town: Town) -> None:
    for _ in range(12):
        await guesses(town, 4)
        town.clock.forward(timedelta(minutes=5))
    town.clock.forward(timedelta(minutes=55))
    assert await guesses(town, 1) == [NOT_FOUND]


async def test_a_flushed_valkey_forgives_nothing_and_one_that_is_away_not_either(
    town: Town,
) -> None:
    await guesses(town, 3)
    await town.valkey.call("FLUSHALL")
    assert await guesses(town, 1) == [TOO_MANY]
    town.restarted(Valkey("redis://127.0.0.1:9"))
    assert await guesses(town, 4) == [NOT_FOUND] * 3 + [TOO_MANY]


async def test_another_process_knows_of_the_misses(town: Town) -> None:
    await guesses(town, 3)
    town.restarted()
    assert await guesses(town, 1) == [TOO_MANY]


async def test_a_database_that_fails_costs_no_miss(town: Town) -> None:
    town.database.fails = True
    for _ in range(5):
        with pytest.raises(ConnectionError):
            await town.gateway.offer(absent(), STRANGER)
    town.database.fails = False
    assert await guesses(town, 3) == [NOT_FOUND] * 3


async def test_receipt_codes_have_a_limit_of_their_own(town: Town) -> None:
    most = SETTINGS.receipt_misses_an_hour
    found = [await town.gateway.check_receipt("1" * 15, STRANGER) for _ in range(most + 1)]
    assert found == [None] * most + [TOO_MANY]
    assert await guesses(town, 1) == [NOT_FOUND]


async def test_a_limit_is_an_event_without_a_number(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="mizan"):
        await guesses(town, 4)
    [record] = [record for record in caplog.records if record.msg == "limit.reached"]
    assert record.__dict__["fields"] == {"limit": "bill_misses", "everybody": False}


@pytest.mark.parametrize(
    ("language", "absent_words", "limit_words"),
    [
        ("ar", "لا توجد فاتورة بهذا الرقم", "محاولات كثيرة"),
        ("en", "There is no bill with this number", "Too many numbers that do not exist"),
        ("fr", "Aucune facture ne porte ce numéro", "Trop de numéros inexistants"),
    ],
)
async def test_the_phone_says_the_same_of_absent_and_withdrawn_and_then_to_wait(
    town: Town, language: str, absent_words: str, limit_words: str
) -> None:
    await town.gateway.set_language(STRANGER, language)
    application = Starlette(
        routes=routes(
            channels=CHANNELS,
            wallets={code: wallet(code) for code in ("sandbox", "other")},
            gateway=town.gateway,
            valkey=town.valkey,
            keys=town.story.keys,
            clock=town.clock,
        )
    )
    async with caller(application, "127.0.0.1") as line:
        pages = []
        for number in (absent(), await town.cancelled(), absent(1)):
            phone = await Handset(line, STRANGER.e164).dials(f"*789*{number}#").sees(absent_words)
            pages.append(phone.screen)
        assert len(set(pages)) == 1
        await Handset(line, STRANGER.e164).dials(f"*789*{absent(2)}#").sees(limit_words).hangs_up()
