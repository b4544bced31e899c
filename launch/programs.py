"""The programs of an installation: their command lines, environment and order of stopping."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping

from kernel.config import SEALER_DATABASE
from launch.home import Home
from launch.supervisor import Program

# The sandbox plays the operators and stops last; web processes take new work and stop first.
STAGE_SANDBOX, STAGE_WORK, STAGE_WEB = range(3)

SERVER = (
    *("--factory", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
    *("--no-proxy-headers",),  # app.py believes the configured ones only
    *("--no-server-header", "--log-level", "warning", "--timeout-graceful-shutdown", "10"),
)
"""How every web process is served."""


def web(count: int, listener: socket.socket, env: Mapping[str, str]) -> Iterator[Program]:
    """Single-process servers that accept from one shared socket."""
    for number in range(1, count + 1):
        fd = listener.fileno()
        yield Program(
            name=f"web-{number}",
            argv=_python("uvicorn", "app:create_app", "--fd", str(fd), *SERVER),
            env=env,
            stage=STAGE_WEB,
            pass_fds=[fd],
        )


def work(env: Mapping[str, str]) -> Iterator[Program]:
    """The worker, the sweeper that re-drives what a worker has lost, and the ledger's sealer."""
    # Nobody else may know how the sealer signs in.
    secret = os.environ.get(SEALER_DATABASE)
    sealer = {**env, SEALER_DATABASE: secret} if secret else env
    for name in ("worker", "sweeper", "sealer"):
        own = sealer if name == "sealer" else env
        yield Program(name=name, argv=_python(f"jobs.{name}"), env=own, stage=STAGE_WORK)


def sandbox(listener: socket.socket, env: Mapping[str, str]) -> Iterator[Program]:
    """The operators' side, on its own port."""
    fd = listener.fileno()
    argv = _python("sandbox", "--fd", str(fd))
    yield Program(name="sandbox", argv=argv, env=env, stage=STAGE_SANDBOX, pass_fds=[fd])


def child_environment(home: Home, known: Mapping[str, str]) -> dict[str, str]:
    """Ours plus the settings, and an emptied directory for the metrics that processes share."""
    metrics = home.path / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    inherited = {name: value for name, value in os.environ.items() if name != SEALER_DATABASE}
    return {
        **inherited,
        **known,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "PYTHONUNBUFFERED": "1",
    }


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
