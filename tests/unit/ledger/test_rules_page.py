"""The page of posting rules that finance reads says what the rules do."""

from __future__ import annotations

import re
from pathlib import Path

from kernel.money import Money
from ledger.rules import RULES
from ledger.rules.page import markdown

PAGE = Path(__file__).parents[3] / "docs" / "posting-rules.md"
SUM = re.compile(r"^\| \*\*([A-Z]{3})\*\* \| \*\*(\S+)\*\* \| \*\*(\S+)\*\* \|$")
LINE = re.compile(r"^\| `([^`]+:([A-Z]{3}))` \| ([\d.,]*) ?\| ([\d.,]*) ?\|$")


def test_the_page_is_what_the_rules_compute() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "./mizan ledger rules --markdown > docs/posting-rules.md"
    )


def test_every_rule_stands_once_on_the_page_with_its_number_and_meaning() -> None:
    headings = re.findall(r"^### (\S+) (\S+)$", markdown(), re.MULTILINE)
    assert sorted(headings) == sorted((rule.number, code) for code, rule in RULES.items())
    for rule in RULES.values():
        assert f"{rule.meaning} Version {rule.version}." in markdown()


def test_in_every_example_the_lines_add_up_to_their_sums() -> None:
    examples = 0
    debits, credits = 0, 0
    for line in markdown().splitlines():
        if found := LINE.match(line):
            debits += Money.parse(found[3] or "0", found[2]).minor
            credits += Money.parse(found[4] or "0", found[2]).minor
        elif found := SUM.match(line):
            assert debits == Money.parse(found[2], found[1]).minor > 0
            assert credits == Money.parse(found[3], found[1]).minor == debits
            debits, credits, examples = 0, 0, examples + 1
    assert (debits, credits) == (0, 0)
    assert examples == len(RULES) + 1  # the new unit balances in two currencies
