"""``/ussd/{channel}/{secret}``: a raw ASGI endpoint, because every citizen waits for it.

Once a channel is known, every request gets 200 and a page, whatever it holds and whatever is
down: an operator shows its own ugly error for anything else. A channel that does not exist, one
with another secret or signature and one that is not for this caller all get the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from kernel.clock import Clock
from kernel.config import ChannelConfig, WalletConfig
from kernel.errand import Errand
from kernel.log import event, fault
from kernel.privacy import Keys
from kernel.short_way import ShortWay, same_head
from kernel.valkey import Valkey
from ussd.dialects import DIALECTS
from ussd.dialects.fields import TEXT
from ussd.dialects.port import Dialect
from ussd.engine import DEADLINE_S, Engine, Result
from ussd.gate import Gate
from ussd.gateway import Gateway, WalletChoice
from ussd.hop import Answer, Arrival, Phase, Reply, Unreadable
from ussd.profiles import settled
from ussd.screen import SAY

PREFIX: Final = "/ussd/"
"""Every path below it is the door's."""

MAX_BODY_BYTES: Final = 8192
Observe: TypeAlias = Callable[[str, Result, float], None]
"""Called once a hop with the channel's name, what came of it, and seconds."""

_NOT_FOUND: Final = Answer(b"not found", TEXT, 404)
_NOWHERE: Final = Gate(ChannelConfig(name="", dialect="", short_code="", secret="\0"))
"""The gate of channels that do not exist: it compares like the others, and leads nowhere."""


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
    """The USSD route; raises ValueError for a channel whose dialect nobody speaks."""
    for channel in channels.values():
        if channel.dialect not in DIALECTS:
            known = ", ".join(sorted(DIALECTS))
            raise ValueError(
                f"ussd.{channel.name}: unknown dialect {channel.dialect!r} (known: {known})"
            )
        if channel.default_language not in SAY:
            raise ValueError(f"ussd.{channel.name}: no texts in {channel.default_language!r}")
    channels = {name: settled(one, wallets.values()) for name, one in channels.items()}
    choices = {
        code: WalletChoice(code, wallet.names, wallet.currencies)
        for code, wallet in wallets.items()
    }
    engine = Engine(
        gateway=gateway,
        valkey=valkey,
        keys=keys,
        clock=clock,
        wallets=choices,
        deadline_s=deadline_s,
    )
    door = Door(channels, engine, observe)
    return [Route(PREFIX + "{path:path}", door, methods=["GET", "POST", "PUT"], name="ussd")]


class _Entrance(NamedTuple):
    """What the head of a request says, of a caller who may come in."""

    channel: ChannelConfig
    gate: Gate
    dialect: Dialect
    method: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    path: str


class Door:
    """The ASGI endpoint: who may come in, how much is read, and that there is always a reply."""

    def __init__(
        self,
        channels: Mapping[str, ChannelConfig],
        engine: Engine,
        observe: Observe | None,
    ) -> None:
        self._channels = channels
        self._gates = {name: Gate(channel) for name, channel in channels.items()}
        self._engine = engine
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        entrance = self._admit(scope)
        if entrance is None:
            await _send(send, _NOT_FOUND)
            return
        same_head(scope, partial(self._let_in, entrance))
        try:
            body = await _read(receive)
        except ClientDisconnect:
            event("ussd.broke_off", channel=entrance.channel.name)
            return
        answers: list[Answer] = []
        await self._serve(entrance, body, answers.append)
        await _send(send, answers[0])

    def _let_in(self, entrance: _Entrance, body: bytes, asker: ShortWay) -> None:
        """Answer another request with the same head."""
        read = body if len(body) <= MAX_BODY_BYTES else None
        Errand(self._serve(entrance, read, asker.respond), asker.break_off).go_on()

    async def _serve(
        self, entrance: _Entrance, body: bytes | None, respond: Callable[[Answer], None]
    ) -> None:
        """Answer what came in, whatever it is; then count it. ``body``: None if it is too large."""
        began = time.perf_counter()
        channel, dialect = entrance.channel, entrance.dialect
        arrival = Arrival(
            entrance.method, entrance.query, entrance.headers, body or b"", entrance.path
        )
        if entrance.gate.is_signed and (body is None or not entrance.gate.believes(arrival)):
            respond(_NOT_FOUND)
            return
        hop = Unreadable.TOO_LARGE if body is None else dialect.read(channel, arrival)
        if isinstance(hop, Unreadable):
            result = _excuse(channel, "end.unreadable", hop.value)
            answer = dialect.refuse(hop, result.reply.text)
        else:
            is_end = hop.phase is Phase.END
            try:
                result = await (self._engine.end if is_end else self._engine.answer)(hop, channel)
            except Exception:
                fault("ussd.hop_failed", channel=channel.name)
                result = _excuse(channel, "end.fault", "fault")
            answer = dialect.acknowledge(hop) if is_end else dialect.write(hop, result.reply)
        seconds = time.perf_counter() - began
        respond(answer)
        event(
            "ussd.hop",
            channel=channel.name,
            screen=result.screen,
            language=result.language,
            ms=round(seconds * 1000, 1),
            outcome=result.outcome,
        )
        if self._observe is not None:
            self._observe(channel.name, result, seconds)

    def _admit(self, scope: Scope) -> _Entrance | None:
        """What a caller may come in by, if at all."""
        name, _, rest = scope["path"][len(PREFIX) :].partition("/")
        channel, gate = self._channels.get(name), self._gates.get(name, _NOWHERE)
        secret, _, path = rest.partition("/") if gate.has_secret else ("", "", rest)
        if not gate.opens(scope, secret) or channel is None:
            return None
        dialect, method = DIALECTS[channel.dialect], scope["method"]
        if method not in dialect.methods or (path and not dialect.has_path):
            return None
        query, headers = scope["query_string"], scope["headers"]
        return _Entrance(channel, gate, dialect, method, query, headers, path)


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
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
