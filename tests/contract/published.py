"""The published GSMA Mobile Money API 1.2, where its file lies next to the project."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from launch.home import ROOT

PUBLISHED: Final = ROOT.parent / "shared" / "specs" / "gsma-mobile-money-api-1.2.0.yaml"


def at_hand(extract: Path) -> list[Path]:
    """What can be compared with an extract: itself, and the published file if there is one."""
    return [extract, *([PUBLISHED] if PUBLISHED.exists() else [])]
