"""``/metrics`` for Prometheus: counters fed by the events we log anyway, gauges asked from SQL at
each scrape.

No label names a person or a payment. Processes share counters through ``PROMETHEUS_MULTIPROC_DIR``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import REGISTRY, Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from kernel.callers import is_local
from kernel.database import Database
from kernel.sql import package_sql
from ops.health import DOWN

SQL = package_sql(__file__)
_PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

USSD_STEP = Histogram(
    "gw_ussd_step_duration_seconds", "USSD hops", ["channel", "screen"], buckets=_FAST
)
TRANSITIONS = Counter(
    "gw_payment_transitions", "Payment state changes", ["wallet", "from_state", "to_state"]
)
CALLBACKS = Counter("gw_callbacks", "Callbacks of wallet operators", ["result"])
QUERIES = Counter("gw_status_queries", "Status queries to wallet operators", ["wallet"])
OPERATOR = Histogram(
    "gw_operator_request_duration_seconds",
    "Calls to wallet operators",
    ["wallet", "op", "outcome"],
    buckets=_FAST,
)
WORK = Counter("gw_work", "Work rows handled", ["kind", "outcome"])
RECEIPT_DELAY = Histogram(
    "gw_receipt_sms_delay_seconds",
    "From a receipt in the books to its message at the carrier",
    ["carrier"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0),
)
SEALED = Counter("gw_ledger_sealed_transactions", "Transactions sealed")
SEAL_LAG = Histogram(
    "gw_ledger_seal_lag_seconds",
    "From booking to seal, of the first transaction in each seal",
    buckets=(0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0, 60.0),
)
LIMITS = Counter(
    "gw_limits_reached", "Refusals because somebody did something too often", ["limit"]
)
SMS = Counter("gw_sms", "Messages by what became of them", ["carrier", "state"])


def count_event(name: str, fields: Mapping[str, Any]) -> None:
    """Turn one logged event into metrics; others pass by."""
    counter = _COUNTING.get(name)
    if counter is not None:
        counter(fields)


def _hop(fields: Mapping[str, Any]) -> None:
    _step(fields["channel"], fields["screen"]).observe(fields["ms"] / 1000)


@lru_cache(maxsize=1024)
def _step(channel: str, screen: str) -> Histogram:
    """Finding a counter by its labels costs as much as counting."""
    return USSD_STEP.labels(channel, screen)


def _moved(fields: Mapping[str, Any]) -> None:
    TRANSITIONS.labels(
        str(fields["wallet"]), str(fields["from_state"]), str(fields["to_state"])
    ).inc()


def _handed_over(fields: Mapping[str, Any]) -> None:
    carrier, outcome = str(fields["carrier"]), str(fields["outcome"])
    SMS.labels(carrier, outcome).inc()
    if outcome == "sent" and fields["purpose"] == "receipt":
        RECEIPT_DELAY.labels(carrier).observe(float(fields["age_s"]))


def _sealed(fields: Mapping[str, Any]) -> None:
    SEALED.inc(int(fields["transactions"]))
    SEAL_LAG.observe(float(fields["lag_s"]))


def _exchange(fields: Mapping[str, Any]) -> None:
    wallet, kind, status = str(fields["wallet"]), str(fields["kind"]), fields["status"]
    if kind == "query":
        QUERIES.labels(wallet).inc()
    outcome = "no_answer" if status is None else f"{int(status) // 100}xx"
    OPERATOR.labels(wallet, kind, outcome).observe(float(fields["ms"]) / 1000)


_COUNTING: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "ussd.hop": _hop,
    "payment.moved": _moved,
    "wallets.exchange": _exchange,
    "wallets.callback": lambda fields: CALLBACKS.labels(
        "repeat" if fields["is_repeat"] else "stored"
    ).inc(),
    "wallets.callback_unknown": lambda _: CALLBACKS.labels("unknown").inc(),
    "work.ended": lambda fields: WORK.labels(str(fields["work"]), str(fields["outcome"])).inc(),
    "ledger.sealed": _sealed,
    "limit.reached": lambda fields: LIMITS.labels(str(fields["limit"])).inc(),
    "sms.handed_over": _handed_over,
    "sms.reported": lambda fields: SMS.labels(
        str(fields["carrier"]), str(fields["word"]) if fields["known"] else "other"
    ).inc(),
}


class _Gauges(Collector):
    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families


def routes(database: Database, metrics_from: tuple[str, ...]) -> list[BaseRoute]:
    """The scrape endpoint, for loopback and the configured networks only."""
    networks = [ip_network(network) for network in metrics_from]

    async def metrics(request: Request) -> Response:
        host = request.client.host if request.client else ""
        if not is_local(request.scope) and not any(_is_in(host, network) for network in networks):
            return PlainTextResponse("Not found\n", 404)
        registry = CollectorRegistry()
        try:
            gauges = [_database_up(1), *await _gauges(database)]
        except DOWN:
            gauges = [_database_up(0)]  # the counters of a bad hour are worth most
        registry.register(_Gauges(gauges))
        body = generate_latest(registry) + generate_latest(_counters())
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", metrics)]


def _is_in(host: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(host) in network
    except ValueError:
        return False


def _counters() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _database_up(value: int) -> GaugeMetricFamily:
    return _single("gw_database_up", "1 when this scrape could ask the database", value)


async def _gauges(database: Database) -> list[GaugeMetricFamily]:
    async with database.read() as connection:
        unresolved = await connection.fetch(SQL["unresolved_payments"])
        pending = await connection.fetchrow(SQL["pending_work"])
        late = await connection.fetch(SQL["late_money"])
        halted = await connection.fetchval(SQL["halted"])
        unsealed_s = await connection.fetchval(SQL["unsealed"])
    build = _family("gw_build_info", "What runs here; always 1", ["version"])
    build.add_metric([_PROJECT["version"]], 1)
    payments = _family("gw_payments_unresolved", "Payments that have not ended", ["wallet"])
    oldest = _family(
        "gw_payment_oldest_unresolved_seconds", "Age of the oldest of them", ["wallet"]
    )
    for row in unresolved:
        payments.add_metric([row["wallet"]], row["payments"])
        oldest.add_metric([row["wallet"]], row["oldest_s"])
    suspense = _family("gw_suspense_balance_minor_units", "Late money held", ["currency"])
    for row in late:
        suspense.add_metric([row["currency"]], row["amount"])
    return [
        build,
        payments,
        oldest,
        suspense,
        _single("gw_outbox_pending", "Work rows that are due", pending["due"] if pending else 0),
        _single(
            "gw_outbox_oldest_seconds",
            "How late the oldest is",
            max(0.0, pending["oldest_s"] if pending else 0.0),
        ),
        _single("gw_work_parked", "Work rows given up", pending["parked"] if pending else 0),
        _single(
            "gw_ledger_unsealed_oldest_seconds", "Age of the oldest unsealed entry", unsealed_s
        ),
        _single("gw_ledger_balanced", "0 when the books check stopped debits", 0 if halted else 1),
    ]


def _family(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
