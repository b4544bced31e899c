"""What messages say, in every language, within the parts we pay for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kernel.alphabet import Alphabet
from kernel.texts import LANGUAGES
from sms.compose import LONGER, PARTS, TEXTS, Name, compose, radio_text
from sms.desk import SmsDesk
from sms.outbox import about_payment
from tests.unit.sms.correspondence import payment

DEMO = Path(__file__).resolve().parents[3] / "fees" / "demo"
REASONS = [
    "insufficient_funds", "user_declined", "user_timeout", "limit", "payer_not_found",
    "payer_blocked", "operator_unavailable", "duplicate", "currency", "config_error", "other", None,
]  # fmt: skip
TOLD = ["receipt", "beneficiary", "expired", "late", *(f"refused:{reason}" for reason in REASONS)]


def demo_services() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every agency and service of the demo catalogue."""
    catalogues = [tomllib.loads(file.read_text("utf-8")) for file in sorted(DEMO.glob("*.toml"))]
    return [
        (agency, service)
        for catalogue in catalogues
        for agency in catalogue["agency"]
        for service in agency["service"]
    ]


def desk() -> SmsDesk:
    """Only what composing needs of a desk: what to dial."""
    parts: dict[str, Any] = dict.fromkeys(
        ("database", "keys", "clock", "ids", "payments", "channels", "default_channel")
    )
    return SmsDesk(**parts, public_url="https://gw.example.gov.jo")


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_demo_service_at_the_largest_amount_fits_the_parts_we_pay_for(
    language: str, told: str
) -> None:
    what, _, reason = told.partition(":")
    for agency, service in demo_services():
        composed = about_payment(
            desk(),
            payment(
                language=language,
                reason=reason,
                agency_names=agency["names"],
                agency_short_names=agency["short_names"],
                service_names=service["names"],
                service_short_names=service["short_names"],
            ),
            what,
        )

        assert composed.segments.count <= LONGER.get(what, PARTS[language]), composed.text
        assert "180,000,000" in composed.text
        for name, of in (("agency", agency), ("service", service)):
            whole = {of["names"][language], of["short_names"][language]}
            assert composed.values[name] in whole, "a demo name was cut"


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_any_length_are_cut_until_the_receipt_fits(language: str) -> None:
    endless = {"ar": "مديرية " * 40, "en": "Directorate " * 40, "fr": "Direction " * 40}

    composed = about_payment(
        desk(),
        payment(
            language=language,
            agency_names=endless,
            agency_short_names=endless,
            service_names=endless,
            service_short_names={},
        ),
        "receipt",
    )

    assert composed.segments.count <= PARTS[language]
    assert "12345 67890 12345" in composed.text


def test_an_english_receipt_reads_whole() -> None:
    composed = about_payment(desk(), payment(language="en"), "receipt")

    assert composed.text == (
        "Paid 180,000,000 LBP to Gen. Security, Carrier penalty, 22/11/2026. Receipt 12345678901. "
        "To check it dial *789#, code 12345 67890 12345"
    )
    assert composed.segments.alphabet is Alphabet.GSM7
    assert composed.segments.count == 1


def test_an_arabic_receipt_reads_whole_and_tells_the_day_where_the_agency_is() -> None:
    composed = about_payment(desk(), payment(), "receipt")

    assert composed.text == (
        "دُفع 180,000,000 ليرة إلى الأمن العام: غرامة نقل\n"
        "إيصال 12345678901، 22/11/2026\n"
        "للتحقق:\n"
        "USSD *789# Code 12345 67890 12345"
    )
    assert composed.segments.count == 2


def test_short_names_are_used_only_when_whole_ones_do_not_fit() -> None:
    names = ("agency", Name("Ministry of Tests", "Tests")), ("service", Name("Permit", "P"))

    roomy = compose("pay.offer", "en", {"amount": "5.000 JOD", "dial": "*789#"}, *names)

    assert "Ministry of Tests, Permit" in roomy.text


def test_a_refusal_says_that_nothing_was_taken_and_what_to_do_next() -> None:
    refused = payment(language="en", reason="insufficient_funds", receipt_number=None)

    assert about_payment(desk(), refused, "refused").text == (
        "You were not charged 180,000,000 LBP for General Directorate of General Security: "
        "your wallet balance is too low. Top up, then dial *789*123456789012#"
    )


def test_a_reason_nobody_wrote_a_text_for_still_says_that_nothing_was_taken() -> None:
    composed = about_payment(desk(), payment(language="en", reason="new_reason"), "refused")

    assert composed.template == "refused.other"
    assert composed.text.startswith("You were not charged")


def test_a_language_without_texts_becomes_arabic() -> None:
    assert about_payment(desk(), payment(language="de"), "late").language == "ar"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Reçu n° 1", "Reçu n° 1"),
        ("Reçu: forêt", "Recu: foret"),
        ("été à Noël", "été à Noel"),
        ("Agency – “Tests”", 'Agency - "Tests"'),
        ("Ça: €5", "Ça: €5"),
        ("إيصال – 5", "إيصال – 5"),
    ],
)
def test_accents_are_given_up_only_where_that_saves_half_the_price(text: str, sent: str) -> None:
    assert radio_text(text) == sent


def test_every_language_has_the_same_texts_with_the_same_places() -> None:
    def places(language: str) -> dict[str, set[str]]:
        return {
            key: set(re.findall(r"\{(\w+)\}", TEXTS.get(language, key)))
            for key in TEXTS.keys(language)
        }

    assert TEXTS.languages == LANGUAGES
    assert places("ar") == places("en") == places("fr")


def test_what_is_dialled_stands_after_a_latin_word_in_arabic_so_that_phones_keep_its_order() -> (
    None
):
    for key in TEXTS.keys("ar"):
        for line in TEXTS.get("ar", key).splitlines():
            if re.search(r"\{(dial|short_code|code)\}", line):
                assert re.match(r"[A-Z]", line), key
                assert not re.search("[\u0600-\u06ff]", line), key


def test_texts_hold_no_direction_marks_tatweel_or_arabic_indic_digits() -> None:
    for language in LANGUAGES:
        for key in TEXTS.keys(language):
            assert not re.search(
                "[\u0640\u200e\u200f\u202a-\u202e\u2066-\u2069\u0660-\u0669\u06f0-\u06f9]",
                TEXTS.get(language, key),
            ), key
