"""Safaricom without an aggregator: GET or POST of ``ORIG DEST SESSION_ID USSD_PARAMS``.

``USSD_PARAMS`` holds all inputs so far joined by ``*``, what was dialled after the code first:
``*167*7*1#`` looks like ``*167*7#`` and then ``1``, so nothing may hang on where one ends and the
other begins. A start comes twice; the end is not told. Answers as Africa's Talking's.
Source: vumi, vumi/transports/safaricom, and its pull requests 283 and 304.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.africastalking import con_or_end, end_with, nothing
from ussd.dialects.fields import GET, POST, FieldDialect, Pairs, form, query
from ussd.hop import Arrival, Unreadable


def _decode(arrival: Arrival) -> Pairs | Unreadable:
    return query(arrival) if arrival.method == "GET" else form(arrival)


SAFARICOM: Final = FieldDialect(
    decode=_decode,
    methods=GET | POST,
    session="SESSION_ID",
    msisdn="ORIG",
    text="USSD_PARAMS",
    code="DEST",
    is_cumulative=True,
    write=con_or_end,
    acknowledge=nothing,
    refuse=end_with,
)
