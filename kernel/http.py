"""Calls to operators: bounded in time and size, and clear about what can have arrived."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

MAX_ANSWER_BYTES = 256 * 1024


class NotSent(RuntimeError):
    """The request cannot have reached the other side (no connection): safe to send again."""


class NoAnswer(RuntimeError):
    """The request may have arrived, and no usable answer came: the outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, its body cut at ``MAX_ANSWER_BYTES``."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


class HttpClient:
    """One keep-alive pool for all operators; no redirects, no environment proxies."""

    def __init__(self, *, verify: bool = True) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=4)
        self._client = httpx.AsyncClient(
            limits=limits,
            follow_redirects=False,
            trust_env=False,
            verify=_authorities() if verify else False,
            headers={"Accept-Encoding": "identity"},  # raw bytes are evidence; no bombs to unpack
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 10.0,
    ) -> Answer:
        """Send a request and read a bounded answer; raises NotSent or NoAnswer.

        ``timeout_s`` is for all of it; a connection that takes half of that is given up unsent.
        """
        begin_s = min(timeout_s / 2, 5.0)
        timeout = httpx.Timeout(timeout_s, connect=begin_s, pool=begin_s)
        try:
            # The library's own limits are per read; an answer that drips must end as well.
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream(
                    method, url, headers=dict(headers or {}), content=body, timeout=timeout
                ) as response,
            ):
                return await _read(response)
        except TimeoutError:
            raise NoAnswer(f"no whole answer in {timeout_s:g} s") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
            raise NotSent(type(problem).__name__) from problem
        except (httpx.HTTPError, httpx.StreamError) as problem:
            raise NoAnswer(type(problem).__name__) from problem


@cache
def _authorities() -> ssl.SSLContext:
    """Whom to believe over TLS; reading their list takes long, and every client means the same."""
    return httpx.create_ssl_context(trust_env=False)


async def _read(response: httpx.Response) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return Answer(
                response.status_code, response.headers, bytes(body[:MAX_ANSWER_BYTES]), True
            )
    return Answer(response.status_code, response.headers, bytes(body))
