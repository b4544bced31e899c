"""The programs of an installation: their command lines, environment and order of stopping."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping

from launch.home import Home
from launch.supervisor import Program

# The sandbox plays the operators and stops last; web processes take new work and stop first.
STAGE_SANDBOX, STAGE_WORK, STAGE_WEB = range(3)

SERVER = (
    *("--factory", "--loop", "uvloop", "--http", "kernel.short_way:ShortWay", "--no-access-log"),
    *("--no-proxy-headers",),  # app.py believes the configured ones only
    *("--no-server-header", "--log-level", "warning", "--timeout-graceful-shutdown", "10"),
)
"""How every web process is served."""

DATABASE = "MIZAN_DATABASE_URL"
SEALERS_DATABASE = "MIZAN_SEALER_DATABASE_URL"
"""The same database, signed in to as a role that may seal: for the sealer only."""
OF_THE_GATEWAY = (DATABASE, SEALERS_DATABASE, "MIZAN_REDIS_URL", "MIZAN_SECRET_KEY")
"""What a mobile operator never has, and so the sandbox does not get it."""


def web(count: int, listener: socket.socket, env: Mapping[str, str]) -> Iterator[Program]:
    """Single-process servers that accept from one shared socket."""
    for number in range(1, count + 1):
        fd = listener.fileno()
        yield Program(
            name=f"web-{number}",
            argv=_python("uvicorn", "app:create_app", "--fd", str(fd), *SERVER),
            env=_without(env, SEALERS_DATABASE),
            stage=STAGE_WEB,
            pass_fds=[fd],
        )


def work(env: Mapping[str, str]) -> Iterator[Program]:
    """The worker, the sweeper that re-drives what a worker has lost, and the ledger's sealer."""
    plain = _without(env, SEALERS_DATABASE)
    sealing = {**plain, DATABASE: env.get(SEALERS_DATABASE) or env[DATABASE]}
    for name, own in (("worker", plain), ("sweeper", plain), ("sealer", sealing)):
        yield Program(name=name, argv=_python(f"jobs.{name}"), env=own, stage=STAGE_WORK)


def sandbox(listener: socket.socket, env: Mapping[str, str]) -> Iterator[Program]:
    """The operators' side, on its own port."""
    fd = listener.fileno()
    argv = _python("sandbox", "--fd", str(fd))
    own = _without(env, *OF_THE_GATEWAY)
    yield Program(name="sandbox", argv=argv, env=own, stage=STAGE_SANDBOX, pass_fds=[fd])


def child_environment(home: Home, known: Mapping[str, str]) -> dict[str, str]:
    """Ours plus the settings, and an emptied directory for the metrics that processes share."""
    metrics = home.path / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    return {
        **os.environ,
        **known,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "PYTHONUNBUFFERED": "1",
    }


def _without(env: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in names}


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
