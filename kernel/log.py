"""JSON logs, one line an event, masked where they are written so that no caller can forget it.

``event("ussd.hop", channel="sandbox", screen="confirm")`` writes a line; what it names in ``bind``
(a context manager) is added to every line inside. Phone numbers in any value are masked; fields
named like secrets never appear. Lines of some milliseconds are written in one go.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import Any, Final, TextIO

from kernel.digits import to_western

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, Any]] = ContextVar("log_bound", default=_NOTHING)
_SECRET = re.compile(r"pin|otp|password|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
# Seven digits and more in a row may be a phone number, whatever separates country and subscriber.
# Ids are hexadecimal with hyphens or follow a letter or underscore, so they are let through.
# In an address the plus sign is "%2B", or a space.
_NUMBER = re.compile(
    r"(?:%2B|(?<![0-9A-Za-z_.-])(?:\+|00)?)[0-9]{7,15}(?![0-9A-Za-z_-])", re.IGNORECASE
)
_HIDDEN: Final = "•••"
_SHORT: Final = 64
"""Longer strings are of one event, and not remembered."""
_HEADS: Final = 1024
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode
_LOGGER = logging.getLogger("mizan")

Listener = Callable[[str, Mapping[str, Any]], None]
_LISTENERS: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call ``listener(name, fields)`` for every event of this process, when its line is written;
    metrics are made this way.
    """
    _LISTENERS.append(listener)


def event(name: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event (a dotted, lower-case name) with its fields."""
    bound = _BOUND.get()
    if bound:
        fields = {**bound, **fields}
    handlers = logging.root.handlers
    if (
        level == logging.INFO >= _LOGGER.level
        and len(handlers) == 1
        and type(handlers[0]) is _Lines
    ):
        handlers[0].write(name, fields)  # a record that only we would read is not made
        return
    _listen(name, fields)
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, name, extra={"fields": fields})


def _listen(name: str, fields: Mapping[str, Any]) -> None:
    for listener in _LISTENERS:
        listener(name, fields)


def fault(name: str, /, **fields: Any) -> None:
    """Log an event with the exception being handled."""
    _LOGGER.error(name, exc_info=True, extra={"fields": {**_BOUND.get(), **fields}})


@contextmanager
def bind(**fields: Any) -> Iterator[None]:
    """Add fields to every event inside the block (payment id, channel, work kind)."""
    before = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(before)


def mask(text: str) -> str:
    """Hide the middle of anything that looks like a phone number, in Western or Arabic digits."""
    western = to_western(text)
    if not _NUMBER.search(western):
        return text
    return _NUMBER.sub(lambda found: f"{found[0][:4]}…{found[0][-2:]}", western)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, then the event's fields, masked."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process
        self._heads: dict[tuple[str, str], str] = {}
        self._second, self._clock = 0, _clock(0)

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; never raises for what a caller passed."""
        parts = [self._head(record.created, record.levelname.lower(), record.getMessage())]
        if record.name != "mizan":
            parts.append(_pair("logger", record.name))
        parts += _pairs(getattr(record, "fields", {}))
        if record.exc_info:
            trace = "".join(traceback.format_exception(*record.exc_info))
            parts.append(_pair("exception", trace))
        return "{" + ", ".join(parts) + "}"

    def line(self, at: float, name: str, fields: Mapping[str, Any]) -> str:
        """The same for an event at level info, without a record."""
        return "{" + ", ".join((self._head(at, "info", name), *_pairs(fields))) + "}"

    def _head(self, at: float, level: str, name: str) -> str:
        second = int(at)
        if second != self._second:
            self._second, self._clock = second, _clock(second)
        milliseconds = int((at - second) * 1000)
        return f'"at": "{self._clock}.{milliseconds:03d}+00:00", {self._known_head(level, name)}'

    def _known_head(self, level: str, name: str) -> str:
        """The head but for the time: the same few."""
        head = self._heads.get((level, name))
        if head is None:
            head = ", ".join(_pairs({"level": level, "process": self._process, "event": name}))
            if len(self._heads) < _HEADS:
                self._heads[level, name] = head
        return head


_GATHERED_S: Final = 0.01
"""How long a line may wait for others in a process that has an event loop."""


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines in order; in an event loop, those of some milliseconds in one go: rendered one
    after the other they take a third of the time that they take in between other work.
    """

    def __init__(self, stream: TextIO, formatter: JsonFormatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._json = formatter
        self._gathered: list[tuple[float, str, Mapping[str, Any]]] = []
        self._expected_in: asyncio.AbstractEventLoop | None = None

    def write(self, name: str, fields: Mapping[str, Any]) -> None:
        """An event at level info; written soon, at once where there is no event loop."""
        self._gathered.append((time.time(), name, fields))
        # A loop that ended before it wrote leaves its lines to the next one, or to the end.
        if self._expected_in is None or self._expected_in.is_closed():
            try:
                self._expected_in = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
                return
            self._expected_in.call_later(_GATHERED_S, self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        """A record of the logging module: what was gathered goes first."""
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Write what was gathered; logging calls this too when the process ends."""
        self._expected_in = None
        gathered, self._gathered = self._gathered, []
        line = self._json.line
        lines = [line(*told) + "\n" for told in gathered]
        # Nobody reads any more (a closed pipe, a full disk): no reason to refuse a citizen.
        with suppress(OSError, ValueError):
            if lines:
                self.stream.write("".join(lines))
            super().flush()
        for _, name, fields in gathered:
            _listen(name, fields)


def configure(process: str, *, level: str = "INFO") -> None:
    """Send this process's logs to standard output as JSON; libraries speak from WARNING on."""
    handler = _Lines(sys.stdout, JsonFormatter(process))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _LOGGER.setLevel(level)


def _pairs(fields: Mapping[str, Any]) -> list[str]:
    """``"name": value`` of each field, masked."""
    return [
        _known_pair(name, value)
        if type(value) is str and len(value) <= _SHORT
        else _pair(name, value)
        for name, value in fields.items()
    ]


def _pair(name: str, value: Any) -> str:
    if type(value) is float and (known := _known_name(name)) and isfinite(value):
        return f"{known}{value}"
    shown = _HIDDEN if _SECRET.search(name) else _clean(value)
    return f"{_ENCODE(mask(name))}: {_ENCODE(shown)}"


@lru_cache(maxsize=4096)
def _known_pair(name: str, value: str) -> str:
    """Screens, channels, outcomes: the same few words in most lines."""
    return _pair(name, value)


@lru_cache(maxsize=1024)
def _known_name(name: str) -> str | None:
    """A field's name as written; None for one whose value is not."""
    return None if _SECRET.search(name) else f"{_ENCODE(mask(name))}: "


def _clock(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def _clean(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {
            mask(str(key)): _HIDDEN if _SECRET.search(str(key)) else _clean(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return mask(str(value))
