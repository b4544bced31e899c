"""The coalescing Valkey client: right answers in order, quick failures, new connections."""

import asyncio
import time

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


async def test_a_server_that_hangs_fails_everybody_at_once_and_keeps_no_connection() -> None:
    calls, opened, closed = 20, 0, 0

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened, closed
        opened += 1
        while await reader.read(1024):
            pass
        closed += 1
        writer.close()

    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        valkey = Valkey(f"redis://:secret@{host}:{port}/0", timeout_s=0.1)
        began = time.monotonic()
        answers = await asyncio.gather(
            *(valkey.call("PING") for _ in range(calls)), return_exceptions=True
        )
        assert time.monotonic() - began < 0.5
        assert {type(answer) for answer in answers} == {ValkeyDown}
        async with asyncio.timeout(2):
            while closed < opened:
                await valkey.close()
        assert opened == 1
