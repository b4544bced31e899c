"""Callbacks over real HTTP into a real database: stored as they came, then acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette

from kernel import work
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.money import Money
from kernel.privacy import Keys
from tests.serving import served
from wallets import collections
from wallets.callbacks import WORK_KIND, callback_token, digest, routes
from wallets.collections import KEPT_BYTES, StoredEvidence
from wallets.inbox import Inbox


@dataclass
class Gateway:
    """The callback route behind a server, with one collection to call back about."""

    http: httpx.AsyncClient
    url: str
    database: Database
    inbox: Inbox
    collection: UUID
    token: str
    wakes: list[None] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where the operator of that collection answers to."""
        return f"/callbacks/{self.token}"

    async def stored(self) -> list[StoredEvidence]:
        """What is kept of it."""
        async with self.database.read() as connection:
            return await collections.evidence_of(connection, self.collection)

    async def work(self) -> list[tuple[str, str]]:
        """What is to be done."""
        return [(item.kind, item.key) for item in await work.claim(self.database)]


@pytest.fixture
async def gateway(
    database: Database, clock: ManualClock, ids: RandomIds, keys: Keys
) -> AsyncIterator[Gateway]:
    """A gateway that expects an answer about one collection."""
    collection = ids.new()
    token = callback_token(keys, collection)
    async with database.transaction() as connection:
        await collections.create_many(
            connection,
            [
                collections.NewCollection(
                    id=collection,
                    wallet="sandbox",
                    payer=b"p" * 16,
                    amount=Money(5_000, "JOD"),
                    callback_digest=digest(token),
                    at=clock.now(),
                )
            ],
        )
    wakes: list[None] = []
    inbox = Inbox(database, ids)
    app = Starlette(routes=routes(inbox, lambda: wakes.append(None), clock=clock))
    async with (
        served(app) as url,
        httpx.AsyncClient(base_url=url, verify=False) as http,
    ):
        yield Gateway(http, url, database, inbox, collection, token, wakes)
    await inbox.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_callback_is_stored_as_it_came_with_the_work_to_read_it(
    method: str, gateway: Gateway, clock: ManualClock
) -> None:
    body = b'{"transactionStatus":"completed"}\xff\x00' if method != "GET" else b""
    answer = await gateway.http.request(method, gateway.path, content=body)
    assert (answer.status_code, answer.content) == (204, b"")
    (stored,) = await gateway.stored()
    assert (stored.kind, stored.method, stored.at) == ("callback", method, clock.now())
    assert (stored.body, stored.size, stored.status, stored.repeats) == (body, len(body), None, 0)
    assert await gateway.work() == [(WORK_KIND, str(stored.id))]
    assert len(gateway.wakes) == 1


async def test_what_stands_behind_the_question_mark_is_kept_and_the_token_is_not(
    gateway: Gateway,
) -> None:
    await gateway.http.get(f"{gateway.path}?status=success&id=17")
    (stored,) = await gateway.stored()
    assert stored.url_path == "/callbacks/…?status=success&id=17"


async def test_credentials_in_headers_are_not_kept(gateway: Gateway) -> None:
    headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-CorrelationID": "c-1"}
    await gateway.http.put(gateway.path, headers=headers, content=b"{}")
    (stored,) = await gateway.stored()
    assert stored.headers["x-correlationid"] == "c-1"
    assert not {"authorization", "cookie", "host"} & set(stored.headers)


async def test_identical_repeats_are_counted_on_one_row_and_looked_at_once(
    gateway: Gateway,
) -> None:
    answers = await asyncio.gather(
        *(gateway.http.put(gateway.path, content=b"{}") for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {204}
    (stored,) = await gateway.stored()
    assert stored.repeats == 7
    assert len(await gateway.work()) == 1


async def test_a_callback_that_differs_is_a_row_of_its_own(gateway: Gateway) -> None:
    await gateway.http.put(gateway.path, content=b'{"status":"passed"}')
    await gateway.http.put(gateway.path, content=b'{"status":"failed"}')
    await gateway.http.post(gateway.path, content=b'{"status":"failed"}')
    await gateway.http.post(f"{gateway.path}?again=1", content=b'{"status":"failed"}')
    assert len(await gateway.stored()) == len(await gateway.work()) == 4


@pytest.mark.parametrize("token", ["b" * 32, "short", "A" * 32, "a" * 400, "%00" * 32])
async def test_a_token_that_nobody_has_is_404_and_nothing_is_written(
    token: str, gateway: Gateway
) -> None:
    answer = await gateway.http.put(f"/callbacks/{token}", content=b"{}")
    assert answer.status_code == 404
    async with gateway.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM wallets.evidence") == 0
    assert await gateway.work() == []
    assert gateway.wakes == []


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(method: str, gateway: Gateway) -> None:
    answer = await gateway.http.request(method, gateway.path)
    assert answer.status_code == 405
    assert await gateway.stored() == []


@pytest.mark.parametrize(
    ("size", "note"),
    [
        (KEPT_BYTES, ""),
        (KEPT_BYTES + 1, ""),
        (1024 * 1024, ""),
        (10 * 1024 * 1024, "longer than 1048576 bytes"),
    ],
)
async def test_the_start_of_a_long_body_is_kept_with_its_true_size(
    size: int, note: str, gateway: Gateway
) -> None:
    answer = await gateway.http.post(gateway.path, content=b"x" * size)
    assert answer.status_code == 204
    (stored,) = await gateway.stored()
    assert (len(stored.body), stored.size, stored.note) == (KEPT_BYTES, size, note)


async def test_a_body_of_unknown_length_is_cut_off_where_reading_ends(gateway: Gateway) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 65_536

    answer = await gateway.http.post(gateway.path, content=endless())
    assert answer.status_code == 204
    (stored,) = await gateway.stored()
    assert 1024 * 1024 < stored.size < 2 * 1024 * 1024
    assert stored.note


async def test_a_body_that_breaks_off_is_kept_as_far_as_it_came(gateway: Gateway) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(gateway.url).port)
    head = f"POST {gateway.path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"transactionStatus":')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        while not (kept := await gateway.stored()):
            pass
    assert (kept[0].body, kept[0].size, kept[0].note) == (
        b'{"transactionStatus":',
        100,
        "broke off",
    )


async def test_without_a_database_nothing_is_acknowledged(
    database_url: str, clock: ManualClock
) -> None:
    gone = await Database.connect(database_url)
    await gone.close()
    wakes: list[None] = []
    app = Starlette(routes=routes(Inbox(gone), lambda: wakes.append(None), clock=clock))
    async with served(app) as url, httpx.AsyncClient(base_url=url, verify=False) as http:
        answer = await http.put(f"/callbacks/{'a' * 32}", content=b"{}")
        no_token = await http.put(f"/callbacks/{'A' * 32}", content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert no_token.status_code == 404, "what cannot be a token does not trouble the database"
    assert wakes == []


async def test_a_database_that_is_busy_is_not_waited_for(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        await connection.execute("LOCK TABLE wallets.evidence")
        answer = await gateway.http.put(gateway.path, content=b"{}")
    assert answer.status_code == 503
    assert (await gateway.http.put(gateway.path, content=b"{}")).status_code == 204
    (stored,) = await gateway.stored()
    assert stored.repeats <= 1, "what came too late to be acknowledged may be kept all the same"
