"""Hands that break a running installation: pause, kill, lose servers; and that mend it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from uuid import UUID

import asyncpg
import httpx
import psutil

from fees.bills import Bill
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey, ValkeyDown
from launch.rehearsal import PATIENCE_S, PROGRAMS, Stack
from tests.journeys.town import Town
from wallets.tokens import callback_token

ACTORS = ("worker", "sweeper")
"""The processes that do work; either can do all of it."""


class Wreck:
    """One installation and everything bad that can be done to it."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.stack: Stack = town.stack
        self._paused: set[str] = set()

    @property
    def keys(self) -> Keys:
        """The installation's keys."""
        return Keys(self.stack.environ["MIZAN_SECRET_KEY"])

    def pause(self, *names: str) -> None:
        """SIGSTOP: it stays where it is, holding what it holds."""
        for name in names:
            os.kill(self.stack.running[name].pid, signal.SIGSTOP)
        self._paused |= set(names)

    def resume(self, *names: str) -> None:
        """SIGCONT."""
        for name in names:
            if name in self.stack.running:
                os.kill(self.stack.running[name].pid, signal.SIGCONT)
        self._paused -= set(names)

    def kill(self, *names: str) -> None:
        """SIGKILL, whether it is paused or not."""
        self.stack.kill(*(name for name in names if name in self.stack.running))
        self._paused -= set(names)

    def restart(self, *names: str) -> None:
        """Start what is not running, as a supervisor would."""
        self.stack.start(*(name for name in names if not self.is_running(name)))

    def is_running(self, name: str) -> bool:
        """Whether a program is there and alive."""
        process = self.stack.running.get(name)
        return process is not None and process.poll() is None

    async def mend(self) -> None:
        """Everything runs again, and answers."""
        self.resume(*self._paused)
        while not await self._servers_answer():
            self.stack.servers.tend()  # what was killed may take a moment to be gone
            await asyncio.sleep(0.05)
        missing = [name for name in PROGRAMS if not self.is_running(name)]
        if missing:
            self.restart(*missing)
        await self.ready()

    def kill_server(self, name: str) -> None:
        """SIGKILL of an embedded server ("postgres", "valkey"), the main process first.

        PostgreSQL's sessions notice only a moment later, and would still answer; they die with it.
        """
        main = psutil.Process(int(self.stack.servers.home.lock_file(name).read_text()))
        family = [main, *main.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=PATIENCE_S)

    async def ready(self) -> None:
        """Wait until the gateway has its database and its Valkey."""
        deadline = time.monotonic() + PATIENCE_S
        while await self.readiness() != "ok":
            assert time.monotonic() < deadline, f"not ready again\n{self.stack.tail()}"
            await asyncio.sleep(0.05)

    async def _servers_answer(self) -> bool:
        valkey = Valkey(self.stack.servers.urls.redis_url)
        try:
            await valkey.call("PING")
            return await self.stack.value("SELECT true") is True
        except (OSError, asyncpg.PostgresError):
            return False
        finally:
            await valkey.close()

    async def readiness(self) -> str:
        """The gateway's own word for how it is."""
        with suppress(httpx.HTTPError):
            return str((await self.town.line.get("/readyz")).json()["status"])
        return "no answer"

    async def flush(self) -> None:
        """Valkey forgets everything."""
        client = Valkey(self.stack.servers.urls.redis_url)
        with suppress(ValkeyDown):
            await client.call("FLUSHALL")
        await client.close()

    async def woken(self) -> None:
        """Wait until a wake-up for the worker is in Valkey."""
        client = Valkey(self.stack.servers.urls.redis_url)
        deadline = time.monotonic() + PATIENCE_S
        while not await client.call("KEYS", "rq:job:*"):
            assert time.monotonic() < deadline, f"nobody woke the worker\n{self.stack.tail()}"
            await asyncio.sleep(0.01)
        await client.close()

    async def cut_connections(self) -> None:
        """PostgreSQL ends every session of the gateway."""
        await self.stack.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'mizan' AND pid <> pg_backend_pid()"
        )

    async def payment(self, bill: Bill) -> UUID:
        """The id of a bill's newest payment."""
        found = await self.stack.value(
            "SELECT id FROM payments.payment WHERE control_number = $1"
            " ORDER BY created_at DESC LIMIT 1",
            bill.control_number,
        )
        return UUID(str(found))

    async def reaches(self, bill: Bill, state: str, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until a bill's payment stands there."""
        await self.stack.until(
            "SELECT id FROM payments.payment WHERE control_number = $1 AND state = $2",
            bill.control_number,
            state,
            patience_s=patience_s,
        )

    async def state(self, bill: Bill) -> str:
        """Where a bill's newest payment stands."""
        return str(
            await self.stack.value(
                "SELECT state FROM payments.payment WHERE control_number = $1"
                " ORDER BY created_at DESC LIMIT 1",
                bill.control_number,
            )
        )

    async def operator_took(self, msisdn: str) -> None:
        """Wait until a citizen's request is in the operator's book."""
        deadline = time.monotonic() + PATIENCE_S
        while not await self.town.book(msisdn):
            assert time.monotonic() < deadline, f"nothing arrived\n{self.stack.tail()}"
            await asyncio.sleep(0.01)

    async def callback_path(self, bill: Bill) -> str:
        """Where the operator calls back about a bill's newest payment."""
        collection = await self.stack.value(
            "SELECT collection_id FROM payments.payment WHERE control_number = $1"
            " ORDER BY created_at DESC LIMIT 1",
            bill.control_number,
        )
        return f"/callbacks/{callback_token(self.keys, UUID(str(collection)))}"

    def pseudonym(self, msisdn: str) -> bytes:
        """How our tables name a citizen."""
        return self.keys.pseudonym(Msisdn(msisdn))

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of the test's own."""
        return await asyncpg.connect(self.stack.servers.urls.database_url)
