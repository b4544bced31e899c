"""Africa's Talking: a form in, ``CON`` (continue) or ``END`` text out.

Fields ``sessionId phoneNumber networkCode serviceCode text``; ``text`` holds all inputs so far,
joined by ``*``. Any status but 200, an empty body or a space before the prefix kills the session
at the operator.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from kernel.msisdn import BadMsisdn, Msisdn
from ussd.hop import Answer, Arrival, Hop, Reply, Unreadable

_REQUIRED: Final = ("sessionId", "phoneNumber", "text")
_OPTIONAL: Final = ("networkCode", "serviceCode")
_KNOWN: Final = frozenset((*_REQUIRED, *_OPTIONAL))
_MAX_FIELDS: Final = 32
_MAX_SESSION_ID: Final = 128


class AfricasTalking:
    """The dialect of Africa's Talking, also spoken by the sandbox operator."""

    def read(self, channel: str, arrival: Arrival) -> Hop | Unreadable:
        """Read the form strictly: guessing what a damaged field meant could charge a stranger."""
        try:
            pairs = parse_qsl(
                arrival.body.decode(),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MAX_FIELDS,
            )
        except ValueError:
            return Unreadable.BAD_ENCODING
        fields = {name: value for name, value in pairs if name in _KNOWN}
        if len(fields) != sum(name in _KNOWN for name, _ in pairs):
            return Unreadable.REPEATED_FIELD
        if any(name not in fields for name in _REQUIRED):
            return Unreadable.MISSING_FIELD
        session_id = fields["sessionId"]
        if not session_id.isprintable() or not 0 < len(session_id) <= _MAX_SESSION_ID:
            return Unreadable.BAD_SESSION
        try:
            # A "+" that was not percent-encoded arrives as a space: refused, not repaired.
            msisdn = _msisdn(fields["phoneNumber"])
        except BadMsisdn:
            return Unreadable.BAD_MSISDN
        return Hop(
            channel=channel,
            session_id=session_id,
            msisdn=msisdn,
            network=fields.get("networkCode", ""),
            short_code=fields.get("serviceCode", ""),
            phase=None,
            text=fields["text"],
            is_cumulative=True,
        )

    def write(self, reply: Reply) -> Answer:
        """``CON`` or ``END``, one space, the page."""
        prefix = "END" if reply.ends else "CON"
        return Answer(f"{prefix} {reply.text}".encode(), b"text/plain; charset=utf-8")


# Parsing a number costs more than the rest of a hop, and each hop of a session brings it again.
_msisdn = lru_cache(maxsize=16384)(Msisdn.parse)
