"""The menu is one table: complete, drawn, spoken in every language, and proved to fit."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from kernel.alphabet import Alphabet, alphabet_of
from payments.refusals import Refusal, text_key
from ussd import cli
from ussd.facts import LOADERS
from ussd.graph import PICTURES, svg
from ussd.lint import lint, words_problems
from ussd.menu import MENU
from ussd.samples import REDIRECTS, Catalogue, samples
from ussd.screen import SAY, TEXTS, Goto


def test_every_screen_fits_every_profile_in_every_language() -> None:
    report = lint()
    assert report.problems == []
    assert report.rendered > 1000
    assert report.shortened == set()


def test_a_screen_that_would_part_words_at_a_star_is_found() -> None:
    every = list(samples(Catalogue.of_demo()))
    assert list(words_problems(every, MENU)) == []
    careless = replace(MENU["note"], words=False), replace(MENU["number"], words=True)
    told = sorted(words_problems(every, {**MENU, **{one.name: one for one in careless}}))
    assert told == [
        "note: takes words, but words=False",
        "number: takes no words, but words=True",
    ]


def test_the_command_prints_what_it_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint"]) == 0
    assert "proved: pages fit" in capsys.readouterr().out


def test_the_committed_pictures_are_the_menu(capsys: pytest.CaptureFixture[str]) -> None:
    for picture, draw in PICTURES.items():
        assert picture.read_text(encoding="utf-8") == draw(), "./mizan menu graph"
    assert cli.main(["graph", "--check"]) == 0
    assert capsys.readouterr().out.count("is current") == len(PICTURES)


def test_the_drawing_shows_every_screen_once_and_every_way() -> None:
    drawn = ElementTree.fromstring(svg())
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(map(str, texts)) == sorted(MENU)
    paths = list(drawn.iter("{http://www.w3.org/2000/svg}path"))
    assert len(paths) == sum(len(screen.leads_to) for screen in MENU.values())


def test_a_command_nobody_knows_is_refused() -> None:
    assert cli.main(["sing"]) == 2


def test_every_edge_leads_to_a_screen_and_every_screen_is_reached() -> None:
    targets = {target for screen in MENU.values() for target in screen.leads_to}
    assert targets <= set(MENU)
    reached, fringe = set[str](), ["home", "resume"]
    while fringe:
        name = fringe.pop()
        if name not in reached:
            reached.add(name)
            fringe += MENU[name].leads_to
    assert reached == set(MENU)


def test_facts_are_loaded_for_screens_that_exist() -> None:
    assert set(LOADERS) <= set(MENU)


def test_only_one_screen_spends_and_only_confirm_leads_there() -> None:
    assert [name for name, screen in MENU.items() if screen.spends] == ["approve"]
    assert [name for name, screen in MENU.items() if "approve" in screen.leads_to] == ["confirm"]


def test_redirects_follow_the_drawn_edges() -> None:
    for sample in REDIRECTS:
        seen = MENU[sample.screen].show(sample.session("ar"), sample.facts, SAY["ar"])
        assert isinstance(seen, Goto)
        assert seen.screen in MENU[sample.screen].leads_to


def test_every_language_says_the_same_things() -> None:
    assert TEXTS.languages == ("ar", "en", "fr")
    for language in TEXTS.languages:
        assert TEXTS.keys(language) == TEXTS.keys("ar")


def test_every_language_fills_the_same_places() -> None:
    for key in TEXTS.keys("ar") - {""}:
        places = [_places(TEXTS.get(language, key)) for language in TEXTS.languages]
        assert places[0] == places[1] == places[2], key


def test_every_refusal_has_words_for_the_citizen() -> None:
    for refusal in Refusal:
        assert text_key(refusal) in TEXTS.keys("ar")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_latin_texts_stay_in_the_cheap_alphabet(language: str) -> None:
    costly = {
        key
        for key in TEXTS.keys(language) - {"language.name"}
        if alphabet_of(TEXTS.get(language, key)) is not Alphabet.GSM7
    }
    assert costly == set()


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))
