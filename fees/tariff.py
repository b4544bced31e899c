"""Pricing, pure: what a tariff makes of a request, and what lateness adds. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fees.refusals import FeeRefusal
from kernel.money import Money, zero

Asks = Literal["nothing", "quantity", "amount", "band"]
"""What a service must be told before it can be priced."""

LARGEST_MINOR = 10**15
"""Largest principal of one bill in minor units; any total of it stays far below ``MAX_MINOR``."""

_DAYS_OF_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Charge:
    """What one bill costs, itemised in one currency; the penalty goes to the agency."""

    principal: Money
    stamp: Money
    penalty: Money
    service_fee: Money
    agency_fee: Money
    """The service fee where the agency bears it: out of the principal, not paid by the citizen."""

    @property
    def total(self) -> Money:
        """What the citizen pays."""
        return self.principal + self.stamp + self.penalty + self.service_fee


@dataclass(frozen=True, slots=True)
class LatePenalty:
    """So much for each day after the due date, up to a cap in each year of lateness."""

    per_day: Money
    cap_per_year: Money

    def after(self, days_late: int) -> Money:
        """The penalty after so many days (none if not late); a year of lateness is 365 days."""
        years, days = divmod(max(days_late, 0), _DAYS_OF_A_YEAR)
        return self._within_a_year(_DAYS_OF_A_YEAR).times(years) + self._within_a_year(days)

    def _within_a_year(self, days: int) -> Money:
        return min(self.per_day.times(days), self.cap_per_year)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price rule of one service from a day on, until a later one takes over."""

    effective_from: date
    asks: Asks
    currency: str
    amount: Money | None
    """The fixed price, or the price of one unit; none where a band or a stated amount decides."""
    bands: Mapping[str, Money]
    minimum: Money | None
    maximum: Money | None
    max_quantity: int
    stamp: Money
    """Stamp duty of one document; each unit of a quantity is one."""
    service_fee: Money
    fee_borne_by: Literal["citizen", "agency"]
    late: LatePenalty
    due_days: int
    expire_days: int | None
    """Days after the due date on which the bill may still be paid; none: it never expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be priced. ``assessed``: the agency states the amount in place of its tariff."""

    quantity: int = 1
    amount: Money | None = None
    currency: str | None = None
    """What the price is expected to be in; none: the amount's, or any."""
    band: str | None = None
    assessed: bool = False


def price(tariff: Tariff, asked: Asked) -> Charge | FeeRefusal:
    """The charge on time (penalty zero).

    Refuses: quantity_out_of_range, currency_differs, amount_missing, amount_not_asked,
    amount_out_of_range, band_missing, band_unknown.
    """
    principal = _principal(tariff, asked)
    if isinstance(principal, FeeRefusal):
        return principal
    nothing = zero(tariff.currency)
    by_agency = tariff.fee_borne_by == "agency"
    return Charge(
        principal=principal,
        stamp=tariff.stamp.times(asked.quantity),
        penalty=nothing,
        service_fee=nothing if by_agency else tariff.service_fee,
        # An agency never pays more for a collection than the collection brings it.
        agency_fee=min(tariff.service_fee, principal) if by_agency else nothing,
    )


def _principal(tariff: Tariff, asked: Asked) -> Money | FeeRefusal:
    if not 1 <= asked.quantity <= tariff.max_quantity:
        return FeeRefusal.QUANTITY_OUT_OF_RANGE
    if asked.currency not in (None, tariff.currency):
        return FeeRefusal.CURRENCY_DIFFERS
    if asked.band is not None and asked.band not in tariff.bands:
        return FeeRefusal.BAND_UNKNOWN
    if asked.amount is not None:
        return _stated(tariff, asked.amount, assessed=asked.assessed)
    if tariff.asks == "amount":
        return FeeRefusal.AMOUNT_MISSING
    if tariff.asks == "band":
        return FeeRefusal.BAND_MISSING if asked.band is None else tariff.bands[asked.band]
    if tariff.amount is None:
        return FeeRefusal.NO_TARIFF
    return tariff.amount.times(asked.quantity)


def _stated(tariff: Tariff, amount: Money, *, assessed: bool) -> Money | FeeRefusal:
    if amount.currency != tariff.currency:
        return FeeRefusal.CURRENCY_DIFFERS
    if not 0 < amount.minor <= LARGEST_MINOR:
        return FeeRefusal.AMOUNT_OUT_OF_RANGE
    if assessed:
        return amount
    if tariff.asks != "amount":
        return FeeRefusal.AMOUNT_NOT_ASKED
    too_small = tariff.minimum is not None and amount < tariff.minimum
    too_large = tariff.maximum is not None and tariff.maximum < amount
    return FeeRefusal.AMOUNT_OUT_OF_RANGE if too_small or too_large else amount
