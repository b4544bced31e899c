"""SQL blocks are all used; every language says everything; no catalogue breaks a phone."""

from __future__ import annotations

import re

import pytest

from kernel.sql import named_blocks
from kernel.texts import LANGUAGES, Texts
from tests.house.source import PACKAGES, ROOT, production

WITH_SQL = [package for package in PACKAGES if (ROOT / package / "sql").is_dir()]
WITH_TEXTS = [package for package in PACKAGES if (ROOT / package / "texts").is_dir()]
PLACE = re.compile(r"\{(\w+)[^}]*\}")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u0640\ufb50-\ufdff\ufe70-\ufeff]")
ARABIC_DIGITS = re.compile("[٠-٩۰-۹]")


@pytest.mark.parametrize("package", WITH_SQL)
def test_every_block_is_used_and_every_use_has_a_block(package: str) -> None:
    written = set(named_blocks(ROOT / package / "sql"))
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in production() if package in file.parts
    )
    families = tuple(re.findall(r'f"(\w+_)\{', code))
    used = set(re.findall(r'SQL\["(\w+)"\]', code)) | {
        name for name in written if f'"{name}"' in code or name.startswith(families or "\0")
    }
    assert written == used, f"unused: {written - used}, missing: {used - written}"


@pytest.mark.parametrize("package", WITH_SQL)
def test_sql_is_never_put_together_from_text(package: str) -> None:
    statements = re.compile(r'f"[^"]*\b(SELECT|INSERT|UPDATE|DELETE)\b [^"]*\{', re.IGNORECASE)
    found = [
        str(file.relative_to(ROOT))
        for file in production()
        if package in file.parts and statements.search(file.read_text(encoding="utf-8"))
    ]
    assert not found, f"use parameters: {found}"


@pytest.mark.parametrize("package", WITH_TEXTS)
def test_every_language_has_the_same_keys_and_places(package: str) -> None:
    texts = Texts(ROOT / package / "texts")
    assert texts.languages == LANGUAGES
    for language in LANGUAGES:
        assert texts.keys(language) == texts.keys("ar")
    for key in texts.keys("ar"):
        places = {language: set(PLACE.findall(texts.get(language, key))) for language in LANGUAGES}
        assert len({frozenset(names) for names in places.values()}) == 1, (key, places)


@pytest.mark.parametrize("package", ["ussd", "sms"])
def test_what_goes_to_a_phone_has_no_marks_that_cost_and_western_digits(package: str) -> None:
    texts = Texts(ROOT / package / "texts")
    for language in LANGUAGES:
        for key in texts.keys(language):
            text = texts.get(language, key)
            assert not BIDI.search(text), (language, key)
            assert not ARABIC_DIGITS.search(text), (language, key)
