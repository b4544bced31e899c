"""Composition of the processes without HTTP: settings to adapters to a runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jobs.handlers import handlers
from jobs.runner import Runner
from kernel.clock import SystemClock
from kernel.config import Config
from kernel.database import Database
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.privacy import Keys
from payments.desk import Desk
from sms.channels import open_channels
from sms.desk import DeskView, SmsDesk
from wallets import directory


def desk(
    settings: Config,
    database: Database,
    http: HttpClient,
    wake: Callable[[], None] = lambda: None,
) -> Desk:
    """The use cases' dependencies, as every process builds them."""
    clock = SystemClock()
    return Desk(
        database=database,
        keys=Keys(settings.secret_key),
        clock=clock,
        ids=RandomIds(),
        config=settings.payments,
        wallets=directory.build_all(settings.wallets, http, clock),
        wallet_configs=settings.wallets,
        public_url=settings.public_url,
        wake=wake,
    )


def sms_desk(settings: Config, use_cases: Desk, http: HttpClient) -> SmsDesk:
    """The text channel's dependencies."""
    codes = {name: channel.short_code for name, channel in settings.channels.items()}
    return SmsDesk(
        database=use_cases.database,
        keys=use_cases.keys,
        clock=use_cases.clock,
        ids=use_cases.ids,
        payments=DeskView(use_cases),
        channels=open_channels(settings.carriers, http),
        default_channel=settings.sms_channel,
        public_url=settings.public_url,
        short_codes={"": next(iter(codes.values()), "*789#"), **codes},
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """What a process without HTTP runs on."""

    desk: Desk
    runner: Runner


@asynccontextmanager
async def opened(settings: Config, *, overdue_s: float = 0.0) -> AsyncIterator[Engine]:
    """A runner over the configured database; everything is closed at the end."""
    http = HttpClient()
    database = await Database.connect(settings.database_url, size=16)
    try:
        use_cases = desk(settings, database, http)
        work = handlers(use_cases, sms_desk(settings, use_cases, http))
        yield Engine(
            use_cases, Runner(database, work, lease_s=settings.work_lease_s, overdue_s=overdue_s)
        )
    finally:
        await http.close()
        await database.close()
