"""The page of use: its figures are those of dialogues that were really had."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette

from console import plots
from console.export import BOM
from console.roles import Role
from fees import bills
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.console.conftest import Hire, Visitor, one_row
from tests.unit.console.story import Story
from tests.unit.console.test_books_pages import tiles
from tests.unit.ussd.conftest import CHANNELS, caller, wallet
from tests.unit.ussd.phone import Handset
from ussd.analytics import Tally
from ussd.desk_gateway import DeskGateway
from ussd.routes import routes
from wallets.port import Outcome

ZONE = "Asia/Amman"
PASSPORT = "JO-CSPD/PASSPORT"
DAMAGED = "JO-CSPD/PASSPORT-DAMAGED"


@dataclass
class Callers:
    """Citizens on their phones, and operators that answer."""

    line: httpx.AsyncClient
    gateway: DeskGateway
    story: Story
    tally: Tally

    async def phone(self, at: int, language: str = "ar") -> Handset:
        number = Msisdn(f"+9627900000{at:02d}")
        await self.gateway.set_language(number, language)
        return Handset(self.line, number.e164)

    async def dials_a_bill(
        self, at: int, *, service: str = "PASSPORT", language: str = "ar", agrees: bool = True
    ) -> None:
        """Somebody dials the number of a bill, and says yes or hangs up."""
        async with self.story.database.transaction() as connection:
            bill = await bills.issue(
                connection,
                self.story.ids,
                agency="JO-CSPD",
                service=service,
                at=self.story.clock.now(),
            )
        assert isinstance(bill, bills.Bill)
        phone = await (await self.phone(at, language)).dials(f"*789*{bill.control_number}#")
        while agrees and not phone.ended:
            await phone.sends("1")

    async def paid(self, *, after_s: int) -> None:
        """The wallet answers the newest payment so long after the dialogue began."""
        async with self.story.database.read() as connection:
            payment: UUID = await connection.fetchval(
                "SELECT id FROM payments.payment WHERE state = 'created'"
            )
        self.story.clock.forward(timedelta(seconds=after_s))
        await self.story.sent(payment)
        await self.story.answered(payment, self.story.said(Outcome.ACCEPTED))

    async def counted(self) -> None:
        await self.tally.flush(self.story.database)


@pytest.fixture
async def callers(
    valkey: Valkey, keys: Keys, clock: ManualClock, story: Story
) -> AsyncIterator[Callers]:
    gateway = DeskGateway(story.desk, Limits(valkey, keys, clock))
    tally = Tally(clock, RandomIds(), ZONE)
    application = Starlette(
        routes=routes(
            channels=CHANNELS,
            wallets={"sandbox": wallet("sandbox")},
            gateway=gateway,
            valkey=valkey,
            keys=keys,
            clock=clock,
            observe=tally.hop,
        )
    )
    async with caller(application, "127.0.0.1") as line:
        yield Callers(line, gateway, story, tally)


@pytest.fixture
async def busy(callers: Callers) -> Callers:
    """Five dialogues: two paid after 20 and 100 s, one agreed, one looked, one lost on the way."""
    await callers.dials_a_bill(1)
    await callers.paid(after_s=20)
    await callers.dials_a_bill(2, service="PASSPORT-DAMAGED", language="fr")
    await callers.paid(after_s=100)
    await callers.dials_a_bill(3)
    await callers.dials_a_bill(4, agrees=False)
    lost = await (await callers.phone(5)).dials("*789#").sends("1")
    news = {"sessionId": lost.session, "phoneNumber": "+962790000005", "status": "Incomplete"}
    await callers.line.post("/ussd/sandbox", data=news)
    await callers.counted()
    return callers


def table(page: str, name: str) -> dict[str, list[str]]:
    """Rows of a table by their heading: the figures of the other cells, a dash for none."""
    body = page.partition(f'id="{name}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        heading, _, cells = row.partition("</th>")
        heading = re.sub(r"<small.*?</small>|<[^>]*>", "", heading).strip()
        figures = re.findall(r"<td[^>]*>(.*?)</td>", cells, re.DOTALL)
        rows[heading] = [re.sub(r"<[^>]*>", "", figure).strip() for figure in figures]
    return rows


async def test_figures_are_those_of_the_dialogues(finance: Visitor, busy: Callers) -> None:
    del busy
    page = (await finance.get("/usage")).text
    assert table(page, "funnel") == {
        "Opened": ["4", "100%"],
        "Priced": ["4", "100%"],
        "Confirmed": ["3", "75%"],
        "Collected": ["2", "50%"],
        "Receipted": ["2", "50%"],
    }
    assert table(page, "pieces") == {"2026-11-21": ["4", "4", "3", "2", "2"]}
    assert list(table(page, "split").values()) == [
        ["3", "3", "2", "1", "1"],
        ["1", "1", "1", "1", "1"],
    ]
    assert table(page, "screens") == {
        "Total and yes": ["4", "3", "–", "1", "–", "–", "–", "25%"],
        "Bill number": ["1", "–", "–", "1", "–", "–", "1", "100%"],
        "Payment started": ["3", "–", "3", "–", "–", "–", "–", "0%"],
        "Main menu": ["1", "1", "–", "–", "–", "–", "–", "0%"],
    }
    assert tiles((await finance.get("/")).text)["Services opened on the menu today"] == (
        "/console/usage?period=today",
        "4",
    )
    assert "1 min 0 s" in page
    assert "1 min 36 s" in page


@pytest.mark.parametrize(
    ("query", "opened", "receipts"),
    [
        ({"service": PASSPORT}, "3", "1"),
        ({"service": DAMAGED}, "1", "1"),
        ({"language": "fr"}, "1", "1"),
        ({"language": "en"}, "–", "–"),
        ({"language": "xx"}, "4", "2"),
        ({"channel": "sandbox"}, "4", "2"),
        ({"channel": "elsewhere"}, "–", "–"),
        ({"period": "yesterday"}, "–", "–"),
        ({"period": "all"}, "4", "2"),
        ({"from": "2026-11-21", "to": "2026-11-21"}, "4", "2"),
        ({"from": "2026-11-22"}, "–", "–"),
    ],
)
async def test_each_filter_counts_its_own(
    finance: Visitor, busy: Callers, query: dict[str, str], opened: str, receipts: str
) -> None:
    del busy
    answer = await finance.get("/usage", **query)
    assert answer.status_code == 200
    stages = table(answer.text, "funnel")
    assert (stages["Opened"][0], stages["Receipted"][0]) == (opened, receipts)


async def test_stages_are_split_as_asked(finance: Visitor, busy: Callers) -> None:
    del busy
    by_language = table((await finance.get("/usage", by="language")).text, "split")
    assert {name: row[0] for name, row in by_language.items()} == {"Arabic": "3", "French": "1"}
    by_channel = table((await finance.get("/usage", by="channel")).text, "split")
    assert {name: row[0] for name, row in by_channel.items()} == {"sandbox": "4"}


async def test_the_same_figures_as_files_and_each_download_is_recorded(
    finance: Visitor, busy: Callers, database: Database
) -> None:
    del busy
    stages = rows_of(await finance.get("/usage.csv"))
    assert stages[0][:5] == ["day", "channel", "service", "language", "opened"]
    assert [row[2:] for row in stages[1:]] == [
        [PASSPORT, "ar", "3", "3", "2", "1", "1"],
        [DAMAGED, "fr", "1", "1", "1", "1", "1"],
    ]
    screens = rows_of(await finance.get("/usage-screens.csv", language="fr"))
    assert [row[:5] for row in screens[1:]] == [
        ["approve", "1", "0", "1", "0"],
        ["confirm", "1", "1", "0", "0"],
    ]
    found = await one_row(
        database, "SELECT count(*) AS downloads FROM console.audit WHERE action = 'downloaded'"
    )
    assert found["downloads"] == 2


def rows_of(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text.removeprefix(BOM))))


async def test_before_anything_was_counted_the_page_says_so(finance: Visitor) -> None:
    answer = await finance.get("/usage")
    assert answer.status_code == 200
    assert "Nothing in this period" in answer.text
    assert "–" in answer.text


async def test_days_without_anything_are_nothing_and_long_times_are_months(
    finance: Visitor, callers: Callers
) -> None:
    await callers.dials_a_bill(1, agrees=False)
    callers.story.clock.forward(timedelta(days=3))
    await callers.dials_a_bill(2, agrees=False)
    await callers.counted()
    await finance.sign_in("rana", language="en")  # the session of three days ago is over
    days = table((await finance.get("/usage")).text, "pieces")
    assert {day: row[0] for day, row in days.items()} == {
        "2026-11-24": "1",
        "2026-11-23": "–",
        "2026-11-22": "–",
        "2026-11-21": "1",
    }
    months = table((await finance.get("/usage", period="12m")).text, "pieces")
    assert {month: row[0] for month, row in months.items()} == {"2026-11": "2"}


async def test_every_plot_has_a_name_and_a_table_beside_it(finance: Visitor, busy: Callers) -> None:
    del busy
    page = (await finance.get("/usage")).text
    named = re.findall(r'<svg class="plot"[^>]* role="img" aria-label="([^"]+)"', page)
    assert len(named) == 3
    assert "Opened 4" in named[0]
    assert page.count('class="plotted"') == 3
    for part in page.split('class="plotted"')[1:]:
        assert "<table" in part.partition("</section>")[0]
    assert "style=" not in page
    assert "<script" not in page


async def test_a_viewer_sees_the_page_and_no_files(visitor: Visitor, hire: Hire) -> None:
    await hire("omar", Role.VIEWER)
    await visitor.sign_in("omar")
    assert (await visitor.get("/usage")).status_code == 200
    assert (await visitor.get("/usage.csv")).status_code == 403


def test_arabic_plots_run_from_the_right() -> None:
    rows = [("فتح", 4, "4"), ("وافق", 1, "1 (25%)")]
    left, right = (plots.bars("name", rows, is_rtl=rtl) for rtl in (False, True))
    assert re.findall(r'class="bar" x="([\d.]+)"', left) == ["0.0", "0.0"]
    assert re.findall(r'class="bar" x="([\d.]+)"', right) == ["0.0", "270.0"]
    drawn = plots.lines("name", ["1", "2"], [[1, 2]], is_rtl=True)
    first, last = re.findall(r'cx="([\d.]+)"', drawn)
    assert float(first) > float(last)


def test_a_plot_holds_nothing_but_text() -> None:
    drawn = plots.bars('"><script>', [("<b>", 1, "&")], is_rtl=False)
    assert "<script" not in drawn
    assert "<b>" not in drawn
