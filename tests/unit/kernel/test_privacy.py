"""Numbers are sealed at rest and masked in logs."""

import io
import json
import logging

import pytest
from cryptography.exceptions import InvalidTag

from kernel.log import JsonFormatter, bind, event, mask
from kernel.msisdn import Msisdn
from kernel.privacy import Keys, mac_digits

NUMBER = Msisdn("+962791234567")


def test_a_sealed_number_opens_only_under_its_own_pseudonym(keys: Keys) -> None:
    sealed = keys.seal(NUMBER)
    assert NUMBER.e164.encode() not in sealed
    assert keys.unseal(sealed, keys.pseudonym(NUMBER)) == NUMBER
    with pytest.raises(InvalidTag):
        keys.unseal(sealed, keys.pseudonym(Msisdn("+962790000000")))


def test_a_changed_seal_does_not_open(keys: Keys) -> None:
    sealed = bytearray(keys.seal(NUMBER))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        keys.unseal(bytes(sealed), keys.pseudonym(NUMBER))


def test_pseudonyms_and_codes_depend_on_the_secret() -> None:
    one, other = Keys("a" * 32), Keys("b" * 32)
    assert one.pseudonym(NUMBER) != other.pseudonym(NUMBER)
    assert one.pseudonym(NUMBER) == Keys("a" * 32).pseudonym(NUMBER)
    assert mac_digits(one.derive("x"), "m", 15) != mac_digits(one.derive("y"), "m", 15)
    assert len(mac_digits(one.derive("x"), "m", 15)) == 15


@pytest.mark.parametrize(
    "text",
    [
        "call +962791234567 now",
        "00962791234567",
        "٠٧٩١٢٣٤٥٦٧",
        "msisdn=0791234567&x=1",
        '{"from":"962791234567"}',
        "POST /ussd?phoneNumber=%2B962791234567&text=",
    ],
)
def test_numbers_in_any_text_are_masked(text: str) -> None:
    assert "1234567" not in mask(text).replace("…", "")
    assert "٢٣٤٥" not in mask(text)


def test_ids_and_amounts_stay_readable() -> None:
    text = "payment 0199a1b2-0000-7000-8000-000012345678 total 180.000"
    assert mask(text) == text


def test_every_line_is_json_with_the_bound_fields_and_without_secrets() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("test"))
    logger = logging.getLogger("mizan")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with bind(payment="p1"):
            event(
                "ussd.hop",
                pin="1234",
                caller="+962791234567",
                nested={"n": ["+962791234567"], "otp": "5678", "962791234567": 1},
            )
    finally:
        logger.removeHandler(handler)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["payment"], line["pin"]) == ("ussd.hop", "p1", "•••")
    assert "791234567" not in stream.getvalue()
    assert line["nested"]["otp"] == "•••"
