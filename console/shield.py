"""Around every answer of the console: security headers, and pages instead of bare errors."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.desk import Desk
from console.render import problem_page
from console.visit import Visit
from kernel.log import fault

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""On every answer (OWASP ASVS 5.0 §3.4), with ``no-store`` where nothing else was said."""

HSTS = "max-age=31536000; includeSubDomains"


class Shield:
    """ASGI middleware of the console's mount."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; whatever is raised below becomes a page."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except HTTPException as problem:
            await self._page(problem.status_code)(scope, receive, send_guarded)
        except Exception:
            fault("console.fault", path=scope["path"])
            if started:
                raise
            await self._page(500)(scope, receive, send_guarded)

    def _page(self, status: int) -> ASGIApp:
        return problem_page(Visit(desk=self._desk, cookie=""), status)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        headers.setdefault("cache-control", "no-store")
        if self._desk.is_https:
            headers["strict-transport-security"] = HSTS
