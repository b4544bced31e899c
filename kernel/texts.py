"""What people read, by language: gettext catalogues ``<package>/texts/<language>.po`` with keys as
msgid.

Adding a language is adding a file. A key that one language lacks is a failing test, not a blank
screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polib

LANGUAGES = ("ar", "en", "fr")
"""Arabic first: it is the first language, not a translation."""

RIGHT_TO_LEFT = frozenset({"ar"})


class Texts:
    """The catalogues of one package."""

    def __init__(self, folder: Path) -> None:
        self._texts: dict[str, Mapping[str, str]] = {
            file.stem: {entry.msgid: entry.msgstr for entry in polib.pofile(str(file))}
            for file in sorted(folder.glob("*.po"))
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages there is a catalogue for: in the house order, then any other by its code."""
        ours = [code for code in LANGUAGES if code in self._texts]
        return (*ours, *sorted(set(self._texts) - set(ours)))

    def keys(self, language: str) -> frozenset[str]:
        """All keys of one language."""
        return frozenset(self._texts[language])

    def get(self, language: str, key: str, **values: object) -> str:
        """The text of a key with ``{name}`` places filled; an unknown language falls to Arabic."""
        text = self._texts.get(language, self._texts["ar"])[key]
        return text.format(**values) if values else text


def package_texts(module_file: str) -> Texts:
    """The catalogues of the package a module belongs to: ``TEXTS = package_texts(__file__)``."""
    return Texts(Path(module_file).parent / "texts")
