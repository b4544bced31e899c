"""The floor for a USSD hop: Starlette reads the body and answers a constant; nothing is kept."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

_SCREEN = "CON أهلا بكم في ميزان\n1 دفع برقم\n2 الدوائر\n3 مدفوعاتي\n4 تحقق من إيصال"


async def hop(request: Request) -> PlainTextResponse:
    """Read the body, answer one screen."""
    await request.body()
    return PlainTextResponse(_SCREEN)


def create_app() -> Starlette:
    """The whole application."""
    return Starlette(routes=[Route("/ussd/sandbox", hop, methods=["POST"])])
