"""One payment's page: its story with evidence, and the number that only a reason shows."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from console.roles import Role
from kernel.database import Database
from tests.databases import ALL_RIGHTS
from tests.unit.console.conftest import Hire, Visitor, one_row
from tests.unit.console.story import CALLBACK_TOKEN, CITIZEN, Story
from wallets.port import Outcome

REVEALS = "SELECT count(*) FROM console.audit WHERE action = 'number_revealed'"
NATIONAL = CITIZEN.e164.removeprefix("+962")


async def test_the_timeline_tells_every_change_with_what_the_operator_said(
    finance: Visitor, story: Story
) -> None:
    payment = await story.collected()
    html = (await finance.get(f"/payments/{payment}")).text
    story_told = html.partition('class="timeline"')[2].partition("</ol>")[0]
    states = re.findall(r'class="badge state-(\w+)"', story_told)
    assert states == ["created", "sent", "pending", "collected"]
    for said in (
        "POST /transactions/type/merchantpay",
        "GET /requeststates/41f3",
        "PUT /callbacks/",
        "transactionReference",
        "said by the operator; changed nothing",
    ):
        assert said in story_told, said


async def test_a_payment_shows_its_receipt_postings_and_messages(
    finance: Visitor, story: Story, database: Database
) -> None:
    payment = await story.collected()
    await story.messaged(payment, state="failed", body="دُفع <b>50</b>", failure="unreachable")
    html = (await finance.get(f"/payments/{payment}")).text
    receipt = await one_row(database, "SELECT number, code FROM payments.receipt")
    assert receipt["number"] in html
    assert f'href="/verify/{receipt["code"]}"' in html
    assert "Assets:Clearing:SANDBOX:JOD" in html
    assert "Due to agency – Civil Status – Passport" in html
    assert "The agency bears a service fee of" in html
    assert "phone off or out of reach" in html
    assert "دُفع &lt;b&gt;50&lt;/b&gt;" in html


async def test_evidence_from_a_stranger_is_shown_as_text_and_keeps_secrets(
    admin: Visitor, story: Story
) -> None:
    payment = await story.begun()
    await story.sent(payment)
    body = b"<script>alert(1)</script>\xff\x00\x1b[31m \xe2\x80\xaereversed"
    verdict = story.said(Outcome.UNKNOWN, final=False, status=500, body=body)
    await story.answered(payment, verdict)
    await story.called_back(payment, b"{}")
    html = (await admin.get(f"/payments/{payment}")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\xff\\x00\\x1b[31m \\u202ereversed" in html
    assert "<script" not in html
    assert "canary-credential" not in html
    assert CALLBACK_TOKEN not in html
    assert "/callbacks/•••" in html


async def test_the_number_is_masked_everywhere_on_the_page(finance: Visitor, story: Story) -> None:
    payment = await story.collected()
    await story.called_back(payment, f"msisdn=%2B962{NATIONAL}&alt=0{NATIONAL}".encode())
    await story.called_back(payment, f"00962{NATIONAL} and +96171888000".encode())
    html = (await finance.get(f"/payments/{payment}")).text
    assert CITIZEN.masked() in html
    assert NATIONAL not in html
    assert "71888000" not in html


async def test_a_reveal_shows_the_number_once_and_writes_who_and_why(
    finance: Visitor, story: Story, database: Database
) -> None:
    payment = await story.collected()
    path = f"/payments/{payment}"
    shown = await finance.post(path, page=path, reason="  call  back: duplicate claim ")
    assert shown.status_code == 200
    assert CITIZEN.e164 in shown.text
    row = await one_row(
        database,
        "SELECT staff_name, subject, reason FROM console.audit WHERE action = 'number_revealed'",
    )
    assert tuple(row) == ("rana", f"payment {payment}", "call back: duplicate claim")
    again = (await finance.get(path)).text
    assert NATIONAL not in again
    assert "call back: duplicate claim" in again


async def test_a_reveal_without_a_reason_shows_nothing_and_writes_nothing(
    finance: Visitor, story: Story, database: Database
) -> None:
    path = f"/payments/{await story.collected()}"
    for reason in ("", "   ", "why", "x" * 301):
        answer = await finance.post(path, page=path, reason=reason)
        assert answer.status_code == 422
        assert NATIONAL not in answer.text
        assert "Write a reason" in answer.text
    assert (await one_row(database, REVEALS))["count"] == 0


async def test_a_reveal_of_a_payment_that_is_not_there_writes_nothing(
    finance: Visitor, database: Database
) -> None:
    answer = await finance.post(f"/payments/{uuid4()}", page="/payments", reason="just looking")
    assert answer.status_code == 404
    assert (await one_row(database, REVEALS))["count"] == 0


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
async def test_who_may_not_see_numbers_is_not_offered_them(
    visitor: Visitor, hire: Hire, story: Story, role: Role
) -> None:
    await hire("noor", role)
    await visitor.sign_in("noor", language="en")
    payment = await story.collected()
    path = f"/payments/{payment}"
    assert "Show the number" not in (await visitor.get(path)).text
    answer = await visitor.post(path, reason="just looking around")
    assert answer.status_code == 403
    assert NATIONAL not in answer.text


async def test_money_that_came_late_is_told_where_it_happened(
    finance: Visitor, story: Story
) -> None:
    payment = await story.late()
    html = (await finance.get(f"/payments/{payment}")).text
    assert "money after the payment had ended: a case was opened" in html
    assert "Late money in suspense" in html
    listed = (await finance.get("/late-money")).text
    assert str(payment) in listed
    assert "100.000" in listed
    assert str(payment) not in (await finance.get("/late-money", kind="duplicate")).text
    assert str(payment) not in (await finance.get("/late-money", state="refunded")).text


async def test_other_payments_of_the_same_bill_are_one_click_away(
    finance: Visitor, story: Story, database: Database
) -> None:
    first = await story.refused()
    async with database.read() as connection:
        bill = await connection.fetchval(
            "SELECT control_number FROM payments.payment WHERE id = $1", first
        )
    second = await story.again(bill)
    assert str(first) in (await finance.get(f"/payments/{second}")).text
    assert str(second) in (await finance.get(f"/payments/{first}")).text


async def test_a_payer_whose_number_was_erased_still_has_a_page(
    finance: Visitor, story: Story, database: Database
) -> None:
    payment = await story.collected()
    async with database.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute("DELETE FROM kernel.subscriber")
    answer = await finance.get(f"/payments/{payment}")
    assert answer.status_code == 200
    assert "The number was erased" in answer.text
