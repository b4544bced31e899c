"""Hops that come twice, late, mixed up or to an empty memory do no harm."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import to_builtins
from msgspec.msgpack import encode
from msgspec.structs import replace

from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.ussd.conftest import Exchange, cumulative_hop
from ussd.session import Session, Vault, dump, load

TEN = Money(10_000, "JOD")
CITIZEN = "+962790000000"


async def post(exchange: Exchange, session: str, text: str, msisdn: str = CITIZEN) -> str:
    """One raw hop of a named session; the whole body."""
    form = {
        "sessionId": session,
        "phoneNumber": msisdn,
        "networkCode": "99999",
        "serviceCode": "*789#",
        "text": text,
    }
    answer = await exchange.line.post("/ussd/sandbox", data=form)
    assert answer.status_code == 200
    return answer.text


@pytest.fixture
def english(exchange: Exchange) -> Exchange:
    exchange.gateway.languages[CITIZEN] = "en"
    return exchange


async def test_a_repeated_hop_gets_the_same_bytes_and_starts_nothing_twice(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.phone()
    await phone.dials(f"*789*{number}#").repeats().sends("1").repeats().repeats().hangs_up()
    assert exchange.gateway.calls.count("start") == 1


async def test_the_same_choice_twice_is_not_a_repeat(english: Exchange) -> None:
    await post(english, "s", "")
    first = await post(english, "s", "2")
    second = await post(english, "s", "2*2")
    assert "agency" in first
    assert "service" in second


async def test_confirms_that_arrive_together_are_one_payment(english: Exchange) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    replies = await asyncio.gather(*(post(english, "s", f"{number}*1") for _ in range(8)))
    assert len(set(replies)) == 1
    assert replies[0].startswith("END Now approve")
    assert len(english.gateway.intents) == 1


async def test_a_late_earlier_hop_changes_nothing(english: Exchange) -> None:
    await post(english, "s", "")
    await post(english, "s", "2")
    services = await post(english, "s", "2*1")
    assert await post(english, "s", "2") == services
    assert await post(english, "s", "") == services
    assert "How many" in await post(english, "s", "2*1*2")


async def test_a_start_delivered_twice_is_one_session(english: Exchange) -> None:
    number = english.gateway.issue(TEN)
    assert await post(english, "s", number) == await post(english, "s", number)
    assert (await post(english, "s", f"{number}*1")).startswith("END Now approve")


async def test_a_transcript_that_contradicts_the_session_ends_cleanly(english: Exchange) -> None:
    await post(english, "s", "")
    await post(english, "s", "2")
    assert (await post(english, "s", "3")).startswith("END The connection got mixed up")
    assert (await post(english, "s", "21")).startswith("END The connection got mixed up")
    assert "service" in await post(english, "s", "2*1")


async def test_another_subscribers_session_id_is_refused_and_the_session_lives_on(
    english: Exchange,
) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    for text in (f"{number}*1", number, ""):
        stranger = await post(english, "s", text, "+962790000009")
        assert stranger.startswith("END ")
        assert "10.000" not in stranger
    assert english.gateway.intents == {}
    assert (await post(english, "s", f"{number}*1")).startswith("END Now approve")


async def test_an_unknown_session_midway_begins_anew_and_says_so(english: Exchange) -> None:
    reply = await post(english, "s", "2*1*2")
    assert reply.startswith("CON The connection was lost")
    assert "Choose the agency" in await post(english, "s", "2*1*2*2")


async def test_menu_positions_cannot_be_dialled(english: Exchange) -> None:
    assert "1. Pay a bill" in await post(english, "s", "2")


async def test_what_is_dialled_past_a_control_number_confirms_nothing(english: Exchange) -> None:
    number = english.gateway.issue(TEN)
    assert "1. Pay" in await post(english, "s", f"{number}*1")
    assert english.gateway.intents == {}
    assert "1. Pay" in await post(english, "s", f"{number}*1*7")
    assert (await post(english, "s", f"{number}*1*7*1")).startswith("END Now approve")


async def test_several_inputs_in_one_hop_stop_before_the_payment(english: Exchange) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", "")
    shown = await post(english, "s", f"1*{number}*1")
    assert "1. Pay" in shown
    assert english.gateway.intents == {}
    assert (await post(english, "s", f"1*{number}*1*1")).startswith("END Now approve")


async def test_a_flood_of_stars_is_one_bad_choice(english: Exchange) -> None:
    await post(english, "s", "")
    english.gateway.calls.clear()
    assert "choose a number" in await post(english, "s", "2" + "*1" * 80)
    assert len(english.gateway.calls) <= 2


async def test_an_empty_last_input_is_a_bad_choice(english: Exchange) -> None:
    await post(english, "s", "")
    await post(english, "s", "2")
    assert "choose a number" in await post(english, "s", "2*")


async def test_a_confirm_repeated_after_valkey_was_flushed_debits_once(
    english: Exchange, valkey: Valkey
) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    await post(english, "s", f"{number}*1")
    await valkey.call("FLUSHALL")
    assert "right now" in await post(english, "s", f"{number}*1")
    assert len(english.gateway.intents) == 1


async def test_a_payment_has_the_same_id_after_valkey_was_flushed(
    english: Exchange, valkey: Valkey
) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    await post(english, "s", f"{number}*1")
    (first,) = english.gateway.intents
    english.gateway.intents.clear()
    english.gateway.payments.clear()
    english.gateway.bills[number].refused = None
    await valkey.call("FLUSHALL")
    await post(english, "s", f"{number}*1")
    await post(english, "s", f"{number}*1*1")
    assert list(english.gateway.intents) == [first]


async def test_other_sessions_and_other_bills_are_other_payments(english: Exchange) -> None:
    one, two = english.gateway.issue(TEN), english.gateway.issue(TEN)
    for session, number in (("a", one), ("b", two)):
        await post(english, session, number)
        await post(english, session, f"{number}*1")
    english.gateway.bills[one].refused = None
    await post(english, "c", one)
    await post(english, "c", f"{one}*1")
    assert len(english.gateway.intents) == 3


def test_a_payment_id_is_the_same_all_day_for_one_subject_of_one_session(keys: Keys) -> None:
    vault, noon = Vault(keys), 1_795_262_400_000
    hop = cumulative_hop("")
    first = vault.payment_id(hop, "s", "bill", noon)
    assert first == vault.payment_id(hop, "s", "bill", noon + 3_600_000)
    assert first.version == 7
    others = [
        vault.payment_id(hop, "s", "another bill", noon),
        vault.payment_id(hop, "t", "bill", noon),
        vault.payment_id(replace(hop, channel="b"), "s", "bill", noon),
        vault.payment_id(replace(hop, msisdn=Msisdn("+962790000009")), "s", "bill", noon),
        vault.payment_id(hop, "s", "bill", noon + 86_400_000),
        Vault(Keys("of another installation")).payment_id(hop, "s", "bill", noon),
    ]
    assert len({first, *others}) == 7


async def test_after_the_end_whatever_comes_gets_the_last_words(english: Exchange) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    end = await post(english, "s", f"{number}*1")
    assert await post(english, "s", f"{number}*1*1") == end
    assert await post(english, "s", number) == end


async def test_a_lost_database_ends_with_an_apology_and_the_hop_can_be_repeated(
    english: Exchange,
) -> None:
    number = english.gateway.issue(TEN)
    await post(english, "s", number)
    english.gateway.down = True
    apology = await post(english, "s", f"{number}*1")
    assert apology.startswith("END ")
    assert await post(english, "t", "") == apology
    english.gateway.down = False
    assert (await post(english, "s", f"{number}*1")).startswith("END Now approve")
    assert len(english.gateway.intents) == 1


async def test_valkey_holds_no_number_no_input_and_no_session_id(
    english: Exchange, valkey: Valkey
) -> None:
    for text in ("", "1", "1*8642"):
        await post(english, "at-session-4711", text)
    stored = await everything(valkey)
    assert len(stored) == 2
    for key, value in stored.items():
        for secret in ("790000000", "8642", "4711"):
            assert secret not in key + value
        assert 0 < int(str(await valkey.call("TTL", key))) <= (3600 if ":last:" in key else 180)


async def everything(valkey: Valkey) -> dict[str, str]:
    """All keys and values."""
    keys = await valkey.call("KEYS", "*")
    assert isinstance(keys, list)
    stored = {}
    for key in keys:
        value = await valkey.call("GET", key)
        assert isinstance(value, bytes)
        stored[key.decode()] = value.decode(errors="replace")
    return stored


async def test_a_session_that_another_version_wrote_begins_anew(
    english: Exchange, valkey: Valkey
) -> None:
    await post(english, "s", "")
    (key,) = [key for key in await everything(valkey) if ":last:" not in key]
    fields = to_builtins(Session(language="en", pages=("x",)))
    others = [
        b"", b"\x80", b"\xc0", b"\xc1", b"3\x1fen", b"{}", encode([]), encode([*fields, 1][:3]),
        encode([3, *fields[1:]]), encode([fields[0], 7, *fields[2:]]), encode(fields)[:-1],
    ]  # fmt: skip
    assert load(encode(fields)) is not None
    for value in others:
        await valkey.call("SET", key, value)
        assert "Choose the agency" not in await post(english, "s", "2")


def test_a_session_survives_being_stored() -> None:
    session = Session(
        language="ar",
        owner="00",
        screen="confirm",
        edition="abcd",
        args={"agreed": [1, "JOD"], "words": "a\x1fb \u2028 ضغط"},
        trail=("home", "number"),
        pages=("واحد", "اث\x1fنان", ""),
        page=1,
        ends=True,
        identity="i",
        dial="cd",
        length=3,
        digest="ab",
        sequence=7,
        began_at=1_795_262_400_000,
        at=1_795_262_400_001,
        closed=True,
    )
    assert load(dump(session)) == session
    assert load(dump(Session(language="ar", pages=("x",)))) == Session(language="ar", pages=("x",))
    assert len(dump(session)) < 200
