"""An application on a real server in this process, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from kernel.short_way import ShortWay


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve on a free port of this machine; yields ``http://127.0.0.1:port``."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; else 40 ms an answer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(app, http=ShortWay, log_config=None, ws="none", server_header=False)
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Not serve() and shutdown(): they would take over signals, and sleep a tenth of a second.
        await server.startup(sockets=[listener])
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await asyncio.gather(*server.server_state.tasks)
        await asyncio.sleep(0)  # closed connections go
        await server.lifespan.shutdown()
