"""Proves the menu: every screen, language and profile with the worst it can have to show.

What ``fit`` promises is checked here from the outside, on the finished pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kernel.alphabet import Alphabet, alphabet_of, units
from ussd.menu import MENU
from ussd.page import BACK, MORE, Line, Nav, Profile, fit, fits
from ussd.samples import Catalogue, Sample, samples
from ussd.screen import SAY, Goto, Say, View

PROFILES: Final = {"182/80": Profile(), "160/70": Profile(160, 70)}
"""The standard's limits, and the tightest that operators document."""

ONE_PAGE: Final = frozenset(
    {"language", "number", "receipt", "quantity", "amount", "approve", "refused"}
)
"""Screens that must not need a second page: questions and last words."""

ONE_PAGE_TEXTS: Final = {
    "end.conflict": {},
    "end.unreadable": {},
    "end.fault": {},
    "degraded.ask": {},
    "degraded.confirm": {"amount": "180,000,000 LBP", "code": "9876"},
}  # fmt: skip

_FORBIDDEN: Final = re.compile(
    "[\u0640\u0660-\u0669\u06f0-\u06f9\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb50-\ufdff\ufe70-\ufefc]"
)
_UNBROKEN: Final = re.compile(r"(?<![0-9]) (?![0-9])|\n")


@dataclass
class Report:
    """What was rendered, and what is wrong with it."""

    rendered: int = 0
    pages: int = 0
    shortened: set[str] = field(default_factory=set)
    fullest: dict[Alphabet, tuple[int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For a person: what was proved, how close to the edge, and what failed."""
        yield (
            f"{len(MENU)} screens x {len(SAY)} languages x {len(PROFILES)} profiles "
            f"({', '.join(PROFILES)}): {self.rendered} screens rendered as {self.pages} pages"
        )
        for alphabet, (size, where) in sorted(self.fullest.items()):
            yield f"fullest page in {alphabet}: {size} ({where})"
        yield f"choices cut with an ellipsis: {len(self.shortened)}"
        yield from (f"  {label}" for label in sorted(self.shortened))
        if self.problems:
            yield from (f"PROBLEM {problem}" for problem in self.problems)
        else:
            yield (
                "proved: pages fit; choices are whole and with their number; no amount, code or "
                "date is broken; 'more' leads on and never past the end; there is a way back; "
                "questions and last words take one page; no digits but 0-9, no direction marks"
            )


def lint(catalogue: Catalogue | None = None) -> Report:
    """Render everything; problems are in the report."""
    report = Report()
    every = list(samples(catalogue or Catalogue.of_demo()))
    unseen = {name for name in MENU if name != "order"} - {sample.screen for sample in every}
    report.problems += [f"{name}: no sample shows this screen" for name in sorted(unseen)]
    for language, say in SAY.items():
        for name, profile in PROFILES.items():
            for sample in every:
                where = f"{sample.screen}, {language}, {name}"
                _check_sample(report, sample, say, profile, where=where)
            _check_texts(report, say, profile, f"{language}, {name}")
    return report


def _check_sample(
    report: Report, sample: Sample, say: Say, profile: Profile, *, where: str
) -> None:
    screen = MENU[sample.screen]
    seen = screen.show(sample.session(say.language), sample.facts, say)
    if isinstance(seen, Goto):
        report.problems.append(f"{where}: goes to {seen.screen} instead of showing itself")
        return
    lines = (Line(seen.title), *seen.lines) if seen.title else seen.lines
    pages = fit(lines, profile, nav=screen.nav, words=say.nav, ends=screen.ends)
    report.rendered += 1
    report.pages += len(pages)
    for page in pages:
        _note_size(report, page, where)
    problems = [*_page_problems(pages, profile, say), *_view_problems(report, seen, pages)]
    if sample.screen in ONE_PAGE and len(pages) > 1:
        problems.append(f"takes {len(pages)} pages: {pages}")
    if screen.nav is not Nav.NONE and any(f"\n{BACK}. " not in page for page in pages):
        problems.append("a page has no way back")
    report.problems += [f"{where}: {problem}" for problem in problems]


def _page_problems(pages: Sequence[str], profile: Profile, say: Say) -> Iterator[str]:
    more = f"\n{MORE}. {say.nav.more}"
    for at, page in enumerate(pages):
        if not fits(page, profile):
            yield f"too long: {page!r}"
        if (more in page) != (at < len(pages) - 1):
            yield f"'more' on page {at + 1} of {len(pages)} is wrong"
        if _FORBIDDEN.search(page):
            yield f"forbidden characters: {page!r}"


def _view_problems(report: Report, view: View, pages: Sequence[str]) -> Iterator[str]:
    shown = {line for page in pages for line in page.split("\n")}
    for line in view.lines:
        text = str(line)
        if line.key and text not in shown:
            if any(one.startswith(f"{line.key}. ") and one.endswith(("…", "..")) for one in shown):
                report.shortened.add(line.text)
            else:
                yield f"choice {text!r} is not whole on a page"
        elif not line.key:
            lost = [
                part for part in _UNBROKEN.split(text) if not any(part in page for page in pages)
            ]
            yield from (f"{part!r} is broken" for part in lost)


def _check_texts(report: Report, say: Say, profile: Profile, where: str) -> None:
    for key, values in ONE_PAGE_TEXTS.items():
        text = say(key, **values)
        _note_size(report, text, f"{key}, {where}")
        if not fits(text, profile):
            report.problems.append(f"{key}, {where}: does not fit one page: {text!r}")


def _note_size(report: Report, page: str, where: str) -> None:
    alphabet = alphabet_of(page)
    size = units(page, alphabet)
    if size > report.fullest.get(alphabet, (0, ""))[0]:
        report.fullest[alphabet] = (size, where)
