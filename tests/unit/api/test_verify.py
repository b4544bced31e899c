"""The public receipt check: what anybody sees."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx

from api.pages import HEADERS
from api.verify import TEXTS
from kernel.database import Database
from kernel.limits import Limits
from kernel.texts import LANGUAGES
from kernel.valkey import Valkey
from tests.unit.api.agencies import Town


async def look(town: Town, path: str, host: str = "203.0.113.7") -> httpx.Response:
    return await town.ask("GET", path, key=None, host=host)


async def paid(town: Town) -> str:
    bill = (await town.issue()).json()
    return await town.paid(bill["control_number"])


async def test_a_genuine_receipt_shows_what_it_is_for_in_every_language(town: Town) -> None:
    code = await paid(town)
    expected = {
        "ar": ["هذا الإيصال صحيح", "دائرة الأحوال المدنية والجوازات", 'dir="rtl"', "دينار أردني"],
        "en": ["This receipt is genuine", "Civil Status and Passports Department", 'dir="ltr"'],
        "fr": ["Cette quittance est authentique", "dinars jordaniens", 'lang="fr"'],
    }
    for language, words in expected.items():
        answer = await look(town, f"/verify/{code}?lang={language}")

        assert answer.status_code == 200
        for word in [*words, f"{code[:5]} {code[5:10]} {code[10:]}", "21/11/2026", "50.000"]:
            assert word in answer.text, (language, word)


async def test_arabic_is_the_first_language_and_an_unknown_one_becomes_arabic(town: Town) -> None:
    for query in ("", "?lang=", "?lang=de", "?lang=%3Cscript%3E"):
        answer = await look(town, f"/verify{query}")
        assert '<html lang="ar" dir="rtl">' in answer.text


async def test_codes_are_read_however_they_are_typed(town: Town) -> None:
    code = await paid(town)
    arabic = code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))

    for typed in (f"{code[:5]}%20{code[5:10]}%20{code[10:]}", f"{code[:5]}-{code[5:]}", arabic):
        assert (await look(town, f"/verify/{typed}")).status_code == 200, typed


async def test_a_typed_code_moves_to_an_address_of_its_own(town: Town) -> None:
    answer = await look(town, "/verify?lang=en&code=%D9%A1%D9%A2%D9%A3%2045-67890+12345")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/verify/123456789012345?lang=en"


async def test_what_is_no_number_stays_in_the_form_escaped(town: Town) -> None:
    answer = await look(town, "/verify?code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")

    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text


async def test_every_code_that_is_not_genuine_gets_the_same_page(town: Town) -> None:
    code = await paid(town)
    wrong = [str(int(code) + 1).zfill(15)[-15:], "999999999999999", "12", "abc", "1" * 40, "%00"]
    pages = []
    for typed in wrong:
        answer = await look(town, f"/verify/{typed}")
        assert answer.status_code == 404
        pages.append(re.sub(r'href="/verify/[^"]*"', "", answer.text))

    assert len(set(pages)) == 1


async def test_pages_run_no_script_load_nothing_and_are_not_kept(town: Town) -> None:
    code = await paid(town)
    for path in ("/verify", f"/verify/{code}", "/verify/1", "/verify?code=1"):
        answer = await look(town, path)

        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "<script" not in answer.text
        assert not re.search(r'(src|href)="(https?:)?//', answer.text)
    assert "default-src 'none'" in HEADERS["content-security-policy"]
    assert HEADERS["cache-control"] == "no-store"


async def test_guessing_is_slowed_for_one_client_and_not_for_others(town: Town) -> None:
    town.desk = replace(town.desk, checks_a_minute=3)
    answers = [await look(town, "/verify/1") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await look(town, "/verify/1", host="203.0.113.8")).status_code == 404


async def test_one_household_of_ipv6_is_one_client(town: Town) -> None:
    town.desk = replace(town.desk, checks_a_minute=2)

    statuses = [
        (await look(town, "/verify/1", host=f"2001:db8:0:1::{at}")).status_code
        for at in range(1, 4)
    ]

    assert statuses == [404, 404, 429]
    assert (await look(town, "/verify/1", host="2001:db8:0:2::1")).status_code == 404


async def test_no_address_of_a_client_is_kept_and_counts_are_forgotten(
    town: Town, valkey: Valkey
) -> None:
    await look(town, "/verify/1")

    names = await valkey.call("KEYS", "*")
    assert isinstance(names, list)
    [name] = names
    assert b"203.0.113" not in name
    left = await valkey.call("TTL", name)
    assert isinstance(left, int)
    assert 0 < left <= 120


async def test_without_valkey_the_check_goes_on_and_so_does_its_limit(town: Town) -> None:
    code = await paid(town)
    nowhere = Valkey("redis://127.0.0.1:9")
    limits = Limits(nowhere, town.desk.desk.keys, town.desk.desk.clock)
    town.desk = replace(town.desk, limits=limits, checks_a_minute=2)

    answers = [await look(town, f"/verify/{code}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    await nowhere.close()


async def test_without_a_database_the_page_says_to_come_back(
    town: Town, database: Database
) -> None:
    code = await paid(town)
    await database.close()

    answer = await look(town, f"/verify/{code}?lang=en")

    assert answer.status_code == 503
    assert "cannot be checked just now" in answer.text
    assert answer.headers["retry-after"]


def test_every_language_has_the_same_texts() -> None:
    assert TEXTS.languages == LANGUAGES
    assert TEXTS.keys("ar") == TEXTS.keys("en") == TEXTS.keys("fr")
