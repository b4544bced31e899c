"""How operators post hops: one module a protocol, one row of this table each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ussd.dialects.africastalking import AFRICASTALKING
from ussd.dialects.port import Dialect

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({"africastalking": AFRICASTALKING})
"""Dialects by the name that ``[ussd.CHANNEL]`` gives in the configuration."""
