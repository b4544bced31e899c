"""What operators' networks carry, and what a channel makes of it."""

from __future__ import annotations

import tomllib
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
from ussd.page import Line, Nav, NavWords, Profile, fit, fits
from ussd.profiles import DATA, PROFILES, OperatorProfile, SessionIds, page_of, settled
from ussd.routes import routes

WORDS = NavWords("Back", "Home", "More")


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
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    gateway = FakeGateway(clock)
    gateway.languages["+962790000000"] = "en"
    one = replace(channel("safaricom"), dialect="africastalking", wallets=("sandbox",))
    application = Starlette(
        routes=routes(
            channels={"one": one},
            wallets={"sandbox": wallet("sandbox")},
            gateway=gateway,
            valkey=valkey,
            keys=keys,
            clock=clock,
        )
    )
    async with caller(application, "127.0.0.1") as line:
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
