"""./mizan run: the whole gateway on this machine, with its servers and the sandbox's operators."""

import argparse
import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from kernel import config
from launch import environment, programs
from launch.database import check_database
from launch.embedded import Servers, Urls
from launch.first_run import FirstRun, prepare
from launch.home import Home, HomeError
from launch.listening import add_options, listen, until_answering, url_of
from launch.process import try_lock
from launch.server import ServerError
from launch.supervisor import Supervisor
from launch.terminal import explained, say, signals_raise

TEND_S = 0.5
BILLS_SHOWN = 3


@dataclass(frozen=True)
class Place:
    """Where this run listens and keeps its state."""

    home: Home
    web: socket.socket
    sandbox: socket.socket
    workers: int


def main(argv: list[str]) -> int:
    """Start everything and stay until Ctrl-C; 2 when it cannot start as asked."""
    options = _parse(argv)
    return explained(lambda: _open(options))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./mizan run", description=__doc__)
    add_options(parser)
    parser.add_argument(
        "--sandbox-port", type=int, default=8001, help="the sandbox's operators (%(default)s)"
    )
    return parser.parse_args(argv)


def _open(options: argparse.Namespace) -> int:
    """Claim the home and the ports before anything slow or lasting happens."""
    with signals_raise(), contextlib.ExitStack() as stack:
        home = Home.at()
        stack.enter_context(_only_run(home))
        web = stack.enter_context(listen(options.host, options.port, "--port"))
        sandbox = listen(options.host, options.sandbox_port, "--sandbox-port")
        stack.enter_context(sandbox)
        return _run(Place(home, web, sandbox, options.workers))


@contextlib.contextmanager
def _only_run(home: Home) -> Iterator[None]:
    """Hold the home for this process; HomeError when another `run` does."""
    lock = try_lock(home.lock_file("run"))
    if lock is None:
        address = environment.settings(home)["MIZAN_PUBLIC_URL"]
        raise HomeError(
            f"already running at {address} for {home.path};"
            " stop it, or set MIZAN_HOME to run a second one"
        )
    with lock:
        yield


def _run(place: Place) -> int:
    servers = Servers(
        place.home.path,
        database_url=os.environ.get("MIZAN_DATABASE_URL"),
        redis_url=os.environ.get("MIZAN_REDIS_URL"),
    )
    public_url = os.environ.get("MIZAN_PUBLIC_URL") or url_of(place.web)
    environment.remember_addresses(place.home, public_url, url_of(place.sandbox))
    known = environment.settings(place.home) | servers.urls.as_environment()
    known["MIZAN_SANDBOX_URL"] = url_of(place.sandbox)
    os.environ.update(known)
    config.load()  # a mistake in it is told here, before anything slow
    urls = servers.start()
    try:
        asyncio.run(_supervise(place, servers, urls, known))
    finally:
        servers.stop()
    return 0


async def _supervise(place: Place, servers: Servers, urls: Urls, known: dict[str, str]) -> None:
    from kernel.migrations import migrate

    await check_database(urls.database_url, needs_tables=False)
    await migrate(urls.database_url)
    first = await prepare(urls)
    env = programs.child_environment(place.home, known)
    children = [
        *programs.sandbox(place.sandbox, env),
        *programs.work(env),
        *programs.web(place.workers, place.web, env),
    ]
    tending = asyncio.create_task(_tend(servers))
    try:
        await Supervisor(place.home, say).run(
            children,
            until_ready=lambda: _until_ready(place),
            when_ready=lambda: _greet(place, known["MIZAN_PUBLIC_URL"], first),
        )
    finally:
        tending.cancel()


async def _until_ready(place: Place) -> None:
    """Ready means: a citizen could dial now, and the operator would answer."""
    await until_answering(place.web, "/readyz", say)
    await until_answering(place.sandbox, "/", say, below=500)  # it need not have a page there


async def _tend(servers: Servers) -> None:
    while True:
        await asyncio.sleep(TEND_S)
        try:
            for title in servers.tend():
                say(f"{title} had stopped; started again")
        except (ServerError, OSError) as problem:
            say(str(problem))


def _greet(place: Place, public_url: str, first: FirstRun) -> None:
    lines = [
        "",
        "Mizan is running.",
        f"  Phone      {public_url}/sandbox/phone",
        f"  SMS inbox  {public_url}/sandbox/inbox",
        f"  Console    {public_url}/console/",
        f"  API        {public_url}/api/v1/docs",
        f"  Operators  {url_of(place.sandbox)}  (sandbox)",
        f"  Logs       {place.home.path / 'log'}",
    ]
    if first.login is not None:
        name, password = first.login.name, first.login.password
        lines += ["", f"  Console login, shown only now: {name} / {password}"]
    if first.bills:
        lines += ["", "  Bills to try:", *(f"    {bill}" for bill in first.bills[:BILLS_SHOWN])]
    lines += ["", "  Dial:  ./mizan dial +962790000000 '*789#'", "  Stop:  Ctrl-C", ""]
    print("\n".join(lines), flush=True)
