"""Without Valkey a bill can still be paid: what a session would remember is in the transcript."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments.refusals import Refusal
from tests.unit.ussd.conftest import CHANNELS, Exchange, caller, wallet
from tests.unit.ussd.phone import Handset
from ussd.fake_gateway import FakeGateway, offer_of
from ussd.gateway import Refused
from ussd.routes import routes

TEN = Money(10_000, "JOD")
LAST = ChannelConfig(name="last", dialect="json", short_code="*789#", wallets=("sandbox",))
"""Where a hop brings the last input alone."""


@pytest.fixture
async def stranded(keys: Keys, clock: ManualClock) -> AsyncIterator[Exchange]:
    """The channel with a Valkey that nobody answers for."""
    gateway = FakeGateway(clock)
    application = Starlette(
        routes=routes(
            channels=CHANNELS | {LAST.name: LAST},
            wallets={"sandbox": wallet("sandbox")},
            gateway=gateway,
            valkey=Valkey("redis://127.0.0.1:1"),
            keys=keys,
            clock=clock,
        )
    )
    async with caller(application, "127.0.0.1") as line:
        yield Exchange(line, gateway)


def code_on(screen: str) -> str:
    found = re.search(r"type (\d{4})", screen)
    assert found, screen
    return found[1]


async def test_a_dialled_bill_is_paid_by_typing_the_shown_code(stranded: Exchange) -> None:
    number = stranded.gateway.issue(TEN)
    phone = await stranded.english().dials(f"*789*{number}#").sees("10.000 JOD")
    await phone.sends(code_on(phone.screen)).sees("approve").hangs_up()
    (intent,) = stranded.gateway.intents.values()
    assert (intent.control_number, intent.agreed_total) == (number, TEN)
    await phone.comes_again().sees("right now").hangs_up()
    assert len(stranded.gateway.intents) == 1


async def test_where_only_the_last_input_comes_the_number_is_typed_with_the_code(
    stranded: Exchange,
) -> None:
    number = stranded.gateway.issue(TEN)
    stranded.gateway.languages["+962790000000"] = "en"

    async def sends(text: str, event: str = "input") -> str:
        told = {"session": "s", "event": event, "msisdn": "+962790000000", "text": text}
        return str((await stranded.line.post("/ussd/last", json=told)).json()["text"])

    assert "control number" in await sends("", "start")
    shown = await sends(number)
    assert "10.000 JOD" in shown
    found = re.search(rf"type ({number}\*\d{{4}})$", shown)
    assert found, shown
    assert "type" in await sends(f"{number}*0000" if found[1][-4:] != "0000" else f"{number}*1")
    assert stranded.gateway.intents == {}
    assert "approve" in await sends(found[1])
    assert "right now" in await sends(found[1])
    (intent,) = stranded.gateway.intents.values()
    assert (intent.control_number, intent.agreed_total) == (number, TEN)


async def test_a_plain_dial_asks_for_the_control_number(stranded: Exchange) -> None:
    number = stranded.gateway.issue(TEN)
    phone = stranded.english()
    await phone.dials("*789#").sees("control number").sends("2").sees("control number")
    await phone.sends(number).sees("10.000 JOD")


async def test_a_guessed_code_or_another_sessions_code_pays_nothing(stranded: Exchange) -> None:
    number = stranded.gateway.issue(TEN)
    phone, other = stranded.english(), stranded.english()
    await phone.dials(f"*789*{number}#")
    await other.dials(f"*789*{number}#")
    assert code_on(phone.screen) != code_on(other.screen)
    await phone.sends(code_on(other.screen)).sees("type").dials(f"*789*{number}#").sends("1")
    await phone.sees("type")
    assert stranded.gateway.intents == {}


async def test_a_code_for_another_total_pays_nothing(stranded: Exchange) -> None:
    number = stranded.gateway.issue(TEN)
    phone = await stranded.english().dials(f"*789*{number}#")
    stranded.gateway.bills[number].offer = offer_of(Money(11_000, "JOD"))
    await phone.sends(code_on(phone.screen)).sees("11.000 JOD")
    assert stranded.gateway.intents == {}


@pytest.mark.parametrize("refusal", [Refusal.BILL_ALREADY_PAID, Refusal.PAYMENT_IN_FLIGHT])
async def test_a_bill_that_cannot_be_paid_says_so(stranded: Exchange, refusal: Refusal) -> None:
    number = stranded.gateway.issue(TEN)
    stranded.gateway.bills[number].refused = Refused(refusal)
    await stranded.english().dials(f"*789*{number}#").hangs_up()


async def test_with_the_database_gone_too_there_is_still_a_page(stranded: Exchange) -> None:
    phone = stranded.phone()
    stranded.gateway.down = True
    await phone.dials("*789#").sees("متعطلة").hangs_up()


class StuckGateway(FakeGateway):
    """Never answers."""

    async def language(self, msisdn: Msisdn) -> str | None:
        """Waits for ever."""
        await asyncio.Event().wait()
        return await super().language(msisdn)


async def test_with_the_database_stuck_there_is_a_page_before_the_operator_gives_up(
    keys: Keys, clock: ManualClock
) -> None:
    application = Starlette(
        routes=routes(
            channels=CHANNELS,
            wallets={"sandbox": wallet("sandbox")},
            gateway=StuckGateway(clock),
            valkey=Valkey("redis://127.0.0.1:1"),
            keys=keys,
            clock=clock,
            deadline_s=0.05,
        )
    )
    async with caller(application, "127.0.0.1") as line, asyncio.timeout(5):
        await Handset(line).dials("*789#").sees("متعطلة").hangs_up()


async def test_valkey_lost_in_the_middle_of_a_call_and_found_again_does_no_harm(
    exchange: Exchange, valkey: Valkey
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = await exchange.english().dials("*789#").sends("1")
    await valkey.call("FLUSHALL")
    await phone.sends(number).sees("The connection was lost").sends(number, "1").hangs_up()
    assert len(exchange.gateway.intents) == 1
