"""``/healthz`` says that the process lives; ``/readyz`` that it can do its work.

Liveness asks nothing of others, so that a database blip restarts no process. Without Valkey the
gateway is ready but degraded: money goes on, sessions restart.
"""

from __future__ import annotations

from typing import Final

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from kernel.database import Database
from kernel.migrations import is_current
from kernel.valkey import Valkey, ValkeyDown

DOWN: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, RuntimeError)
"""What a database that cannot be asked raises."""


def routes(database: Database, valkey: Valkey) -> list[BaseRoute]:
    """The two probes."""

    async def healthz(request: Request) -> JSONResponse:
        del request
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> JSONResponse:
        del request
        checks = {"database": await _database(database), "valkey": await _valkey(valkey)}
        if checks["database"] != "ok":
            return JSONResponse({"status": "unavailable", **checks}, 503, {"Retry-After": "5"})
        status = "ok" if checks["valkey"] == "ok" else "degraded"
        return JSONResponse({"status": status, **checks})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _database(database: Database) -> str:
    try:
        async with database.read() as connection:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                return "read-only"
            return "ok" if await is_current(connection) else "migrations pending"
    except DOWN:
        return "down"


async def _valkey(valkey: Valkey) -> str:
    try:
        await valkey.call("PING")
    except ValkeyDown:
        return "down"
    return "ok"
