"""Whose word about a caller's address is believed."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app import believing
from launch.programs import SERVER


async def _who(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.client.host if request.client else "nobody")


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [((), "10.0.0.5"), (("10.0.0.5",), "203.0.113.7"), (("10.0.0.6",), "10.0.0.5")],
)
async def test_only_a_listed_proxy_says_who_calls(trusted: tuple[str, ...], seen: str) -> None:
    application = Starlette(routes=[Route("/", _who)], middleware=believing(trusted))
    transport = httpx.ASGITransport(application, client=("10.0.0.5", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as caller:
        answer = await caller.get("/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.text == seen


def test_the_server_itself_believes_no_proxy() -> None:
    assert "--no-proxy-headers" in SERVER
