"""Wallets by configuration; tokens by collection; headers that may be kept."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from kernel.clock import ManualClock
from kernel.config import ConfigError, WalletConfig
from kernel.http import HttpClient
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from wallets.directory import build, build_all, wallet_for
from wallets.headers import kept_headers, printable
from wallets.tokens import callback_token, digest, is_token

JORDAN = WalletConfig(
    code="north",
    adapter="gsma",
    base_url="http://127.0.0.1:9",
    names={"en": "North"},
    currencies=("JOD", "USD"),
    countries=("JO",),
)
LEBANON = replace(JORDAN, code="cedar", currencies=("LBP", "USD"), countries=("LB", "JO"))
BOTH = {"north": JORDAN, "cedar": LEBANON}
JORDANIAN, LEBANESE = Msisdn.parse("+962790000001"), Msisdn.parse("+96171888000")
ONE, OTHER = UUID(int=1), UUID(int=2)


async def test_a_wallet_is_built_by_the_name_of_its_adapter(clock: ManualClock) -> None:
    http = HttpClient(verify=False)
    wallets = build_all(BOTH, http, clock)
    await http.close()
    assert {code: wallet.code for code, wallet in wallets.items()} == {
        "north": "north",
        "cedar": "cedar",
    }
    assert wallets["cedar"].capabilities.currencies == ("LBP", "USD")


async def test_an_unknown_adapter_is_named_with_those_there_are(clock: ManualClock) -> None:
    http = HttpClient(verify=False)
    with pytest.raises(ConfigError, match=r"wallets\.north\.adapter must be one of gsma"):
        build(replace(JORDAN, adapter="gsm"), http, clock)
    await http.close()


@pytest.mark.parametrize(
    ("payer", "currency", "code"),
    [
        (JORDANIAN, "JOD", "north"),
        (JORDANIAN, "USD", "north"),
        (JORDANIAN, "LBP", "cedar"),
        (LEBANESE, "USD", "cedar"),
        (LEBANESE, "JOD", None),
        (Msisdn.parse("+97336000000"), "USD", None),
    ],
)
def test_a_wallet_is_chosen_by_country_and_currency(
    payer: Msisdn, currency: str, code: str | None
) -> None:
    chosen = wallet_for(BOTH, payer=payer, currency=currency)
    assert (chosen.code if chosen else None) == code


def test_a_token_is_the_same_every_time_and_another_for_every_collection(keys: Keys) -> None:
    token = callback_token(keys, ONE)
    assert is_token(token)
    assert token == callback_token(keys, ONE)
    assert token != callback_token(keys, OTHER)
    assert token != callback_token(Keys("another secret of an installation"), ONE)
    assert len(digest(token)) == 32


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "A" * 32, "a" * 31 + "1", "a" * 32 + "\n"]
)
def test_another_shape_is_no_token(text: str) -> None:
    assert not is_token(text)


def test_only_harmless_headers_are_kept() -> None:
    sent = {
        "Content-Type": "application/json",
        "X-CorrelationID": "c",
        "Authorization": "Bearer t",
        "Cookie": "a=b",
        "X-API-Key": "k",
        "X-Forwarded-For": "198.51.100.7",
    }
    assert kept_headers(sent) == {"content-type": "application/json", "x-correlationid": "c"}


def test_a_header_made_to_hurt_is_tamed() -> None:
    assert kept_headers({"user-agent": "a\x00b" + "c" * 1000}) == {"user-agent": "a?b" + "c" * 509}
    assert printable("\ud800ميزان\u202e", 6) == "?ميزان"
