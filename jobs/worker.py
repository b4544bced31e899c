"""The rq worker: a wake-up job pokes the runners, which have a thread and an event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Future

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from jobs import tasks
from jobs.compose import opened
from jobs.crew import Crew
from jobs.wakeup import queue
from kernel import config, log
from ops import metrics

LOOK_EVERY_S = 1.0


class RunnerThread:
    """The runners on an event loop of their own, next to rq's blocking main thread."""

    def __init__(self, settings: config.Config) -> None:
        self._settings = settings
        self._started: Future[tuple[asyncio.AbstractEventLoop, Crew]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="runner")

    def start(self) -> None:
        """Start it; raises what kept it from starting."""
        self._thread.start()
        self._loop, self._crew = self._started.result(timeout=30)
        tasks.on_wake(self._poke)

    def stop(self) -> None:
        """Let what is running end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._crew.stop)
            self._thread.join()

    def _poke(self) -> None:
        self._loop.call_soon_threadsafe(self._crew.poke)

    async def _main(self) -> None:
        try:
            async with opened(self._settings) as engine:
                self._started.set_result((asyncio.get_running_loop(), engine.crew))
                await engine.crew.run(every_s=LOOK_EVERY_S)
        except Exception as problem:
            if self._started.done():
                raise
            self._started.set_exception(problem)


def main(argv: list[str] | None = None) -> int:
    """Work until told to stop (SIGTERM, SIGINT: what is running ends first)."""
    del argv
    settings = config.load()
    log.configure("worker", level=settings.log_level)
    log.listen(metrics.count_event)
    runner = RunnerThread(settings)
    runner.start()
    try:
        connection = Redis.from_url(settings.redis_url)
        worker = SimpleWorker([queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.work(logging_level="WARNING")
    finally:
        runner.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
