"""The coalescing Valkey client: right answers in order, quick failures, new connections."""

import asyncio

import hiredis
import pytest

from kernel.valkey import Valkey, ValkeyDown


async def test_concurrent_callers_get_their_own_answers(valkey: Valkey) -> None:
    await asyncio.gather(*(valkey.call("SET", f"k{n}", n) for n in range(500)))
    answers = await asyncio.gather(*(valkey.call("GET", f"k{n}") for n in range(500)))
    assert answers == [str(n).encode() for n in range(500)]


async def test_a_posted_write_is_seen_by_the_next_read(valkey: Valkey) -> None:
    await valkey.call("PING")
    valkey.post("SET", "a", "1", "EX", 10)
    assert await valkey.call("GET", "a") == b"1"


async def test_an_error_answer_is_the_callers_alone(valkey: Valkey) -> None:
    await valkey.call("SET", "a", "text")
    wrong, right = await asyncio.gather(
        valkey.call("INCR", "a"), valkey.call("GET", "a"), return_exceptions=True
    )
    assert isinstance(wrong, hiredis.ReplyError)
    assert right == b"text"


async def test_a_broken_connection_is_made_anew(valkey: Valkey, redis_url: str) -> None:
    await valkey.call("SET", "a", "1")
    other = Valkey(redis_url)
    await other.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await other.close()
    await asyncio.sleep(0.05)
    assert await valkey.call("GET", "a") == b"1"


async def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(ValkeyDown):
        await Valkey("unix:///nonexistent/valkey.sock").call("PING")


async def test_a_cancelled_caller_does_not_shift_the_answers(valkey: Valkey) -> None:
    await valkey.call("SET", "a", "1")
    cancelled = asyncio.create_task(valkey.call("BLPOP", "nothing", "0.05"))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await valkey.call("GET", "a") == b"1"
