"""Composition of the processes without HTTP: settings to adapters to a runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jobs.crew import Crew
from jobs.handlers import handlers, is_message
from jobs.runner import Runner
from kernel.clock import SystemClock
from kernel.config import Config
from kernel.database import Database
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.privacy import Keys
from kernel.valkey import Valkey
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


def sms_desk(settings: Config, use_cases: Desk, http: HttpClient, limits: Limits) -> SmsDesk:
    """The text channel's dependencies."""
    codes = {name: channel.short_code for name, channel in settings.channels.items()}
    return SmsDesk(
        database=use_cases.database,
        keys=use_cases.keys,
        clock=use_cases.clock,
        ids=use_cases.ids,
        payments=DeskView(use_cases, limits, settings.limits),
        channels=open_channels(settings.carriers, http),
        default_channel=settings.sms_channel,
        public_url=settings.public_url,
        short_codes={"": next(iter(codes.values()), "*789#"), **codes},
    )


MONEY_SLOTS = 32
MESSAGE_SLOTS = 16


@dataclass(frozen=True, slots=True)
class Engine:
    """What a process without HTTP runs on."""

    desk: Desk
    crew: Crew


@asynccontextmanager
async def opened(settings: Config, *, overdue_s: float = 0.0) -> AsyncIterator[Engine]:
    """Runners over the configured database; everything is closed at the end."""
    http = HttpClient()
    database = await Database.connect(settings.database_url, size=16)
    valkey = Valkey(settings.redis_url)
    use_cases = desk(settings, database, http)
    limits = Limits(valkey, use_cases.keys, use_cases.clock)
    try:
        every = handlers(use_cases, sms_desk(settings, use_cases, http, limits))
        money = {kind: handle for kind, handle in every.items() if not is_message(kind)}
        messages = {kind: handle for kind, handle in every.items() if is_message(kind)}
        runners = [
            Runner(database, kinds, lease_s=settings.work_lease_s, slots=slots, overdue_s=overdue_s)
            for kinds, slots in ((money, MONEY_SLOTS), (messages, MESSAGE_SLOTS))
        ]
        yield Engine(use_cases, Crew(runners))
    finally:
        await use_cases.groups.close()
        await valkey.close()
        await http.close()
        await database.close()
