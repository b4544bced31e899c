"""What operators' networks carry, and what a channel makes of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from kernel.alphabet import Alphabet
from kernel.clock import ManualClock
from kernel.config import ChannelConfig, load
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.house.source import ROOT
from tests.unit.ussd.conftest import caller, wallet
from tests.unit.ussd.phone import Handset
from ussd.dialects import DIALECTS
from ussd.fake_gateway import FakeGateway
from ussd.lint import lint
from ussd.page import Line, Nav, NavWords, Profile, fit, fits
from ussd.profiles import (
    DATA,
    PROFILES,
    RESUME_S,
    OperatorProfile,
    SessionIds,
    languages_in,
    page_of,
    settled,
)
from ussd.routes import routes

WORDS = NavWords("Back", "Home", "More")
MenuOn = Callable[[ChannelConfig, FakeGateway], Starlette]


@pytest.fixture
def menu_on(valkey: Valkey, keys: Keys, clock: ManualClock) -> MenuOn:
    """The menu behind one channel."""

    def made(one: ChannelConfig, gateway: FakeGateway) -> Starlette:
        wallets = {"sandbox": wallet("sandbox")}
        return Starlette(
            routes=routes(
                channels={one.name: one},
                wallets=wallets,
                gateway=gateway,
                valkey=valkey,
                keys=keys,
                clock=clock,
            )
        )

    return made


def channel(profile: str = "standard") -> ChannelConfig:
    return ChannelConfig(name="one", dialect="json", short_code="*789#", profile=profile)


def test_every_profile_says_where_it_was_read() -> None:
    sections = tomllib.loads(DATA.read_text(encoding="utf-8"))
    assert all(len(section.get("source", "")) > 10 for section in sections.values())


@pytest.mark.parametrize("one", PROFILES.values(), ids=PROFILES)
def test_a_profile_is_no_more_than_the_standard_allows(one: OperatorProfile) -> None:
    standard = PROFILES["standard"]
    assert 60 <= one.septets <= standard.septets == 182
    assert 40 <= one.ucs2_units <= standard.ucs2_units == 80
    assert Alphabet.UCS2 in one.alphabets
    assert 0 < one.idle_s <= 600
    assert 5 <= one.answer_s <= 60


def test_what_operators_document() -> None:
    assert PROFILES["safaricom"].page == Profile(160, 70, "000", "99")
    assert PROFILES["restcomm"].page == Profile(182, 80)
    assert PROFILES["restcomm"].answer_s == 25
    assert PROFILES["airtel"].reserved_keys == ("98", "00")
    assert PROFILES["nalo"].session_ids is SessionIds.MISSING


def test_a_channel_takes_what_it_does_not_say_from_its_profile() -> None:
    one = settled(channel("safaricom"))
    assert (one.septets, one.ucs2_units, one.idle_s, one.answer_s) == (160, 70, 30, 10)
    assert page_of(one) == Profile(160, 70, "000", "99")


def test_a_channel_knows_better() -> None:
    better = replace(channel("safaricom"), septets=140, answer_s=6.0, reserved_keys=("98", "99"))
    one = settled(better)
    assert (one.septets, one.ucs2_units, one.answer_s) == (140, 70, 6)
    assert page_of(one) == Profile(140, 70, "00", "88")


def test_wallets_of_the_operators_currency_are_offered_where_none_is_named() -> None:
    wallets = [wallet("cedi", "GHS"), wallet("dinar", "JOD")]
    assert settled(channel("hubtel"), wallets).wallets == ("cedi",)
    assert settled(replace(channel("hubtel"), wallets=("dinar",)), wallets).wallets == ("dinar",)
    assert settled(channel(), wallets).wallets == ()


def test_a_session_is_kept_until_well_after_the_network_gave_up_waiting() -> None:
    for profile, idle_s in (("standard", 20), ("arkesel", 150)):
        assert settled(channel(profile)).session_ttl_s == idle_s + RESUME_S
    assert settled(replace(channel(), idle_s=45)).session_ttl_s == 45 + RESUME_S
    assert settled(replace(channel("arkesel"), session_ttl_s=60)).session_ttl_s == 60


LATIN = replace(PROFILES["standard"], name="latin", alphabets=frozenset({Alphabet.GSM7}))
"""A network that carries GSM 7-bit alone."""


def test_a_network_offers_the_languages_that_it_can_show() -> None:
    assert languages_in(PROFILES["standard"].alphabets) == ("ar", "en", "fr")
    assert languages_in(LATIN.alphabets) == ("en", "fr")


@pytest.mark.parametrize(
    ("languages", "default", "says"),
    [
        (("en", "tlh"), "en", "shows no 'tlh'"),
        (("en",), "ar", "default_language is not among"),
    ],
)
def test_a_language_that_cannot_be_offered_does_not_start(
    languages: tuple[str, ...], default: str, says: str
) -> None:
    with pytest.raises(ValueError, match=rf"ussd\.one: .*{says}"):
        settled(replace(channel(), languages=languages, default_language=default))


def test_the_lint_proves_a_network_without_arabic_too() -> None:
    report = lint(operators={"latin": LATIN})
    assert report.problems == []
    assert {alphabet for _, alphabet in report.tightest} == {Alphabet.GSM7}
    assert report.rendered > 1000


async def test_who_speaks_a_language_that_the_network_cannot_show_is_not_asked_again(
    menu_on: MenuOn, clock: ManualClock
) -> None:
    gateway = FakeGateway(clock)
    gateway.languages["+962790000000"] = "ar"
    one = replace(
        channel(),
        dialect="africastalking",
        languages=("en", "fr"),
        default_language="en",
        wallets=("sandbox",),
    )
    async with caller(menu_on(one, gateway), "127.0.0.1") as line:
        await Handset(line, path="/ussd/one").dials("*789#").sees("1. Pay a bill")
        stranger = Handset(line, "+962790000001", path="/ussd/one")
        await stranger.dials("*789#").sees("Mizan\n1. English\n2. Francais")
        assert stranger.screen.isascii()
        await stranger.sends("3").sees("Please choose").sends("2").sees("Payer une facture")
    assert gateway.languages == {"+962790000000": "ar", "+962790000001": "fr"}


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ValueError, match=r"ussd\.one: unknown profile 'martian' \(known: .*nalo"):
        settled(channel("martian"))


@pytest.mark.parametrize("one", PROFILES.values(), ids=PROFILES)
def test_no_page_offers_a_key_that_the_operator_takes_for_itself(one: OperatorProfile) -> None:
    lines = [Line(f"choice number {number} of a long list", str(number)) for number in range(1, 30)]
    pages = fit(lines, one.page, nav=Nav.BACK_AND_HOME, words=WORDS)
    keys = {line.partition(". ")[0] for page in pages for line in page.split("\n")}
    assert len(pages) > 3
    assert keys >= {"0", one.page.more}
    assert not keys & {"98", *one.reserved_keys}
    assert all(fits(page, one.page) for page in pages)


async def test_the_menu_on_a_network_that_answers_00_itself(
    menu_on: MenuOn, clock: ManualClock
) -> None:
    gateway = FakeGateway(clock)
    gateway.languages["+962790000000"] = "en"
    one = replace(channel("safaricom"), dialect="africastalking", wallets=("sandbox",))
    async with caller(menu_on(one, gateway), "127.0.0.1") as line:
        phone = Handset(line, path="/ussd/one", profile=Profile(160, 70))
        await phone.dials("*789#")
        home = phone.screen
        await phone.sends("2").sees("0. ")
        assert "\n00. " not in phone.screen
        await phone.sends("000")
        assert phone.screen == home


def test_the_sandbox_has_a_channel_for_every_dialect() -> None:
    environ = {
        "MIZAN_CONFIG": str(ROOT / "config" / "sandbox.toml"),
        "MIZAN_DATABASE_URL": "postgresql://db",
        "MIZAN_REDIS_URL": "redis://r",
        "MIZAN_PUBLIC_URL": "http://127.0.0.1:8000",
        "MIZAN_SANDBOX_URL": "http://127.0.0.1:8001",
        "MIZAN_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    }
    channels = load(environ).channels.values()
    assert {one.dialect for one in channels} == set(DIALECTS)
    assert all(settled(one).septets for one in channels)
