"""How values look on a page: amounts, references, moments; isolated from the text's direction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from markupsafe import Markup

from kernel.money import Money

_PLUS_NUMBER = re.compile(r"(\+|%2[Bb]|00)(\d{2,3})\d{4,9}(\d{2})(?!\d)")
_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|key|signature", re.IGNORECASE)
_CALLBACK_TOKEN = re.compile(r"(/callbacks/)[^/?#\s\"']+")
HIDDEN = "•••"


def money(minor: int, currency: str) -> Markup:
    """An amount as people read it, without its currency: ``1,234.500``, minus in front."""
    return _isolated(Money(minor, currency).grouped(), "num")


def accounting(minor: int, currency: str) -> Markup:
    """An amount in a statement: ``(1,234.500)`` when negative, a dash for nothing."""
    if minor == 0:
        return Markup('<span class="nil">–</span>')
    text = Money(abs(minor), currency).grouped()
    return _isolated(f"({text})" if minor < 0 else text, "num")


def ref(text: object) -> Markup:
    """A number, code or path that must keep its order inside Arabic."""
    return _isolated(str(text), "ref")


def word(text: object) -> Markup:
    """A name in whatever language it is in."""
    return Markup("<bdi>{}</bdi>").format(str(text))


def moment(at: datetime, zone: tzinfo, *, seconds: bool = False) -> Markup:
    """A moment in the business zone; exact, with its offset, in the markup and the tooltip."""
    local = at.astimezone(zone)
    text = local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    exact = local.isoformat(timespec="seconds")
    return Markup('<time dir="ltr" datetime="{0}" title="{0}">{1}</time>').format(exact, text)


def offset(at: datetime, zone: tzinfo) -> str:
    """The zone's offset at a moment: ``UTC+03:00``."""
    text = at.astimezone(zone).strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"


def link(path: str, **parameters: object) -> str:
    """A path with GET parameters; empty ones are left out."""
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def raw_text(body: bytes, *, number: str | None) -> str:
    """Bytes from a stranger as text: bad UTF-8 and control characters escaped, numbers hidden.

    ``number`` (E.164, or empty) is hidden in every spelling; None hides none, after a reveal.
    """
    text = body.decode("utf-8", errors="backslashreplace")
    text = "".join(map(_visible, text))
    return text if number is None else hide_numbers(text, number)


def hide_numbers(text: str, number: str) -> str:
    """Mask a subscriber's number (with ``+``, without, national) and others written with ``+``."""
    digits = number.removeprefix("+")
    if digits:
        head, tail = len(digits) - 8, digits[-8:]
        spelt = rf"(?<!\d)(\+|00)?\d{{0,{head}}}{tail}(?!\d)"
        text = re.sub(spelt, HIDDEN + tail[-2:], text)
    return _PLUS_NUMBER.sub(rf"\1\2{HIDDEN}\3", text)


def safe_headers(headers: Mapping[str, str], *, number: str | None) -> list[tuple[str, str]]:
    """Headers for reading: credentials never, numbers as in ``raw_text``."""
    return [
        (name, HIDDEN if _SECRET_HEADER.search(name) else raw_text(value.encode(), number=number))
        for name, value in sorted(headers.items())
    ]


def safe_path(path: str, *, number: str | None) -> str:
    """A request's path; the token of a callback address stays hidden, whoever reads."""
    return raw_text(_CALLBACK_TOKEN.sub(rf"\1{HIDDEN}", path).encode(), number=number)


def _isolated(text: str, kind: str) -> Markup:
    return Markup('<bdi class="{}" dir="ltr">{}</bdi>').format(kind, text)


def _visible(char: str) -> str:
    is_plain = char.isprintable() or char in "\n\t"
    return char if is_plain else char.encode("unicode_escape").decode()
