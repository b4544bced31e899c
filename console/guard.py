"""The one door to every page: who is asking, may they, and did the form come from us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console import sessions
from console.desk import Desk
from console.render import problem_page
from console.roles import Permission
from console.sessions import Session, csrf_token
from console.visit import Handler, Problem, Visit
from kernel.texts import LANGUAGES

HOME: Final = "/console/"
SIGN_IN: Final = "/console/sign-in"
MAX_FORM_BYTES: Final = 16 * 1024
_MAX_FIELDS = 50
_FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Page:
    """A row of the route table. ``needs`` None: open to anybody (signing in)."""

    method: str
    path: str
    needs: Permission | None
    handler: Handler


def endpoint(desk: Desk, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """The Starlette endpoint of a page, guarded."""

    async def serve(request: Request) -> Response:
        visit = await _visit(desk, request)
        try:
            if "\0" in request.url.path + "".join(request.query_params.values()):
                raise Problem(400)  # no database holds it
            if page.needs is not None and visit.session is None:
                return _to_sign_in(request)
            if page.needs is not None and not visit.may(page.needs):
                raise Problem(403)
            if request.method == "POST":
                visit = await _with_form(visit)
            return await page.handler(visit)
        except Problem as problem:
            return problem_page(visit, problem.status_code)

    return serve


def session_cookie(desk: Desk) -> str:
    """Name of the session's cookie; ``__Host-`` needs TLS, which a sandbox on loopback lacks."""
    return "__Host-mizan" if desk.is_https else "mizan_session"


def visitor_cookie(desk: Desk) -> str:
    """Name of the cookie that binds the sign-in form to a browser before there is a session."""
    return "__Host-mizan-visitor" if desk.is_https else "mizan_visitor"


def set_cookie(response: Response, desk: Desk, name: str, value: str) -> None:
    """Set a cookie that no script reads and no other site sends; it ends with the browser."""
    response.set_cookie(name, value, path="/", secure=desk.is_https, httponly=True, samesite="lax")


def local_path(text: str) -> str:
    """Where to go after signing in: a path of the console, or its home for anything else."""
    is_ours = text.startswith(HOME) and "\\" not in text and text.isprintable()
    return text if is_ours else HOME


async def _visit(desk: Desk, request: Request) -> Visit:
    token = request.cookies.get(session_cookie(desk), "")
    session: Session | None = None
    if token:
        async with desk.database.read() as connection:
            session = await sessions.find(connection, token, at=desk.clock.now())
    cookie = token if session else request.cookies.get(visitor_cookie(desk), "")
    asked = request.query_params.get("language")
    return Visit(
        desk=desk,
        request=request,
        cookie=cookie,
        session=session,
        chosen_language=asked if asked in LANGUAGES else None,
    )


def _to_sign_in(request: Request) -> Response:
    if request.method == "POST":
        return RedirectResponse(SIGN_IN, 303)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(path, safe='/')}", 303)


async def _with_form(visit: Visit) -> Visit:
    """Read a posted form; refuse one from another site, too long, or without our token."""
    request = visit.request
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(400)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise Problem(415)
    form = _fields(await _body(request))
    given = form.get("csrf", "")
    if not visit.cookie or not sessions.same(given, csrf_token(visit.cookie)):
        raise Problem(400)
    chosen = form.get("language", "")
    return Visit(
        desk=visit.desk,
        request=request,
        cookie=visit.cookie,
        session=visit.session,
        form=form,
        chosen_language=chosen if chosen in LANGUAGES else visit.chosen_language,
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Problem(413)
    return bytes(body)


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Problem(400) from None
    return {name: value.replace("\0", "") for name, value in pairs}
