"""Africa's Talking (KE, UG, TZ, NG, RW and more): a form in, ``CON`` or ``END`` text out.

``text`` holds all inputs so far, joined by ``*``. Any status but 200, an empty body or a space
before the prefix kills the session at the operator. When it is over, a form without ``text`` and
with a ``status`` comes to the events URL, which may be the same one; do not count on it.
Sources: help.africastalking.com 1284071; anthonylimo90/USSD-State-Builder, docs.
"""

from __future__ import annotations

from typing import Final

from kernel.config import ChannelConfig
from ussd.dialects.fields import TEXT, FieldDialect, Fields, form
from ussd.hop import Answer, Ending, Hop, Phase, Reply, Unreadable


def con_or_end(_hop: Hop, reply: Reply) -> Answer:
    """``CON`` or ``END``, one space, the page."""
    prefix = "END" if reply.ends else "CON"
    return Answer(f"{prefix} {reply.text}".encode(), TEXT)


def end_with(_why: Unreadable, apology: str) -> Answer:
    """``END`` and the apology."""
    return Answer(f"END {apology}".encode(), TEXT)


def nothing(_hop: Hop) -> Answer:
    """An empty answer."""
    return Answer(b"", TEXT)


def _phase(fields: Fields, _channel: ChannelConfig) -> Phase | None:
    return Phase.END if "status" in fields and "text" not in fields else None


AFRICASTALKING: Final = FieldDialect(
    decode=form,
    session="sessionId",
    msisdn="phoneNumber",
    text="text",
    phase=_phase,
    mark="status",
    endings={"success": Ending.COMPLETED},  # "Incomplete" may be anything
    code="serviceCode",
    network="networkCode",
    is_cumulative=True,
    with_plus=True,
    write=con_or_end,
    acknowledge=nothing,
    refuse=end_with,
)
