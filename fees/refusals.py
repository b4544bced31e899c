"""Why a fee cannot be priced or a bill cannot be issued: a closed list, and its words for staff."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FeeRefusal(StrEnum):
    """An expected "no"; nothing was written."""

    AGENCY_UNKNOWN = "agency_unknown"
    SERVICE_UNKNOWN = "service_unknown"
    NO_TARIFF = "no_tariff"
    CURRENCY_DIFFERS = "currency_differs"
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range"
    AMOUNT_MISSING = "amount_missing"
    AMOUNT_NOT_ASKED = "amount_not_asked"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    BAND_MISSING = "band_missing"
    BAND_UNKNOWN = "band_unknown"
    DATES_DISAGREE = "dates_disagree"
    REFERENCE_UNFIT = "reference_unfit"
    REFERENCE_TAKEN = "reference_taken"


MEANING: Final[dict[FeeRefusal, str]] = {
    FeeRefusal.AGENCY_UNKNOWN: "no agency has this code",
    FeeRefusal.SERVICE_UNKNOWN: "the agency has no service with this code",
    FeeRefusal.NO_TARIFF: "the service has no tariff in force on this day",
    FeeRefusal.CURRENCY_DIFFERS: "the service is charged in another currency",
    FeeRefusal.QUANTITY_OUT_OF_RANGE: "the service is not sold in this quantity",
    FeeRefusal.AMOUNT_MISSING: "the service has no price of its own: state the amount",
    FeeRefusal.AMOUNT_NOT_ASKED: "the tariff sets the price: no amount may be stated",
    FeeRefusal.AMOUNT_OUT_OF_RANGE: "the amount is outside what the service takes",
    FeeRefusal.BAND_MISSING: "the price depends on a band: choose one",
    FeeRefusal.BAND_UNKNOWN: "the service has no such band",
    FeeRefusal.DATES_DISAGREE: "the bill would end before it is due or today, or is far off",
    FeeRefusal.REFERENCE_UNFIT: "a reference is 1 to 64 printable characters",
    FeeRefusal.REFERENCE_TAKEN: "the agency used this reference for a different bill",
}
