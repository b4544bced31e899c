"""Africa's Talking: raw payloads in, exact bytes out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd.dialects import DIALECTS
from ussd.hop import Answer, Arrival, Hop, Reply, Unreadable

DIALECT = DIALECTS["africastalking"]
TABLE = Path(__file__).with_name("africastalking.toml")
PAYLOADS = tomllib.loads(TABLE.read_text(encoding="utf-8"))["payload"]
FIELDS = ("sessionId", "phoneNumber", "networkCode", "serviceCode", "text")


def read(body: bytes) -> Hop | Unreadable:
    return DIALECT.read("sandbox", Arrival("POST", b"", {}, body))


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload["what"])
def test_a_raw_payload_means_what_the_table_says(payload: dict[str, Any]) -> None:
    hop = read(payload["body"].encode())
    if "refused" in payload:
        assert hop == Unreadable(payload["refused"])
    else:
        assert isinstance(hop, Hop)
        assert hop.text == payload["reads"]
        assert (hop.channel, hop.session_id) == ("sandbox", "ATUid_1")
        assert hop.msisdn.e164 == "+962790000000"


def test_every_reason_for_refusing_is_in_the_table() -> None:
    refused = {payload["refused"] for payload in PAYLOADS if "refused" in payload}
    assert refused == set(Unreadable) - {Unreadable.TOO_LARGE}


def test_network_and_short_code_are_kept() -> None:
    hop = read(PAYLOADS[0]["body"].encode())
    assert isinstance(hop, Hop)
    assert (hop.network, hop.short_code) == ("99999", "*789#")


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply("ميزان\n1. دفع", ends=False), "CON ميزان\n1. دفع"),
        (Reply("Paid.", ends=True), "END Paid."),
    ],
)
def test_a_reply_starts_with_its_prefix_and_nothing_before_it(reply: Reply, body: str) -> None:
    assert DIALECT.write(reply) == Answer(body.encode(), b"text/plain; charset=utf-8", 200)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    assert isinstance(read(body), Hop | Unreadable)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*(field.encode() for field in FIELDS), b"x", b""]),
            st.sampled_from([b"", b"1", b"%2B962790000000", b"%ZZ", b"%00", b"+962", b"1*2"])
            | st.binary(max_size=20),
        ),
        max_size=12,
    )
)
def test_no_form_breaks_the_reader(pairs: list[tuple[bytes, bytes]]) -> None:
    hop = read(b"&".join(name + b"=" + value for name, value in pairs))
    assert isinstance(hop, Hop | Unreadable)
    if isinstance(hop, Hop):
        names = [name for name, _ in pairs]
        assert names.count(b"text") == names.count(b"phoneNumber") == 1
