"""The MIZAN_* variables of an installation on one machine; what is already set always wins."""

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

from launch.home import ROOT, Home

SANDBOX_CONFIG = ROOT / "config" / "sandbox.toml"
DEFAULT_ADDRESSES = {
    "MIZAN_PUBLIC_URL": "http://127.0.0.1:8000",
    "MIZAN_SANDBOX_URL": "http://127.0.0.1:8001",
}


def settings(home: Home, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Everything but the servers' URLs: the same for `run` and for a command beside it."""
    config = environ.get("MIZAN_CONFIG") or str(SANDBOX_CONFIG)
    known = {"MIZAN_HOME": str(home.path), "MIZAN_CONFIG": config, **_last_addresses(home)}
    if is_sandbox(Path(config)) and not environ.get("MIZAN_SECRET_KEY"):
        known["MIZAN_SECRET_KEY"] = sandbox_secret(home)
    given = {name: environ[name] for name in known if environ.get(name)}
    return known | given | {"MIZAN_HOME": str(home.path)}


def is_sandbox(config: Path) -> bool:
    """Only an installation that plays with sandbox money gets a secret made for it."""
    if config == SANDBOX_CONFIG:
        return True
    try:
        return tomllib.loads(config.read_text(encoding="utf-8")).get("environment") == "sandbox"
    except (OSError, tomllib.TOMLDecodeError):
        return False  # the configuration's own reader explains what is wrong with it


def sandbox_secret(home: Home) -> str:
    """The sandbox's own secret, made once and readable by its owner only."""
    path = home.path / "secret"
    if not path.exists():
        draft = path.with_name(f"secret.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # unlike a rename, never replaces the secret another process made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def remember_addresses(home: Home, public_url: str, sandbox_url: str) -> None:
    """Let commands in another terminal find the web processes that `run` started."""
    addresses = {"MIZAN_PUBLIC_URL": public_url, "MIZAN_SANDBOX_URL": sandbox_url}
    home.addresses_file().write_text(json.dumps(addresses))


def _last_addresses(home: Home) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(home.addresses_file().read_text())
    except (OSError, ValueError):
        return DEFAULT_ADDRESSES
    return DEFAULT_ADDRESSES | found
