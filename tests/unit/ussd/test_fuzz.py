"""Whatever is posted to a known channel, a valid page comes back, and nobody pays unasked."""

from __future__ import annotations

import os
import tomllib
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.house.source import ROOT
from tests.unit.ussd.conftest import Exchange, caller, wallet
from ussd.dialects import DIALECTS
from ussd.fake_gateway import FakeGateway
from ussd.page import Profile, fits
from ussd.routes import routes
from ussd.screen import SAY

ANY_SETUP = settings(
    deadline=None,
    max_examples=max(150, int(os.environ.get("MIZAN_FUZZ_CASES", "0")) // 20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
APOLOGY = SAY["ar"]("end.fault")
KEYS = st.sampled_from(
    [
        *"012345678",
        *("00", "12", "99", "101", "212", "999", "", "١", "²", "1.5", "#", "*"),
        *("701234567016", "0790000001", "+962790000001", "123456789012345", "ضغط", "9" * 500),
    ]
)


def is_page(body: str) -> bool:
    return body[:4] in ("CON ", "END ") and body[4:].strip() != "" and fits(body[4:], Profile())


@ANY_SETUP
@given(body=st.binary(max_size=400))
async def test_any_bytes_get_a_page(exchange: Exchange, body: bytes) -> None:
    answer = await exchange.line.post("/ussd/sandbox", content=body)
    assert answer.status_code == 200
    assert is_page(answer.text)


@ANY_SETUP
@given(
    text=st.text(max_size=60),
    session=st.text(min_size=1, max_size=10),
    msisdn=st.sampled_from(["+962790000000", "+96171888000", "+1", "", " 962790000000"]),
)
async def test_any_field_values_get_a_page(
    exchange: Exchange, text: str, session: str, msisdn: str
) -> None:
    form = {"sessionId": session, "phoneNumber": msisdn, "text": text}
    answer = await exchange.line.post("/ussd/sandbox", data=form)
    assert answer.status_code == 200
    assert is_page(answer.text)
    assert APOLOGY not in answer.text


@ANY_SETUP
@given(inputs=st.lists(KEYS, max_size=14), language=st.sampled_from(["ar", "en", "fr", None]))
async def test_any_walk_through_the_menu_stays_on_pages(
    exchange: Exchange, inputs: list[str], language: str | None
) -> None:
    gateway, msisdn = exchange.gateway, "+962790000000"
    gateway.issue(Money(180_000_000, "LBP"), stamp=Money(1, "LBP"), payer=msisdn)
    gateway.languages.clear()
    if language is not None:
        gateway.languages[msisdn] = language
    form = {"sessionId": str(uuid4()), "phoneNumber": msisdn, "text": ""}
    screens = []
    for at in range(len(inputs) + 1):
        form["text"] = "*".join(inputs[:at])
        before = len(gateway.intents)
        answer = await exchange.line.post("/ussd/sandbox", data=form)
        assert answer.status_code == 200
        assert is_page(answer.text)
        screens.append(answer.text)
        if len(gateway.intents) > before:
            # What was paid was on the screen before, with its total and the key to agree.
            assert inputs[at - 1].strip() in ("1", "١")
            assert "\n1. " in screens[-2]
            (*_, newest) = gateway.payments.values()
            gateway.settle(newest.control_number, state="paid", receipt="123456789012345")
        assert not answer.text.startswith("END ") or exchange.observed[-1][1] != "none"
        if answer.text.startswith("END "):
            break


TABLES = {
    name: tomllib.loads((ROOT / f"tests/contract/ussd/{name}.toml").read_text(encoding="utf-8"))
    for name in DIALECTS
}


@pytest.fixture
async def operators(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> AsyncIterator[httpx.AsyncClient]:
    """A channel for each dialect, named like it."""
    channels = {
        name: ChannelConfig(name=name, dialect=name, short_code="*789#", wallets=("sandbox",))
        for name in DIALECTS
    }
    door = Starlette(
        routes=routes(
            channels=channels,
            wallets={"sandbox": wallet("sandbox")},
            gateway=FakeGateway(clock),
            valkey=valkey,
            keys=keys,
            clock=clock,
        )
    )
    async with caller(door, "127.0.0.1") as line:
        yield line


@pytest.mark.parametrize("name", DIALECTS)
async def test_every_request_of_the_tables_is_answered_in_its_form(
    operators: httpx.AsyncClient, name: str
) -> None:
    for payload in TABLES[name]["payload"]:
        path = f"/{payload['path']}" if payload.get("path") else ""
        answer = await operators.request(
            payload.get("method", "POST"),
            f"/ussd/{name}{path}",
            params=payload.get("query", ""),
            content=payload.get("body", "").encode(),
        )
        assert answer.status_code == 200, payload["what"]
        assert answer.headers["content-type"] == TABLES[name]["content_type"]


@ANY_SETUP
@given(data=st.data())
async def test_any_damaged_request_of_any_operator_is_answered_in_its_form(
    operators: httpx.AsyncClient, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(DIALECTS)))
    payload = data.draw(st.sampled_from(TABLES[name]["payload"]))
    body, cut = payload.get("body", "").encode(), data.draw(st.integers(0, 400))
    piece = data.draw(st.binary(max_size=20))
    body = data.draw(st.sampled_from([body, body[:cut] + piece + body[cut + len(piece) :]]))
    path = f"/{payload['path']}" if payload.get("path") else ""
    answer = await operators.request(
        payload.get("method", "POST"),
        f"/ussd/{name}{path}",
        params=payload.get("query", ""),
        content=body,
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TABLES[name]["content_type"]
    assert APOLOGY not in answer.text
