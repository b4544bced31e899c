"""Requests and complaints: found by filters, ended once, told; and satisfaction by service."""

from __future__ import annotations

import re

import pytest

from console.roles import Role
from kernel.database import Database
from payments import afterwards, tickets
from payments.tickets import Opened, TicketKind, TicketRequest
from payments.view import payment
from tests.unit.console.conftest import Hire, Visitor, one_row
from tests.unit.console.story import CITIZEN, OTHER_CITIZEN, Story
from tests.unit.console.test_books_pages import tiles


async def asked(
    story: Story, kind: TicketKind = TicketKind.COMPLAINT, *, agency: str = "JO-CSPD"
) -> str:
    """A ticket about a payment; returns its id."""
    service = {"JO-CSPD": "PASSPORT", "JO-DVLD": "CLEARANCE"}[agency]
    begun = await story.begun(agency=agency, service=service)
    async with story.database.read() as connection:
        about = await payment(connection, begun)
    assert about is not None
    request = TicketRequest(
        id=story.ids.new(),
        citizen=CITIZEN,
        kind=kind,
        reason="other",
        note="<b>please</b>",
        control_number=about.control_number,
        channel="sandbox",
        language="ar",
    )
    assert isinstance(await tickets.open_ticket(story.desk, request), Opened)
    return str(request.id)


async def listed(visitor: Visitor, **filters: str) -> set[str]:
    """Ids on the list."""
    answer = await visitor.get("/tickets", **filters)
    assert answer.status_code == 200, answer.text
    return set(re.findall(r'href="/console/tickets/([0-9a-f-]{36})"', answer.text))


async def test_tickets_are_found_by_state_kind_agency_and_time(
    finance: Visitor, story: Story
) -> None:
    complaint = await asked(story)
    plan = await asked(story, TicketKind.INSTALMENTS, agency="JO-DVLD")
    assert await listed(finance) == {complaint, plan}
    assert await listed(finance, kind="instalments") == {plan}
    assert await listed(finance, agency="JO-CSPD") == {complaint}
    assert await listed(finance, state="answered") == set()
    await finance.post(f"/tickets/{plan}", page=f"/tickets/{plan}", do="answer", answer="Yes")
    assert await listed(finance) == {complaint}
    assert await listed(finance, state="answered") == {plan}
    assert await listed(finance, state="all") == {complaint, plan}
    assert await listed(finance, state="all", period="yesterday") == set()
    assert await listed(finance, state="all", period="today") == {complaint, plan}


async def test_an_answer_goes_to_the_citizen_once_and_is_recorded(
    finance: Visitor, story: Story, database: Database
) -> None:
    ticket = await asked(story)
    page = f"/tickets/{ticket}"
    shown = await finance.get(page)
    assert "&lt;b&gt;please&lt;/b&gt;" in shown.text
    for wrong in ("", " \n", "\u200f\u200b", "x" * 121):
        refused = await finance.post(page, page=page, do="answer", answer=wrong)
        assert refused.status_code == 422
    form = {"csrf": await finance.token(page), "do": "answer", "answer": "Come on Sunday"}
    assert (await finance.http.post(f"/console{page}", data=form)).status_code == 303
    assert "Come on Sunday" in (await finance.get(page)).text
    late = await finance.http.post(f"/console{page}", data={**form, "answer": "Or Monday"})
    assert late.status_code == 409
    assert "before you" in late.text
    row = await one_row(database, "SELECT state, answer, answered_by FROM payments.ticket")
    assert tuple(row) == ("answered", "Come on Sunday", "rana")
    keys = await one_row(
        database, "SELECT array_agg(key) AS keys FROM kernel.work WHERE kind = 'sms.ticket'"
    )
    assert sorted(keys["keys"]) == [f"{ticket}:answered", f"{ticket}:open"]
    recorded = await one_row(
        database, "SELECT count(*) AS n FROM console.audit WHERE action = 'ticket_answered'"
    )
    assert recorded["n"] == 1


async def test_what_waits_longest_is_counted_at_home(finance: Visitor, story: Story) -> None:
    shown = tiles((await finance.get("/")).text)
    assert shown["Requests and complaints, open"] == ("/console/tickets?state=open", "0")
    waiting, answered = await asked(story), await asked(story, agency="JO-DVLD")
    await finance.post(f"/tickets/{answered}", page=f"/tickets/{answered}", do="close")
    address, count = tiles((await finance.get("/")).text)["Requests and complaints, open"]
    assert count == "1"
    assert f"/console/tickets/{waiting}" in (await finance.http.get(address)).text


