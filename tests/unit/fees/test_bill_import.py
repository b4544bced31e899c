"""Importing a file: good rows in, bad rows listed, the same bytes never twice."""

from __future__ import annotations

import asyncio

import pytest

from fees import bills
from fees.bill_file import Unusable
from fees.bill_import import Report, import_bills
from kernel import subscribers
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from tests.unit.fees.makers import NINE_O_CLOCK

HEADER = "agency,service,amount,currency,reference"
IDS = RandomIds()


def file_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


async def imported(connection: Connection, raw: bytes, keys: Keys | None = None) -> Report:
    report = await import_bills(connection, IDS, raw, name="bills.csv", at=NINE_O_CLOCK, keys=keys)
    assert isinstance(report, Report), report
    return report


async def count(connection: Connection) -> int:
    number: int = await connection.fetchval("SELECT count(*) FROM fees.bill")
    return number


async def test_one_bad_row_of_a_thousand_loads_the_others_and_is_listed(
    connection: Connection,
) -> None:
    before = await count(connection)
    rows = [f"JO-CSPD,PASSPORT,50.000,JOD,P-{number}" for number in range(1000)]
    rows[416] = "JO-CSPD,PASSPORT,50.0001,JOD,P-416"
    report = await imported(connection, file_of(*rows))
    assert len(report.issued) == 999
    [bad] = report.rejected
    assert (bad.line, bad.code) == (418, "bad_amount")
    assert "3 decimals" in bad.reason
    assert await count(connection) == before + 999


async def test_the_same_file_twice_changes_nothing_and_says_so(connection: Connection) -> None:
    raw = file_of("JO-CSPD,PASSPORT,50.000,JOD,", "JO-CSPD,NONE,5.000,JOD,")
    first = await imported(connection, raw)
    before = await count(connection)
    second = await imported(connection, raw)
    assert first.repeats is None
    assert second.repeats == NINE_O_CLOCK
    assert (second.issued, second.rejected) == (first.issued, first.rejected)
    assert await count(connection) == before


async def test_the_same_file_twice_at_once_is_imported_once(demo: Database) -> None:
    raw = file_of("JO-CSPD,PASSPORT,50.000,JOD,")

    async def load() -> bool:
        async with demo.transaction() as connection:
            return (await imported(connection, raw)).repeats is not None

    assert sorted(await asyncio.gather(load(), load(), load())) == [False, True, True]


async def test_a_file_without_a_good_row_leaves_no_trace(connection: Connection) -> None:
    raw = file_of("JO-CSPD,NONE,5.000,JOD,")
    assert (await imported(connection, raw)).repeats is None
    assert (await imported(connection, raw)).repeats is None


async def test_a_corrected_file_adds_only_what_was_missing(connection: Connection) -> None:
    await imported(connection, file_of("JO-CSPD,PASSPORT,50.000,JOD,A", "JO-CSPD,X,1.000,JOD,B"))
    before = await count(connection)
    report = await imported(
        connection, file_of("JO-CSPD,PASSPORT,50.000,JOD,A", "JO-CSPD,PASSPORT,1.000,JOD,B")
    )
    assert [row.is_new for row in report.issued] == [False, True]
    assert await count(connection) == before + 1


async def test_a_reference_used_twice_in_a_file_is_one_bill_or_a_rejected_row(
    connection: Connection,
) -> None:
    report = await imported(
        connection,
        file_of(
            "JO-CSPD,PASSPORT,50.000,JOD,A",
            "JO-CSPD,PASSPORT,50.000,JOD,A",
            "JO-CSPD,PASSPORT,60.000,JOD,A",
        ),
    )
    assert sorted(row.is_new for row in report.issued) == [False, True]
    assert len({row.control_number for row in report.issued}) == 1
    assert [row.code for row in report.rejected] == ["reference_taken"]


async def test_each_kind_of_refusal_is_listed_with_its_line(connection: Connection) -> None:
    report = await imported(
        connection,
        file_of(
            "JO-NONE,PASSPORT,5.000,JOD,",
            "JO-CSPD,NONE,5.000,JOD,",
            "JO-CSPD,PASSPORT,5.000,BHD,",
            "JO-CSPD,PASSPORT,,BHD,",
            "JO-CSPD,PASSPORT-LOST,,JOD,",
            "SY-ELEC,ELECTRICITY,,SYP,",
            "JO-CSPD,PASSPORT,0,JOD,",
            "JO-CSPD,PASSPORT,5.000",
            "JO-CSPD,PASSPORT,,JOD,good",
        ),
    )
    assert [(row.line, row.code) for row in report.rejected] == [
        (2, "agency_unknown"),
        (3, "service_unknown"),
        (4, "currency_differs"),
        (5, "currency_differs"),
        (6, "band_missing"),
        (7, "amount_missing"),
        (8, "amount_out_of_range"),
        (9, "bad_row"),
    ]
    [good] = report.issued
    assert (good.line, good.total, good.currency) == (10, "50.000", "JOD")


async def test_formula_looking_text_is_kept_as_text(connection: Connection) -> None:
    report = await imported(connection, file_of('JO-CSPD,PASSPORT,,JOD,"=HYPERLINK(""x"")"'))
    bill = await bills.find(connection, report.issued[0].control_number)
    assert bill is not None
    assert bill.reference == '=HYPERLINK("x")'


async def test_a_payer_is_kept_only_as_a_pseudonym(connection: Connection, keys: Keys) -> None:
    header = f"{HEADER},payer"
    raw = file_of("JO-CSPD,PASSPORT,,JOD,,+962790000000", header=header)
    report = await imported(connection, raw, keys)
    payer = keys.pseudonym(Msisdn("+962790000000"))
    bill = await bills.find(connection, report.issued[0].control_number)
    assert bill is not None
    assert bill.payer == payer
    assert await subscribers.find(connection, keys, payer) is not None


async def test_a_payer_needs_the_key_that_seals_numbers(connection: Connection) -> None:
    raw = file_of("JO-CSPD,PASSPORT,,JOD,,+962790000000", header=f"{HEADER},payer")
    report = await imported(connection, raw)
    assert [row.code for row in report.rejected] == ["bad_payer"]


async def test_a_rejected_rows_payer_is_not_put_on_file(connection: Connection, keys: Keys) -> None:
    raw = file_of("JO-CSPD,NONE,,JOD,,+962790000000", header=f"{HEADER},payer")
    await imported(connection, raw, keys)
    assert await connection.fetchval("SELECT count(*) FROM kernel.subscriber") == 0


async def test_progress_is_told_in_steps_to_the_end(connection: Connection) -> None:
    told: list[tuple[int, int]] = []
    await import_bills(
        connection,
        IDS,
        file_of(*["JO-CSPD,PASSPORT,,JOD,"] * 1200),
        name="bills.csv",
        at=NINE_O_CLOCK,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(500, 1200), (1000, 1200), (1200, 1200)]


@pytest.mark.parametrize("raw", [b"", b"\0\1\2", b"a,b\n1,2"])
async def test_an_unusable_file_writes_nothing(connection: Connection, raw: bytes) -> None:
    answer = await import_bills(connection, IDS, raw, name="x", at=NINE_O_CLOCK)
    assert isinstance(answer, Unusable)
    assert await connection.fetchval("SELECT count(*) FROM fees.bill_file") == 0
