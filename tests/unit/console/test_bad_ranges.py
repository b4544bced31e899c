"""Days that make no sense: every list says so and shows nothing beside it, nor does its file."""

from __future__ import annotations

import re
from html import unescape

import pytest

from console import period
from kernel.clock import ManualClock
from payments import afterwards
from payments.view import payment
from tests.unit.console.conftest import Visitor
from tests.unit.console.story import CITIZEN, Story
from tests.unit.console.test_books_pages import CLEARING
from tests.unit.console.test_tickets import asked
from tests.unit.console.test_usage_page import Callers, busy, callers

__all__ = ["busy", "callers"]

BACKWARDS = {"from": "2026-11-22", "to": "2026-11-20"}
NOTICE = "That is not a date range"

MARKS = {
    "/payments": 'href="/console/payments/0',
    "/messages": 'href="/console/payments/0',
    "/tickets": 'href="/console/tickets/0',
    "/ratings": "Passport",
    "/usage": "100%",
    "/journal": 'href="/console/journal/0',
}
"""Of each list, what only its rows say."""


@pytest.fixture
async def full(story: Story, busy: Callers) -> None:
    """Something on every list."""
    del busy
    await asked(story)
    collected = await story.collected()
    await story.messaged(collected, state="undelivered", body="x", failure="other")
    async with story.database.read() as connection:
        about = await payment(connection, collected)
    assert about is not None
    assert await afterwards.rate(story.desk, CITIZEN, about.control_number, 4)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("path", list(MARKS))
@pytest.mark.parametrize("range", [BACKWARDS, {"from": "soon"}, {"to": "9999-01-01"}])
async def test_a_list_shows_nothing_beside_the_notice(
    finance: Visitor, path: str, range: dict[str, str]
) -> None:
    page = (await finance.get(path, period="all")).text
    assert MARKS[path] in page
    assert NOTICE not in page
    page = (await finance.get(path, **range)).text
    assert NOTICE in page
    assert MARKS[path] not in page


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("file", ["payments.csv", "usage.csv", "usage-screens.csv"])
async def test_the_file_of_such_a_list_is_empty_too(finance: Visitor, file: str) -> None:
    assert len((await finance.get(f"/{file}", period="all")).text.splitlines()) > 1
    assert len((await finance.get(f"/{file}", **BACKWARDS)).text.splitlines()) == 1


@pytest.mark.usefixtures("full")
async def test_a_list_leads_to_the_file_of_what_it_shows(finance: Visitor) -> None:
    page = unescape((await finance.get("/usage", **BACKWARDS)).text)
    (address,) = re.findall(r'href="/console(/usage\.csv[^"]*)"', page)
    assert len((await finance.get(address)).text.splitlines()) == 1


@pytest.mark.usefixtures("full")
async def test_a_statement_that_ends_before_it_begins_is_not_shown(finance: Visitor) -> None:
    good = (await finance.get(f"/accounts/{CLEARING}", period="all")).text
    assert "Opening balance" in good
    assert ".pdf" in good
    for wrong in (BACKWARDS, {"position": "1", "first": "2"}):
        answer = await finance.get(f"/accounts/{CLEARING}", **wrong)
        assert answer.status_code == 422
        assert 'class="notice bad"' in answer.text
        assert "Opening balance" not in answer.text
        assert ".pdf" not in answer.text


def test_nothing_is_in_a_range_that_makes_no_sense(clock: ManualClock) -> None:
    zone, today = "Asia/Amman", clock.now().date()
    bad = period.of(BACKWARDS, today=today, zone=zone, default="all")
    assert bad.is_bad
    assert bad.since is not None
    assert bad.since == bad.before
    good = {"period": "between", "from": "2026-11-20", "to": "2026-11-22"}
    assert period.of(good, today=today, zone=zone, default="all").query == good
