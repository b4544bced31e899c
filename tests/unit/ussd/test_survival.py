"""Sessions survive what networks do to them; each rule at the engine and through HTTP.

``wire`` is one subscriber's line to two processes on one Valkey, once as calls of the engine and
once as requests in the dialects of operators.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments.refusals import Refusal
from tests.unit.ussd.conftest import caller, cumulative_hop, wallet
from ussd import walk
from ussd.engine import Engine
from ussd.fake_gateway import FakeGateway, offer_of
from ussd.gateway import Intent, Refused, Started, WalletChoice
from ussd.hop import Hop, Phase
from ussd.menu import EDITIONS, MENU, edition
from ussd.page import Line
from ussd.place import STALE_MS, TWICE_BEFORE_MONEY_MS, TWICE_MS
from ussd.profiles import settled
from ussd.routes import routes
from ussd.screen import Screen, View
from ussd.session import Session, Vault, dump, load
from ussd.store import HOLD_MS

TEN = Money(10_000, "JOD")
CITIZEN = "+962790000000"
CHANNELS = {
    name: settled(ChannelConfig(name=name, dialect=name, short_code="*789#", wallets=("sandbox",)))
    for name in ("africastalking", "safaricom", "json", "nalo")
}


class SlowGateway(FakeGateway):
    """Takes a moment to start a payment when it is slow, so that hops overlap."""

    slow = False

    async def start(self, intent: Intent) -> Started | Refused:
        """Starts in its own time."""
        if self.slow:
            await asyncio.sleep(0.05)
        return await super().start(intent)


@dataclass
class Wire:
    """What an operator may send, to either process; replies are ``CON …`` or ``END …``."""

    gateway: SlowGateway
    clock: ManualClock
    engines: tuple[Engine, Engine]
    lines: tuple[httpx.AsyncClient, ...] = field(default=())

    async def dialled(
        self, text: str, *, session: str = "s", msisdn: str = CITIZEN, at: int = 0
    ) -> str:
        """A cumulative hop that does not say whether it is a start: all that was sent."""
        return await self._hop(
            "safaricom", text, None, session=session, msisdn=msisdn, at=at, is_cumulative=True
        )

    async def start(self, text: str = "", *, session: str = "s", msisdn: str = CITIZEN) -> str:
        """A dial in a protocol that says so."""
        return await self._hop("json", text, Phase.START, session=session, msisdn=msisdn)

    async def send(
        self, text: str, *, sequence: int | None = None, session: str = "s", at: int = 0
    ) -> str:
        """One input in a protocol that sends only the last one."""
        return await self._hop("json", text, Phase.INPUT, session=session, sequence=sequence, at=at)

    async def over(self, *, session: str = "s", at: int = 0) -> str:
        """The operator says that the session is over."""
        return await self._hop("json", "", Phase.END, session=session, at=at)

    async def nameless(self, text: str, phase: Phase, *, msisdn: str = CITIZEN) -> str:
        """A hop of a protocol without session ids."""
        return await self._hop("nalo", text, phase, session="", msisdn=msisdn)

    async def _hop(
        self,
        channel: str,
        text: str,
        phase: Phase | None,
        *,
        session: str,
        msisdn: str = CITIZEN,
        sequence: int | None = None,
        at: int = 0,
        is_cumulative: bool = False,
    ) -> str:
        hop = Hop(
            channel=channel,
            session_id=session,
            msisdn=Msisdn(msisdn),
            network="",
            short_code="*789#",
            phase=phase,
            text=text,
            is_cumulative=is_cumulative,
            sequence=sequence,
        )
        if self.lines:
            return await self._posted(hop, self.lines[at])
        if phase is Phase.END:
            await self.engines[at].end(hop, CHANNELS[channel])
            return ""
        reply = (await self.engines[at].answer(hop, CHANNELS[channel])).reply
        return f"{'END' if reply.ends else 'CON'} {reply.text}"

    async def _posted(self, hop: Hop, line: httpx.AsyncClient) -> str:
        if hop.channel == "safaricom":
            form = {"ORIG": hop.msisdn.e164, "DEST": "*789#", "SESSION_ID": hop.session_id}
            answer = await line.post("/ussd/safaricom", data={**form, "USSD_PARAMS": hop.text})
            return answer.text
        if hop.channel == "nalo":
            told: dict[str, object] = {
                "USERID": "m",
                "MSISDN": hop.msisdn.e164.lstrip("+"),
                "USERDATA": hop.text,
                "MSGTYPE": hop.phase is Phase.START,
            }
            said = (await line.post("/ussd/nalo", json=told)).json()
            return f"{'CON' if said['MSGTYPE'] else 'END'} {said['MSG']}"
        assert hop.phase is not None
        asked = {"event": hop.phase.value, "session": hop.session_id, "msisdn": hop.msisdn.e164}
        if hop.sequence is not None:
            asked["sequence"] = str(hop.sequence)
        said = (await line.post("/ussd/json", json={**asked, "text": hop.text})).json()
        if hop.phase is Phase.END:
            return ""
        return f"{'CON' if said['more'] else 'END'} {said['text']}"


@pytest.fixture(params=["engine", "http"])
async def wire(
    request: pytest.FixtureRequest, valkey: Valkey, redis_url: str, keys: Keys, clock: ManualClock
) -> AsyncIterator[Wire]:
    """Two processes, each with a Valkey client of its own."""
    other = Valkey(redis_url)
    gateway = SlowGateway(clock)
    gateway.languages[CITIZEN] = gateway.languages["+962790000009"] = "en"
    names = wallet("sandbox")
    choices = {"sandbox": WalletChoice("sandbox", names.names, names.currencies)}
    first, second = (
        Engine(gateway=gateway, valkey=client, keys=keys, clock=clock, wallets=choices)
        for client in (valkey, other)
    )
    found = Wire(gateway, clock, (first, second))
    if request.param == "http":
        applications = [
            Starlette(
                routes=routes(
                    channels=CHANNELS,
                    wallets={"sandbox": names},
                    gateway=gateway,
                    valkey=client,
                    keys=keys,
                    clock=clock,
                )
            )
            for client in (valkey, other)
        ]
        found.lines = tuple(caller(one, "127.0.0.1") for one in applications)
    yield found
    for line in found.lines:
        await line.aclose()
    await other.close()


def later(wire: Wire, milliseconds: int) -> None:
    wire.clock.forward(timedelta(milliseconds=milliseconds))


# Twice, late, at once


async def test_a_repeated_hop_has_the_same_reply_to_the_byte_and_no_second_effect(
    wire: Wire,
) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    first = await wire.dialled(f"{number}*1")
    wire.gateway.settle(number, state="paid", receipt="123456789012345")
    later(wire, 60_000)
    assert await wire.dialled(f"{number}*1") == first
    assert wire.gateway.calls.count("start") == 1


async def test_a_hop_that_arrives_at_two_processes_at_once_is_answered_once(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    wire.gateway.slow = True
    replies = await asyncio.gather(*(wire.dialled(f"{number}*1", at=at) for at in (0, 1, 0, 1)))
    assert len(set(replies)) == 1
    assert replies[0].startswith("END Now approve")
    assert wire.gateway.calls.count("start") == 1


async def test_a_last_input_that_arrives_at_two_processes_at_once_is_answered_once(
    wire: Wire,
) -> None:
    number = wire.gateway.issue(TEN)
    await wire.start(number)
    later(wire, 10_000)
    wire.gateway.slow = True
    replies = await asyncio.gather(*(wire.send("1", at=at) for at in (0, 1)))
    assert len(set(replies)) == 1
    assert wire.gateway.calls.count("start") == 1


async def test_a_late_earlier_hop_gets_the_present_page_and_changes_nothing(wire: Wire) -> None:
    for text in ("", "2", "2*1"):
        present = await wire.dialled(text)
    assert await wire.dialled("2") == present
    assert await wire.dialled("") == present
    assert "How many" in await wire.dialled("2*1*2")


async def test_a_late_hop_is_known_by_its_number(wire: Wire) -> None:
    await wire.start()
    await wire.send("2", sequence=2)
    present = await wire.send("1", sequence=3)
    assert "Choose the service" in present
    assert await wire.send("2", sequence=2) == present
    assert "How many" in await wire.send("2", sequence=4)


async def test_a_start_delivered_twice_is_one_session(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    first = await wire.start(number)
    assert await wire.start(number) == first
    assert wire.gateway.calls.count("offer") == 1
    later(wire, 10_000)
    assert (await wire.send("1")).startswith("END Now approve")


async def test_a_start_that_comes_again_after_the_first_input_changes_nothing(wire: Wire) -> None:
    await wire.start()
    agencies = await wire.send("2")
    assert await wire.start() == agencies
    assert "Choose the service" in await wire.send("1")


async def test_a_start_comes_twice_at_once_and_is_one_session(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    replies = await asyncio.gather(*(wire.dialled(number, at=at) for at in (0, 1)))
    assert len(set(replies)) == 1
    assert wire.gateway.calls.count("offer") == 1


async def test_what_was_dialled_is_frozen_at_the_start(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    confirm = await wire.dialled(f"{number}*1")
    assert "1. Pay" in confirm
    assert wire.gateway.intents == {}
    assert await wire.dialled(f"{number}*1") == confirm
    assert (await wire.dialled(f"{number}*1*1")).startswith("END Now approve")
    assert "1. Pay a bill" in await wire.dialled("7*1", session="t")
    assert "Choose the agency" in await wire.dialled("7*1*2", session="t")


# The last input only


async def test_the_same_choice_twice_is_two_choices_when_the_operator_counts(wire: Wire) -> None:
    await wire.start()
    assert "Choose the agency" in await wire.send("2", sequence=2)
    services = await wire.send("2", sequence=3)
    assert "Choose the service" in services
    assert await wire.send("2", sequence=3) == services
    assert (await wire.send("1", sequence=3)).startswith("END The connection got mixed up")


async def test_the_same_input_faster_than_anybody_types_is_one_input(wire: Wire) -> None:
    await wire.start()
    agencies = await wire.send("2")
    later(wire, TWICE_MS - 1)
    assert await wire.send("2") == agencies
    later(wire, 1)
    assert "Choose the service" in await wire.send("2")


async def test_a_repeated_key_that_led_to_the_total_does_not_agree_to_it(wire: Wire) -> None:
    await wire.start()
    for key in ("2", "1"):
        await wire.send(key)
        later(wire, TWICE_MS)
    confirm = await wire.send("1")
    assert "Total 5.000 JOD" in confirm
    later(wire, TWICE_BEFORE_MONEY_MS - 1)
    assert await wire.send("1") == confirm
    assert wire.gateway.intents == {}
    later(wire, 1)
    assert (await wire.send("1")).startswith("END Now approve")


async def test_a_star_in_a_last_input_parts_nothing(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.start()
    await wire.send("1")
    assert "Digits only" in await wire.send(f"{number}*1")


def test_a_star_in_free_text_is_a_character() -> None:
    hop = cumulative_hop("1*بلا*سبب*")
    session = Session(language="ar", length=1)
    words = Screen(name="w", show=lambda *_: View(lines=(Line("?"),)), words=True)
    assert walk.inputs(hop, session, words) == ["بلا*سبب*"]
    assert walk.inputs(hop, session, replace(words, words=False)) == ["بلا", "سبب", ""]


# Session ids


async def test_a_session_id_given_to_another_subscriber_is_another_session(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.start(number)
    stranger = await wire.start(session="s", msisdn="+962790000009")
    assert "10.000" not in stranger
    later(wire, 10_000)
    assert (await wire.send("1")).startswith("END Now approve")
    (intent,) = wire.gateway.intents.values()
    assert intent.payer.e164 == CITIZEN


async def test_who_tells_of_a_session_that_is_not_his_is_refused_and_it_lives_on(
    wire: Wire,
) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    stranger = await wire.dialled(f"{number}*1", msisdn="+962790000009")
    assert stranger.startswith("END ")
    assert "10.000" not in stranger
    assert wire.gateway.intents == {}
    assert (await wire.dialled(f"{number}*1")).startswith("END Now approve")


async def test_a_session_id_that_is_used_again_begins_a_session_and_pays_anew(wire: Wire) -> None:
    for _ in range(2):
        await wire.start()
        for key in ("2", "1", "1", "1"):
            later(wire, TWICE_BEFORE_MONEY_MS)
            reply = await wire.send(key)
        assert reply.startswith("END Now approve")
        later(wire, STALE_MS)
    assert len(wire.gateway.intents) == 2


async def test_without_session_ids_the_subscriber_is_the_session(wire: Wire) -> None:
    await wire.nameless("*789#", Phase.START)
    other = await wire.nameless("*789#", Phase.START, msisdn="+962790000009")
    assert "1. Pay a bill" in other
    assert "Choose the agency" in await wire.nameless("2", Phase.INPUT)
    later(wire, TWICE_MS)
    assert "control number" in await wire.nameless("1", Phase.INPUT, msisdn="+962790000009")
    assert "Choose the service" in await wire.nameless("1", Phase.INPUT)


async def test_without_session_ids_the_same_may_be_paid_twice_a_day(wire: Wire) -> None:
    for _ in range(2):
        await wire.nameless("*789#", Phase.START)
        for key in ("2", "1", "1", "1"):
            later(wire, TWICE_BEFORE_MONEY_MS)
            await wire.nameless(key, Phase.INPUT)
        later(wire, STALE_MS)
    assert len(wire.gateway.intents) == 2


async def test_without_session_ids_who_dials_again_after_the_last_page_is_asked_anew(
    wire: Wire,
) -> None:
    number = wire.gateway.issue(TEN)
    assert "Total 10.000 JOD" in await wire.nameless(number, Phase.START)
    assert (await wire.nameless("1", Phase.INPUT)).startswith("END Now approve")
    assert "paid right now" in await wire.nameless(number, Phase.START)
    wire.gateway.bills[number].refused = Refused(Refusal.BILL_ALREADY_PAID)
    assert "has been paid" in await wire.nameless(number, Phase.START)
    assert wire.gateway.calls.count("start") == 1


# The end


async def test_an_end_keeps_the_session_for_the_next_dial(wire: Wire) -> None:
    await wire.start()
    for key in ("2", "1", "2"):
        later(wire, TWICE_MS)
        await wire.send(key)
    await wire.over()
    assert "Continue where you were" in await wire.start(session="t")


async def test_an_input_after_the_end_does_nothing(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.start(number)
    await wire.over()
    later(wire, 10_000)
    assert (await wire.send("1")).startswith("END The connection got mixed up")
    assert wire.gateway.intents == {}


async def test_an_end_that_races_our_reply_harms_nothing(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.start(number)
    later(wire, 10_000)
    wire.gateway.slow = True
    reply, _ = await asyncio.gather(wire.send("1"), wire.over(at=1))
    assert len(wire.gateway.intents) == (1 if reply.startswith("END Now approve") else 0)
    assert "under way" in await wire.start(session="t") or not wire.gateway.intents


async def test_an_end_of_nothing_is_taken_note_of(wire: Wire) -> None:
    await wire.over(session="never seen")
    assert "1. Pay a bill" in await wire.start(session="never seen")


# Resuming


async def test_a_dropped_session_is_gone_on_with_after_one_question(wire: Wire) -> None:
    for text in ("", "2", "2*1", "2*1*2"):
        dropped = await wire.dialled(text)
    assert "How many" in dropped
    asked = await wire.dialled("", session="t")
    assert "Continue where you were" in asked
    assert await wire.dialled("1", session="t") == dropped
    assert "Total 15.000 JOD" in await wire.dialled("1*3", session="t")
    back = await wire.dialled("1*3*0", session="t")
    assert "How many" in back
    assert "Choose the service" in await wire.dialled("1*3*0*0", session="t")


async def test_who_does_not_want_to_go_on_begins_anew(wire: Wire) -> None:
    for text in ("", "2", "2*1", "2*1*2"):
        await wire.dialled(text)
    await wire.dialled("", session="t")
    assert "choose a number" in await wire.dialled("7", session="t")
    assert "1. Pay a bill" in await wire.dialled("7*2", session="t")
    assert "1. Pay a bill" in await wire.dialled("", session="u")


async def test_going_on_never_goes_past_the_total(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled("")
    await wire.dialled(number)
    await wire.dialled("", session="t")
    assert "Total 10.000 JOD" in await wire.dialled("1*1", session="t")
    assert wire.gateway.intents == {}
    assert (await wire.dialled("1*1*1", session="t")).startswith("END Now approve")
    assert len(wire.gateway.intents) == 1


async def test_who_goes_on_sees_what_it_costs_now(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled("")
    await wire.dialled(number)
    wire.gateway.bills[number].offer = offer_of(Money(11_000, "JOD"))
    await wire.dialled("", session="t")
    assert "Total 11.000 JOD" in await wire.dialled("1", session="t")


async def test_a_question_that_was_dropped_is_asked_again(wire: Wire) -> None:
    for text in ("", "2", "2*1", "2*1*2"):
        await wire.dialled(text)
    await wire.dialled("", session="t")
    assert "Continue where you were" in await wire.dialled("", session="u")
    assert "How many" in await wire.dialled("1", session="u")


async def test_nobody_is_asked_about_a_session_that_came_to_its_end(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    await wire.dialled(f"{number}*1")
    assert "under way: 10.000 JOD" in await wire.dialled("", session="t")


async def test_nobody_is_asked_about_a_session_in_which_nothing_was_chosen(wire: Wire) -> None:
    for text in ("", "1"):
        await wire.dialled(text)
    assert "1. Pay a bill" in await wire.dialled("", session="t")


async def test_a_dropped_session_is_forgotten_after_its_window(wire: Wire, valkey: Valkey) -> None:
    for text in ("", "2", "2*1"):
        await wire.dialled(text)
    await expire(valkey)
    assert "1. Pay a bill" in await wire.dialled("", session="t")


async def test_a_number_that_is_dialled_comes_before_the_question(wire: Wire) -> None:
    for text in ("", "2", "2*1"):
        await wire.dialled(text)
    number = wire.gateway.issue(TEN)
    assert "Total 10.000 JOD" in await wire.dialled(number, session="t")


async def test_a_payment_under_way_is_told_before_the_question(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    await wire.dialled(f"{number}*1")
    for text in ("", "2", "2*1", "2*1*2"):
        await wire.dialled(text, session="t")
    asked = await wire.dialled("", session="u")
    assert asked.index("under way: 10.000 JOD") < asked.index("Continue where you were")


async def test_a_payment_of_a_dropped_session_is_not_made_twice_by_going_on(
    wire: Wire, valkey: Valkey
) -> None:
    confirm = ("", "2", "2*1", "2*1*1")
    for text in confirm:
        await wire.dialled(text)
    before = await sessions(valkey)
    await wire.dialled("2*1*1*1")
    (paid,) = wire.gateway.intents
    for key, value in before.items():  # the write after the payment was lost
        await valkey.call("SET", key, value, "EX", 180)
    await wire.dialled("", session="t")
    await wire.dialled("1", session="t")
    await wire.dialled("1*1", session="t")
    assert list(wire.gateway.intents) == [paid]


# Another version of the menu


async def test_a_live_session_goes_on_across_a_deploy_that_left_its_screen_alone(
    wire: Wire,
) -> None:
    await wire.dialled("")
    await wire.dialled("2")
    assert "Choose the service" in await wire.dialled("2*1")


async def test_a_screen_that_changed_is_shown_again_and_takes_no_key_meant_for_the_old_one(
    wire: Wire, valkey: Valkey
) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    await as_shown_by_another_version(valkey, "confirm")
    shown = await wire.dialled(f"{number}*1")
    assert "The menu was updated" in shown
    assert "Total 10.000 JOD" in shown
    assert wire.gateway.intents == {}
    assert (await wire.dialled(f"{number}*1*1")).startswith("END Now approve")


async def test_a_screen_that_is_gone_leads_home_and_says_so(wire: Wire, valkey: Valkey) -> None:
    await wire.dialled("")
    await wire.dialled("2")
    await as_shown_by_another_version(valkey, "agencies", now="no-such-screen")
    shown = await wire.dialled("2*1")
    assert "The menu was updated" in shown
    assert "1. Pay a bill" in shown
    assert "Choose the agency" in await wire.dialled("2*1*2")


async def test_a_screen_that_needs_what_the_old_menu_did_not_ask_leads_home(
    wire: Wire, valkey: Valkey
) -> None:
    await wire.dialled("")
    await wire.dialled("2")
    await as_shown_by_another_version(valkey, "agencies", now="services")
    assert "1. Pay a bill" in await wire.dialled("2*1")


async def test_back_passes_over_a_screen_that_is_gone(wire: Wire, valkey: Valkey) -> None:
    for text in ("", "2", "2*1"):
        await wire.dialled(text)
    await rewritten(valkey, was={"trail": ("home", "agencies")}, now={"trail": ("home", "gone")})
    assert "1. Pay a bill" in await wire.dialled("2*1*0")


def test_the_edition_of_a_screen_says_what_its_keys_mean() -> None:
    confirm = MENU["confirm"]
    assert EDITIONS["confirm"] == edition(confirm)
    others = (
        replace(confirm, whole=False),
        replace(confirm, leads_to=(*confirm.leads_to, "home")),
        replace(confirm, take=MENU["home"].take),
    )
    assert edition(confirm) not in {edition(other) for other in others}


# Holders


async def test_a_hop_that_failed_lets_go_of_its_session(wire: Wire) -> None:
    number = wire.gateway.issue(TEN)
    await wire.dialled(number)
    wire.gateway.down = True
    if wire.lines:
        assert (await wire.dialled(f"{number}*1")).startswith("END ")
    else:
        with pytest.raises(ConnectionError):
            await wire.dialled(f"{number}*1")
    wire.gateway.down = False
    assert (await wire.dialled(f"{number}*1", at=1)).startswith("END Now approve")


async def test_a_holder_that_died_lets_go_by_itself(wire: Wire, valkey: Valkey, keys: Keys) -> None:
    await wire.dialled("")
    hop = Hop(
        channel="safaricom",
        session_id="s",
        msisdn=Msisdn(CITIZEN),
        network="",
        short_code="",
        phase=None,
        text="",
        is_cumulative=True,
    )
    busy = Vault(keys).key(hop, is_unique=True).name + b":busy"
    await valkey.call("SET", busy, b"1", b"NX", b"PX", 60)
    assert "Choose the agency" in await wire.dialled("2")
    await wire.dialled("2*1")
    assert 1000 * max(channel.answer_s for channel in CHANNELS.values()) <= HOLD_MS


async def test_a_hop_asks_valkey_once_and_waits_for_nothing_after(
    wire: Wire, valkey: Valkey
) -> None:
    await wire.dialled("")
    before = await count(valkey)
    await wire.dialled("1")
    after = await count(valkey)
    spent = {name: after[name] - before.get(name, 0) for name in after}
    assert (spent["mget"], spent["set"], spent["del"]) == (1, 2, 1)
    assert spent.get("get", 0) == 0


async def count(valkey: Valkey) -> dict[str, int]:
    """Calls of each command since the server began."""
    told = await valkey.call("INFO", "commandstats")
    assert isinstance(told, bytes)
    lines = [line for line in told.decode().splitlines() if line.startswith("cmdstat_")]
    return {
        line.split(":")[0].removeprefix("cmdstat_"): int(line.split("calls=")[1].split(",")[0])
        for line in lines
    }


async def sessions(valkey: Valkey) -> dict[bytes, bytes]:
    """Stored sessions by key."""
    keys = await valkey.call("KEYS", "ussd:*")
    assert isinstance(keys, list)
    found = {}
    for key in keys:
        value = await valkey.call("GET", key)
        if isinstance(value, bytes) and load(value) is not None:
            found[key] = value
    return found


async def expire(valkey: Valkey) -> None:
    """Sessions are gone; the name of the last one is still there."""
    for key in await sessions(valkey):
        await valkey.call("DEL", key)


async def rewritten(valkey: Valkey, *, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Each stored session, which was so, changed."""
    for key, value in (await sessions(valkey)).items():
        session = load(value)
        assert session is not None
        assert {name: getattr(session, name) for name in was} == was
        for name, changed in now.items():
            setattr(session, name, changed)
        await valkey.call("SET", key, dump(session), "EX", 180)


async def as_shown_by_another_version(valkey: Valkey, screen: str, *, now: str = "") -> None:
    """As if the session's page had come from another version of the menu."""
    was = {"screen": screen, "edition": EDITIONS[screen]}
    await rewritten(valkey, was=was, now={"screen": now or screen, "edition": "another"})