async def test_who_may_not_answer_reads_only(visitor: Visitor, hire: Hire, story: Story) -> None:
    ticket = await asked(story)
    await hire("sami", Role.VIEWER)
    await visitor.sign_in("sami", language="en")
    shown = await visitor.get(f"/tickets/{ticket}")
    assert shown.status_code == 200
    assert "Nobody has answered yet" in shown.text
    assert "<textarea" not in shown.text
    answer = await visitor.post(f"/tickets/{ticket}", do="close")
    assert answer.status_code == 403


async def test_a_ticket_is_closed_without_words(finance: Visitor, story: Story) -> None:
    ticket = await asked(story)
    await finance.post(f"/tickets/{ticket}", page=f"/tickets/{ticket}", do="close")
    assert await listed(finance, state="closed") == {ticket}


async def test_an_agencys_people_get_to_its_own_tickets_and_to_nothing_else(
    visitor: Visitor, hire: Hire, story: Story, database: Database
) -> None:
    own, anothers = await asked(story), await asked(story, agency="JO-DVLD")
    await hire("lina", Role.AGENCY, agency="JO-CSPD")
    await visitor.sign_in("lina", language="en")
    assert await listed(visitor) == {own}
    assert await listed(visitor, agency="JO-DVLD", state="all") == {own}
    home = await visitor.get("/")
    assert f"/console/tickets/{own}" in home.text
    assert "/console/payments" not in home.text + (await visitor.get(f"/tickets/{own}")).text
    assert (await visitor.get(f"/tickets/{anothers}")).status_code == 404
    for do in ("answer", "close"):
        refused = await visitor.post(f"/tickets/{anothers}", do=do, answer="Ours now")
        assert refused.status_code == 404
    assert (await visitor.get("/payments", period="all")).status_code == 403
    answer = await visitor.post(f"/tickets/{own}", do="answer", answer="Come on Sunday")
    assert answer.status_code == 303
    async with database.read() as connection:
        rows = await connection.fetch("SELECT agency, state, answered_by FROM payments.ticket")
    assert {tuple(row) for row in rows} == {
        ("JO-CSPD", "answered", "lina"),
        ("JO-DVLD", "open", None),
    }


async def test_an_agencys_people_see_the_scores_of_its_services_only(
    visitor: Visitor, hire: Hire, story: Story
) -> None:
    for agency, service in (("JO-CSPD", "PASSPORT"), ("JO-DVLD", "CLEARANCE")):
        collected = await story.collected(agency=agency, service=service)
        async with story.database.read() as connection:
            about = await payment(connection, collected)
        assert about is not None
        assert await afterwards.rate(story.desk, CITIZEN, about.control_number, 4)
    await hire("lina", Role.AGENCY, agency="JO-DVLD")
    await visitor.sign_in("lina", language="en")
    page = (await visitor.get("/ratings")).text
    assert page.count('role="rowheader"') == 1
    assert "Passport" not in page


@pytest.mark.parametrize("do", ["", "burn"])
async def test_other_buttons_do_nothing(finance: Visitor, story: Story, do: str) -> None:
    ticket = await asked(story)
    answer = await finance.post(f"/tickets/{ticket}", page=f"/tickets/{ticket}", do=do)
    assert answer.status_code == 400
    assert await listed(finance) == {ticket}


async def test_the_mean_score_of_each_service_is_shown_with_its_answers(
    finance: Visitor, story: Story
) -> None:
    assert "No answers" in (await finance.get("/ratings")).text
    for payer, score in ((CITIZEN, 5), (CITIZEN, 4), (OTHER_CITIZEN, 5)):
        collected = await story.collected(payer=payer)
        async with story.database.read() as connection:
            about = await payment(connection, collected)
        assert about is not None
        assert await afterwards.rate(story.desk, payer, about.control_number, score)
    page = (await finance.get("/ratings")).text
    cells = re.findall(r'class="amount[^"]*" data-label="[^"]*"><bdi[^>]*>([^<]+)<', page)
    assert cells == ["4.67", "3", "0", "0", "0", "1", "2"]
    assert "Passport" in page
