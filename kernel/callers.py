"""Who is on the other end of a connection: a program on this machine, or anybody.

A channel without a secret is open to this machine only, so a proxy on it must not be mistaken for
its own callers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


def is_local(scope: Mapping[str, Any]) -> bool:
    """Whether an ASGI request comes from loopback and was not forwarded for somebody else."""
    client = scope.get("client")
    if client is None or any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    return _is_loopback(client[0])


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
