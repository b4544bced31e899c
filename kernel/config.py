"""Settings: a TOML file (``MIZAN_CONFIG``) and the environment, read once into frozen values.

``${NAME}`` inside a TOML string is replaced from the environment. Outside the sandbox a missing or
weak secret refuses to start.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

_ROOT = Path(__file__).resolve().parent.parent
MIN_DOOR_SECRET = 16
_FEWEST_KINDS = 6
"""Of characters in it: sixteen digits of chance have as many, a word or a pattern often has not."""

_SECRET_FIELD = re.compile("pass|pwd|secret|token|key|auth", re.IGNORECASE)
"""Names of fields that hold what nobody else knows; a user's name is no secret, however long."""
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_T = TypeVar("_T")


class ConfigError(RuntimeError):
    """The installation is not set up; the message says what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletConfig:
    """One mobile-money operator that we collect from (``[wallets.CODE]``)."""

    code: str
    adapter: str
    base_url: str
    names: dict[str, str]
    currencies: tuple[str, ...]
    countries: tuple[str, ...]
    merchant_account: str = "mizan"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_path: str = "/oauth/token"
    """Where ``client_id`` gets its token: below ``base_url``, or a whole URL."""
    timeout_s: float = 10.0
    """For a whole operation: a token, the request, the questions that follow from its answer."""
    prompt_window_s: float = 120.0
    poll_schedule_s: tuple[float, ...] = (90.0, 600.0, 6000.0)
    query_budget: int = 3
    query_window_s: float = 7200.0
    queries_per_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAuth:
    """What a USSD operator must show besides the secret path (``[ussd.CHANNEL.auth]``): all of it.

    ``basic``: ``user:password`` (RFC 7617). ``token``: in ``token_header``, after ``Bearer`` or
    alone. ``query``: fields of the query string and their values. ``hmac_secret``: HMAC-SHA256, and
    ``rsa_public_key`` (PEM): RSASSA-PKCS1-v1_5 with SHA-256, of the body in ``signature_header``.
    ``allow_from``: networks in CIDR notation.
    """

    basic: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_header: str = "authorization"
    query: dict[str, str] = field(default_factory=dict, repr=False)
    hmac_secret: str = field(default="", repr=False)
    rsa_public_key: str = ""
    signature_header: str = "signature"
    allow_from: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody else knows: one of them, or an RSA key, keeps strangers out."""
        password = self.basic.partition(":")[2]
        hidden = [value for name, value in self.query.items() if _SECRET_FIELD.search(name)]
        return (password, self.token, self.hmac_secret, *hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """One USSD route from an operator (``[ussd.CHANNEL]``); if it asks a caller for nothing, only
    loopback may post. Zero and empty mean: as the operator's ``profile`` says.
    """

    name: str
    dialect: str
    short_code: str
    profile: str = "standard"
    country: str = ""
    """ISO 3166-1 alpha-2, for operators that send national numbers."""
    secret: str = field(default="", repr=False)
    auth: ChannelAuth = field(default_factory=ChannelAuth)
    septets: int = 0
    ucs2_units: int = 0
    reserved_keys: tuple[str, ...] = ()
    idle_s: int = 0
    answer_s: float = 0.0
    default_language: str = "ar"
    languages: tuple[str, ...] = ()
    session_ttl_s: int = 0
    wallets: tuple[str, ...] = ()
    wallet_by_network: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierConfig:
    """One SMS route (``[sms.CHANNEL]``)."""

    name: str
    carrier: str
    sender: str
    base_url: str = ""
    secret: str = field(default="", repr=False)
    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsConfig:
    """Limits of the payment flow (``[payments]``).

    ``prompts_by_others_…``: wallet prompts that somebody else may send to one payer's phone.
    """

    send_window_s: float = 120.0
    send_retry_s: float = 2.0
    poll_jitter: float = 0.1
    prompts_by_others_an_hour: int = 3
    prompts_by_others_a_day: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """Guesses of subscribers (``[limits]``): numbers that no bill or receipt of theirs has, each
    subscriber's and everybody's together.
    """

    bill_misses_an_hour: int = 5
    all_bill_misses_an_hour: int = 300
    receipt_misses_an_hour: int = 10
    all_receipt_misses_an_hour: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a process needs to know; built once by ``load``."""

    environment: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    public_url: str
    secret_key: str = field(repr=False)
    home: Path
    sandbox_url: str
    log_level: str
    sms_channel: str
    work_lease_s: float
    zone: str
    """Whose days and times the console shows (IANA name)."""
    trusted_proxies: tuple[str, ...]
    metrics_from: tuple[str, ...]
    wallets: dict[str, WalletConfig]
    channels: dict[str, ChannelConfig]
    carriers: dict[str, CarrierConfig]
    payments: PaymentsConfig
    limits: LimitsConfig = field(default_factory=LimitsConfig)

    @property
    def is_sandbox(self) -> bool:
        """Whether this installation only plays with sandbox money."""
        return self.environment == "sandbox"


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file and the environment; raises ConfigError with what to set."""
    path = Path(environ.get("MIZAN_CONFIG") or _ROOT / "config" / "sandbox.toml")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"cannot read MIZAN_CONFIG {path}: {problem}") from None
    raw = _substitute(raw, environ)
    config = Config(
        environment=raw.get("environment", "production"),
        database_url=_required(environ, "MIZAN_DATABASE_URL"),
        redis_url=_required(environ, "MIZAN_REDIS_URL"),
        public_url=_required(environ, "MIZAN_PUBLIC_URL").rstrip("/"),
        secret_key=_required(environ, "MIZAN_SECRET_KEY"),
        home=Path(environ.get("MIZAN_HOME") or _ROOT / "var"),
        sandbox_url=environ.get("MIZAN_SANDBOX_URL", "").rstrip("/"),
        log_level=raw.get("log_level", "INFO"),
        sms_channel=raw.get("sms_channel", ""),
        work_lease_s=float(raw.get("work_lease_s", 30.0)),
        zone=raw.get("zone", "Asia/Amman"),
        trusted_proxies=tuple(raw.get("trusted_proxies", ())),
        metrics_from=tuple(raw.get("metrics_from", ())),
        wallets=_named(WalletConfig, "code", raw.get("wallets", {})),
        channels=_channels(raw.get("ussd", {})),
        carriers=_named(CarrierConfig, "name", raw.get("sms", {})),
        payments=_typed(PaymentsConfig, "payments", raw.get("payments", {})),
        limits=_typed(LimitsConfig, "limits", raw.get("limits", {})),
    )
    _check(config)
    return config


