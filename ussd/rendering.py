"""How fast screens become pages: the worst of every screen, shown, said and fitted, on one core."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ussd.menu import MENU
from ussd.page import Line, Profile, fit
from ussd.profiles import PROFILES, STANDARD
from ussd.samples import Catalogue, Sample, samples
from ussd.screen import SAY, Goto, Say
from ussd.session import Session


def render(sample: Sample, session: Session, say: Say, profile: Profile) -> tuple[str, ...]:
    """All pages of one screen, as a hop makes them; none if it only sends on."""
    screen = MENU[sample.screen]
    seen = screen.show(session, sample.facts, say)
    if isinstance(seen, Goto):
        return ()
    lines = (Line(seen.title), *seen.lines) if seen.title else seen.lines
    return fit(lines, profile, nav=screen.nav, words=say.nav, ends=screen.ends)


def pages_per_second(
    seconds: float = 1.0, *, language: str = "ar", profile: str = STANDARD
) -> float:
    """Pages a core makes in a second of its own time, over every screen at its fullest."""
    say, page = SAY[language], PROFILES[profile].page
    every: Sequence[tuple[Sample, Session]] = [
        (sample, sample.session(language)) for sample in samples(Catalogue.of_demo())
    ]
    pages, began = 0, time.process_time()
    while True:
        for sample, session in every:
            pages += len(render(sample, session, say, page))
        if (spent := time.process_time() - began) >= seconds:
            return pages / spent
