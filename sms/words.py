"""Reads what people text to us: a word in Arabic, English or French, and a number in any digits."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fees import control_number
from kernel.digits import to_western
from payments.receipt import CODE_DIGITS


class Command(StrEnum):
    """What somebody wants."""

    VERIFY = "verify"
    PAY = "pay"
    HELP = "help"
    STOP = "stop"
    START = "start"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Request:
    """A command, the digits with it, and the language of its word (None: a bare number)."""

    command: Command
    digits: str
    language: str | None


WORDS: Final = {
    "ar": {
        Command.VERIFY: "تحقق التحقق تأكد ايصال",
        Command.PAY: "ادفع دفع سدد سداد فاتورة",
        Command.HELP: "مساعدة ساعدني معلومات",
        Command.STOP: "إيقاف توقف أوقف قف إلغاء",
        Command.START: "ابدأ بدء استئناف",
    },
    "en": {
        Command.VERIFY: "verify check receipt",
        Command.PAY: "pay bill",
        Command.HELP: "help info",
        Command.STOP: "stop stopall unsubscribe",
        Command.START: "start unstop",
    },
    "fr": {
        Command.VERIFY: "vérifier vérifiez quittance",
        Command.PAY: "payer payez facture",
        Command.HELP: "aide",
        Command.STOP: "arrêt arrêter",
        Command.START: "reprendre",
    },
}
"""Accepted words by language; not END, QUIT, CANCEL: people type them to leave menus."""

_LENGTHS: Final = {CODE_DIGITS: Command.VERIFY, control_number.DIGITS: Command.PAY}
_SAME_LETTER: Final = str.maketrans("أإآٱىةؤئ", "اااايهوي", "ءـ")
_WORD = re.compile(r"[^\W\d_]+")
_ALONE: Final = frozenset({Command.HELP, Command.STOP, Command.START})


def read(text: str) -> Request:
    """Understand ``VERIFY 12345 67890 12345``, ``ادفع ١٢٣٤…``, ``STOP`` or a number alone."""
    plain = to_western(unicodedata.normalize("NFKC", text))
    digits = "".join(re.findall(r"\d", plain, re.ASCII))
    words = [folded(word) for word in _WORD.findall(_without_marks(plain))]
    if not words:
        return Request(_by_length(digits), digits, None)
    command, language = _KNOWN.get(words[0], (Command.UNCLEAR, _script(words[0])))
    if command in _ALONE and (len(words) > 1 or digits):
        # "stop wasting my money" is a complaint, not an order to fall silent.
        command = Command.UNCLEAR
    return Request(command, digits, language)


def folded(word: str) -> str:
    """One spelling for many: case, accents, vowel marks, forms of alef and hamza, tatweel."""
    return _without_marks(word).translate(_SAME_LETTER).casefold()


def _without_marks(text: str) -> str:
    """Drop accents and vowel marks (Mn) and direction marks (Cf); hamza forms lose their hamza."""
    apart = unicodedata.normalize("NFD", text.translate(_SAME_LETTER))
    return "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Cf"))


def _by_length(digits: str) -> Command:
    return _LENGTHS.get(len(digits), Command.UNCLEAR)


def _script(word: str) -> str | None:
    return "ar" if "\u0600" <= word[0] <= "\u06ff" else None


_KNOWN: Final = {
    folded(word): (command, language)
    for language, commands in WORDS.items()
    for command, words in commands.items()
    for word in words.split()
}
