"""Composition of the operator process: book, teller, callbacks, phones and SMS in one app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.clock import Clock, SystemClock
from kernel.http import HttpClient
from kernel.ids import Ids, RandomIds
from sandbox.book import Book
from sandbox.callbacks import Callbacks
from sandbox.errands import Errands
from sandbox.gsma_routes import GsmaApi
from sandbox.handsets import Handsets
from sandbox.hop import Line
from sandbox.pages import STATIC
from sandbox.phone_routes import PhonePages
from sandbox.settings import Settings
from sandbox.sms import SmsCentre
from sandbox.teller import Teller


def build(settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None) -> Starlette:
    """The whole operator; opens its book now and closes it when the server stops."""
    clock, ids = clock or SystemClock(), ids or RandomIds()
    book, http = Book(settings.book), HttpClient()
    errands = Errands(book, clock, settings.pace)
    teller = Teller(book, errands, clock, ids, settings.pace)
    callbacks = Callbacks(book, errands, http, clock)
    sms = SmsCentre(book, errands, http, clock, ids, settings.gateway)
    handsets = Handsets(book, Line(http, settings.gateway, clock, ids), clock)
    errands.on("decide", teller.decide_by_errand)
    errands.on("tell", callbacks.tell)
    errands.on("sms_report", sms.report)
    errands.on("sms_forward", sms.forward)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await errands.start()
        yield
        await errands.stop()
        await http.close()
        book.close()

    routes = [
        Route("/healthz", _healthy),
        *GsmaApi(teller, callbacks).routes(),
        *sms.routes(),
        *PhonePages(book, teller, handsets, sms, clock).routes(),
        Mount("/sandbox/static", StaticFiles(directory=STATIC)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(_OnlyOwnPages)
    return app


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


class _OnlyOwnPages:
    """Refuses what another web site makes a browser post here: it could approve prompts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site = dict(scope.get("headers", ())).get(b"sec-fetch-site", b"none")
        foreign = site not in (b"none", b"same-origin")
        if scope["type"] == "http" and scope["method"] == "POST" and foreign:
            await PlainTextResponse("not from another site\n", 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)
