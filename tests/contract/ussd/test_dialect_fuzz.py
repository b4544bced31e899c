"""Whatever arrives, a dialect reads a hop or refuses in its own form; and it never takes long.

A few hundred cases here; ``MIZAN_FUZZ_CASES=100000`` for a night.
"""

from __future__ import annotations

import json
import os
import string
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.config import ChannelConfig
from tests.contract.ussd.test_dialects import APOLOGY, ENDS, MORE, TABLES, channel_of
from ussd.dialects import DIALECTS
from ussd.dialects.markup import elements
from ussd.hop import Answer, Arrival, Hop, Phase, Unreadable

CASES = int(os.environ.get("MIZAN_FUZZ_CASES", "300"))
FUZZ = settings(deadline=None, max_examples=CASES)
TOO_LONG_S = 0.5
"""Ten times what is promised: this machine may be busy. The slowest is reported as a property."""

CHANNELS: dict[str, ChannelConfig] = {name: channel_of(name) for name in DIALECTS}
SLOWEST: dict[str, float] = dict.fromkeys(DIALECTS, 0.0)


def is_text(answer: Answer) -> bool:
    return answer.content_type.startswith(b"text/plain")


def is_well_formed(answer: Answer) -> bool:
    """Whether an operator's parser would read the answer."""
    if answer.content_type.startswith(b"application/json"):
        return isinstance(json.loads(answer.body), dict)
    if answer.content_type.startswith(b"text/xml"):
        return ElementTree.fromstring(answer.body).tag in ("dialog", "methodResponse")
    answer.body.decode()
    return is_text(answer)


def check(name: str, arrival: Arrival) -> None:
    dialect = DIALECTS[name]
    began = time.thread_time()
    hop = dialect.read(CHANNELS[name], arrival)
    if isinstance(hop, Unreadable):
        answers = [dialect.refuse(hop, APOLOGY)]
    elif hop.phase is Phase.END:
        answers = [dialect.acknowledge(hop)]
    else:
        answers = [dialect.write(hop, MORE), dialect.write(hop, ENDS)]
    seconds = time.thread_time() - began
    SLOWEST[name] = max(SLOWEST[name], seconds)
    assert seconds < TOO_LONG_S
    assert all(answer.status == 200 and is_well_formed(answer) for answer in answers)
    if isinstance(hop, Hop):
        assert hop.channel == "here"
        assert hop.msisdn.e164.startswith("+")
        assert hop.session_id.isprintable()
        hop.text.encode()
        "".join(hop.echo).encode()
        assert hop.session_id or name in ("airtel", "nalo")
        assert is_text(answers[0]) or answers[0].body


NAMES = st.sampled_from(sorted(DIALECTS))
PATHS = st.sampled_from(["", "session/1/start", "session/1/end", "session//", "/", "session/a/b/c"])
BYTES = st.binary(max_size=600)


@FUZZ
@given(name=NAMES, body=BYTES, query=BYTES, path=PATHS | st.text(max_size=40), get=st.booleans())
def test_any_bytes_are_read_or_refused(
    name: str, body: bytes, query: bytes, path: str, get: bool
) -> None:
    check(name, Arrival("GET" if get else "POST", query, {}, body, path))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Arrival]:
    """A request of some operator's table with a few cuts, repeats and strange pieces."""
    name = draw(NAMES)
    payload: dict[str, Any] = draw(st.sampled_from(TABLES[name]["payload"]))
    other = draw(st.sampled_from(TABLES[draw(NAMES)]["payload"]))

    def damage(text: str) -> bytes:
        message = text.encode()
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(message)))
            end = draw(st.integers(start, min(len(message), start + 60)))
            piece = draw(PIECES | st.just(message[start:end] * 2) | BYTES.map(_short))
            message = message[:start] + piece + message[end:]
        return message

    body, query = payload.get("body", ""), payload.get("query", "")
    if draw(st.integers(0, 9)) == 0:
        body = other.get("body", "")
    method, path = payload.get("method", "POST"), payload.get("path", "")
    return name, Arrival(method, damage(query), {}, damage(body), path)


def _short(piece: bytes) -> bytes:
    return piece[:12]


PIECES = st.sampled_from(
    [
        b"", b"\0", b"\xff", b"&", b"=", b"%", b"%FF", b"+", b'"', b"\\ud800", b"\\u0000", b"null",
        b"{}", b"[" * 200, b'{"a":' * 100, b"1e999", b"9" * 5000, b"NaN", b"true", b"&lt;", b"&a;",
        b"<a>", b"</dialog>", b"<!DOCTYPE a>", b"<![CDATA[x]]>", b"<?x?>", b"<!--", b"&#0;",
        "١٢٣".encode(), "\u202e".encode(), b"+962790000001", b"*789*1*2#", b"\r\n",
    ]
)  # fmt: skip


@FUZZ
@given(damaged())
def test_a_damaged_request_is_read_or_refused(case: tuple[str, Arrival]) -> None:
    check(*case)


VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["+962790000000", "962790000000", "*789#", "*789*1#", "1", "", "true", "\ud800"]
    ),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
JSON_KEYS = {
    "arkesel": ("sessionID", "userID", "newSession", "msisdn", "userData", "network"),
    "hubtel": ("Type", "Mobile", "SessionId", "ServiceCode", "Message", "Operator", "Sequence"),
    "infobip": ("msisdn", "text", "shortCode", "ussdGwId", "reason"),
    "json": ("session", "event", "msisdn", "network", "code", "text", "sequence", "reason"),
    "mtn_madapi": ("sessionId", "messageType", "msisdn", "serviceCode", "ussdString"),
    "nalo": ("USERID", "MSISDN", "USERDATA", "MSGTYPE", "NETWORK", "SESSIONID"),
}


@FUZZ
@given(st.data())
def test_any_values_in_the_right_places_are_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(JSON_KEYS)))
    keys = st.sampled_from(JSON_KEYS[name]) | st.text(string.ascii_letters, max_size=5)
    body = json.dumps(data.draw(st.dictionaries(keys, VALUES, max_size=9))).encode()
    check(name, Arrival("POST", b"", {}, body, "session/1/response"))


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8192, b'{"a":' * 1600, b"<a>" * 2700, b"&" * 8192, b"a=&" * 2700, b"%" * 8192,
        b'{"a":' + b"9" * 8000 + b"}", b"<a " + b'a="1" ' * 1300 + b"/>", b'"' + b"\\u0661" * 1300,
        b"<a>" + b"&amp;" * 1600 + b"</a>", b"a=" + b"%D9%A1" * 1300,
    ],
    ids=lambda body: body[:6].decode(),
)  # fmt: skip
def test_the_largest_strange_bodies_take_no_time(
    name: str, body: bytes, record_property: Callable[[str, object], None]
) -> None:
    check(name, Arrival("POST", body, {}, body, "session/1/start"))
    record_property(f"slowest of {name} in ms", round(SLOWEST[name] * 1000, 2))


@FUZZ
@given(BYTES | st.text(string.printable, max_size=80).map(str.encode))
def test_only_xml_that_another_parser_reads_too_is_read(document: bytes) -> None:
    found = elements(document)
    if found is not None:
        assert ElementTree.fromstring(document).tag == found[0].tag
