"""Small parts of the phone: codes, screens, texts, settings, the table of behaviours."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from kernel.alphabet import Alphabet
from kernel.texts import LANGUAGES
from sandbox.behaviours import BEHAVIOURS, DEMO_NUMBERS, behaviour_of
from sandbox.hop import Fault, Screen, dialled_entries
from sandbox.networks import HOME_NETWORK, NETWORKS
from sandbox.pages import TEXTS
from sandbox.settings import BadSetting, from_environment
from sandbox.sms import read_message
from sandbox.teller import PersonSays

DOCS = Path(__file__).resolve().parents[3] / "docs" / "sandbox.md"


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("*789#", []),
        ("*789*123456789012#", ["123456789012"]),
        ("*789*1*2#", ["1", "2"]),
        ("*٧٨٩#", []),
        ("* 789 #", []),
        ("*100#", None),
        ("789", None),
        ("*789", None),
        ("*789**#", None),
        ("", None),
    ],
)
def test_a_dialled_code_is_split_into_what_follows_the_short_code(
    code: str, entries: list[str] | None
) -> None:
    assert dialled_entries(code) == entries


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "budget"),
    [
        ("x" * 182, Alphabet.GSM7, 182, 182),
        ("{}", Alphabet.GSM7, 4, 182),
        ("ميزان", Alphabet.UCS2, 5, 80),
        ("pay ض", Alphabet.UCS2, 5, 80),
    ],
)
def test_a_screen_knows_what_it_costs_on_the_radio(
    text: str, alphabet: Alphabet, units: int, budget: int
) -> None:
    standard = NETWORKS[HOME_NETWORK].budget(alphabet)
    screen = Screen(text, ends=False, budget=standard)
    assert (screen.alphabet, screen.units, screen.budget) == (alphabet, units, budget)
    assert screen.fits


def test_all_languages_have_the_same_texts_and_no_invisible_marks() -> None:
    assert TEXTS.languages == LANGUAGES
    for language in LANGUAGES:
        assert TEXTS.keys(language) == TEXTS.keys("ar")
        for key in TEXTS.keys(language):
            text = TEXTS.get(language, key)
            assert text.strip()
            assert not [char for char in text if unicodedata.category(char) == "Cf"]


def test_everything_that_can_be_shown_has_a_text() -> None:
    keys = TEXTS.keys("ar")
    assert {row.text_key for row in BEHAVIOURS} <= keys
    assert {f"fault.{fault}" for fault in Fault} | {f"say.{said}" for said in PersonSays} <= keys
    assert {f"country.{number[:4]}" for number in DEMO_NUMBERS} <= keys


def test_the_last_two_digits_choose_the_behaviour_and_all_others_ask() -> None:
    assert [behaviour_of(f"+9627900000{n:02d}").digits for n in range(15)] == [
        f"{n:02d}" for n in range(15)
    ]
    assert behaviour_of("+96171888099").digits == "00"


def test_the_documentation_shows_the_table_of_behaviours() -> None:
    docs = DOCS.read_text("utf-8")
    for row in BEHAVIOURS:
        assert f"| {row.digits} | {TEXTS.get('en', row.text_key)} |" in docs


@pytest.mark.parametrize("pace", ["0", "-1", "fast", "nan", "inf"])
def test_a_pace_that_is_no_factor_is_refused_by_name(pace: str) -> None:
    with pytest.raises(BadSetting, match="MIZAN_SANDBOX_PACE"):
        from_environment({"MIZAN_SANDBOX_PACE": pace})


def test_settings_come_from_the_environment() -> None:
    environ = {"MIZAN_PUBLIC_URL": "http://g/", "MIZAN_HOME": "/h", "MIZAN_SANDBOX_PACE": "0.5"}
    settings = from_environment(environ)
    assert (settings.gateway, settings.pace) == ("http://g", 0.5)
    assert settings.book == Path("/h/sandbox/book.sqlite3")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": "", "to": "+962790000000", "from": "M", "text": "x", "status_url": ""}',
        b'{"id": "1", "to": "nobody", "from": "M", "text": "x", "status_url": ""}',
        b'{"id": "1", "to": "+962790000000", "from": "M", "text": "", "status_url": ""}',
        b'{"id": 1, "to": "+962790000000", "from": "M", "text": "x", "status_url": ""}',
        b'{"id": "1", "to": "+962790000000", "from": "M", "text": "x", "status_url": "file:///x"}',
        b'{"id": "1", "to": "+962790000000", "from": "M", "text": "x", "status_url": "http://[a"}',
        b'{"id": "1", "to": "+962790000000", "from": "M", "text": "\\ud800", "status_url": ""}',
        b'{"id": "1", "to": "+962790000000", "from": "M", "text": "x", "status_url": ""}'
        + b" " * 20_000,
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_in_words(body: bytes) -> None:
    assert isinstance(read_message(body, "2026-11-21T09:00:00.000Z"), str)
