"""JSON logs, one line an event, masked where they are written so that no caller can forget it.

``event("ussd.hop", channel="sandbox", screen="confirm")`` writes a line; what it names in ``bind``
(a context manager) is added to every line inside. Phone numbers in any value are masked; fields
named like secrets never appear.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

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
_LOGGER = logging.getLogger("mizan")

Listener = Callable[[str, Mapping[str, Any]], None]
_LISTENERS: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call ``listener(name, fields)`` at every event of this process; metrics are made this way."""
    _LISTENERS.append(listener)


def event(name: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event (a dotted, lower-case name) with its fields."""
    fields = {**_BOUND.get(), **fields}
    for listener in _LISTENERS:
        listener(name, fields)
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, name, extra={"fields": fields})


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

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; never raises for what a caller passed."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": mask(record.getMessage()),
        }
        if record.name != "mizan":
            line["logger"] = record.name
        line |= _clean(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = mask("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(process: str, *, level: str = "INFO") -> None:
    """Send this process's logs to standard output as JSON; libraries speak from WARNING on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _LOGGER.setLevel(level)


def _clean(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {
            mask(str(key)): "•••" if _SECRET.search(str(key)) else _clean(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return mask(str(value))
