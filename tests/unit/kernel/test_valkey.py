"""The coalescing Valkey client: right answers in order, quick failures, new connections."""

import asyncio
import logging
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
    valkey.post(("SET", "a", "1", "EX", 10))
    assert await valkey.call("GET", "a") == b"1"


async def test_commands_asked_together_are_answered_together(valkey: Valkey) -> None:
    valkey.post(("SET", "early", "lost without a connection"))
    both = [(("SET", f"k{n}", n, "NX"), ("MGET", f"k{n}", "none")) for n in range(100)]
    answers = await asyncio.gather(*(valkey.ask(*commands) for commands in both))
    assert answers == [[b"OK", [str(n).encode(), None]] for n in range(100)]


async def test_a_refused_write_that_nobody_waits_for_is_logged(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    await valkey.call("SET", "a", "text")
    with caplog.at_level(logging.INFO, logger="mizan"):
        valkey.post(("INCR", "a"), ("SET", "b", "1"))
        assert await valkey.call("GET", "b") == b"1"
    assert [record.msg for record in caplog.records] == ["valkey.refused"]


async def test_a_posted_write_is_sent_before_the_connection_is_closed(
    valkey: Valkey, redis_url: str
) -> None:
    leaving = Valkey(redis_url)
    await leaving.call("PING")
    leaving.post(("SET", "last", "word"))
    await leaving.close()
    for _ in range(100):
        if await valkey.call("GET", "last"):
            break
    assert await valkey.call("GET", "last") == b"word"


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


async def test_what_is_asked_while_two_batches_are_under_way_goes_together() -> None:
    chunks = asyncio.Queue[bytes]()
    line: list[asyncio.StreamWriter] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line.append(writer)
        while chunk := await reader.read(65536):
            chunks.put_nowait(chunk)

    server = await asyncio.start_server(listens, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        valkey = Valkey(f"redis://{host}:{port}")
        asked = [asyncio.create_task(valkey.call("PING", n)) for n in range(2)]
        assert (await chunks.get()).count(b"PING") == 2
        asked.append(asyncio.create_task(valkey.call("PING", 2)))
        assert (await chunks.get()).count(b"PING") == 1
        for n in range(3, 7):
            asked.append(asyncio.create_task(valkey.call("PING", n)))
            for _ in range(100):
                await asyncio.sleep(0)
        assert chunks.empty()
        line[0].write(b"+0\r\n+1\r\n")
        assert (await chunks.get()).count(b"PING") == 4
        line[0].write(b"".join(b"+%d\r\n" % n for n in range(2, 7)))
        assert await asyncio.gather(*asked) == [b"%d" % n for n in range(7)]
        await valkey.close()
        line[0].close()
