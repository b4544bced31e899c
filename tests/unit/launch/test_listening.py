"""Sockets that are opened before anything else, and asking whether somebody answers."""

from __future__ import annotations

import asyncio

import pytest

from launch.listening import PortError, is_answering, listen, url_of


def test_a_busy_port_names_itself_and_the_option() -> None:
    with listen("127.0.0.1", 0, "--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=rf"port {port} is in use.*--sandbox-port \d+"):
            listen("127.0.0.1", port, "--sandbox-port")


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("no.such.host.invalid", 0)])
def test_an_impossible_address_names_the_option(host: str, port: int) -> None:
    with pytest.raises(PortError, match="--port"):
        listen(host, port, "--port")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_url_is_one_a_browser_can_open(host: str) -> None:
    with listen(host, 0, "--port") as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (b"", False),
        (b"nonsense\r\n", False),
    ],
)
async def test_only_success_counts_as_an_answer(answer: bytes, expected: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    with listen("127.0.0.1", 0, "--port") as listener:
        async with await asyncio.start_server(serve, sock=listener.dup()):
            assert await is_answering(listener, "/readyz") is expected


async def test_nobody_listens() -> None:
    gone = listen("127.0.0.1", 0, "--port")
    still_named = gone.dup()
    still_named.close()
    with gone:
        await asyncio.to_thread(gone.shutdown, 2)
        assert not await is_answering(gone, "/readyz")
