"""The same hop as usually written: the framework parses the form, GET and SET are awaited."""

from __future__ import annotations

import json
import os
from typing import Any

import redis.asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

_SCREEN = "أدخل رقم الفاتورة المكون من {digits} رقما"
_store = redis.asyncio.Redis.from_url(os.environ["MIZAN_REDIS_URL"])


async def hop(request: Request) -> PlainTextResponse:
    """Read the form, the session, render, write the session."""
    form = await request.form()
    key = f"usual:{form['sessionId']}"
    stored = await _store.get(key)
    session: dict[str, Any] = json.loads(stored) if stored else {"language": "ar", "hops": 0}
    session["hops"] += 1
    session["page"] = _SCREEN.format(digits=12)
    await _store.set(key, json.dumps(session), ex=180)
    return PlainTextResponse(f"CON {session['page']}\n0. البداية")


def create_app() -> Starlette:
    """The whole application."""
    return Starlette(routes=[Route("/ussd/sandbox", hop, methods=["POST"])])
