"""Who may post hops, and that everything a known channel posts gets a page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import unquote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.ussd.conftest import CHANNELS, SECRET, Exchange, caller, wallet
from ussd.dialects.fields import url_encoded
from ussd.fake_gateway import FakeGateway
from ussd.hop import Unreadable
from ussd.routes import MAX_BODY_BYTES, routes

FORM = {
    "sessionId": "s",
    "phoneNumber": "+962790000000",
    "networkCode": "99999",
    "serviceCode": "*789#",
    "text": "",
}


def application(
    valkey: Valkey, keys: Keys, clock: ManualClock, **channels: ChannelConfig
) -> Starlette:
    return Starlette(
        routes=routes(
            channels=channels or CHANNELS,
            wallets={"sandbox": wallet("sandbox")},
            gateway=FakeGateway(clock),
            valkey=valkey,
            keys=keys,
            clock=clock,
        )
    )


async def test_the_right_secret_opens_the_channel(exchange: Exchange) -> None:
    answer = await exchange.line.post(f"/ussd/secret/{SECRET}", data=FORM)
    assert (answer.status_code, answer.text[:4]) == (200, "CON ")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/ussd/nobody",
        "/ussd/nobody/secret",
        "/ussd/secret",
        "/ussd/secret/wrong",
        "/ussd/secret/%00",
        "/ussd/sandbox/anything",
        "/ussd/sandbox/%00",
        "/ussd/secret/سر",
    ],
)
async def test_an_unknown_channel_and_a_wrong_secret_look_the_same(
    exchange: Exchange, path: str
) -> None:
    answer = await exchange.line.post(path, data=FORM)
    known = await exchange.line.post("/ussd/nobody-at-all", data=FORM)
    assert answer.status_code == known.status_code == 404
    assert (answer.content, answer.headers) == (known.content, known.headers)
    assert exchange.gateway.calls == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
async def test_a_channel_without_a_secret_serves_this_machine(
    valkey: Valkey, keys: Keys, clock: ManualClock, address: str
) -> None:
    async with caller(application(valkey, keys, clock), address) as line:
        assert (await line.post("/ussd/sandbox", data=FORM)).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.7", "2001:db8::1", "unix", ""])
async def test_a_channel_without_a_secret_serves_nobody_else(
    valkey: Valkey, keys: Keys, clock: ManualClock, address: str
) -> None:
    async with caller(application(valkey, keys, clock), address) as line:
        assert (await line.post("/ussd/sandbox", data=FORM)).status_code == 404
        assert (await line.post(f"/ussd/secret/{SECRET}", data=FORM)).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_a_proxy_on_this_machine_does_not_open_the_channel(
    exchange: Exchange, header: str
) -> None:
    answer = await exchange.line.post("/ussd/sandbox", data=FORM, headers={header: "127.0.0.1"})
    assert answer.status_code == 404


async def test_a_method_that_the_operator_does_not_use_looks_like_no_channel(
    exchange: Exchange,
) -> None:
    answer, unknown = [await exchange.line.get(path) for path in ("/ussd/sandbox", "/ussd/none")]
    assert answer.status_code == unknown.status_code == 404
    assert (answer.content, answer.headers) == (unknown.content, unknown.headers)


async def test_who_was_let_in_is_not_asked_again_for_the_same_head(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    door, asked = application(valkey, keys, clock), list[str]()

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await door(scope, receive, send)

    async with caller(counted, "127.0.0.1") as line:
        for path in ("/ussd/sandbox", f"/ussd/secret/{SECRET}", "/ussd/secret/wrong"):
            for text in ("", "1", "1*2"):
                answer = await line.post(path, data={**FORM, "text": text})
                assert answer.text.startswith("not found" if path.endswith("wrong") else "CON ")
    assert [asked.count(path) for path in dict.fromkeys(asked)] == [1, 1, 3]


async def test_an_oversized_body_gets_a_page(exchange: Exchange) -> None:
    body = b"sessionId=s&phoneNumber=%2B962790000000&text=" + b"1" * MAX_BODY_BYTES
    for _ in "at first", "with a head that is known":
        answer = await exchange.line.post("/ussd/sandbox", content=body)
        assert answer.status_code == 200
        assert answer.text.startswith("END ")
    assert exchange.gateway.calls == []


async def test_a_body_in_pieces_is_read_whole_and_never_past_the_limit(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    transport = httpx.ASGITransport(application(valkey, keys, clock))
    line = httpx.AsyncClient(transport=transport, base_url="http://gateway")
    taken: list[int] = []

    async def pieces(session: bytes, count: int) -> httpx.Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"sessionId=" + session + b"&phoneNumber=%2B962790000000&text="
            for at in range(count):
                taken.append(at)
                yield b"1" * 1000

        return await line.post("/ussd/sandbox", content=body())

    assert (await pieces(b"short", 2)).text.startswith("CON ")
    assert taken == [0, 1]
    assert (await pieces(b"long", 100)).text.startswith("END ")
    assert max(taken) < 20


async def test_a_form_whose_end_never_came_is_no_hop(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    gateway = FakeGateway(clock)
    door = routes(
        channels=CHANNELS,
        wallets={"sandbox": wallet("sandbox")},
        gateway=gateway,
        valkey=valkey,
        keys=keys,
        clock=clock,
    )
    half = b"sessionId=s&text=&phoneNumber=%2B96279000000"  # one digit is missing
    arriving: list[Message] = [
        {"type": "http.request", "body": half, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/ussd/sandbox",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }
    await Starlette(routes=door)(scope, receive, send)
    assert (sent, gateway.calls) == ([], [])


async def test_each_hop_is_observed_and_logged_without_content(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="mizan"):
        await exchange.english().dials("*789#").sends("1", "8642")
    assert exchange.observed == [("sandbox", "home"), ("sandbox", "number"), ("sandbox", "number")]
    hops = [vars(record)["fields"] for record in caplog.records if record.msg == "ussd.hop"]
    assert [set(hop) for hop in hops] == [{"channel", "screen", "language", "ms", "outcome"}] * 3
    assert [hop["outcome"] for hop in hops] == ["begun", "shown", "shown"]
    assert "8642" not in str(hops)


async def test_a_channel_with_an_unknown_dialect_does_not_start(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    channel = ChannelConfig(name="x", dialect="semaphore", short_code="*1#")
    with pytest.raises(ValueError, match="unknown dialect 'semaphore'"):
        application(valkey, keys, clock, x=channel)


async def test_a_channel_in_a_language_without_texts_does_not_start(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    channel = ChannelConfig(
        name="x", dialect="africastalking", short_code="*1#", default_language="tlh"
    )
    with pytest.raises(ValueError, match="no texts in 'tlh'"):
        application(valkey, keys, clock, x=channel)


class StuckGateway(FakeGateway):
    """A gateway whose database holds a lock that never goes."""

    async def language(self, msisdn: Msisdn) -> str | None:
        """Never answers."""
        await asyncio.Event().wait()
        return await super().language(msisdn)


async def test_a_stuck_database_is_given_up_before_the_operator_gives_up(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    stuck = Starlette(
        routes=routes(
            channels=CHANNELS,
            wallets={},
            gateway=StuckGateway(clock),
            valkey=valkey,
            keys=keys,
            clock=clock,
            deadline_s=0.05,
        )
    )
    async with caller(stuck, "127.0.0.1") as line:
        answer = await line.post("/ussd/sandbox", data=FORM)
    assert (answer.status_code, answer.text[:4]) == (200, "END ")


@given(st.text(alphabet="%2AB3#+*4ضé0", max_size=24) | st.text(max_size=24))
def test_a_form_is_decoded_as_the_standard_library_does(value: str) -> None:
    try:
        expected: list[tuple[str, str]] | Unreadable = [("a", unquote_plus(value, errors="strict"))]
    except ValueError:
        expected = Unreadable.BAD_ENCODING
    if "&" not in value:
        with suppress(UnicodeEncodeError):
            assert url_encoded(b"a=" + value.encode()) == expected
