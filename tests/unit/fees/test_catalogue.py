"""The demo catalogue: complete, stable, readable on a phone, and priced as published."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest

from fees import bills, catalogue
from fees.agency import Agency, Band, Service
from fees.catalogue_file import Catalogue, CatalogueError, read_catalogue
from fees.refusals import FeeRefusal
from fees.tariff import Charge
from kernel.alphabet import Alphabet, alphabet_of
from kernel.clock import business_date
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.money import Money
from tests.unit.fees.makers import NINE_O_CLOCK

FOLDER = Path(catalogue.__file__).parent / "demo"
CATALOGUES = [read_catalogue(file) for file in sorted(FOLDER.glob("*.toml"))]
TODAY = date(2026, 11, 21)
SHORT_MAX = 24

# Menu numbers that citizens may have learned; add to it, never change it.
MENU = {
    "BH-IGA": (1, {"ID-CARD": 1, "BIRTH-CERTIFICATE": 2}),
    "BH-GDT": (2, {"REGISTRATION": 1, "PLATE": 2}),
    "JO-CSPD": (
        1,
        {"PASSPORT": 1, "PASSPORT-DAMAGED": 2, "PASSPORT-LOST": 3, "PASSPORT-DELIVERY": 4},
    ),
    "JO-DVLD": (2, {"DRIVING-TEST": 1, "CLEARANCE": 2, "TECHNICAL-REPORT": 3}),
    "JO-MFA": (3, {"ATTEST-LOCAL": 1, "ATTEST-FOREIGN": 2}),
    "LB-GS": (1, {"PASSPORT": 1, "RESIDENCE": 2, "SPONSOR-TRANSFER": 3, "CARRIER-PENALTY": 4}),
    "LB-MOL": (2, {"WORK-PERMIT": 1}),
    "LB-TMO": (3, {"DRIVING-LICENCE": 1, "TRAFFIC-LICENCE": 2, "PLATES": 3, "E-STICKER": 4}),
    "PS-MOI": (1, {"PASSPORT": 1, "CERTIFIED-COPY": 2}),
    "SY-PASS": (1, {"PASSPORT": 1}),
    "SY-ELEC": (2, {"ELECTRICITY": 1}),
}


def names_of(each: Catalogue) -> list[tuple[dict[str, str], dict[str, str]]]:
    named: list[Agency | Service | Band] = [*each.agencies, *each.services]
    named += [band for service in each.services for band in service.bands]
    return [(one.names, one.short_names) for one in named]


def test_the_demo_covers_five_countries_and_enough_of_each_kind() -> None:
    assert {each.country for each in CATALOGUES} == {"JO", "LB", "BH", "PS", "SY"}
    assert sum(len(each.agencies) for each in CATALOGUES) >= 8
    assert sum(len(each.services) for each in CATALOGUES) >= 12
    asked = {service.asks for each in CATALOGUES for service in each.services}
    assert asked == {"nothing", "quantity", "amount", "band"}


def test_menu_numbers_stay_what_they_were() -> None:
    numbers = {agency.code: agency.number for each in CATALOGUES for agency in each.agencies}
    menu: dict[str, tuple[int, dict[str, int]]] = {code: (n, {}) for code, n in numbers.items()}
    for each in CATALOGUES:
        for service in each.services:
            menu[service.agency][1][service.code] = service.number
    assert menu == MENU


@pytest.mark.parametrize("each", CATALOGUES, ids=lambda each: each.country)
def test_short_names_fit_a_line_of_a_phone(each: Catalogue) -> None:
    for _, short_names in names_of(each):
        assert {name: len(name) for name in short_names.values() if len(name) > SHORT_MAX} == {}


@pytest.mark.parametrize("each", CATALOGUES, ids=lambda each: each.country)
def test_latin_names_never_turn_a_message_to_ucs2(each: Catalogue) -> None:
    for names, short_names in names_of(each):
        for language in ("en", "fr"):
            for name in (names[language], short_names[language]):
                assert alphabet_of(name) is Alphabet.GSM7, name


@pytest.mark.parametrize("each", CATALOGUES, ids=lambda each: each.country)
def test_names_carry_no_direction_marks_or_stretched_letters(each: Catalogue) -> None:
    for names, short_names in names_of(each):
        for name in (*names.values(), *short_names.values()):
            assert name == name.strip()
            assert not set(name) & set(
                "\u0640\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
            )


@pytest.mark.parametrize(
    ("agency", "service", "extra", "total"),
    [
        ("JO-CSPD", "PASSPORT", {}, "50.000 JOD"),
        ("JO-CSPD", "PASSPORT-LOST", {"band": "AGAIN"}, "250.000 JOD"),
        ("JO-MFA", "ATTEST-FOREIGN", {"quantity": 3}, "15.000 JOD"),
        ("LB-GS", "CARRIER-PENALTY", {}, "180,000,000 LBP"),
        ("LB-GS", "RESIDENCE", {"band": "CLASS-1"}, "82,000,000 LBP"),
        ("LB-TMO", "DRIVING-LICENCE", {}, "1,801,000 LBP"),
        ("BH-GDT", "PLATE", {"quantity": 2}, "7.000 BHD"),
        ("PS-MOI", "PASSPORT", {}, "211.00 ILS"),
        ("SY-PASS", "PASSPORT", {"band": "INSTANT"}, "20,107.00 SYP"),
    ],
)
async def test_fees_are_priced_as_published(
    connection: Connection, agency: str, service: str, extra: dict[str, int | str], total: str
) -> None:
    charge = await catalogue.price(connection, agency, service, on=TODAY, **extra)  # type: ignore[arg-type]  # a table of keywords
    assert isinstance(charge, Charge)
    assert str(charge.total) == total


async def test_a_stated_amount_is_priced_within_its_bounds(connection: Connection) -> None:
    async def power(text: str) -> Charge | FeeRefusal:
        amount = Money.parse(text, "SYP")
        return await catalogue.price(connection, "SY-ELEC", "ELECTRICITY", on=TODAY, amount=amount)

    charge = await power("1250.75")
    assert isinstance(charge, Charge)
    assert charge.total == Money(125075, "SYP")
    assert await power("0.99") is FeeRefusal.AMOUNT_OUT_OF_RANGE


async def test_the_tariff_of_the_day_decides(connection: Connection) -> None:
    async def passport(on: date) -> Charge | FeeRefusal:
        return await catalogue.price(connection, "JO-CSPD", "PASSPORT", on=on)

    before, after = await passport(date(2016, 12, 31)), await passport(date(2017, 1, 1))
    assert isinstance(before, Charge)
    assert isinstance(after, Charge)
    assert (str(before.total), str(after.total)) == ("20.000 JOD", "50.000 JOD")
    assert await passport(date(1999, 12, 31)) is FeeRefusal.NO_TARIFF


async def test_unknown_codes_are_refused_by_name(connection: Connection) -> None:
    unknown_agency = await catalogue.price(connection, "JO-NONE", "PASSPORT", on=TODAY)
    unknown_service = await catalogue.price(connection, "JO-CSPD", "NONE", on=TODAY)
    assert unknown_agency is FeeRefusal.AGENCY_UNKNOWN
    assert unknown_service is FeeRefusal.SERVICE_UNKNOWN
    assert await catalogue.offered(connection, "JO-CSPD", "NONE") is None


async def test_agencies_and_services_come_in_the_order_of_the_menu(connection: Connection) -> None:
    agencies = await catalogue.agencies(connection, "JO")
    assert [agency.code for agency in agencies] == ["JO-CSPD", "JO-DVLD", "JO-MFA"]
    assert agencies[0].short_names["ar"] == "الأحوال المدنية"
    assert agencies[0].zone == "Asia/Amman"
    services = await catalogue.services(connection, "JO-CSPD")
    assert [service.number for service in services] == [1, 2, 3, 4]
    assert [band.code for band in services[2].bands] == ["FIRST", "AGAIN"]
    assert len(await catalogue.agencies(connection, None)) == len(MENU)


async def test_a_service_is_found_with_all_that_a_screen_needs(connection: Connection) -> None:
    offered = await catalogue.offered(connection, "BH-GDT", "REGISTRATION")
    assert offered is not None
    agency, service = offered
    assert (agency.code, agency.country, agency.zone) == ("BH-GDT", "BH", "Asia/Bahrain")
    assert (service.agency, service.currency, service.asks) == ("BH-GDT", "BHD", "band")
    assert service.names["ar"] == "تسجيل مركبة بحسب الوزن"
    assert service.short_names["ar"] == "تسجيل مركبة"
    assert service.bands[0].short_names["ar"] == "حتى 2.5 طن"


async def test_the_demo_is_loaded_once(demo: Database) -> None:
    async with demo.transaction() as connection:
        before = await catalogue.demo_bills(connection)
        assert not await catalogue.load_demo(connection)
        assert await catalogue.demo_bills(connection) == before


async def test_two_processes_that_load_the_demo_at_once_load_it_once(database: Database) -> None:
    async def load() -> bool:
        async with database.transaction() as connection:
            return await catalogue.load_demo(connection)

    assert sorted(await asyncio.gather(load(), load(), load())) == [False, False, True]


async def test_demo_bills_are_open_and_every_country_has_one(connection: Connection) -> None:
    payable = await catalogue.demo_bills(connection)
    countries = [each.description[:2] for each in payable]
    assert sorted(countries[:5]) == ["BH", "JO", "LB", "PS", "SY"]
    for each in payable:
        bill = await bills.find(connection, each.control_number, at=NINE_O_CLOCK)
        assert bill is not None
        assert bill.state == "open"
        assert bill.charge(business_date(NINE_O_CLOCK, bill.agency.zone)).total.minor > 0


async def test_a_paid_demo_bill_is_no_longer_offered(connection: Connection) -> None:
    first, *others = await catalogue.demo_bills(connection)
    await bills.mark_paid(
        connection, first.control_number, payment=RandomIds().new(), at=NINE_O_CLOCK
    )
    assert await catalogue.demo_bills(connection) == others


async def test_a_demo_bill_of_bahrain_is_a_day_late(connection: Connection) -> None:
    [late] = [
        each
        for each in await catalogue.demo_bills(connection)
        if each.description.startswith("BH · Vehicle")
    ]
    bill = await bills.find(connection, late.control_number)
    assert bill is not None
    assert str(bill.charge(TODAY).penalty) == "0.500 BHD"
    assert str(bill.charge(TODAY).total) == "15.500 BHD"


def test_a_misspelt_key_in_a_catalogue_is_named(tmp_path: Path) -> None:
    text = (FOLDER / "syria.toml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("minimum =", "minimun ="), encoding="utf-8")
    with pytest.raises(CatalogueError, match="unknown key minimun"):
        read_catalogue(wrong)


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ('code = "SY-PASS"\n', "", "code is missing"),
        ('NORMAL = "3127.00", ', "", "prices and bands differ"),
        ('asks = "amount"', 'asks = "quantity"', "does not fit"),
        ('minimum = "1.00"', 'late_per_day = "1.00"', "needs both its rate and its cap"),
        ('fr = "Normal" }', 'de = "Normal" }', "needs exactly ar, en, fr"),
        ('agency = "SY-PASS"', 'agency = "SY-NONE"', "no agency SY-NONE"),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(
    tmp_path: Path, right: str, wrong: str, why: str
) -> None:
    text = (FOLDER / "syria.toml").read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(CatalogueError, match=why):
        read_catalogue(file)
