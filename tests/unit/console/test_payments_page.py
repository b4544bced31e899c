"""The list of payments: filters, totals, pages, search by number, download."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import httpx
import pytest

from console.export import BOM
from console.roles import Role
from kernel.clock import ManualClock
from kernel.database import Database
from tests.unit.console.conftest import Hire, Visitor, logged, one_row
from tests.unit.console.story import CITIZEN, OTHER_CITIZEN, Story


def listed(answer: httpx.Response) -> set[str]:
    """Ids of the payments on a list."""
    assert answer.status_code == 200, answer.text
    return set(re.findall(r'href="/console/payments/([0-9a-f-]{36})"', answer.text))


def totals(answer: httpx.Response) -> dict[str, list[str]]:
    """Rows of the totals table by currency: payments, amount, collected, amount collected."""
    table = answer.text.partition('id="totals"')[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"><abbr[^>]*>(\w+)</abbr></th>(.*?)</tr>', table, re.DOTALL)
    return {code: re.findall(r"<bdi[^>]*>([^<]+)</bdi>", cells) for code, cells in rows}


async def test_each_filter_shows_exactly_its_payments(finance: Visitor, story: Story) -> None:
    passport = str(await story.collected())
    card = str(
        await story.collected(agency="BH-IGA", service="ID-CARD", band="LOST", payer=OTHER_CITIZEN)
    )
    refused = str(await story.refused(service="PASSPORT-DAMAGED"))
    unknown = str(await story.unknown())
    created = str(await story.begun())
    everything = {passport, card, refused, unknown, created}
    for filters, expected in (
        ({}, everything),
        ({"state": "collected"}, {passport, card}),
        ({"state": "in_flight"}, {created}),
        ({"state": "attention"}, {unknown}),
        ({"state": "no such state"}, everything),
        ({"agency": "BH-IGA"}, {card}),
        ({"service": "JO-CSPD/PASSPORT-DAMAGED"}, {refused}),
        ({"service": "JO-CSPD/PASSPORT-DAMAGED", "agency": "BH-IGA"}, {card}),
        ({"currency": "BHD"}, {card}),
        ({"wallet": "sandbox"}, everything),
        ({"wallet": "another"}, set()),
        ({"state": "collected", "currency": "JOD"}, {passport}),
    ):
        assert listed(await finance.get("/payments", **filters)) == expected, filters


async def test_a_reference_finds_by_control_number_receipt_code_or_id_whatever_the_dates(
    finance: Visitor, story: Story, database: Database, clock: ManualClock
) -> None:
    wanted = await story.collected()
    await story.collected()
    row = await one_row(
        database,
        "SELECT control_number, number, code FROM payments.payment"
        " JOIN payments.receipt ON payment_id = id WHERE id = $1",
        wanted,
    )
    clock.forward(timedelta(minutes=20))
    number = row["control_number"]
    arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for typed in (number, arabic, f"{number[:4]} {number[4:]}", row["number"], row["code"]):
        found = await finance.get("/payments", reference=typed, period="yesterday")
        assert listed(found) == {str(wanted)}, typed
    assert listed(await finance.get("/payments", reference=str(wanted).upper())) == {str(wanted)}
    later = {"from": "2026-12-01", "reference": number}
    assert listed(await finance.get("/payments", **later)) == {str(wanted)}
    assert listed(await finance.get("/payments", reference="' OR 1=1 --")) == set()


async def test_days_begin_and_end_where_the_agencies_are(
    finance: Visitor, story: Story, clock: ManualClock
) -> None:
    clock.at = clock.at.replace(hour=20, minute=58)
    before_midnight = str(await story.begun())
    clock.forward(timedelta(minutes=4))
    after_midnight = str(await story.begun())
    await finance.sign_in("rana")
    assert listed(await finance.get("/payments", period="today")) == {after_midnight}
    assert listed(await finance.get("/payments", period="yesterday")) == {before_midnight}
    between = await finance.get("/payments", **{"from": "2026-11-21", "to": "2026-11-21"})
    assert listed(between) == {before_midnight}
    arabic = await finance.get("/payments", **{"from": "٢٠٢٦-١١-٢٢", "to": ""})
    assert listed(arabic) == {after_midnight}


async def test_dates_that_make_no_sense_show_nothing_and_say_so(
    finance: Visitor, story: Story
) -> None:
    await story.begun()
    for first, last in (
        ("2026-13-01", ""),
        ("yesterday", ""),
        ("2026-11-22", "2026-11-21"),
        ("0001-01-01", ""),
    ):
        answer = await finance.get("/payments", **{"from": first, "to": last})
        assert listed(answer) == set(), first
        assert "That is not a date range." in answer.text


async def test_totals_are_of_the_whole_filtered_set_and_never_add_currencies(
    finance: Visitor, story: Story
) -> None:
    for _ in range(51):
        await story.begun()
    await story.collected()
    await story.collected(agency="BH-IGA", service="ID-CARD", band="LOST", payer=OTHER_CITIZEN)
    answer = await finance.get("/payments")
    assert totals(answer) == {
        "BHD": ["1", "4.000", "1", "4.000"],
        "JOD": ["52", "2,600.000", "1", "50.000"],
    }
    assert "Showing" in answer.text
    only = await finance.get("/payments", state="collected", currency="JOD")
    assert totals(only) == {"JOD": ["1", "50.000", "1", "50.000"]}


async def test_pages_follow_each_other_without_gap_or_repeat_and_keep_the_filter(
    finance: Visitor, story: Story
) -> None:
    made = {str(await story.begun()) for _ in range(53)}
    first = await finance.get("/payments", state="created")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    assert "state=created" in following[1]
    second = await finance.http.get(f"/console/payments{unescape(following[1])}")
    assert len(listed(first)) == 50
    assert listed(first) | listed(second) == made
    assert not listed(first) & listed(second)
    assert 'rel="next"' not in second.text
    for odd in ("0", "-1", "x", "99999999999999999999", "٢"):
        assert listed(await finance.get("/payments", page=odd)) == listed(first)


async def test_a_search_by_number_leaves_the_number_in_no_address_and_no_log(
    finance: Visitor, story: Story, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    his = str(await story.collected())
    await story.collected(agency="BH-IGA", service="ID-CARD", band="LOST", payer=OTHER_CITIZEN)
    caplog.set_level("DEBUG")
    typed = CITIZEN.e164.replace("+962", "00962 ")
    sent = await finance.post("/payments", page="/payments", number=typed)
    assert sent.status_code == 303
    where = sent.headers["location"]
    assert "790000001" not in where
    found = await finance.http.get(where)
    assert listed(found) == {his}
    assert CITIZEN.masked() in found.text
    assert "790000001" not in found.text
    assert "number_searched" in logged(caplog)
    assert "790000001" not in logged(caplog)
    row = await one_row(database, "SELECT * FROM console.audit ORDER BY id DESC LIMIT 1")
    assert (row["action"], row["subject"]) == ("number_searched", CITIZEN.masked())


async def test_the_address_of_a_search_by_number_is_worth_nothing_to_others(
    finance: Visitor, admin: Visitor, story: Story
) -> None:
    await story.collected()
    sent = await finance.post("/payments", page="/payments", number=CITIZEN.e164)
    answer = await admin.http.get(sent.headers["location"])
    assert listed(answer) == set()
    assert "This search by number has ended." in answer.text


async def test_a_number_that_never_paid_and_one_that_is_none_are_told_apart(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    sent = await finance.post("/payments", page="/payments", number="not a number")
    assert sent.status_code == 422
    sent = await finance.post("/payments", page="/payments", number="+96171888000")
    found = await finance.http.get(sent.headers["location"])
    assert listed(found) == set()
    assert "This number has never paid." in found.text


async def test_the_download_holds_the_filtered_set_in_plain_figures(
    finance: Visitor, story: Story, database: Database
) -> None:
    wanted = await story.collected()
    await story.refused()
    await finance.post("/language", language="ar", back="/console/")
    answer = await finance.get("/payments.csv", state="collected")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'attachment; filename="payments-2026-11-21.csv"' in answer.headers["content-disposition"]
    text = answer.content.decode()
    assert text.startswith(BOM)
    (row,) = csv.DictReader(io.StringIO(text.removeprefix(BOM)))
    assert row["payment_id"] == str(wanted)
    assert row["agency_name"] == "دائرة الأحوال المدنية والجوازات"
    assert row["created_at"] == "2026-11-21T12:00:00+03:00"
    assert (row["currency"], row["total"], row["agency_fee"]) == ("JOD", "50.000", "0.150")
    assert row["operator_reference"] == "TX-7781"
    assert "790000001" not in text
    async with database.read() as connection:
        subject = await connection.fetchval(
            "SELECT subject FROM console.audit WHERE action = 'downloaded'"
        )
    assert subject == "payments.csv?period=7d&state=collected"


async def test_a_viewer_is_offered_no_download(visitor: Visitor, hire: Hire, story: Story) -> None:
    await hire("noor", Role.VIEWER)
    await story.collected()
    await visitor.sign_in("noor")
    assert "payments.csv" not in (await visitor.get("/payments")).text


async def test_hostile_text_in_a_filter_comes_back_as_text(finance: Visitor, story: Story) -> None:
    await story.begun()
    answer = await finance.get("/payments", reference='"><script>alert(1)</script>')
    assert "<script" not in answer.text
    answer = await finance.get("/journal", account='"><img src=x>')
    assert "<img src=x" not in answer.text


async def test_the_filter_is_expanded_into_its_query_so_that_indexes_can_serve_it(
    owner: Database, story: Story
) -> None:
    await story.begun()
    sql = "SELECT * FROM console.matching_payment($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    order = "ORDER BY created_at DESC, id LIMIT 50"
    # One way is left to the planner in each case: what it costs does not matter. But a vacuum may
    # have come by when there was one row, of which an index spares nothing: it would be left out.
    many = "UPDATE pg_class SET reltuples = 1000, relpages = 1 WHERE relname = 'payment'"
    cases: list[tuple[str, dict[int, object], str]] = [
        ("Index Scan using payment_created", {}, "enable_sort"),
        ("Index Cond: (p.payer", {8: b"0123456789abcdef"}, "enable_indexscan"),
    ]
    for expected, chosen, forbidden in cases:
        values = [chosen.get(at) for at in range(9)]
        async with owner.read() as connection:
            thought = connection.transaction()
            await thought.start()
            await connection.execute(many)
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            await connection.execute("SET LOCAL enable_seqscan = off")
            await connection.execute(f"SET LOCAL {forbidden} = off")
            plan = await connection.fetch(f"EXPLAIN (VERBOSE) {sql} {order}", *values)
            await thought.rollback()
        lines = "\n".join(row[0] for row in plan)
        assert "Function Scan" not in lines
        assert "IS NULL" not in lines
        assert expected in lines, lines
