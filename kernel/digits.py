"""Digits people type and read: Arabic-Indic and Persian in, Western out; ISO 7064 check digits."""

from __future__ import annotations

_TO_WESTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_BETWEEN = str.maketrans("", "", " -\u00a0\u200e\u200f\u202a\u202c\u2066\u2069")


def to_western(text: str) -> str:
    """Arabic-Indic (U+0660..) and Persian (U+06F0..) digits become 0-9; the rest stays."""
    return text if text.isascii() else text.translate(_TO_WESTERN)


def only_digits(text: str) -> str | None:
    """The digits of a typed number without spaces, hyphens or direction marks; None if anything
    else is in it.
    """
    plain = to_western(text)
    if not plain.isdigit():
        plain = plain.translate(_BETWEEN)
    return plain if plain.isascii() and plain.isdigit() else None


def with_check_digits(digits: str) -> str:
    """Append the two ISO 7064 mod 97-10 check digits."""
    return f"{digits}{98 - int(digits) * 100 % 97:02d}"


def check_digits_hold(digits: str) -> bool:
    """Whether the last two digits are the right ISO 7064 mod 97-10 check digits."""
    return len(digits) > 2 and int(digits) % 97 == 1


def grouped(digits: str, size: int) -> str:
    """Spaces every ``size`` digits, so that a person can read and copy it."""
    return " ".join(digits[at : at + size] for at in range(0, len(digits), size))
