"""The door: who gets to which route, forged forms, and the headers of every answer."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from console.guard import Page
from console.roles import GRANTS, Permission, Role
from console.routes import ASSETS, PAGES
from console.shield import HEADERS
from kernel.database import Database
from tests.unit.console.conftest import Hire, Visitor
from tests.unit.console.story import Story

NOBODYS_ID = UUID("00000000-0000-7000-8000-000000000000")
OPEN_TO_ALL = {("GET", "/sign-in"), ("POST", "/sign-in")}


def concrete(page: Page) -> str:
    """An address that the page's pattern matches."""
    path = page.path.replace("{id:uuid}", str(NOBODYS_ID)).replace("{number:int}", "1")
    return re.sub(r"\{[^}]+\}", "Nothing-here", path)


def test_every_route_but_signing_in_asks_for_a_permission() -> None:
    unguarded = {(page.method, page.path) for page in PAGES if page.needs is None}
    assert unguarded == OPEN_TO_ALL


def test_nothing_changes_on_a_get() -> None:
    assert {page.method for page in PAGES} == {"GET", "POST"}


def test_what_is_delicate_asks_for_a_permission_of_its_own() -> None:
    needs = {(page.method, page.path): page.needs for page in PAGES}
    assert needs["GET", "/audit"] is Permission.SEE_AUDIT
    assert needs["GET", "/staff"] is needs["POST", "/staff"] is Permission.MANAGE_STAFF
    assert needs["POST", "/payments/{id:uuid}"] is Permission.REVEAL_NUMBER
    assert needs["POST", "/closings"] is Permission.CLOSE_BOOKS
    assert needs["GET", "/journal/{id:uuid}/proof.json"] is Permission.DOWNLOAD
    assert {need for (_, path), need in needs.items() if path.endswith(".csv")} == {
        Permission.DOWNLOAD
    }


async def test_a_stranger_gets_to_no_guarded_route(visitor: Visitor) -> None:
    for page in PAGES:
        answer = await visitor.http.request(page.method, f"/console{concrete(page)}")
        if (page.method, page.path) in OPEN_TO_ALL:
            assert answer.status_code in (200, 400, 415)
        else:
            assert answer.status_code == 303, f"{page.method} {page.path}"
            assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_to_what_the_table_grants_and_to_nothing_else(
    visitor: Visitor, hire: Hire, story: Story, role: Role
) -> None:
    del story  # its catalogue has the agency
    await hire("rana", role, agency="JO-CSPD" if role is Role.AGENCY else None)
    await visitor.sign_in("rana")
    token = await visitor.token()
    for page in PAGES:
        if page.needs is None or page.path == "/sign-out":
            continue
        path = f"/console{concrete(page)}"
        data = {"csrf": token} if page.method == "POST" else None
        answer = await visitor.http.request(page.method, path, data=data)
        is_let_in = answer.status_code != 403
        assert is_let_in == (page.needs in GRANTS[role]), f"{page.method} {page.path}"
        assert answer.status_code < 500, f"{page.method} {page.path}"


def test_a_form_that_answers_with_a_page_can_be_opened_again_at_its_address() -> None:
    opened = {page.path for page in PAGES if page.method == "GET"}
    posted = {page.path for page in PAGES if page.method == "POST"}
    only_lead_on = {"/sign-out", "/language"}
    assert posted - opened == only_lead_on


def test_the_roles_differ_in_the_way_their_sentences_say() -> None:
    assert Permission.REVEAL_NUMBER not in GRANTS[Role.VIEWER] | GRANTS[Role.AUDITOR]
    assert Permission.CLOSE_BOOKS not in GRANTS[Role.VIEWER] | GRANTS[Role.AUDITOR]
    assert Permission.SEE_AUDIT in GRANTS[Role.AUDITOR]
    assert Permission.MANAGE_STAFF not in GRANTS[Role.FINANCE] | GRANTS[Role.AUDITOR]
    own = {Permission.OWN_ACCOUNT, Permission.SEE_TICKETS, Permission.ANSWER_TICKETS}
    assert GRANTS[Role.AGENCY] == own
    assert GRANTS[Role.ADMIN] == frozenset(Permission)


async def test_a_form_without_our_token_is_refused(admin: Visitor) -> None:
    for page in PAGES:
        for forged in ({}, {"csrf": ""}, {"csrf": "guessed"}, {"csrf": "تخمين"}):
            if page.method == "POST":
                path = f"/console{concrete(page)}"
                answer = await admin.http.post(path, data=forged or {"name": "x"})
                assert answer.status_code == 400, (path, forged)
    assert (await admin.get("/")).status_code == 200


