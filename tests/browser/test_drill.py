"""From the trial balance to the operator's own words in three clicks, and files by one more."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.database import Database
from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.test_console_pages import hired, sign_in
from tests.unit.console.story import Story

CLEARING = "Assets:Clearing:SANDBOX:JOD"


@pytest.mark.parametrize("size", [DESK, PHONE])
async def test_the_operators_message_is_three_clicks_from_the_trial_balance_without_scripts(
    new_page: NewPage, console_url: str, story: Story, database: Database, size: tuple[int, int]
) -> None:
    await hired(database, story)
    await story.collected()
    page = await new_page(size=size, scripts=False)
    await sign_in(page, console_url, "ar")
    await page.goto(f"{console_url}/console/trial-balance")
    await page.click(f"a[href='/console/accounts/{CLEARING}']")
    await page.click("#statement ~ tbody a[href^='/console/journal/'] >> nth=0")
    await page.click("a[href$='#proof']")
    words = page.locator("#proof pre")
    assert await words.is_visible()
    assert "transactionReference" in await words.inner_text()
    place = await page.locator("#proof").bounding_box()
    assert place is not None
    assert -5 <= place["y"] < size[1]


async def test_a_file_comes_down_by_one_click(
    new_page: NewPage, console_url: str, story: Story, database: Database, tmp_path: Path
) -> None:
    await hired(database, story)
    await story.collected()
    page = await new_page()
    await sign_in(page, console_url, "ar")
    await page.goto(f"{console_url}/console/accounts/{CLEARING}")
    for label, start in (("PDF", b"%PDF-"), ("Excel", b"PK")):
        async with page.expect_download() as coming:
            await page.click(f".files >> text={label}")
        download = await coming.value
        await download.save_as(tmp_path / label)
        assert (tmp_path / label).read_bytes().startswith(start)
        assert download.suggested_filename.startswith("statement-Assets-Clearing-SANDBOX-JOD-2026")
