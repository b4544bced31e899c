"""Reports on paper, read back with a library that did not write them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pypdf
import pytest

from ledger.documents import compose
from ledger.documents.document import TEXTS, Document
from ledger.documents.files import Form, render
from ledger.documents.pen import Hand, Pen
from tests.unit.ledger.makers import MORNING
from tests.unit.ledger.papers import maker, statement, trial_balance


@dataclass(frozen=True)
class Piece:
    """A run of text with the place of its left end, in points from the bottom left."""

    text: str
    x: float
    y: float


def read(document: Document) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(render(document, Form.PDF)))


def words(document: Document) -> str:
    """Everything on all pages."""
    return "\n".join(page.extract_text() for page in read(document).pages)


def pieces(page: pypdf.PageObject) -> list[Piece]:
    """What stands where on a page."""
    found: list[Piece] = []

    def note(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            found.append(Piece(text.strip(), cm[4] + tm[4], cm[5] + tm[5]))

    page.extract_text(visitor_text=note)
    return found


def lines(page: pypdf.PageObject) -> dict[float, list[Piece]]:
    """Pieces by their baseline, each line from left to right."""
    by_line: dict[float, list[Piece]] = {}
    for piece in sorted(pieces(page), key=lambda each: each.x):
        by_line.setdefault(round(piece.y, 1), []).append(piece)
    return by_line


def figures(page: pypdf.PageObject, pattern: str) -> list[list[str]]:
    """The figures of each line that has some, from left to right, lines from the top."""
    found = []
    for _, line in sorted(lines(page).items(), reverse=True):
        those = [each.text for each in line if re.fullmatch(pattern, each.text)]
        if those:
            found.append(those)
    return found


@pytest.fixture
def pen() -> Iterator[Pen]:
    """A pen that writes Arabic."""
    with closing(Pen(title="", language="ar", is_rtl=True, made_at=MORNING)) as one:
        yield one


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_a_statement_says_whose_when_and_in_what(language: str) -> None:
    said = words(compose.statement(statement(5000, -1250), maker(language)))
    for key in ("statement", "opening", "turnover", "closing", "counterpart", "day"):
        assert TEXTS.get(language, f"document.{key}") in said
    account = "Assets:Clearing:DEMO:JOD"
    assert account in said
    assert maker(language).account(account) in said
    for day in ("2026-11-01", "2026-11-30", "2026-11-21 12:00"):
        assert day in said
    assert "JOD" in said
    assert "3" in said


def test_arabic_columns_run_from_the_right_and_others_from_the_left() -> None:
    for language, is_rtl in (("ar", True), ("en", False), ("fr", False)):
        page = read(compose.statement(statement(5000), maker(language))).pages[0]
        say = maker(language).say
        titles = ("day", "entry", "counterpart", "debit", "credit", "balance")
        headings = next(
            line for line in lines(page).values() if any(p.text == say("entry") for p in line)
        )
        order = [say(title) for title in titles]
        assert [each.text for each in headings] == (order[::-1] if is_rtl else order)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_figures_are_whole_western_and_under_their_heading(language: str) -> None:
    page = read(
        compose.trial_balance(
            trial_balance(("JOD", 123456789), ("LBP", 180000000)), maker(language)
        )
    ).pages[0]
    dinars, pounds = "123,456.789", "180,000,000"
    clearing, agency = [dinars, "0.000", dinars], ["0.000", dinars, dinars]
    if language == "ar":
        clearing, agency = clearing[::-1], agency[::-1]
    assert figures(page, r"[\d,]+\.\d{3}") == [clearing, agency, [dinars] * 4]
    assert figures(page, r"[\d,]{11}")[-1] == [pounds] * 4
    assert not re.search("[٠-٩۰-۹]", page.extract_text())


def test_figures_of_a_column_end_at_the_same_place() -> None:
    page = read(compose.statement(statement(5000, 123456789, 10), maker("ar"))).pages[0]
    debits = {
        piece.text: piece.x for piece in pieces(page) if piece.text in ("5.000", "123,456.789")
    }
    # At 8 points a digit of the font is 4.576 wide, a comma and a point 2.144.
    wider = 4 * 4.576 + 2.144 + 4.576
    assert debits["5.000"] - debits["123,456.789"] == pytest.approx(wider, abs=0.2)


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_dates_in_a_sentence_keep_their_order(language: str) -> None:
    document = compose.statement(statement(5000), maker(language))
    from_to = [
        piece
        for piece in pieces(read(document).pages[0])
        if "2026-11-01" in piece.text or "2026-11-30" in piece.text
    ]
    assert from_to
    assert "01-11-2026" not in words(document)


def test_every_page_has_its_number_the_headings_and_what_it_is_of() -> None:
    amounts = [1000 + each for each in range(60)]
    for language in ("ar", "en"):
        say = maker(language).say
        pages = read(compose.statement(statement(*amounts), maker(language))).pages
        assert len(pages) == 4
        for number, page in enumerate(pages, 1):
            said = [piece.text for piece in pieces(page)]
            assert f"{number} / 4" in said
            assert said.count(say("counterpart")) == 1
            assert maker(language).account("Assets:Clearing:DEMO:JOD") in page.extract_text()
        shown = "".join(page.extract_text() for page in pages)
        assert all(f"1.{each:03}" in shown for each in range(60))


def test_a_balance_stands_on_its_side_without_a_sign() -> None:
    said = words(compose.statement(statement(500, -4000), maker("en")))
    assert re.search(r"Cr\s*2\.500", said)
    assert re.search(r"Dr\s*1\.500", said)
    assert "-" not in re.sub(r"\d{4}-\d\d-\d\d|[0-9a-f]{8}-[0-9a-f-]{27}", "", said)


def test_long_names_and_paths_stay_in_their_column() -> None:
    long = "Directorate General of Vehicles, Licences and Examinations – " * 4
    by = maker("en")
    document = compose.trial_balance(
        trial_balance(("JOD", 10**16)),
        compose.Maker(language="en", at=by.at, zone=by.zone, account=lambda path: long + path),
    )
    page = read(document).pages[0]
    first_figure = min(piece.x for piece in pieces(page) if re.fullmatch(r"[\d,.]+", piece.text))
    names = [piece for piece in pieces(page) if "Directorate" in piece.text]
    assert len(names) >= 4
    # Noto Sans is 6 points wide on average at its widest letters; the line above must end before.
    assert all(piece.x + 3.2 * len(piece.text) < first_figure for piece in names)
    assert figures(page, r"[\d,]+\.\d{3}")[-1] == ["10,000,000,000,000.000"] * 4


def test_a_statement_cut_short_says_so_on_its_first_page() -> None:
    document = compose.statement(statement(5000, is_complete=False), maker("en"))
    assert "Only the first 1 lines" in read(document).pages[0].extract_text()


def test_books_that_do_not_balance_are_said_not_to() -> None:
    found = trial_balance(("JOD", 5000))
    lame = {key: value for key, value in found.accounts.items() if "Clearing" in key.path}
    totals = {"JOD": next(iter(lame.values()))}
    document = compose.trial_balance(type(found)(None, lame, totals), maker("en"))
    assert "Not balanced" in words(document)


def test_books_with_nothing_in_them_are_a_page_that_says_so() -> None:
    assert "No entries" in words(compose.trial_balance(trial_balance(), maker("en")))


def test_a_position_of_the_journal_is_named() -> None:
    said = words(compose.trial_balance(trial_balance(("JOD", 1), as_of=4711), maker("en")))
    assert "Positions 1 to 4711 of the sealed journal" in said


@pytest.mark.parametrize("form", list(Form))
def test_the_same_books_at_the_same_moment_are_the_same_bytes(form: Form) -> None:
    first, second = (
        render(compose.statement(statement(5000, -10), maker("ar")), form) for _ in range(2)
    )
    assert first == second
    assert first != render(compose.statement(statement(5001, -10), maker("ar")), form)


def test_arabic_letters_are_joined_and_marks_stand_on_them(pen: Pen) -> None:
    for word in ("بيت", "سلام", "محصّل"):
        alone = sum(pen.width(letter, Hand(10)) for letter in word)
        assert pen.width(word, Hand(10)) < 0.95 * alone, word


@pytest.mark.parametrize(
    ("is_rtl", "text", "from_left"),
    [
        (True, "حتى 12,500.000 نعم", ["نعم", "12,500.000", "حتى"]),
        (True, "من \u200e2026-11-01\u200e إلى", ["إلى", "2026-11-01", "من"]),
        (True, "دينار (JOD)، عدد", ["عدد", "JOD", "دينار"]),
        (False, "by علي 12 سالم today", ["by", "سالم", "12", "علي", "today"]),
    ],
)
def test_words_figures_and_codes_stand_in_the_order_they_are_read(
    is_rtl: bool, text: str, from_left: list[str]
) -> None:
    with closing(Pen(title="", language="", is_rtl=is_rtl, made_at=MORNING)) as pen:
        pen.turn()
        for each in (text, *from_left):
            pen.write(20, 50, each, Hand(10))
        file = pen.finish()
    page = pypdf.PdfReader(io.BytesIO(file)).pages[0].get_contents()
    assert page is not None
    whole, *alone = drawn(page.get_data())
    places = [whole.find(glyphs) for glyphs in alone]
    assert -1 not in places
    assert places == sorted(places)


def drawn(content: bytes) -> list[bytes]:
    """The glyphs of each text on a page, as they come from the left."""
    strings = rb"\(((?:[^()\\]|\\.)*)\) ?Tj"
    texts = [
        b"".join(re.findall(strings, text, re.DOTALL))
        for text in re.findall(rb"BT (.*?) ET", content, re.DOTALL)
    ]
    return [glyphs for glyphs in texts if glyphs]


def test_nothing_is_wider_than_the_line_it_is_put_on(pen: Pen) -> None:
    texts = (
        "Liabilities:Agency:A-VERY-LONG-CODE-OF-AN-AGENCY:A-SERVICE:JOD",
        "إدارة ترخيص السواقين والمركبات في المديرية العامة",
        "ثلاثمئةوخمسةوستونيوماًبلافاصلة",
    )
    for text in texts:
        for width in (8.0, 20.0, 45.0):
            lines = pen.wrap(text, width, Hand(8))
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
            assert all(pen.width(line, Hand(8)) <= width + 0.1 for line in lines)
