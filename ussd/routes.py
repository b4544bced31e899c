"""``POST /ussd/{channel}/{secret}``: a raw ASGI endpoint, because every citizen waits for it.

Once a channel is known, every request gets 200 and a page, whatever it holds and whatever is
down: an operator shows its own ugly error for anything else. A channel that does not exist, one
with another secret and one that is not for this caller all get the same answer.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from kernel.callers import is_local
from kernel.clock import Clock
from kernel.config import ChannelConfig, WalletConfig
from kernel.log import event, fault
from kernel.privacy import Keys
from kernel.valkey import Valkey
from ussd.dialects import DIALECTS
from ussd.engine import Engine, Result
from ussd.gateway import Gateway, WalletChoice
from ussd.hop import Answer, Arrival, Reply, Unreadable
from ussd.screen import SAY

MAX_BODY_BYTES: Final = 8192
DEADLINE_S: Final = 8.0
"""Operators give an application about ten seconds."""

Observe: TypeAlias = Callable[[str, str, float], None]
"""Called once a hop with channel, screen and seconds."""

_NOT_FOUND: Final = Answer(b"not found", b"text/plain; charset=utf-8", 404)
_NO_SECRET: Final = "\0"


def routes(
    *,
    channels: Mapping[str, ChannelConfig],
    wallets: Mapping[str, WalletConfig],
    gateway: Gateway,
    valkey: Valkey,
    keys: Keys,
    clock: Clock,
    observe: Observe | None = None,
    deadline_s: float = DEADLINE_S,
) -> list[BaseRoute]:
    """The USSD routes; raises ValueError for a channel whose dialect nobody speaks."""
    for channel in channels.values():
        if channel.dialect not in DIALECTS:
            known = ", ".join(sorted(DIALECTS))
            raise ValueError(
                f"ussd.{channel.name}: unknown dialect {channel.dialect!r} (known: {known})"
            )
        if channel.default_language not in SAY:
            raise ValueError(f"ussd.{channel.name}: no texts in {channel.default_language!r}")
    choices = {
        code: WalletChoice(code, wallet.names, wallet.currencies)
        for code, wallet in wallets.items()
    }
    engine = Engine(gateway=gateway, valkey=valkey, keys=keys, clock=clock, wallets=choices)
    door = Door(channels, engine, observe, deadline_s)
    return [
        Route("/ussd/{channel}/{secret}", door, methods=["POST"], name="ussd"),
        Route("/ussd/{channel}", door, methods=["POST"], name="ussd-loopback"),
    ]


class Door:
    """The ASGI endpoint: who may come in, how much is read, and that there is always a reply."""

    def __init__(
        self,
        channels: Mapping[str, ChannelConfig],
        engine: Engine,
        observe: Observe | None,
        deadline_s: float,
    ) -> None:
        self._channels = channels
        self._engine = engine
        self._observe = observe
        self._deadline_s = deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        channel = self._admit(scope)
        if channel is None:
            await _send(send, _NOT_FOUND)
            return
        try:
            body = await _read(receive)
        except ClientDisconnect:
            event("ussd.broke_off", channel=channel.name)
            return
        headers = dict(scope["headers"])
        result = await self._answer(channel, scope, headers, body)
        answer = DIALECTS[channel.dialect].write(result.reply)
        seconds = time.perf_counter() - began
        event(
            "ussd.hop",
            channel=channel.name,
            screen=result.screen,
            language=result.language,
            ms=round(seconds * 1000, 1),
            outcome=result.outcome,
        )
        if self._observe is not None:
            self._observe(channel.name, result.screen, seconds)
        await _send(send, answer)

    def _admit(self, scope: Scope) -> ChannelConfig | None:
        params = scope["path_params"]
        channel = self._channels.get(params["channel"])
        expected = channel.secret if channel is not None and channel.secret else _NO_SECRET
        given = params.get("secret", "")
        matches = hmac.compare_digest(given.encode(errors="replace"), expected.encode())
        if channel is None or (channel.secret and not matches):
            return None
        if not channel.secret and (given or not is_local(scope)):
            return None
        return channel

    async def _answer(
        self,
        channel: ChannelConfig,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        body: bytes | None,
    ) -> Result:
        if body is None:
            return _excuse(channel, "end.unreadable", Unreadable.TOO_LARGE.value)
        arrival = Arrival(scope["method"], scope["query_string"], headers, body)
        hop = DIALECTS[channel.dialect].read(channel.name, arrival)
        if isinstance(hop, Unreadable):
            return _excuse(channel, "end.unreadable", hop.value)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._engine.answer(hop, channel)
        except Exception:
            fault("ussd.hop_failed", channel=channel.name)
            return _excuse(channel, "end.fault", "fault")


def _excuse(channel: ChannelConfig, key: str, outcome: str) -> Result:
    say = SAY[channel.default_language]
    return Result(Reply(say(key), True), "none", say.language, outcome)


async def _read(receive: Receive) -> bytes | None:
    """The body, None if it is larger than any hop; ClientDisconnect if its end never came."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect  # half a form may name another subscriber
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
