"""Signing in and out, locks, cookies and sessions."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import httpx

from console.roles import Role
from console.sign_in import FIRST_LOCK, FREE_TRIES, LONGEST_LOCK
from kernel.clock import ManualClock
from kernel.database import Database
from tests.unit.console.conftest import PASSWORD, Hire, Visitor, one_row

WRONG = "this is not it at all"


async def test_pages_send_strangers_to_sign_in_and_bring_them_back(
    visitor: Visitor, hire: Hire
) -> None:
    await hire("rana", Role.VIEWER)
    away = await visitor.get("/payments", state="collected")
    assert away.status_code == 303
    assert away.headers["location"] == "/console/sign-in?next=/console/payments%3Fstate%3Dcollected"
    back = await visitor.sign_in("rana", next="/console/payments?state=collected")
    assert back.headers["location"] == "/console/payments?state=collected"
    assert (await visitor.get("/payments")).status_code == 200


async def test_signing_in_never_leads_to_another_site(visitor: Visitor, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    for target in ("https://evil.example/", "//evil.example", "/console\\evil", "/elsewhere"):
        answer = await visitor.sign_in("rana", next=target)
        assert answer.headers["location"] == "/console/", target


async def test_a_wrong_password_an_unknown_name_and_a_disabled_person_read_the_same(
    visitor: Visitor, hire: Hire, admin: Visitor
) -> None:
    await hire("rana", Role.VIEWER)
    await hire("ziad", Role.VIEWER)
    await admin.post("/staff", page="/staff", do="disable", name="ziad")
    answers = [
        await visitor.sign_in("rana", WRONG),
        await visitor.sign_in("nobody", WRONG),
        await visitor.sign_in("ziad", PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({_without_form_values(answer) for answer in answers}) == 1


async def test_a_name_locks_after_five_failures_and_longer_each_time(
    visitor: Visitor, hire: Hire, clock: ManualClock
) -> None:
    await hire("rana", Role.VIEWER)
    for _ in range(5):
        assert (await visitor.sign_in("rana", WRONG)).status_code == 401
    assert (await visitor.sign_in("rana", PASSWORD)).status_code == 429
    clock.forward(FIRST_LOCK)
    assert (await visitor.sign_in("rana", WRONG)).status_code == 401
    clock.forward(FIRST_LOCK)
    assert (await visitor.sign_in("rana", PASSWORD)).status_code == 429
    clock.forward(FIRST_LOCK)
    assert (await visitor.sign_in("rana", PASSWORD)).status_code == 303


async def test_a_lock_never_exceeds_the_longest(
    visitor: Visitor, hire: Hire, clock: ManualClock
) -> None:
    await hire("rana", Role.VIEWER)
    for _ in range(FREE_TRIES + 8):
        assert (await visitor.sign_in("rana", WRONG)).status_code == 401
        clock.forward(LONGEST_LOCK)
    assert (await visitor.sign_in("rana", PASSWORD)).status_code == 303


async def test_a_name_that_nobody_has_locks_like_any_other(visitor: Visitor, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    seen: dict[str, list[int]] = {}
    pages: dict[str, str] = {}
    for name in ("rana", "nobody"):
        answers = [await visitor.sign_in(name, WRONG) for _ in range(FREE_TRIES + 1)]
        seen[name] = [answer.status_code for answer in answers]
        pages[name] = _without_form_values(answers[-1])
    assert seen["rana"] == seen["nobody"] == [401] * FREE_TRIES + [429]
    assert pages["rana"] == pages["nobody"]


async def test_a_right_password_forgets_earlier_failures(visitor: Visitor, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    for _ in range(3):
        for _ in range(FREE_TRIES - 1):
            assert (await visitor.sign_in("rana", WRONG)).status_code == 401
        assert (await visitor.sign_in("rana")).status_code == 303


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(
    visitor: Visitor, hire: Hire, database: Database
) -> None:
    await hire("rana", Role.VIEWER)
    await visitor.sign_in("rana")
    first = visitor.http.cookies["mizan_session"]
    token = await visitor.token()
    data = {"csrf": token, "name": "rana", "password": PASSWORD}
    await visitor.http.post("/console/sign-in", data=data)
    assert visitor.http.cookies["mizan_session"] != first
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM console.session") == 1


async def test_the_database_never_holds_a_token_that_would_open_a_session(
    finance: Visitor, database: Database
) -> None:
    token = finance.http.cookies["mizan_session"]
    assert len(token) >= 43
    row = await one_row(database, "SELECT * FROM console.session")
    assert token not in str(dict(row))
    assert row["token_digest"] == hashlib.sha256(token.encode()).digest()


async def test_a_session_ends_when_nobody_uses_it_for_half_an_hour(
    finance: Visitor, clock: ManualClock
) -> None:
    for _ in range(3):
        clock.forward(timedelta(minutes=29))
        assert (await finance.get("/")).status_code == 200
    clock.forward(timedelta(minutes=30))
    assert (await finance.get("/")).status_code == 303


async def test_a_session_ends_after_twelve_hours_however_busy(
    finance: Visitor, clock: ManualClock
) -> None:
    for _ in range(36):
        assert (await finance.get("/")).status_code == 200
        clock.forward(timedelta(minutes=20))
    assert (await finance.get("/")).status_code == 303


async def test_signing_out_kills_the_session_for_every_copy_of_its_cookie(
    finance: Visitor, url: str
) -> None:
    token = finance.http.cookies["mizan_session"]
    assert (await finance.post("/sign-out")).status_code == 303
    async with httpx.AsyncClient(cookies={"mizan_session": token}, verify=False) as thief:
        assert (await thief.get(f"{url}/console/")).status_code == 303


async def test_disabling_somebody_ends_their_session_at_once(
    finance: Visitor, admin: Visitor
) -> None:
    assert (await finance.get("/")).status_code == 200
    await admin.post("/staff", page="/staff", do="disable", name="rana")
    assert (await finance.get("/")).status_code == 303
    await admin.post("/staff", page="/staff", do="enable", name="rana")
    assert (await finance.get("/")).status_code == 303


async def test_cookies_over_tls_are_host_bound_secure_and_out_of_reach_of_scripts(
    https_url: str, hire: Hire
) -> None:
    await hire("rana", Role.VIEWER)
    visitor = Visitor(https_url)
    form = await visitor.get("/sign-in")
    set_cookies = [form.headers["set-cookie"]]
    cookie = set_cookies[0].partition(";")[0]
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)
    assert token
    answer = await visitor.http.post(
        "/console/sign-in",
        data={"csrf": token[1], "name": "rana", "password": PASSWORD},
        headers={"cookie": cookie},
    )
    set_cookies += [
        value for value in answer.headers.get_list("set-cookie") if "__Host-mizan=" in value
    ]
    assert len(set_cookies) == 2
    for value in set_cookies:
        assert value.startswith("__Host-mizan")
        assert "Secure" in value
        assert "HttpOnly" in value
        assert "SameSite=lax" in value
        assert "Path=/" in value
        assert "Domain" not in value
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    await visitor.http.aclose()


async def test_a_change_of_password_needs_the_old_one_and_ends_other_sessions(
    finance: Visitor, url: str
) -> None:
    elsewhere = Visitor(url)
    await elsewhere.sign_in("rana")
    new = "another quiet phrase"
    refused = await finance.post("/password", page="/password", old=WRONG, new=new)
    assert refused.status_code == 422
    weak = await finance.post("/password", page="/password", old=PASSWORD, new="password1234")
    assert weak.status_code == 422
    done = await finance.post("/password", page="/password", old=PASSWORD, new=new)
    assert done.status_code == 200
    assert (await finance.get("/")).status_code == 200
    assert (await elsewhere.get("/")).status_code == 303
    assert (await elsewhere.sign_in("rana", PASSWORD)).status_code == 401
    assert (await elsewhere.sign_in("rana", new)).status_code == 303
    await elsewhere.http.aclose()


async def test_the_language_chosen_stays_with_the_person(visitor: Visitor, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    await visitor.sign_in("rana")
    assert 'dir="rtl"' in (await visitor.get("/")).text
    await visitor.in_english()
    assert '<html lang="en" dir="ltr">' in (await visitor.get("/")).text
    await visitor.post("/sign-out")
    await visitor.sign_in("rana")
    assert '<html lang="en" dir="ltr">' in (await visitor.get("/")).text


def _without_form_values(answer: httpx.Response) -> str:
    """A page but for what the visitor typed and the token of the form."""
    return re.sub(r' value="[^"]*"', "", answer.text)
