"""One request of somebody to one page: what handlers get instead of a bare request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console.audit import Actor
from console.desk import Desk
from console.roles import Permission, may
from console.sessions import Session, csrf_token
from kernel.database import Connection


class Problem(HTTPException):
    """A page that cannot be shown, with its HTTP status; its words are ``problem.<status>...``."""


def _no_request() -> Request:
    """For pages outside any request (a fault in the middle of one)."""
    return Request(
        {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request with what the guard found out.

    ``cookie``: the secret that forms are bound to, the session's or before it the visitor's.
    """

    desk: Desk
    cookie: str
    request: Request = field(default_factory=_no_request)
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    chosen_language: str | None = None

    @property
    def language(self) -> str:
        """The session's language; before that the one asked for, else Arabic."""
        return self.session.language if self.session else self.chosen_language or "ar"

    @property
    def csrf(self) -> str:
        """The token for every form on the page."""
        return csrf_token(self.cookie)

    @property
    def query(self) -> Mapping[str, str]:
        """GET parameters; of repeated ones the last."""
        return self.request.query_params

    @property
    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.desk.clock.now()

    @property
    def signed_in(self) -> Session:
        """The session; pages that need a permission always have one."""
        if self.session is None:
            raise Problem(403)
        return self.session

    @property
    def agency(self) -> str | None:
        """The one agency whose rows this person may see; None: those of all."""
        return self.signed_in.agency

    @property
    def actor(self) -> Actor:
        """Who this is, for the audit trail."""
        session = self.signed_in
        return Actor(id=session.staff_id, name=session.staff_name, address=self.address)

    @property
    def address(self) -> str:
        """Where the request came from (behind a proxy: as the server resolved it)."""
        return self.request.client.host if self.request.client else ""

    @property
    def here(self) -> str:
        """Path and query of this page, to come back to; of an answer to a form, the page's path."""
        query = self.request.url.query if self.request.method == "GET" else ""
        return self.request.url.path + (f"?{query}" if query else "")

    def is_at(self, path: str) -> bool:
        """Whether this page is the one at ``path`` or below it (home has nothing below)."""
        here = self.request.scope.get("path", "")
        return here == path or (path != "/console/" and here.startswith(f"{path}/"))

    def may(self, permission: str) -> bool:
        """Whether the person holds a permission; nobody signed in holds none."""
        return self.session is not None and may(self.session.role, Permission(permission))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection that sees one moment, so that a list and its totals agree; no writes.

        Filters are optional parameters; planned with their values, so that indexes serve them.
        """
        async with self.desk.database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            yield connection


Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]
