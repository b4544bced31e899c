"""Every dialect: raw requests in, hops and exact bytes out.

A table ``<dialect>.toml`` holds payloads: ``what`` it is, ``method`` (POST), ``path``, ``query``,
``body``; then either ``refused`` (the reason) or what the hop holds where that differs from the
table's ``[usual]``. ``more`` and ``ends`` are the answers to a page that goes on and to a last one,
``answer`` the one to a refused request or to news of the end; ``headers`` are the answer's own.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from kernel.config import ChannelConfig
from ussd.dialects import DIALECTS
from ussd.hop import Answer, Arrival, Hop, Phase, Reply, Unreadable

HERE = Path(__file__).parent
MORE = Reply('ميزان <1> & "2"\n1. دفع', ends=False)
ENDS = Reply("Paid: 5.000 JOD\nThank you", ends=True)
APOLOGY = "Try again"

TABLES = {
    name: tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8")) for name in DIALECTS
}
PAYLOADS = [
    pytest.param(name, payload, id=f"{name}: {payload['what']}")
    for name, table in TABLES.items()
    for payload in table["payload"]
]
SAID = set(Hop.__struct_fields__) - {"channel", "echo"}


def channel_of(name: str) -> ChannelConfig:
    """A channel of the code ``*789#`` in Jordan."""
    return ChannelConfig(name="here", dialect=name, short_code="*789#", country="JO")


def read(name: str, payload: dict[str, Any]) -> Hop | Unreadable:
    """What a dialect makes of a payload."""
    arrival = Arrival(
        method=payload.get("method", "POST"),
        query=payload.get("query", "").encode(),
        headers=(),
        body=payload.get("body", "").encode(),
        path=payload.get("path", ""),
    )
    return DIALECTS[name].read(channel_of(name), arrival)


@pytest.mark.parametrize(("name", "payload"), PAYLOADS)
def test_a_raw_request_means_what_the_table_says(name: str, payload: dict[str, Any]) -> None:
    hop = read(name, payload)
    if "refused" in payload:
        assert hop == Unreadable(payload["refused"])
        return
    assert isinstance(hop, Hop), hop
    expected = {"sequence": None, "reason": "", "network": "", "is_cumulative": False, "text": ""}
    expected |= {"phase": None, "ending": "dropped", **TABLES[name]["usual"]}
    expected |= {key: value for key, value in payload.items() if key in SAID}
    told = {key: getattr(hop, key) for key in SAID}
    told["msisdn"] = hop.msisdn.e164
    assert told == expected
    assert hop.channel == "here"


@pytest.mark.parametrize(("name", "payload"), PAYLOADS)
def test_answers_are_the_tables_byte_for_byte(name: str, payload: dict[str, Any]) -> None:
    hop, dialect = read(name, payload), DIALECTS[name]
    answers: dict[str, Answer] = {}
    if isinstance(hop, Unreadable):
        answers["answer"] = dialect.refuse(hop, APOLOGY)
    elif hop.phase is Phase.END:
        answers["answer"] = dialect.acknowledge(hop)
    else:
        answers |= {"more": dialect.write(hop, MORE), "ends": dialect.write(hop, ENDS)}
    for key, answer in answers.items():
        if key in payload:
            assert answer.body.decode() == payload[key]
        assert answer.content_type.decode() == TABLES[name]["content_type"]
        assert answer.status == 200
        expected = payload.get("headers", {}).get(key)
        if expected is not None:
            assert dict(answer.headers[1:]) == {k.encode(): v.encode() for k, v in expected.items()}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_table_holds_what_every_operator_does(name: str) -> None:
    table = TABLES[name]
    hops = [(payload, read(name, payload)) for payload in table["payload"]]
    starts = [
        hop.text for _, hop in hops if isinstance(hop, Hop) and hop.phase in (Phase.START, None)
    ]
    assert "" in starts, "a dial"
    assert "701234567016" in starts, "a dial with arguments"
    inputs = [hop for _, hop in hops if isinstance(hop, Hop) and hop.phase in (Phase.INPUT, None)]
    assert any("1" in hop.text.split("*") for hop in inputs), "an input"
    for key in ("more", "ends", "answer"):
        assert any(key in payload for payload, _ in hops), f"no exact bytes for {key!r}"
    refused = {hop for _, hop in hops if isinstance(hop, Unreadable)}
    assert {Unreadable.BAD_ENCODING, Unreadable.MISSING_FIELD, Unreadable.BAD_MSISDN} <= refused
    told = any(isinstance(hop, Hop) and hop.phase is Phase.END for _, hop in hops)
    assert told != table.get("tells_no_end", False), "news of the end"


def test_every_reason_for_refusing_is_in_a_table() -> None:
    refused = {
        payload["refused"]
        for table in TABLES.values()
        for payload in table["payload"]
        if "refused" in payload
    }
    assert refused == set(Unreadable) - {Unreadable.TOO_LARGE}


def test_tables_and_dialects_are_the_same() -> None:
    assert {file.stem for file in HERE.glob("*.toml")} == set(DIALECTS)


def test_a_field_without_a_name_is_nobodys() -> None:
    body = b"=5&sessionId=s&phoneNumber=%2B962790000000&text=1"
    channel = ChannelConfig(name="one", dialect="africastalking", short_code="*789#")
    hop = DIALECTS["africastalking"].read(channel, Arrival("POST", b"", (), body))
    assert isinstance(hop, Hop)
    assert (hop.sequence, hop.text) == (None, "1")
