"""Lines that go dead, answers that drip, operators that are down, tokens that expire."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from kernel.http import HttpClient
from tests.contract.wallets.conftest import config
from tests.contract.wallets.scripted_operator import (
    Behaviour,
    Said,
    ScriptedOperator,
    closed_port,
    raw_server,
)
from wallets.gsma import GsmaWallet
from wallets.port import CollectionRequest, Known, NotNow

HEAD = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n"


async def _closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _promises_more(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'content-length: 500\r\n\r\n{"serverCorrelationId":')


async def _speaks_no_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.test ESMTP\r\n")


async def _hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 100000\r\n\r\n")
    body = asyncio.ensure_future(reader.read())
    while not body.done():
        writer.write(b" ")
        await asyncio.wait([body], timeout=0.02)


async def _floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 10485760\r\n\r\n")
    for _chunk in range(160):
        writer.write(b" " * 65_536)
        await writer.drain()


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (_closes, "no_answer"),
        (_promises_more, "no_answer"),
        (_speaks_no_http, "no_answer"),
        (_hangs, "no_answer"),
        (_drips, "no_answer"),
        (_floods, "unreadable"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
async def test_a_line_that_goes_bad_after_sending_leaves_the_outcome_unknown(
    behaviour: Behaviour,
    code: str,
    http: HttpClient,
    clock: ManualClock,
    fee: CollectionRequest,
) -> None:
    async with raw_server(behaviour) as url:
        # A flood is cut by its size, however slow the machine reads; silence only by the clock.
        timeout_s = 5.0 if behaviour is _floods else 0.3
        wallet = GsmaWallet(config(url, timeout_s=timeout_s), http, clock)
        started = time.monotonic()
        verdict = await wallet.collect(fee)
        assert time.monotonic() - started < 2
    assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("unknown", False, False)
    assert verdict.code == code
    assert len(verdict.evidence[0].body) <= 256 * 1024


async def test_a_chain_of_slow_answers_ends_with_the_operations_time(
    http: HttpClient, clock: ManualClock, fee: CollectionRequest
) -> None:
    async def links_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = b'{"link": "/responses/next"}'
        try:
            async with asyncio.timeout(0.2):  # nothing more comes, so this is a pause
                await reader.read()
        except TimeoutError:
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 27\r\n\r\n" + link)

    async with raw_server(links_slowly) as url:
        wallet = GsmaWallet(config(url, timeout_s=0.5), http, clock)
        verdict = await wallet.query(fee, Known())
    assert (verdict.outcome, verdict.code, verdict.resend_safe) == ("unknown", "no_answer", False)
    # Each answer is in time; the operation's end cut the last. A fourth would have begun at 0.6 s.
    assert verdict.evidence[-1].note == "no whole answer in time"
    assert len(verdict.evidence) <= 3


async def test_an_operator_that_is_down_is_left_alone_and_then_asked_once(
    http: HttpClient, clock: ManualClock, fee: CollectionRequest
) -> None:
    wallet = GsmaWallet(config(f"http://127.0.0.1:{closed_port()}"), http, clock)
    for _ in range(5):
        assert (await wallet.query(fee, Known())).code == "not_sent"
    with pytest.raises(NotNow) as refusal:
        await wallet.query(fee, Known())
    assert refusal.value.after_s == 30
    clock.forward(timedelta(seconds=30))
    assert (await wallet.query(fee, Known())).code == "not_sent"
    with pytest.raises(NotNow):
        await wallet.query(fee, Known())


async def test_a_question_that_is_not_put_is_not_sent(
    operator: ScriptedOperator, http: HttpClient, clock: ManualClock, fee: CollectionRequest
) -> None:
    wallet = GsmaWallet(config(operator.url), http, clock)
    operator.says(*[Said(503)] * 5)
    for _ in range(5):
        await wallet.query(fee, Known())
    with pytest.raises(NotNow):
        await wallet.query(fee, Known())
    assert len(operator.asked) == 5


@pytest.mark.parametrize(
    ("said", "status", "delay_ms"),
    [
        (Said(200, b'{"serviceStatus": "available"}'), "available", None),
        (Said(200, b'{"serviceStatus": "degraded", "delay": 1500}'), "degraded", 1500),
        (Said(200, b'{"ServiceStatus": "Unavailable", "delay": "x"}'), "unavailable", None),
        (Said(503, b"{}"), "unavailable", None),
        (Said(500, b'{"serviceStatus": "available"}'), "unknown", None),
        (Said(200, b'{"serviceStatus": "splendid"}'), "unknown", None),
        (Said(200, b"<html>"), "unknown", None),
    ],
)
async def test_a_heartbeat_in_either_spelling(
    said: Said,
    status: str,
    delay_ms: int | None,
    operator: ScriptedOperator,
    http: HttpClient,
    clock: ManualClock,
) -> None:
    operator.says(said)
    beat = await GsmaWallet(config(operator.url), http, clock).heartbeat()
    assert (beat.status, beat.delay_ms) == (status, delay_ms)


async def test_no_connection_is_no_heartbeat(http: HttpClient, clock: ManualClock) -> None:
    wallet = GsmaWallet(config(f"http://127.0.0.1:{closed_port()}"), http, clock)
    assert (await wallet.heartbeat()).status == "unavailable"


TOKEN = Said(200, b'{"access_token": "t-1", "token_type": "bearer", "expires_in": 3600}')
NEXT_TOKEN = Said(200, b'{"access_token": "t-2", "expires_in": "3600"}')
PENDING = Said(202, b'{"serverCorrelationId": "c-1", "status": "pending"}')


@pytest.fixture
def gsma(operator: ScriptedOperator, http: HttpClient, clock: ManualClock) -> GsmaWallet:
    """A wallet whose operator wants a token."""
    return GsmaWallet(config(operator.url, client_id="mizan", client_secret="s:ä"), http, clock)


def _bearers(operator: ScriptedOperator) -> list[str]:
    return [
        asked.headers.get("authorization", "")
        for asked in operator.asked
        if not asked.path.endswith("/oauth/token")
    ]


async def test_a_token_is_asked_for_once_and_renewed_early(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest, clock: ManualClock
) -> None:
    operator.says(TOKEN, PENDING, PENDING)
    await gsma.collect(fee)
    clock.forward(timedelta(seconds=3539))
    await gsma.collect(fee)
    clock.forward(timedelta(seconds=1))
    operator.says(NEXT_TOKEN, PENDING)
    await gsma.collect(fee)
    assert _bearers(operator) == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]
    asked = operator.asked[0]
    assert (asked.method, asked.body) == ("POST", b"grant_type=client_credentials")
    pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
    assert pair == b"mizan:s%3A%C3%A4"


@pytest.mark.parametrize("elsewhere", ["/v2/token", "{operator}/v2/token"])
async def test_the_address_of_the_token_is_a_setting(
    operator: ScriptedOperator,
    http: HttpClient,
    clock: ManualClock,
    fee: CollectionRequest,
    elsewhere: str,
) -> None:
    path = elsewhere.format(operator=operator.url)
    wallet = GsmaWallet(config(operator.url, client_id="mizan", token_path=path), http, clock)
    operator.says(TOKEN, PENDING)
    await wallet.collect(fee)
    assert operator.asked[0].path.endswith("/v2/token")


async def test_many_callers_share_one_request_for_a_token(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(TOKEN, *[PENDING] * 5)
    verdicts = await asyncio.gather(*(gsma.collect(fee) for _ in range(5)))
    assert [verdict.outcome for verdict in verdicts] == ["accepted"] * 5
    assert _bearers(operator) == ["Bearer t-1"] * 5


async def test_a_token_turned_away_is_renewed_once(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(TOKEN, Said(401), NEXT_TOKEN, PENDING)
    verdict = await gsma.collect(fee)
    assert verdict.outcome == "accepted"
    assert _bearers(operator) == ["Bearer t-1", "Bearer t-2"]


async def test_a_token_turned_away_twice_is_our_fault(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(TOKEN, Said(401), NEXT_TOKEN, Said(401))
    verdict = await gsma.collect(fee)
    assert (verdict.outcome, verdict.final, verdict.reason) == ("refused", True, "config_error")


async def test_a_payer_who_declines_costs_no_token(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    declined = b'{"errorCategory": "authorisation", "errorCode": "requestDeclined"}'
    operator.says(TOKEN, Said(401, declined))
    verdict = await gsma.collect(fee)
    assert (verdict.outcome, verdict.reason) == ("refused", "user_declined")
    assert len(operator.asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        Said(500),
        Said(200, b"<html>"),
        Said(200, b'{"access_token": ""}'),
        Said(200, b'{"access_token": "a b"}'),
        Said(200, b'{"access_token": "a\\r\\nx: y"}'),
        Said(200, b'{"access_token": 17}'),
        Said(302),
    ],
)
async def test_without_a_token_nothing_is_sent(
    said: Said, gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(said)
    verdict = await gsma.collect(fee)
    assert (verdict.outcome, verdict.resend_safe, verdict.code) == ("refused", True, "not_sent")
    assert len(operator.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_credentials_that_get_no_token_are_our_fault(
    status: int, gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(Said(status, b'{"error": "invalid_client"}'))
    verdict = await gsma.collect(fee)
    assert (verdict.outcome, verdict.final, verdict.code) == ("refused", True, "token_refused")
    assert verdict.reason == "config_error"


async def test_neither_token_nor_secret_is_kept_as_evidence(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(TOKEN, PENDING)
    verdict = await gsma.collect(fee)
    kept = repr(verdict)
    assert "t-1" not in kept
    assert "s%3A" not in kept
    assert fee.payer.e164 not in kept
