"""Composition root of the web process: settings to adapters to use cases to routes; no logic."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import api.desk
import api.routes
import console.desk
import console.routes
import sms.routes
import ussd.routes
import wallets.callbacks
from jobs import compose
from jobs.wakeup import Wakeup
from kernel import config, log
from kernel.database import Database
from kernel.http import HttpClient
from kernel.limits import Limits
from kernel.valkey import Valkey
from ops import health, metrics
from payments.desk import Desk
from sms.desk import SmsDesk
from ussd.analytics import Tally, recording
from ussd.desk_gateway import DeskGateway
from wallets.inbox import Inbox

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""More than hops under way hold at once: the collector, whose usual 700 they pass each moment, does
not go through them. What they leave behind is freed without it.
"""

POOL = 20
"""Connections of a web process: two lanes each for callbacks and starts, the rest for reading."""


def create_app() -> Starlette:
    """The ASGI application of one process; connects when the server starts it."""
    settings = config.load()
    log.configure("web", level=settings.log_level)
    log.listen(metrics.count_event)
    http = HttpClient()
    database = Database(settings.database_url, size=POOL)
    valkey = Valkey(settings.redis_url)
    wake = Wakeup(settings.redis_url)
    inbox = Inbox(database)
    desk = compose.desk(settings, database, http, wake)
    limits = Limits(valkey, desk.keys, desk.clock)
    texting = compose.sms_desk(settings, desk, http, limits)
    tally = Tally(desk.clock, desk.ids, settings.zone)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        await database.open()
        # What was loaded by now lives as long as the process; without the collector looking at it
        # again a hop costs a tenth less.
        gc.collect()
        gc.freeze()
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        async with recording(tally, database):
            yield
        await inbox.close()
        await desk.groups.close()
        await wake.close()
        await valkey.close()
        await http.close()
        await database.close()

    return Application(
        routes=_routes(settings, desk, texting, inbox, valkey=valkey, limits=limits, tally=tally),
        middleware=believing(settings.trusted_proxies),
        lifespan=lifespan,
    )


class Application(Starlette):
    """Starlette, but a hop goes straight to its endpoint: finding it with the router and through
    the layers around that would cost as much as answering it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"].startswith(ussd.routes.PREFIX):
            await self._straight(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    @cached_property
    def _straight(self) -> ASGIApp:
        """What answers hops, behind what stands before all that the application answers."""
        (hops,) = [route for route in self.routes if getattr(route, "name", "") == "ussd"]
        straight: ASGIApp = hops.app if isinstance(hops, Route) else hops
        for layer, arguments, options in reversed(self.user_middleware):
            straight = layer(straight, *arguments, **options)
        return straight


def believing(proxies: tuple[str, ...]) -> list[Middleware]:
    """What takes a caller's address and scheme from the listed proxies, and from nobody else."""
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))] if proxies else []


def _routes(
    settings: config.Config,
    desk: Desk,
    texting: SmsDesk,
    inbox: Inbox,
    *,
    valkey: Valkey,
    limits: Limits,
    tally: Tally,
) -> list[BaseRoute]:
    database = desk.database
    finance = console.desk.Desk(
        database=database,
        keys=desk.keys,
        clock=desk.clock,
        ids=desk.ids,
        public_url=settings.public_url,
        is_sandbox=settings.is_sandbox,
        zone=settings.zone,
        wallet_names={code: wallet.names for code, wallet in settings.wallets.items()},
    )
    return [
        *ussd.routes.routes(
            channels=settings.channels,
            wallets=settings.wallets,
            gateway=DeskGateway(desk, limits, settings.limits),
            valkey=valkey,
            keys=desk.keys,
            clock=desk.clock,
            observe=tally.hop,
        ),
        *wallets.callbacks.routes(inbox, desk.wake),
        *sms.routes.routes(texting, desk.wake),
        *api.routes.routes(api.desk.ApiDesk(desk, limits)),
        *console.routes.routes(finance),
        *health.routes(database, valkey),
        *metrics.routes(database, settings.metrics_from),
        *_signposts(settings),
    ]


def _signposts(settings: config.Config) -> list[BaseRoute]:
    """``/`` leads to the receipt check, ``/sandbox/`` to the sandbox operator's own server."""

    async def home(request: Request) -> RedirectResponse:
        del request
        return RedirectResponse("/verify", 303)

    async def sandbox(request: Request) -> RedirectResponse:
        there = URL(settings.sandbox_url).replace(path=request.url.path, query=request.url.query)
        return RedirectResponse(there, 307)

    routes: list[BaseRoute] = [Route("/", home)]
    if settings.is_sandbox and settings.sandbox_url:
        routes.append(Route("/sandbox/{path:path}", sandbox))
    return routes
