"""A call as a sentence: ``await Handset(line).dials("*789#").sees("...").sends("1")``.

Steps are recorded and played over real HTTP requests when awaited. Every page is checked against
the screen's budget, so no test can pass on a page that no phone shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from itertools import count
from typing import Any

import httpx

from ussd.page import Profile, fits

_sessions = count(1)

Step = Callable[["Handset"], Awaitable[None]]


class Handset:
    """One subscriber's phone on one channel of the Africa's Talking dialect."""

    def __init__(
        self,
        line: httpx.AsyncClient,
        msisdn: str = "+962790000000",
        *,
        path: str = "/ussd/sandbox",
        short_code: str = "*789#",
        profile: Profile | None = None,
    ) -> None:
        self._line, self._msisdn, self._path = line, msisdn, path
        self._short_code, self._profile = short_code, profile or Profile()
        self._steps: list[Step] = []
        self.session = ""
        self.transcript = ""
        self.screen = ""
        self.ended = True

    def __await__(self) -> Generator[Any, None, Handset]:
        return self._play().__await__()

    def dials(self, code: str) -> Handset:
        """Start a session; arguments after the short code become the first hop's text."""

        async def step(phone: Handset) -> None:
            stem = phone._short_code.rstrip("#")
            assert code.startswith(stem), f"{code} is not served here"
            phone.session = f"session-{next(_sessions)}"
            phone.transcript = code.rstrip("#")[len(stem) :].lstrip("*")
            await phone._hop()

        return self._then(step)

    def sends(self, *inputs: str) -> Handset:
        """Answer the screens, one hop an input."""

        async def step(phone: Handset) -> None:
            for text in inputs:
                assert not phone.ended, f"the session is over: {phone.screen}"
                phone.transcript = f"{phone.transcript}*{text}" if phone.transcript else text
                await phone._hop()

        return self._then(step)

    def comes_again(self) -> Handset:
        """The operator delivers the last hop once more."""
        return self._then(Handset._hop)

    def repeats(self) -> Handset:
        """The same; and the reply must be the same too, byte for byte."""

        async def step(phone: Handset) -> None:
            before = (phone.screen, phone.ended)
            await phone._hop()
            assert (phone.screen, phone.ended) == before, f"another reply:\n{phone.screen}"

        return self._then(step)

    def sees(self, *texts: str) -> Handset:
        """The screen holds all of these."""

        async def step(phone: Handset) -> None:
            for text in texts:
                assert text in phone.screen, f"{text!r} is not on the screen:\n{phone.screen}"

        return self._then(step)

    def misses(self, *texts: str) -> Handset:
        """The screen holds none of these."""

        async def step(phone: Handset) -> None:
            for text in texts:
                assert text not in phone.screen, f"{text!r} is on the screen:\n{phone.screen}"

        return self._then(step)

    def hangs_up(self) -> Handset:
        """The session was closed by the last page."""

        async def step(phone: Handset) -> None:
            assert phone.ended, f"the session is still open:\n{phone.screen}"

        return self._then(step)

    def does(self, action: Callable[[], Awaitable[Any] | None]) -> Handset:
        """Let something else happen between two hops."""

        async def step(_phone: Handset) -> None:
            done = action()
            if done is not None:
                await done

        return self._then(step)

    def _then(self, step: Step) -> Handset:
        self._steps.append(step)
        return self

    async def _play(self) -> Handset:
        steps, self._steps = self._steps, []
        for step in steps:
            await step(self)
        return self

    async def _hop(self) -> None:
        form = {
            "sessionId": self.session,
            "phoneNumber": self._msisdn,
            "networkCode": "99999",
            "serviceCode": self._short_code,
            "text": self.transcript,
        }
        answer = await self._line.post(self._path, data=form)
        assert answer.status_code == 200, answer.text
        prefix, self.screen = answer.text[:4], answer.text[4:]
        assert prefix in ("CON ", "END "), answer.text
        self.ended = prefix == "END "
        assert fits(self.screen, self._profile), f"too long for the screen:\n{self.screen}"
