"""Signing in and out, the language, one's own password."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from console import audit, sessions, sign_in, staff
from console.audit import Action
from console.guard import HOME, SIGN_IN, local_path, session_cookie, set_cookie, visitor_cookie
from console.passwords import MIN_LENGTH
from console.render import page
from console.sign_in import Locked, Welcome
from console.visit import Problem, Visit
from kernel.texts import LANGUAGES


async def show_sign_in(visit: Visit) -> Response:
    """The form, bound to this browser by a cookie of its own; who is signed in already goes on."""
    if visit.session is not None:
        return RedirectResponse(local_path(visit.query.get("next", "")), 303)
    return _form(visit, status=200, next=visit.query.get("next", ""), name="")


async def post_sign_in(visit: Visit) -> Response:
    """Check name and password; a fresh session on success, whatever cookie came along."""
    form, desk = visit.form, visit.desk
    name, goes_to = form.get("name", ""), form.get("next", "")
    answer = await sign_in.sign_in(
        desk.database, name, form.get("password", ""), at=visit.now, address=visit.address
    )
    if not isinstance(answer, Welcome):
        locked = answer.until if isinstance(answer, Locked) else None
        status = 429 if locked else 401
        return _form(visit, status=status, next=goes_to, name=name, locked=locked, failed=True)
    async with desk.database.transaction() as connection:
        if visit.session is not None:
            await sessions.end(connection, visit.session.token)
        token = await sessions.start(
            connection,
            answer.staff_id,
            at=visit.now,
            language=visit.chosen_language,
            address=visit.address,
        )
    response = RedirectResponse(local_path(goes_to), 303)
    set_cookie(response, desk, session_cookie(desk), token)
    _drop_cookie(response, visit, visitor_cookie(desk))
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session here and in the table."""
    async with visit.desk.database.transaction() as connection:
        await sessions.end(connection, visit.signed_in.token)
        await audit.record(connection, visit.actor, Action.SIGNED_OUT, at=visit.now)
    response = RedirectResponse(SIGN_IN, 303)
    _drop_cookie(response, visit, session_cookie(visit.desk))
    return response


async def set_language(visit: Visit) -> Response:
    """Speak another language from now on and go back to the page."""
    language = visit.form.get("language", "")
    if language not in LANGUAGES:
        raise Problem(400)
    async with visit.desk.database.transaction() as connection:
        await sessions.set_language(connection, visit.signed_in, language)
    return RedirectResponse(local_path(visit.form.get("back", HOME)), 303)


async def show_password(visit: Visit) -> Response:
    """The form to change one's own password."""
    return page(visit, "password.html", problem=None, done=False, shortest=MIN_LENGTH)


async def post_password(visit: Visit) -> Response:
    """Change it; every other session of the same person ends."""
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    async with visit.desk.database.transaction() as connection:
        problem = await staff.change_password(
            connection, visit.actor, old=old, new=new, at=visit.now
        )
        if problem is None:
            await sessions.end_others(connection, visit.signed_in)
    status = 200 if problem is None else 422
    return page(
        visit,
        "password.html",
        status=status,
        problem=problem,
        done=problem is None,
        shortest=MIN_LENGTH,
    )


def _form(visit: Visit, *, status: int, **values: object) -> Response:
    """The sign-in page; a browser that comes without the visitor's cookie gets one."""
    cookie = visit.cookie or sessions.new_token()
    shown = Visit(
        desk=visit.desk,
        request=visit.request,
        cookie=cookie,
        chosen_language=visit.chosen_language,
    )
    values = {"locked": None, "failed": False, **values}
    response = page(shown, "sign_in.html", status=status, **values)
    if not visit.cookie:
        set_cookie(response, visit.desk, visitor_cookie(visit.desk), cookie)
    return response


def _drop_cookie(response: Response, visit: Visit, name: str) -> None:
    response.delete_cookie(
        name, path="/", secure=visit.desk.is_https, httponly=True, samesite="lax"
    )
