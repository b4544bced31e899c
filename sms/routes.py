"""The carriers' doors: ``/sms/{channel}[/{secret}]/status`` and ``/inbound``.

A wrong secret and an unknown channel look the same. A channel without a secret is open to loopback
only. A carrier that signs its calls is believed only with its signature, checked before any field
is used.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from kernel.callers import is_local
from kernel.log import event
from sms import inbound, outbox
from sms.channels import Channel
from sms.desk import SmsDesk
from sms.port import Webhook

MAX_BODY_BYTES: Final = 64 * 1024

_Answer = Callable[[Channel, Webhook, bytes], Awaitable[Response]]


def routes(desk: SmsDesk, wake: Callable[[], None]) -> list[BaseRoute]:
    """Both doors of every channel; ``wake`` tells a worker that there is something to answer."""

    async def status(channel: Channel, webhook: Webhook, _: bytes) -> Response:
        told = channel.carrier.read_report(webhook)
        if told is None:
            return PlainTextResponse("Not a delivery report.", 400)
        async with desk.database.read() as connection:
            message = await outbox.message(connection, told.message)
        if message is None or message.carrier != channel.config.name:
            return PlainTextResponse("No such message.", 404)
        await inbound.report(desk, channel.config.name, told)
        return Response(status_code=204)

    async def incoming(channel: Channel, webhook: Webhook, raw: bytes) -> Response:
        message = channel.carrier.read_inbound(webhook.form)
        if message is None:
            return PlainTextResponse("Not a message.", 400)
        if await inbound.receive(desk, channel.config.name, message, raw):
            wake()
        body, media_type = channel.carrier.thanks()
        return Response(body, media_type=media_type)

    doors: list[BaseRoute] = []
    for name, handle in (("status", status), ("inbound", incoming)):
        for secret in ("", "/{secret}"):
            doors.append(
                Route(
                    f"/sms/{{channel}}{secret}/{name}",
                    _door(desk, handle),
                    methods=["POST"],
                    max_body_size=MAX_BODY_BYTES,
                )
            )
    return doors


def _door(desk: SmsDesk, handle: _Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        channel = _channel(desk, request)
        if channel is None:
            event("sms.turned_away", reason="address")
            return PlainTextResponse("Not found.", 404)
        raw = await request.body()
        try:
            form = inbound.read_form(raw)
        except inbound.BadForm as problem:
            return PlainTextResponse(f"Bad request: {problem}.", 400)
        webhook = Webhook(_address(desk, request), request.query_params, form, request.headers)
        if not channel.carrier.is_genuine(webhook):
            event("sms.turned_away", carrier=channel.config.name, reason="signature")
            return PlainTextResponse("Wrong or missing signature.", 403)
        return await handle(channel, webhook, raw)

    return endpoint


def _channel(desk: SmsDesk, request: Request) -> Channel | None:
    channel = desk.channels.get(request.path_params["channel"])
    if channel is None:
        return None
    given = request.path_params.get("secret", "")
    if not channel.config.secret:
        return channel if not given and is_local(request.scope) else None
    same = hmac.compare_digest(channel.config.secret.encode(), given.encode())
    return channel if same else None


def _address(desk: SmsDesk, request: Request) -> str:
    """The address the carrier called: a proxy may have changed what we see of it but the path."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.url.query
    return f"{desk.public_url}{path.decode('ascii')}{'?' + query if query else ''}"
