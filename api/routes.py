"""Routes of the API, its description and docs, and of the receipt check."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.desk import ApiDesk
from api.documentation import docs_page
from api.endpoints import ENDPOINTS, PREFIX, Handler
from api.openapi import document
from api.problems import AWAY, Problem
from api.verify import verify_code, verify_form
from kernel.log import event, fault

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_Endpoint = Callable[[Request], Awaitable[Response]]


def routes(desk: ApiDesk) -> list[BaseRoute]:
    """All of them; a path that is none of the API's own answers with a problem too."""
    by_path: dict[str, dict[str, Handler]] = defaultdict(dict)
    for endpoint in ENDPOINTS:
        by_path[endpoint.path][endpoint.method] = endpoint.handle

    async def openapi(_: Request) -> JSONResponse:
        return JSONResponse(document(desk.desk.public_url))

    async def docs(_: Request) -> HTMLResponse:
        return docs_page(desk.desk.public_url)

    return [
        Route(f"{PREFIX}/openapi.json", openapi),
        Route(f"{PREFIX}/docs", docs),
        *(
            Route(PREFIX + path, _api(desk, handlers), methods=_METHODS)
            for path, handlers in by_path.items()
        ),
        Route(f"{PREFIX}/{{path:path}}", _api(desk, {}), methods=_METHODS),
        Route("/verify", _bound(desk, verify_form), name="verify_form"),
        Route("/verify/{code}", _bound(desk, verify_code), name="verify_code"),
    ]


def _bound(desk: ApiDesk, handle: Handler) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        return await handle(desk, request)

    return endpoint


def _api(desk: ApiDesk, handlers: dict[str, Handler]) -> _Endpoint:
    """Choose by method and turn everything that goes wrong into a problem document."""

    async def endpoint(request: Request) -> Response:
        handle = handlers.get("GET" if request.method == "HEAD" else request.method)
        try:
            if handle is None:
                raise Problem("method_not_allowed" if handlers else "no_such_page")
            response = await handle(desk, request)
        except Problem as problem:
            response = problem.response()
            if problem.code == "method_not_allowed":
                response.headers["allow"] = ", ".join(sorted(handlers))
            event("api.refused", code=problem.code, method=request.method)
        except (asyncio.CancelledError, ClientDisconnect):
            raise
        except AWAY:
            fault("api.unavailable")
            response = Problem("unavailable").response()
        except Exception:  # the root of the API: a bug must still answer in its own form
            fault("api.fault")
            response = Problem("fault").response()
        return response

    return endpoint
