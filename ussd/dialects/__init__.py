"""How operators post hops: one module a protocol, one row of this table each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ussd.dialects.africastalking import AFRICASTALKING
from ussd.dialects.airtel import AIRTEL
from ussd.dialects.arkesel import ARKESEL
from ussd.dialects.hubtel import HUBTEL
from ussd.dialects.infobip import INFOBIP
from ussd.dialects.mizan_json import MIZAN_JSON
from ussd.dialects.mtn_madapi import MTN_MADAPI
from ussd.dialects.mtn_rwanda import MTN_RWANDA
from ussd.dialects.nalo import NALO
from ussd.dialects.port import Dialect
from ussd.dialects.restcomm import RESTCOMM
from ussd.dialects.safaricom import SAFARICOM

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "africastalking": AFRICASTALKING,
        "airtel": AIRTEL,
        "arkesel": ARKESEL,
        "hubtel": HUBTEL,
        "infobip": INFOBIP,
        "json": MIZAN_JSON,
        "mtn_madapi": MTN_MADAPI,
        "mtn_rwanda": MTN_RWANDA,
        "nalo": NALO,
        "restcomm": RESTCOMM,
        "safaricom": SAFARICOM,
    }
)
"""Dialects by the name that ``[ussd.CHANNEL]`` gives in the configuration."""
