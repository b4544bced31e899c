"""Why the ledger does not book a transaction, and what that means for finance."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LedgerRefusal(StrEnum):
    """Why a transaction was not booked, in order of precedence."""

    MALFORMED = "malformed"
    ACCOUNT_INVALID = "account_invalid"
    ACCOUNTS_EQUAL = "accounts_equal"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    CURRENCY_MISMATCH = "currency_mismatch"
    KEY_REUSED = "key_reused"
    ID_TAKEN = "id_taken"
    ORIGINAL_UNKNOWN = "original_unknown"
    ALREADY_REVERSED = "already_reversed"
    ACCOUNT_CLOSED = "account_closed"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"


MEANING: Final[dict[LedgerRefusal, str]] = {
    LedgerRefusal.MALFORMED: "A field is missing or cannot be stored; the detail names it.",
    LedgerRefusal.ACCOUNT_INVALID: "An account is not in the chart.",
    LedgerRefusal.ACCOUNTS_EQUAL: "A movement would go from an account to itself.",
    LedgerRefusal.AMOUNT_NOT_POSITIVE: "A movement is zero or negative; swap the accounts.",
    LedgerRefusal.CURRENCY_MISMATCH: "A movement touches an account of another currency.",
    LedgerRefusal.KEY_REUSED: "The key stands for another entry; the detail names what differs.",
    LedgerRefusal.ID_TAKEN: "Another entry already has this id.",
    LedgerRefusal.ORIGINAL_UNKNOWN: "The entry to reverse is not in the books.",
    LedgerRefusal.ALREADY_REVERSED: "It was reversed before; the detail is the reversal's id.",
    LedgerRefusal.ACCOUNT_CLOSED: "The account in the detail takes no more entries.",
    LedgerRefusal.BELOW_MINIMUM: "The account in the detail would fall below its limit.",
    LedgerRefusal.ABOVE_MAXIMUM: "The account in the detail would rise above its limit.",
}
"""What each refusal means for finance."""
