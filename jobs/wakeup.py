"""Wake a worker after a commit: one rq job stands for all the work of a moment.

The job carries nothing. If it is lost, or Redis is away, the sweeper finds the work within seconds.
"""

from __future__ import annotations

import asyncio
import logging

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from kernel.log import event

QUEUE = "wake"
PAUSE_S = 0.1
"""Wake-ups closer than this become one job: a busy worker looks again by itself after every row."""


def queue(connection: Redis) -> Queue:
    """The one queue; JSON, because a pickle from Redis would be code."""
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


class Wakeup:
    """Call it after a commit; it returns at once and enqueues from a thread."""

    def __init__(self, redis_url: str) -> None:
        self._queue = queue(Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2))
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """Ask for a wake-up; many calls in a moment make one job."""
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._forever())

    async def close(self) -> None:
        """Send what is wanted and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._wanted.is_set():
            await asyncio.to_thread(self._enqueue)

    async def _forever(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.to_thread(self._enqueue)
            await asyncio.sleep(PAUSE_S)

    def _enqueue(self) -> None:
        try:
            self._queue.enqueue("jobs.tasks.wake", result_ttl=0, failure_ttl=60, job_timeout=10)
        except RedisError as problem:
            event("wakeup.lost", level=logging.WARNING, error=type(problem).__name__)
