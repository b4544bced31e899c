"""Proves the menu: every screen, language and profile with the worst it can have to show.

What ``fit`` promises is checked here from the outside, on the finished pages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.alphabet import Alphabet, alphabet_of, units
from ussd.menu import MENU
from ussd.page import BACK, Line, Nav, Profile, fit, fits
from ussd.profiles import PROFILES, OperatorProfile, languages_in
from ussd.samples import Catalogue, Sample, samples
from ussd.screen import SAY, Goto, Say, Screen, View

ONE_PAGE: Final = frozenset(
    {
        "language",
        "number",
        "receipt",
        "quantity",
        "amount",
        "approve",
        "refused",
        "ticket_bill",
        "ticket_sent",
        "again",
        "rate",
        "rated",
    }
)
"""Screens that must not need a second page: questions and last words."""

MOST_PAGES: Final = {"confirm": 3}
"""A dialled bill is paid with three keys at most: one a page, the last of them is the yes."""

NEVER_SHOWN: Final = frozenset({"order", "found", "person"})
"""Screens that only send on."""

TIGHTEST: Final = 3
"""How many of the fullest pages are told, for each profile and alphabet."""

ONE_PAGE_TEXTS: Final = {
    "end.conflict": {},
    "end.unreadable": {},
    "end.fault": {},
    "degraded.ask": {},
    "degraded.confirm": {"amount": "180,000,000 LBP", "code": "701234567016*9876"},
}  # fmt: skip

WORDS: Final = "كلمات * words"
"""What only a screen that asks for words goes on with."""

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
    tightest: dict[tuple[str, Alphabet], dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """For a person: what was proved, how close to the edge, and what failed."""
        yield (
            f"{len(MENU)} screens x {len(SAY)} languages x {len(self.profiles)} profiles: "
            f"{self.rendered} screens rendered as {self.pages} pages"
        )
        for (name, alphabet), pages in sorted(self.tightest.items()):
            profile = self.profiles[name]
            most = profile.septets if alphabet is Alphabet.GSM7 else profile.ucs2_units
            fullest = sorted(pages.items(), key=lambda each: (-each[1], each[0]))[:TIGHTEST]
            told = ", ".join(f"{size} {where}" for where, size in fullest)
            yield f"  {name}, tightest of {most} in {alphabet}: {told}"
        yield f"choices cut with an ellipsis: {len(self.shortened)}"
        yield from (f"  {label}" for label in sorted(self.shortened))
        if self.problems:
            yield from (f"PROBLEM {problem}" for problem in self.problems)
        else:
            yield (
                "proved: pages fit; choices are whole and with their number; no amount, code or "
                "date is broken; 'more' leads on and never past the end; there is a way back; "
                "questions and last words take one page; no digits but 0-9, no direction marks; "
                f"a bill dialled by its number is paid with {MOST_PAGES['confirm']} keys at most"
            )


def profiles(operators: Mapping[str, OperatorProfile]) -> dict[str, OperatorProfile]:
    """Operators, each kind of page once, under the names of all that have it."""
    named: dict[tuple[Profile, frozenset[Alphabet]], list[str]] = {}
    for name, operator in operators.items():
        named.setdefault((operator.page, operator.alphabets), []).append(name)
    return {
        f"{'/'.join(names)} ({page.septets}/{page.ucs2_units}, {page.home} {page.more})": operators[
            names[0]
        ]
        for (page, _), names in named.items()
    }


def lint(
    catalogue: Catalogue | None = None,
    texts: Mapping[str, Say] = SAY,
    operators: Mapping[str, OperatorProfile] = PROFILES,
) -> Report:
    """Render everything in every language that a network shows; problems are in the report."""
    kinds = profiles(operators)
    report = Report(profiles={name: operator.page for name, operator in kinds.items()})
    every = list(samples(catalogue or Catalogue.of_demo()))
    unseen = set(MENU) - NEVER_SHOWN - {sample.screen for sample in every}
    report.problems += [f"{name}: no sample shows this screen" for name in sorted(unseen)]
    report.problems += words_problems(every, MENU)
    for language, say in texts.items():
        for name, operator in kinds.items():
            place = Place(name, operator.page, language)
            if not shows_all(operator) and language not in languages_in(operator.alphabets):
                continue
            for sample in every:
                if sample.screen == "language":
                    sample = replace(sample, facts=languages_in(operator.alphabets))
                _check_sample(report, sample, say, place)
            _check_texts(report, say, place)
            if not shows_all(operator) and (name, Alphabet.UCS2) in report.tightest:
                shown = ", ".join(report.tightest[name, Alphabet.UCS2])
                report.problems.append(f"{name} shows no UCS-2, which needs: {shown}")
    return report


def shows_all(operator: OperatorProfile) -> bool:
    """Whether a network carries any letter."""
    return Alphabet.UCS2 in operator.alphabets


@dataclass(frozen=True, slots=True)
class Place:
    """What is rendered for whom."""

    name: str
    profile: Profile
    language: str


def words_problems(every: Sequence[Sample], menu: Mapping[str, Screen]) -> Iterator[str]:
    """Screens that take words and would have them parted at a ``*``, or the other way round."""
    say, seen = next(iter(SAY.values())), {sample.screen: sample for sample in every}
    for name, sample in seen.items():
        screen, session = menu[name], sample.session(say.language)
        view = screen.show(session, sample.facts, say)
        if isinstance(view, View):
            session.args = {**session.args, **view.remember}
            step = screen.take(session, WORDS)
            takes_words = isinstance(step, Goto) and step.notice is None
            if takes_words != screen.words:
                told = "words" if takes_words else "no words"
                yield f"{name}: takes {told}, but words={screen.words}"


def _check_sample(report: Report, sample: Sample, say: Say, place: Place) -> None:
    screen, profile = MENU[sample.screen], place.profile
    where = f"{sample.screen}, {place.language}, {place.name}"
    seen = screen.show(sample.session(say.language), sample.facts, say)
    if isinstance(seen, Goto):
        report.problems.append(f"{where}: goes to {seen.screen} instead of showing itself")
        return
    lines = (Line(seen.title), *seen.lines) if seen.title else seen.lines
    pages = fit(lines, profile, nav=screen.nav, words=say.nav, ends=screen.ends)
    report.rendered += 1
    report.pages += len(pages)
    for page in pages:
        _note_size(report, page, sample.screen, place)
    problems = [*_page_problems(pages, profile, say), *_view_problems(report, seen, pages)]
    if len(pages) > _most_pages(sample):
        problems.append(f"takes {len(pages)} pages: {pages}")
    if screen.nav is not Nav.NONE and any(f"\n{BACK}. " not in page for page in pages):
        problems.append("a page has no way back")
    report.problems += [f"{where}: {problem}" for problem in problems]


def _most_pages(sample: Sample) -> float:
    if sample.screen in ONE_PAGE:
        return 1
    # Whoever named a person for the receipt has left the short way.
    named = (sample.args or {}).get("other")
    return math.inf if named else MOST_PAGES.get(sample.screen, math.inf)


def _page_problems(pages: Sequence[str], profile: Profile, say: Say) -> Iterator[str]:
    more = f"\n{profile.more}. {say.nav.more}"
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


def _check_texts(report: Report, say: Say, place: Place) -> None:
    for key, values in ONE_PAGE_TEXTS.items():
        text = say(key, **values)
        _note_size(report, text, key, place)
        if not fits(text, place.profile):
            where = f"{key}, {place.language}, {place.name}"
            report.problems.append(f"{where}: does not fit one page: {text!r}")


def _note_size(report: Report, page: str, what: str, place: Place) -> None:
    alphabet = alphabet_of(page)
    size = units(page, alphabet)
    sizes = report.tightest.setdefault((place.name, alphabet), {})
    where = f"{what} {place.language}"
    sizes[where] = max(size, sizes.get(where, 0))
