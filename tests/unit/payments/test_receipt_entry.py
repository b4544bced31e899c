"""From a receipt to the entry that it stands for."""

from __future__ import annotations

from payments import receipt
from payments.view import payments_of
from tests.unit.payments.conftest import CITIZEN, Counter
from tests.unit.payments.scripted_wallet import PENDING, SUCCESS


async def test_number_and_code_of_a_receipt_lead_to_its_entry(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    await counter.work()
    await counter.callback(pid)
    await counter.work()
    (seen,) = await payments_of(counter.desk, CITIZEN)
    async with counter.desk.database.read() as connection:
        for typed in (seen.receipt_number or "", seen.receipt_code or ""):
            key = await receipt.ledger_key(connection, f" {typed[:5]} {typed[5:]}")
            booked = await connection.fetchrow(
                "SELECT reference, note FROM ledger.transaction WHERE key = $1", key
            )
            assert booked is not None
            assert tuple(booked) == (pid, f"receipt {seen.receipt_number}")
        assert await receipt.ledger_key(connection, "12345") is None
        assert await receipt.ledger_key(connection, "no number") is None
