"""Sessions in Valkey: what is left is what is taken, byte for byte, by one hop at a time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.valkey import Valkey
from ussd.session import SessionKey
from ussd.store import Store

names = st.binary(min_size=1, max_size=60)


def soon() -> float:
    """A deadline that nobody can wait for."""
    return asyncio.get_running_loop().time()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names, names, st.binary(max_size=300))
async def test_what_is_left_is_what_is_taken(
    valkey: Valkey, name: bytes, other: bytes, session: bytes
) -> None:
    await valkey.call("FLUSHALL")
    key = SessionKey(subscriber=other, session=name, is_shared=len(name) % 2 == 0)
    store = Store(valkey)
    assert await store.take(key, soon()) == (None, None)
    store.begin(key, session, 30)
    assert await store.take(key, soon()) == (session, key.session)
    with pytest.raises(TimeoutError):
        await store.take(key, soon())
    store.leave(key, session + b"\r\n$1\r\n", 30)
    assert await store.take(key, soon()) == (session + b"\r\n$1\r\n", key.session)
    assert 0 < int(str(await valkey.call("TTL", key.name))) <= 30
