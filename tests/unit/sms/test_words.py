"""Reading what people text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.words import Command, read

CODE = "123456789012345"
BILL = "123456789012"


@pytest.mark.parametrize(
    ("text", "command", "digits", "language"),
    [
        (f"VERIFY {CODE}", Command.VERIFY, CODE, "en"),
        ("verify 12345 67890 12345", Command.VERIFY, CODE, "en"),
        ("Verify:12345-67890-12345.", Command.VERIFY, CODE, "en"),
        (f"verify{CODE}", Command.VERIFY, CODE, "en"),
        (f"تحقق {CODE}", Command.VERIFY, CODE, "ar"),
        ("تحقّق ١٢٣٤٥ ٦٧٨٩٠ ١٢٣٤٥", Command.VERIFY, CODE, "ar"),
        ("تَحَقَّقْ من ۱۲۳۴۵۶۷۸۹۰۱۲۳۴۵", Command.VERIFY, CODE, "ar"),
        (f"\u200fتحـقـق\u200e {CODE}\u202c", Command.VERIFY, CODE, "ar"),
        (f"vérifiez {CODE}", Command.VERIFY, CODE, "fr"),
        (f"VERIFIER {CODE}", Command.VERIFY, CODE, "fr"),
        (CODE, Command.VERIFY, CODE, None),
        (f"PAY {BILL}", Command.PAY, BILL, "en"),
        ("pay", Command.PAY, "", "en"),
        (f"إدفع {BILL}", Command.PAY, BILL, "ar"),
        (f"ادفع{BILL}", Command.PAY, BILL, "ar"),
        ("أدفع ١٢٣٤ ٥٦٧٨ ٩٠١٢", Command.PAY, BILL, "ar"),
        (BILL, Command.PAY, BILL, None),
        ("HELP", Command.HELP, "", "en"),
        ("مساعدة", Command.HELP, "", "ar"),
        ("مساعده", Command.HELP, "", "ar"),
        (" Stop. ", Command.STOP, "", "en"),
        ("إيقاف", Command.STOP, "", "ar"),
        ("ايقاف", Command.STOP, "", "ar"),
        ("أوقف", Command.STOP, "", "ar"),
        ("ARRET", Command.STOP, "", "fr"),
        ("START", Command.START, "", "en"),
        ("إبدأ", Command.START, "", "ar"),
        ("stop wasting my money", Command.UNCLEAR, "", "en"),
        ("HELP 5", Command.UNCLEAR, "5", "en"),
        ("END", Command.UNCLEAR, "", None),
        ("CANCEL", Command.UNCLEAR, "", None),
        ("شكرا", Command.UNCLEAR, "", "ar"),
        ("12345", Command.UNCLEAR, "12345", None),
        ("", Command.UNCLEAR, "", None),
        ("🙂", Command.UNCLEAR, "", None),
    ],
)
def test_words_are_understood_however_they_are_spelt(
    text: str, command: Command, digits: str, language: str | None
) -> None:
    request = read(text)

    assert (request.command, request.digits) == (command, digits)
    assert request.language == language


@given(st.text(max_size=200))
def test_nothing_people_write_breaks_the_reader(text: str) -> None:
    request = read(text)

    assert request.digits == "" or (request.digits.isascii() and request.digits.isdigit())
