"""An OAuth 2.0 access token by client credentials (RFC 6749 §4.4): cached, renewed early."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta
from urllib.parse import quote

from kernel.clock import Clock
from kernel.http import Answer, HttpClient, NoAnswer, NotSent
from wallets.strict_json import read_object, text_at, whole_at

_DEFAULT_LIFE_S = 300
_LONGEST_LIFE_S = 86_400
_SPARE_S = 60
_LONGEST_TOKEN = 8192


class TokenRefused(NotSent):
    """The operator does not know our client id and secret; the call itself was never made."""


class Bearer:
    """The token of one client; concurrent callers share one request for it."""

    def __init__(
        self, http: HttpClient, clock: Clock, url: str, *, client: tuple[str, str], timeout_s: float
    ) -> None:
        self._http = http
        self._clock = clock
        self._url = url
        self._client = client
        self._timeout_s = timeout_s
        self._token = ""
        self._good_until: datetime | None = None
        self._flight: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """A token that is good for a while yet; raises NotSent or TokenRefused."""
        if self._good_until is not None and self._clock.now() < self._good_until:
            return self._token
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch())
        # Shielded: a caller that gives up must not take the token away from the others.
        return await asyncio.shield(self._flight)

    def forget(self, token: str) -> None:
        """Drop a token that the operator turned away, unless a newer one is there already."""
        if token == self._token:
            self._good_until = None

    async def _fetch(self) -> str:
        pair = ":".join(quote(part, safe="") for part in self._client)
        try:
            answer = await self._http.send(
                "POST",
                self._url,
                headers={
                    "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                },
                body=b"grant_type=client_credentials",
                timeout_s=self._timeout_s,
            )
        except NoAnswer as problem:
            # Nobody knows whether a token was made, but the call it was for has not been sent.
            raise NotSent(f"no token: {problem}") from problem
        return self._keep(answer)

    def _keep(self, answer: Answer) -> str:
        if answer.status in (400, 401, 403):
            raise TokenRefused(f"token request answered {answer.status}")
        told = None if answer.truncated else read_object(answer.body)
        token = text_at(told, "access_token", limit=_LONGEST_TOKEN) if told else None
        if answer.status != 200 or told is None or token is None or not _usable(token):
            raise NotSent(f"token request answered {answer.status} without a token")
        life_s = whole_at(told, "expires_in")
        if life_s is None:  # some operators write it as a text
            text = text_at(told, "expires_in") or ""
            life_s = int(text) if text.isdecimal() and len(text) < 8 else _DEFAULT_LIFE_S
        life_s = min(life_s, _LONGEST_LIFE_S)
        spare_s = min(_SPARE_S, life_s // 2)
        self._token = token
        self._good_until = self._clock.now() + timedelta(seconds=life_s - spare_s)
        return token


def _usable(token: str) -> bool:
    """Whether a token can stand in a header (RFC 6750 §2.1)."""
    return token.isascii() and " " not in token