def _check(config: Config) -> None:
    if len(config.secret_key) < 32 or len(set(config.secret_key)) < 10:
        raise ConfigError("MIZAN_SECRET_KEY must be at least 32 random characters")
    try:
        ZoneInfo(config.zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"zone = {config.zone!r} is no IANA time zone") from None
    slowest = max(
        (
            *(wallet.timeout_s for wallet in config.wallets.values()),
            *(carrier.timeout_s for carrier in config.carriers.values()),
        ),
        default=0.0,
    )
    if config.work_lease_s <= slowest:
        raise ConfigError(
            f"work_lease_s ({config.work_lease_s}) must be longer than any timeout_s ({slowest}):"
            " a call must not outlive its lease"
        )
    if not config.is_sandbox:
        _check_exposed(config)


def _check_exposed(config: Config) -> None:
    """What is good enough on one machine with sandbox money only."""
    if "*" in config.trusted_proxies:
        raise ConfigError('trusted_proxies = ["*"] would let anybody forge an address; list them')
    doors = {
        f"ussd.{name}": (channel.secret, *channel.auth.secrets)
        for name, channel in config.channels.items()
        if not channel.auth.rsa_public_key
    }
    doors |= {f"sms.{name}": (carrier.secret,) for name, carrier in config.carriers.items()}
    for name, secrets in doors.items():
        if not any(map(_is_strong, secrets)):
            raise ConfigError(
                f"{name}.secret must be at least {MIN_DOOR_SECRET} random characters outside the"
                " sandbox (or a channel's auth as strong): behind a proxy anybody may look like"
                " this machine"
            )
    urls = {"MIZAN_PUBLIC_URL": config.public_url}
    for wallet in config.wallets.values():
        urls[f"wallets.{wallet.code}.base_url"] = wallet.base_url
        if not wallet.token_path.startswith("/"):
            urls[f"wallets.{wallet.code}.token_path"] = wallet.token_path
    for name, url in urls.items():
        if not url.startswith("https://"):
            raise ConfigError(f"{name} must be https outside the sandbox")


def _is_strong(secret: str) -> bool:
    return len(secret) >= MIN_DOOR_SECRET and len(set(secret)) >= _FEWEST_KINDS


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set; ./mizan run sets it for the embedded installation")
    return value


def _substitute(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _required(environ, found[1]), value)
    if isinstance(value, dict):
        return {key: _substitute(inner, environ) for key, inner in value.items()}
    return [_substitute(inner, environ) for inner in value] if isinstance(value, list) else value


def _named(kind: type[_T], key: str, tables: dict[str, dict[str, Any]]) -> dict[str, _T]:
    return {name: _typed(kind, name, {**table, key: name}) for name, table in tables.items()}


def _channels(tables: dict[str, dict[str, Any]]) -> dict[str, ChannelConfig]:
    inner = {
        name: {**table, "auth": _typed(ChannelAuth, f"{name}.auth", table.get("auth", {}))}
        for name, table in tables.items()
    }
    return _named(ChannelConfig, "name", inner)


def _typed(kind: type[_T], section: str, table: dict[str, Any]) -> _T:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # always a dataclass here
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigError(f"unknown setting {', '.join(unknown)} in section {section}")
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    try:
        return kind(**values)
    except TypeError as problem:
        raise ConfigError(f"section {section}: {problem}") from None
