"""Most operators post named fields and differ in the names: a dialect is a table of names.

Reading is strict: guessing what a damaged field meant could charge a stranger. Names match in any
case, because operators' own documents do not agree on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from kernel.config import ChannelConfig
from kernel.msisdn import BadMsisdn, Msisdn
from ussd.hop import Answer, Arrival, Ending, Hop, Phase, Reply, Unreadable

Pairs: TypeAlias = list[tuple[str, str]]
"""Names in lower case and values, in the order they came, repeated ones included; all are valid
Unicode.
"""

Fields: TypeAlias = Mapping[str, str]
"""The fields of a request, by name in lower case."""

PhaseRule: TypeAlias = Callable[[Fields, ChannelConfig], Phase | Unreadable | None]

TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"),)
JSON: Final = ((b"content-type", b"application/json"),)
POST: Final = frozenset({"POST"})
GET: Final = frozenset({"GET"})
PUT: Final = frozenset({"PUT"})

_MAX_FIELDS: Final = 32
_MAX_SESSION_ID: Final = 128
_MAX_NETWORK: Final = 32
_MAX_SEQUENCE: Final = 6


def url_encoded(encoded: bytes) -> Pairs | Unreadable:
    """A form or query string, each value percent-decoded exactly once."""
    if not encoded:
        return []
    try:
        parts = encoded.decode().split("&", _MAX_FIELDS)
        if len(parts) > _MAX_FIELDS:
            return Unreadable.BAD_ENCODING
        pairs = []
        for part in parts:
            name, sign, value = part.partition("=")
            if not sign:
                return Unreadable.BAD_ENCODING
            if "%" in part or "+" in part:
                name, value = _unquoted(name), _unquoted(value)
            pairs.append((name.lower(), value))
    except ValueError:
        return Unreadable.BAD_ENCODING
    return pairs


def form(arrival: Arrival) -> Pairs | Unreadable:
    """The fields of a posted form."""
    return url_encoded(arrival.body)


def query(arrival: Arrival) -> Pairs | Unreadable:
    """The fields of a query string."""
    return url_encoded(arrival.query)


def json_object(arrival: Arrival) -> Pairs | Unreadable:
    """The fields of a JSON object whose values are text, numbers or booleans; others are left out.

    Numbers stay as they were written; booleans are ``true`` and ``false``.
    """
    try:
        told = json.loads(
            arrival.body.decode(),
            object_pairs_hook=_Members,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_constant,
        )
        if not isinstance(told, _Members):
            return Unreadable.BAD_ENCODING
        pairs = [(name.lower(), _plain(value)) for name, value in told.pairs if _is_plain(value)]
        if b"\\u" in arrival.body:
            "".join(text for pair in pairs for text in pair).encode()  # half a surrogate pair
    except (ValueError, RecursionError):
        return Unreadable.BAD_ENCODING
    return pairs


def json_answer(members: Mapping[str, object]) -> Answer:
    """A JSON object as an answer."""
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return Answer(text.encode(), JSON)


def arguments(dialled: str, code: str) -> str | None:
    """What follows the code in a dialled string (``*789*123#`` gives ``123``); None: another code.

    Some operators leave the first ``*`` and the ``#`` out.
    """
    plain, own = dialled.strip().removesuffix("#").lstrip("*#"), code.strip("*#")
    if plain == own:
        return ""
    return plain[len(own) + 1 :] if plain.startswith(own + "*") else None


def dialled(text: str) -> PhaseRule:
    """A start is an input that is our own code: nobody types that inside a menu."""
    text = text.lower()

    def rule(fields: Fields, channel: ChannelConfig) -> Phase:
        is_ours = arguments(fields.get(text, ""), channel.short_code) is not None
        return Phase.START if is_ours else Phase.INPUT

    return rule


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDialect:
    """A dialect as a table: where the fields come from, what they are called, how to answer.

    ``mark`` is the field that says what kind of request it is, and ``phases`` what its values mean,
    in any case; ``phase`` says it where that is not enough; with neither the protocol cannot tell.
    ``reason`` names the field that says why a session ended (else the mark does), and ``endings``
    what its values mean, in any case; what is not there was dropped. ``echoes`` are
    fields whose values the answer repeats (``Hop.echo``, in that order). ``with_plus``: a number
    without ``+`` is refused; otherwise it may be missing, and a national number is one of the
    channel's country.
    """

    decode: Callable[[Arrival], Pairs | Unreadable]
    session: str
    msisdn: str
    text: str
    write: Callable[[Hop, Reply], Answer]
    acknowledge: Callable[[Hop], Answer]
    refuse: Callable[[Unreadable, str], Answer]
    mark: str = ""
    phases: Mapping[str, Phase] = field(default_factory=dict)
    phase: PhaseRule | None = None
    code: str = ""
    network: str = ""
    sequence: str = ""
    reason: str = ""
    endings: Mapping[str, Ending] = field(default_factory=dict)
    echoes: tuple[str, ...] = ()
    is_cumulative: bool = False
    with_plus: bool = False
    needs_session: bool = True
    methods: frozenset[str] = POST
    has_path: bool = False
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = ("session", "msisdn", "text", "mark", "code", "network", "sequence", "reason")
        for name in names:
            object.__setattr__(self, name, getattr(self, name).lower())
        object.__setattr__(self, "echoes", tuple(name.lower() for name in self.echoes))
        known = {getattr(self, name) for name in names} | set(self.echoes)
        object.__setattr__(self, "known", frozenset(known - {""}))

    def read(self, channel: ChannelConfig, arrival: Arrival) -> Hop | Unreadable:
        """The hop that the fields of a request mean."""
        pairs = self.decode(arrival)
        if isinstance(pairs, Unreadable):
            return pairs
        fields = dict(pairs)
        fields.pop("", None)  # a field without a name is none of ours that has no name here
        if len(fields) < len(pairs) and self._repeats(pairs):
            return Unreadable.REPEATED_FIELD
        phase = self._phase(fields, channel)
        return phase if isinstance(phase, Unreadable) else self._hop(channel, fields, phase)

    def _repeats(self, pairs: Pairs) -> bool:
        """Whether a field that we read came twice."""
        names = [name for name, _ in pairs if name in self.known]
        return len(names) > len(set(names))

    def _phase(self, fields: Fields, channel: ChannelConfig) -> Phase | Unreadable | None:
        if self.phase is not None:
            return self.phase(fields, channel)
        if not self.phases:
            return None
        if self.mark not in fields:
            return Unreadable.MISSING_FIELD
        return self.phases.get(fields[self.mark].strip().lower(), Unreadable.BAD_EVENT)

    def _hop(self, channel: ChannelConfig, fields: Fields, phase: Phase | None) -> Hop | Unreadable:
        session_id, is_end = fields.get(self.session, ""), phase is Phase.END
        if is_end and self.msisdn not in fields:
            return Unreadable.NOBODYS_END
        if self.msisdn not in fields or (self.text not in fields and not is_end):
            return Unreadable.MISSING_FIELD
        if self.needs_session and not session_id:
            return Unreadable.BAD_SESSION if self.session in fields else Unreadable.MISSING_FIELD
        if not session_id.isprintable() or len(session_id) > _MAX_SESSION_ID:
            return Unreadable.BAD_SESSION
        try:
            msisdn = _subscriber(fields[self.msisdn], self.with_plus, channel.country)
        except BadMsisdn:
            return Unreadable.BAD_MSISDN
        reason = _label(fields.get(self.reason) or fields.get(self.mark, "")) if is_end else ""
        return Hop(
            channel=channel.name,
            session_id=session_id,
            msisdn=msisdn,
            network=_label(fields.get(self.network, "")),
            short_code=fields.get(self.code) or channel.short_code,
            phase=phase,
            text=self._text(fields, phase, channel.short_code),
            is_cumulative=self.is_cumulative,
            sequence=_number(fields[self.sequence]) if self.sequence in fields else None,
            reason=reason,
            echo=tuple(fields.get(name, "") for name in self.echoes) if self.echoes else (),
            ending=self.endings.get(reason.lower(), Ending.DROPPED) if is_end else Ending.DROPPED,
        )

    def _text(self, fields: Fields, phase: Phase | None, code: str) -> str:
        if phase is Phase.END:
            return ""  # some repeat all that was typed
        text = fields[self.text]
        if phase is Phase.START:
            dialled = arguments(text, code)
            if dialled is None:  # another code of ours, or the arguments alone
                return "" if text[:1] in ("*", "#") else text
            return dialled
        return text


class _Members:
    """A JSON object as it was written, repeated names included."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool)


def _plain(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _no_constant(name: str) -> None:
    raise ValueError(name)


# Number and code come encoded alike on each hop of a session.
@lru_cache(maxsize=1024)
def _unquoted(text: str) -> str:
    # What most hops escape; a "%" that is left begins an escape, or one too short.
    text = text.replace("+", " ").replace("%2A", "*").replace("%2B", "+").replace("%23", "#")
    return unquote(text, errors="strict") if "%" in text else text


def _number(text: str) -> int | None:
    """A hop's number, or nothing."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_SEQUENCE
    return int(text) if is_number else None


def _label(text: str) -> str:
    """A short word of the operator's for logs and settings, or nothing."""
    return text if len(text) <= _MAX_NETWORK and text.isprintable() else ""


# Parsing a number costs more than the rest of a hop, and each hop of a session brings it again.
@lru_cache(maxsize=1024)
def _subscriber(text: str, with_plus: bool, country: str) -> Msisdn:
    if text.startswith("+"):
        return Msisdn.parse(text)
    # A "+" that was not percent-encoded arrives as a space: refused, not repaired.
    if with_plus or not (text.isascii() and text.isdigit()):
        raise BadMsisdn("not an international number")
    if text.startswith("0") and not text.startswith("00"):
        return Msisdn.parse(text, country or None)
    return Msisdn.parse(f"+{text.removeprefix('00')}")
