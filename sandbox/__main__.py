"""``python -m sandbox``: the operator as its own process, on loopback unless told otherwise."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence

import uvicorn

from kernel import log
from sandbox.app import build
from sandbox.settings import BadSetting, from_environment


def main(argv: Sequence[str]) -> int:
    """Serve until stopped; 2 for a setting or an address that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--fd", type=int, help="serve on this inherited listening socket instead")
    options = parser.parse_args(argv)
    log.configure("sandbox")
    try:
        settings = from_environment(os.environ)
        listening = _listen(options.host, options.port, options.fd)
    except (BadSetting, OSError) as problem:
        sys.stderr.write(f"sandbox: {problem}\n")
        return 2
    config = uvicorn.Config(
        build(settings),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    log.event(
        "sandbox.start", gateway=settings.gateway, book=str(settings.book), pace=settings.pace
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int, fd: int | None) -> socket.socket:
    if fd is not None:
        return socket.socket(fileno=fd)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise OSError(
            f"cannot listen on {host} port {port} ({reason}); choose another with --port"
        ) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
