"""Whatever arrives, a dialect reads a hop or refuses in its own form; and it never takes long.

A few hundred cases here; 100,000 of each in ``./mizan test --nightly``.
"""

from __future__ import annotations

import json
import os
import string
import time
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.config import ChannelConfig
from tests.contract.ussd.test_dialects import APOLOGY, ENDS, MORE, TABLES, channel_of
from ussd.dialects import DIALECTS
from ussd.dialects.fields import FieldDialect
from ussd.dialects.markup import elements
from ussd.hop import Answer, Arrival, Hop, Phase, Unreadable

CASES = int(os.environ.get("MIZAN_FUZZ_CASES", "300"))
FUZZ = settings(deadline=None, max_examples=CASES)
TOO_LONG_S = 0.050
"""Of a core's own time: what else the machine does is not counted."""

CHANNELS: dict[str, ChannelConfig] = {name: channel_of(name) for name in DIALECTS}


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


def answered(name: str, arrival: Arrival) -> tuple[Hop | Unreadable, list[Answer], float]:
    """What a dialect makes of a request, all answers it could give, and how long both take."""
    dialect = DIALECTS[name]
    began = time.thread_time()
    hop = dialect.read(CHANNELS[name], arrival)
    if isinstance(hop, Unreadable):
        answers = [dialect.refuse(hop, APOLOGY)]
    elif hop.phase is Phase.END:
        answers = [dialect.acknowledge(hop)]
    else:
        answers = [dialect.write(hop, MORE), dialect.write(hop, ENDS)]
    return hop, answers, time.thread_time() - began


def check(name: str, arrival: Arrival) -> None:
    hop, answers, seconds = answered(name, arrival)
    if seconds >= TOO_LONG_S:
        # Once may have been the collector of garbage; what is slow is slow every time.
        seconds = min(answered(name, arrival)[2] for _ in range(3))
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
    check(name, Arrival("GET" if get else "POST", query, (), body, path))


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
    return name, Arrival(method, damage(query), (), damage(body), path)


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
DIALOG = ("localId", "remoteId", "userObject", "networkId")
TAGS = ("processUnstructuredSSRequest_Request", "unstructuredSSRequest_Response", "errorComponent")


def in_form(name: str, fields: dict[str, Any]) -> bytes:
    """Fields as the dialect's operator would write them."""
    if name in ("africastalking", "airtel", "safaricom"):
        return urlencode(fields, errors="surrogatepass").encode()
    texts = {key: str(value).encode(errors="ignore").decode() for key, value in fields.items()}
    if name == "mtn_rwanda":
        members = "".join(
            f"<member><name>{key}</name><value>{escape(text)}</value></member>"
            for key, text in texts.items()
        )
        call = f"<methodName>handleUSSD</methodName><struct>{members}</struct>"
        return f"<methodCall>{call}</methodCall>".encode()
    if name == "restcomm":
        attributes = "".join(f" {key}={quoteattr(text)}" for key, text in texts.items() if key)
        said, number = (texts.get(key, "789") for key in ("string", "number"))
        message = f"<{TAGS[len(texts) % 3]} string={quoteattr(said)}/>"
        inside = f"{message}<msisdn number={quoteattr(number)}/>"
        return f"<dialog{attributes}>{inside}</dialog>".encode()
    return json.dumps(fields).encode()


@st.composite
def filled_in(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """What a request of a dialect may hold: most fields as they should be, some missing or odd."""
    dialect = DIALECTS[name]
    assert isinstance(dialect, FieldDialect)
    usual: dict[str, tuple[str, ...]] = {
        **dict.fromkeys((known for known in dialect.known if " " not in known), ("7", "3")),
        **(dict.fromkeys(DIALOG, ("7",)) if name == "restcomm" else {}),
        **dict.fromkeys((dialect.text, "string"), ("*789#", "*789*1#", "789", "1", "")),
        **dict.fromkeys((dialect.msisdn, "number"), ("+962790000000", "962790000000")),
    }
    if not dialect.has_path:  # whose mark is in there
        usual[dialect.mark] = (*dialect.phases, "true", "false")
    fields = {}
    for known, likely in usual.items():
        dice = draw(st.integers(0, 9))
        if dice < 8:
            fields[known] = draw(st.sampled_from(likely))
        elif dice == 8:
            fields[known] = draw(VALUES)
    return fields | draw(
        st.dictionaries(st.text(string.ascii_letters, max_size=5), VALUES, max_size=2)
    )


@FUZZ
@given(st.data())
def test_any_values_in_the_right_places_are_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(NAMES)
    message = in_form(name, data.draw(filled_in(name)))
    is_get = name == "airtel" or (name == "safaricom" and data.draw(st.booleans()))
    method, query, body = ("GET", message, b"") if is_get else ("POST", b"", message)
    check(name, Arrival(method, query, (), body, "session/1/response"))


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
def test_the_largest_strange_bodies_take_no_time(name: str, body: bytes) -> None:
    check(name, Arrival("POST", body, (), body, "session/1/start"))


@FUZZ
@given(BYTES | st.text(string.printable, max_size=80).map(str.encode))
def test_only_xml_that_another_parser_reads_too_is_read(document: bytes) -> None:
    found = elements(document)
    if found is not None:
        assert ElementTree.fromstring(document).tag == found[0].tag
