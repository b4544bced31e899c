"""The network card of the phone page: by keyboard, without scripts, on a phone's screen."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from launch.rehearsal import Stack
from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.looks import flaws
from tests.browser.test_phone_to_console import SLOW, enter, pick_up

LOOKS = [
    ("+962790001300", "ar", DESK, True),
    ("+962790002300", "en", DESK, True),
    ("+962790003300", "ar", PHONE, False),
    ("+962790004300", "en", PHONE, False),
]


@pytest.mark.parametrize(("number", "language", "size", "scripts"), LOOKS)
async def test_a_network_is_chosen_and_misbehaves_by_keyboard_alone(
    new_page: NewPage,
    stack: Stack,
    *,
    number: str,
    language: str,
    size: tuple[int, int],
    scripts: bool,
) -> None:
    page = await new_page(size=size, scripts=scripts)
    await pick_up(page, stack, number, language)
    await page.locator("#network").focus()
    await page.keyboard.type("hubtel")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".meter")).to_contain_text("160", timeout=SLOW)
    await enter(page, "*789#")
    screen = page.locator(".ussd")
    await expect(screen).to_contain_text("العربية", timeout=SLOW)
    await expect(page.locator(".meter")).to_contain_text("70")
    await page.locator("#again-1").press("Enter")
    await expect(page.locator(".hops .came")).to_contain_text("✓", timeout=SLOW)
    await page.locator(".wire summary").press("Enter")
    await expect(page.locator(".wire pre")).to_contain_text("Initiation")
    assert not await flaws(page)
    await page.locator("button[value=drop]").press("Enter")
    await expect(page.locator(".fault")).to_be_visible(timeout=SLOW)
    await enter(page, "*789#")
    await expect(screen).to_contain_text("العربية", timeout=SLOW)


async def test_the_focus_stays_on_a_request_that_was_sent_again(
    new_page: NewPage, stack: Stack
) -> None:
    page = await new_page()
    await pick_up(page, stack, "+962790009300", "ar")
    await enter(page, "*789#")
    again = page.locator("#again-1")
    await again.press("Enter")
    await expect(page.locator(".hops .came")).to_contain_text("✓", timeout=SLOW)
    await expect(again).to_be_focused()
