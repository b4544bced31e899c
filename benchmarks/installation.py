"""A throw-away installation to measure."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from launch.embedded import Servers
from launch.rehearsal import PROGRAMS, Stack, free_port


@contextmanager
def installation(
    programs: tuple[str, ...], *, cpus: Mapping[str, set[int]] | None = None, pace: float = 0.01
) -> Iterator[Stack]:
    """Real servers and these programs in a temporary home, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mizan-bench-") as folder:
        home = Path(folder)
        servers = Servers(home / "servers")
        servers.start()
        stack = Stack(home, servers, pace=pace, cpus=dict(cpus or {}))
        stack.ports |= {name: free_port() for name in programs if f"{{{name}}}" in PROGRAMS[name]}
        try:
            asyncio.run(stack.prepare())
            stack.start(*programs)
            yield stack
        finally:
            stack.stop()
            servers.stop()
