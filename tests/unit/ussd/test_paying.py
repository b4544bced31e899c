"""A citizen pays over USSD."""

from __future__ import annotations

from kernel.money import Money
from tests.unit.ussd.conftest import Exchange

TEN = Money(10_000, "JOD")


async def test_a_dialled_control_number_is_paid_with_one_key(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.phone()
    await phone.dials(f"*789*{number}#").sees("دائرة الجوازات", "10.000 د.أ", "1. ادفع")
    await phone.sends("1").sees("وافق").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert (intent.control_number, intent.agreed_total) == (number, TEN)
    assert (intent.wallet, intent.channel, intent.language) == ("sandbox", "sandbox", "ar")
