"""Listening sockets, opened before anything else so that a busy port is the first thing said."""

import argparse
import asyncio
import errno
import socket
import time
from collections.abc import Callable

BACKLOG = 2048
POLL_S = 0.05
PATIENCE_S = 15.0
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class PortError(Exception):
    """The port cannot be had; one line that names the option to change."""


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening socket that survives for the children, or PortError."""
    if not 0 <= port <= 65535:
        raise PortError(f"{port} is not a port (0 to 65535); see {option}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            text = (
                f"port {port} is in use; stop the other program or choose one: {option} {port + 10}"
            )
        elif problem.errno == errno.EACCES:
            text = (
                f"port {port} needs more rights than we have; choose one above 1023: {option} 8000"
            )
        else:
            reason = problem.strerror or str(problem)
            text = f"cannot listen on {host} port {port} ({reason}); see --host and {option}"
        raise PortError(text) from None


def url_of(listener: socket.socket) -> str:
    """The address a browser on this machine uses."""
    host, port = listener.getsockname()[:2]
    host = WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def until_answering(
    listener: socket.socket, path: str, say: Callable[[str], None], below: int = 300
) -> None:
    """Wait for a status below the limit, however long it takes; say so now and then."""
    say_at = time.monotonic() + PATIENCE_S
    while not await is_answering(listener, path, below):
        if time.monotonic() > say_at:
            say(f"still waiting for {url_of(listener)}{path}")
            say_at += PATIENCE_S
        await asyncio.sleep(POLL_S)


async def is_answering(listener: socket.socket, path: str, below: int = 300) -> bool:
    """Whether a GET gets such a status. The kernel queues it until somebody accepts."""
    host, port = listener.getsockname()[:2]
    try:
        reader, writer = await asyncio.open_connection(WILDCARDS.get(host, host), port)
    except OSError:
        return False
    try:
        authority = url_of(listener).removeprefix("http://")
        request = f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        status_line = (await reader.readline()).split()
        return len(status_line) > 1 and status_line[1].isdigit() and int(status_line[1]) < below
    except OSError:
        return False
    finally:
        writer.close()


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `run` and `web` understand alike."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the gateway (%(default)s)")
    parser.add_argument("--workers", type=_count, default=2, help="web processes (%(default)s)")


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("a number from 1 to 64")
    return int(text)
