"""What the documents say is true: diagrams are current, settings and commands are described."""

from __future__ import annotations

import os
import re

from kernel.config import load
from manage import COMMANDS
from payments.refusals import Refusal
from payments.states import mermaid
from tests.house.source import PACKAGES, ROOT, production

DOCS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
PICTURE_BYTES = 200_000


def test_the_drawn_states_are_the_states() -> None:
    drawn = (ROOT / "docs" / "payment-states.mmd").read_text(encoding="utf-8")
    assert drawn == mermaid(), "./mizan payments states > docs/payment-states.mmd"


def test_every_environment_variable_is_described() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in production())
    named = set(re.findall(r'"(MIZAN_[A-Z_]+)"', code))
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    text += (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    text += (ROOT / "README.md").read_text(encoding="utf-8")
    assert not {name for name in named if name not in text}


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in COMMANDS if f"./mizan {name}" not in readme]
    assert not missing


def test_every_folder_is_on_the_map_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = [*PACKAGES, "config", "docs", "tests"]
    assert not [name for name in folders if f"`{name}/`" not in readme]


def test_a_stranger_finds_the_two_commands_at_once() -> None:
    top = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20])
    assert "./mizan run" in top
    assert "./mizan test" in top


def test_pictures_are_small_and_shown() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in DOCS)
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    assert pictures
    assert not [file.name for file in pictures if file.stat().st_size > PICTURE_BYTES]
    assert not [file.name for file in pictures if f"pictures/{file.name}" not in text]


def test_every_refusal_has_words_on_the_phone() -> None:
    from ussd.screen import SAY

    for refusal in Refusal:
        for language in ("ar", "en", "fr"):
            assert SAY[language](f"refusal.{refusal}")


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {target}"
        for file in DOCS
        for target in LINK.findall(file.read_text(encoding="utf-8"))
        if not (file.parent / target.strip()).exists()
    ]
    assert not broken


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(file.name[:4]) for file in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_sandbox_configuration_is_valid() -> None:
    environ = {
        **os.environ,
        "MIZAN_CONFIG": str(ROOT / "config" / "sandbox.toml"),
        "MIZAN_DATABASE_URL": "postgresql://db",
        "MIZAN_REDIS_URL": "redis://r",
        "MIZAN_PUBLIC_URL": "http://127.0.0.1:8000",
        "MIZAN_SANDBOX_URL": "http://127.0.0.1:8001",
        "MIZAN_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    }
    assert load(environ).is_sandbox


def test_nothing_speaks_of_the_machine_it_was_written_on() -> None:
    paths = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w+")
    files = [*production(), *DOCS, ROOT / "mizan", *sorted((ROOT / "tests").rglob("*.py"))]
    found = [
        f"{file.relative_to(ROOT)}: {hit[0]}"
        for file in files
        if (hit := paths.search(file.read_text(encoding="utf-8")))
    ]
    assert not found
