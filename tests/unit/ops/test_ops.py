"""Probes and metrics over real HTTP routes."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from kernel import work
from kernel.database import Database
from kernel.valkey import Valkey
from ops import health, metrics

CLIENT = ("127.0.0.1", 1)


@pytest.fixture
async def client(database: Database, valkey: Valkey) -> AsyncIterator[httpx.AsyncClient]:
    routes = [*health.routes(database, valkey), *metrics.routes(database, ("10.0.0.0/8",))]
    async with _client(Starlette(routes=routes), CLIENT) as client:
        yield client


def _client(app: Starlette, address: tuple[str, int]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=address)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def test_a_live_process_says_so_and_asks_nobody(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_ready_means_database_and_migrations(
    client: httpx.AsyncClient, owner: Database
) -> None:
    assert (await client.get("/readyz")).json()["status"] == "ok"
    async with owner.transaction() as connection:
        await connection.execute("DELETE FROM kernel.migration WHERE package = 'fees'")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "migrations pending")


async def test_without_valkey_the_gateway_is_ready_but_degraded(database: Database) -> None:
    nobody = Valkey("unix:///nonexistent/valkey.sock")
    async with _client(Starlette(routes=health.routes(database, nobody)), CLIENT) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


async def test_without_a_database_it_is_not_ready(database_url: str, valkey: Valkey) -> None:
    closed = Database(database_url)
    async with _client(Starlette(routes=health.routes(closed, valkey)), CLIENT) as client:
        assert (await client.get("/readyz")).status_code == 503


async def test_scrapes_see_counters_and_gauges(
    client: httpx.AsyncClient, database: Database
) -> None:
    metrics.count_event("ussd.hop", {"channel": "c", "screen": "home", "ms": 3.0})
    metrics.count_event("payment.moved", {"wallet": "w", "from_state": "a", "to_state": "b"})
    exchange = {"wallet": "w", "kind": "query", "ms": 3.0}
    metrics.count_event("wallets.exchange", {**exchange, "status": 200})
    metrics.count_event("wallets.exchange", {**exchange, "status": None})
    metrics.count_event("wallets.callback", {"is_repeat": True})
    metrics.count_event("wallets.callback_unknown", {})
    metrics.count_event("work.ended", {"work": "k", "outcome": "done"})
    handed = {"carrier": "c", "purpose": "receipt", "age_s": 0.4}
    metrics.count_event("sms.handed_over", {**handed, "outcome": "sent"})
    metrics.count_event("sms.handed_over", {**handed, "outcome": "unknown"})
    metrics.count_event("sms.handed_over", {**handed, "purpose": "help", "outcome": "sent"})
    metrics.count_event("sms.reported", {"carrier": "c", "word": "delivered", "known": True})
    metrics.count_event("sms.reported", {"carrier": "c", "word": "a new one", "known": False})
    metrics.count_event("nobody.counts_this", {})
    async with database.transaction() as connection:
        await work.enqueue(connection, "test", "a")
    text = (await client.get("/metrics")).text
    assert 'gw_ussd_step_duration_seconds_count{channel="c",screen="home"}' in text
    assert 'gw_payment_transitions_total{from_state="a",to_state="b",wallet="w"}' in text
    assert 'gw_status_queries_total{wallet="w"} 2.0' in text
    assert 'duration_seconds_count{op="query",outcome="no_answer",wallet="w"} 1.0' in text
    assert 'gw_callbacks_total{result="repeat"} 1.0' in text
    assert 'gw_callbacks_total{result="unknown"} 1.0' in text
    assert 'gw_work_total{kind="k",outcome="done"} 1.0' in text
    assert 'gw_sms_total{carrier="c",state="delivered"} 1.0' in text
    assert 'gw_sms_total{carrier="c",state="other"} 1.0' in text
    assert 'gw_receipt_sms_delay_seconds_sum{carrier="c"} 0.4' in text
    assert 'gw_build_info{version="' in text
    assert "gw_outbox_pending 1.0" in text
    assert "gw_database_up 1.0" in text
    assert "gw_ledger_balanced 1.0" in text


async def test_without_a_database_the_counters_are_still_there(database_url: str) -> None:
    app = Starlette(routes=metrics.routes(Database(database_url), ()))
    async with _client(app, CLIENT) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "gw_database_up 0.0" in answer.text
    assert "gw_ussd_step_duration_seconds" in answer.text


@pytest.mark.parametrize(
    ("address", "status"), [("10.1.2.3", 200), ("192.0.2.1", 404), ("::1", 200)]
)
async def test_only_known_networks_may_scrape(
    database: Database, address: str, status: int
) -> None:
    app = Starlette(routes=metrics.routes(database, ("10.0.0.0/8",)))
    async with _client(app, (address, 1)) as client:
        assert (await client.get("/metrics")).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_whoever_a_proxy_on_this_machine_speaks_for_may_not_scrape(
    database: Database, header: str
) -> None:
    app = Starlette(routes=metrics.routes(database, ()))
    async with _client(app, ("127.0.0.1", 1)) as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/metrics", headers={header: "127.0.0.1"})).status_code == 404
