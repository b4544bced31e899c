"""The operator on a free port, as a process or within this one, and an ear for its callbacks."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.app import build
from sandbox.settings import Settings
from tests.serving import served

ROOT = Path(__file__).resolve().parents[3]
HURRIED = 0.02
"""Prompts expire after 2.4 s, late money comes after 0.4 s, a hanging answer takes 0.6 s."""

OBSERVED = 0.2
"""A slow approval takes 1 s, late money 4 s: a busy machine can look in between."""

PATIENCE_S = 30.0
API = "/gsma/v1.2/mm"
Json = dict[str, Any]


@dataclass
class Heard:
    """One call that reached the ear."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Ear:
    """A server that plays the gateway: hears callbacks, reports and hops; answers as told."""

    url: str = ""
    calls: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    status: int = 204
    screens: list[str] = field(default_factory=list)

    async def next(self) -> Heard:
        """The next call; fails if none comes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.calls.get()

    async def answer(self, request: Request) -> Response:
        """Hear a call."""
        body = await request.body()
        call = Heard(request.method, request.url.path, dict(request.headers), body)
        self.calls.put_nowait(call)
        if request.url.path.startswith("/ussd/") and self.screens:
            return Response(self.screens.pop(0), 200, media_type="text/plain")
        return Response(status_code=self.status)


@asynccontextmanager
async def listening_ear() -> AsyncIterator[Ear]:
    """An ear on a free port of this machine."""
    ear = Ear()
    methods = ["GET", "POST", "PUT"]
    app = Starlette(routes=[Route("/{path:path}", ear.answer, methods=methods)])
    async with served(app) as url:
        ear.url = url
        yield ear


class OperatorProcess:
    """``python -m sandbox`` on an inherited socket, which outlives a kill like a port does."""

    def __init__(self, home: Path, gateway: str, *, pace: float) -> None:
        self.home, self._gateway, self._pace = home, gateway, pace
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything it wrote to its log."""
        return (self.home / "sandbox.log").read_text("utf-8")

    def start(self) -> None:
        """Start; calls made meanwhile wait in the socket's queue."""
        fd = self._socket.fileno()
        environ = {
            **os.environ,
            "MIZAN_HOME": str(self.home),
            "MIZAN_PUBLIC_URL": self._gateway,
            "MIZAN_SANDBOX_PACE": str(self._pace),
        }
        with (self.home / "sandbox.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--fd", str(fd)],
                cwd=ROOT,
                env=environ,
                pass_fds=[fd],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """SIGKILL, no warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Polite end, and the port is free again."""
        self._end(signal.SIGTERM)
        self._socket.close()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(20)


class Client:
    """What a gateway (and a test) asks the operator."""

    def __init__(self, http: httpx.AsyncClient, ear: Ear) -> None:
        self.http, self.ear = http, ear

    async def collect(self, payer: str, amount: str = "5.000", **changes: Any) -> httpx.Response:
        """``POST merchantpay``; ``correlation``, ``callback_url`` and all fields may differ."""
        correlation = changes.pop("correlation", str(uuid4()))
        callback_url = changes.pop("callback_url", f"{self.ear.url}/callbacks/{correlation}")
        order = {
            "amount": amount,
            "currency": "JOD",
            "debitParty": [{"key": "msisdn", "value": payer}],
            "creditParty": [{"key": "organisationid", "value": "mizan"}],
            "descriptionText": "Vehicle licence",
            "requestingOrganisationTransactionReference": correlation,
            **changes,
        }
        headers = {"X-CorrelationID": correlation, "X-Callback-URL": callback_url}
        return await self.http.post(
            f"{API}/transactions/type/merchantpay",
            json={name: value for name, value in order.items() if value is not None},
            headers={name: value for name, value in headers.items() if value},
        )

    async def get(self, path: str) -> httpx.Response:
        """Any GET of the API."""
        return await self.http.get(API + path)

    async def book(self, **filters: str) -> list[Json]:
        """Requests in the operator's book."""
        answer = await self.http.post("/sandbox/book", json=filters)
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["requests"]
        return found

    async def settled(self, **filters: str) -> Json:
        """The one request that fits, once the operator has nothing left to do for anybody."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = (await self.http.post("/sandbox/book", json=filters)).json()
                if answer["requests"] and not answer["totals"]["open_errands"]:
                    (request,) = answer["requests"]
                    return dict(request)

    async def quiet(self) -> None:
        """Wait until the operator has nothing left to do for anybody."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.http.get("/sandbox/book")).json()["totals"]["open_errands"]:
                continue

    async def phone(self, msisdn: str) -> str:
        """Path of a number's phone."""
        answer = await self.http.post("/sandbox/phone/handsets", json={"msisdn": msisdn})
        return f"/sandbox/phone/{answer.json()['handset']}"

    async def balance(self, msisdn: str) -> str:
        """What a wallet holds."""
        state = (await self.http.get(f"{await self.phone(msisdn)}/state")).json()
        return str(state["balance"]["amount"])


@asynccontextmanager
async def client_at(pace: float, home: Path, ear: Ear) -> AsyncIterator[Client]:
    """A client of an operator in this process whose gateway is the ear."""
    settings = Settings(gateway=ear.url, home=home, pace=pace)
    async with (
        served(build(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False, verify=False) as http,
    ):
        yield Client(http, ear)