async def test_the_token_of_one_session_opens_no_form_of_another(
    finance: Visitor, admin: Visitor
) -> None:
    stolen = await finance.token()
    answer = await admin.http.post("/console/sign-out", data={"csrf": stolen})
    assert answer.status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_that_another_site_sends_is_refused_even_with_the_token(
    finance: Visitor, site: str
) -> None:
    answer = await finance.post("/sign-out", headers={"sec-fetch-site": site})
    assert answer.status_code == 400
    answer = await finance.post("/sign-out", headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303


async def test_a_form_sent_to_sign_in_from_another_browser_is_refused(
    visitor: Visitor, url: str
) -> None:
    token = await visitor.token("/sign-in")
    other = Visitor(url)
    await other.get("/sign-in")
    answer = await other.http.post("/console/sign-in", data={"csrf": token, "name": "rana"})
    assert answer.status_code == 400
    await other.http.aclose()


async def test_oversized_and_malformed_forms_are_refused_without_a_fault(
    finance: Visitor,
) -> None:
    token = await finance.token()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    long = f"csrf={token}&reason={'x' * 20_000}".encode()
    many = "&".join([f"csrf={token}", *(f"f{n}=1" for n in range(80))]).encode()
    for body, expected in (
        (long, 413),
        (many, 400),
        (b"csrf=%FF%FE", 400),
        ("csrf=ميزان".encode(), 400),
    ):
        answer = await finance.http.post("/console/language", content=body, headers=kind)
        assert answer.status_code == expected, body[:30]
    other = await finance.http.post("/console/language", json={"csrf": token})
    assert other.status_code == 415


async def test_every_answer_carries_the_security_headers(admin: Visitor, visitor: Visitor) -> None:
    paths = [concrete(page) for page in PAGES if page.method == "GET"] + ["/static/nothing.css"]
    answers = [await admin.get(path) for path in paths]
    answers.append(await visitor.get("/payments"))
    answers.append(await visitor.http.post("/console/sign-out"))
    answers.append(await visitor.http.put("/console/payments"))
    assert answers[-1].status_code == 405
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, answer.url
        assert answer.headers["cache-control"] == "no-store", answer.url
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(
        HEADERS["content-security-policy"].split("; ")
    )
    assert "unsafe" not in HEADERS["content-security-policy"]


async def test_pages_hold_nothing_that_the_content_policy_would_stop(admin: Visitor) -> None:
    for page in PAGES:
        if page.method == "GET" and "{" not in page.path and "csv" not in page.path:
            html = (await admin.get(page.path)).text
            assert not re.search(r"<script|<style| style=| on[a-z]+=|javascript:", html), page.path
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html), page.path


async def test_static_files_may_be_kept_for_ever_because_their_address_names_their_content(
    visitor: Visitor,
) -> None:
    html = (await visitor.get("/sign-in")).text
    for name in ASSETS:
        await _check_asset(visitor, html, name)


async def _check_asset(visitor: Visitor, html: str, name: str) -> None:
    address = re.search(rf"/console/static/{re.escape(name)}\?v=[0-9a-f]{{12}}", html)
    assert address
    answer = await visitor.http.get(address[0])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_unknown_addresses_are_a_page_in_the_persons_language(finance: Visitor) -> None:
    for path in ("/nowhere", "/payments/", f"/payments/{NOBODYS_ID}", "/accounts/Assets:No:JOD"):
        answer = await finance.get(path)
        assert answer.status_code == 404, path
        assert "Nothing has this address or number." in answer.text, path


async def test_a_fault_is_a_page_that_tells_nothing_of_the_inside(
    finance: Visitor, owner: Database
) -> None:
    async with owner.transaction() as connection:
        await connection.execute("ALTER TABLE payments.late_money RENAME TO gone")
    answer = await finance.get("/late-money")
    assert answer.status_code == 500
    assert "late_money" not in answer.text.replace("late-money", "")
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "payments?agency=%00",
        "payments?reference=%00",
        "journal?account=%00",
        "accounts/%00",
        "audit?staff=%00",
        "messages?state=%00",
    ],
)
async def test_a_character_that_no_database_holds_is_a_bad_request(
    visitor: Visitor, hire: Hire, path: str
) -> None:
    await hire("rana", Role.ADMIN)
    await visitor.sign_in("rana")
    assert (await visitor.http.get(f"/console/{path}")).status_code == 400
