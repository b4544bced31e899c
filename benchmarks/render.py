"""How many pages a process renders: every screen of the menu at its fullest, no I/O."""

from __future__ import annotations

import time

from ussd.menu import MENU
from ussd.page import Line, Profile, fit
from ussd.samples import Catalogue, Sample, samples
from ussd.screen import SAY, Goto, Say

SECONDS = 2.0


def pages_per_s(language: str) -> int:
    """Pages of one language per second on one core, for the standard's limits."""
    every = list(samples(Catalogue.of_demo()))
    profile, say = Profile(), SAY[language]
    pages, began = 0, time.process_time()
    while (used := time.process_time() - began) < SECONDS:
        pages += sum(_pages(sample, say, profile) for sample in every)
    return round(pages / used)


def _pages(sample: Sample, say: Say, profile: Profile) -> int:
    screen = MENU[sample.screen]
    seen = screen.show(sample.session(say.language), sample.facts, say)
    if isinstance(seen, Goto):
        return 0
    lines = (Line(seen.title), *seen.lines) if seen.title else seen.lines
    return len(fit(lines, profile, nav=screen.nav, words=say.nav, ends=screen.ends))
