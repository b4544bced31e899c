"""Looking up a payment's late money does not read every case there is."""

from __future__ import annotations

from kernel.database import Database
from kernel.ids import RandomIds


async def test_late_money_of_a_payment_is_found_by_index(
    database: Database, ids: RandomIds
) -> None:
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(
            "EXPLAIN SELECT FROM payments.late_money WHERE payment_id = $1", ids.new()
        )
    assert "late_money_payment" in "\n".join(row[0] for row in plan)
