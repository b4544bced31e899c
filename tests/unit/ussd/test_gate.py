"""What a channel may ask of a caller, and that every wrong answer looks like no channel at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette

from app import Application, believing
from kernel.clock import ManualClock
from kernel.config import ChannelAuth, ChannelConfig
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.peer import Wire
from tests.unit.ussd.conftest import wallet
from ussd.fake_gateway import FakeGateway
from ussd.gate import Gate
from ussd.routes import routes

FORM = b"sessionId=s&phoneNumber=%2B962790000000&text="
AIRTEL = "SessionID=s&MSISDN=962790000000&MSC=m&input=789"
WORD = "a-word-that-only-the-operator-knows"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def signed(message: bytes, key: rsa.RSAPrivateKey = KEY) -> str:
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def mac(message: bytes, secret: str = WORD) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def mac64(message: bytes) -> str:
    return base64.b64encode(bytes.fromhex(mac(message))).decode()


@dataclass(frozen=True)
class Case:
    """A channel, a caller who is let in, and callers who are not (headers, or query or body)."""

    auth: ChannelAuth
    right: tuple[dict[str, str], ...]
    wrong: tuple[dict[str, str], ...]
    secret: str = ""
    dialect: str = "africastalking"
    query: str = ""
    wrong_queries: tuple[str, ...] = field(default=())


CASES = {
    "basic": Case(
        ChannelAuth(basic=f"mizan:{WORD}"),
        right=(
            {"Authorization": basic("mizan", WORD)},
            {"Authorization": basic("mizan", WORD).replace("Basic", "basic")},
        ),
        wrong=(
            {},
            {"Authorization": ""},
            {"Authorization": "Basic"},
            {"Authorization": basic("mizan", "")},
            {"Authorization": basic("other", WORD)},
            {"Authorization": WORD},
            {"Authorization": "Basic \u00ff"},
        ),
    ),
    "a bearer token": Case(
        ChannelAuth(token=WORD),
        right=({"Authorization": f"Bearer {WORD}"}, {"Authorization": WORD}),
        wrong=({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {WORD}x"}),
    ),
    "a token in another header": Case(
        ChannelAuth(token=WORD, token_header="X-Api-Key"),
        right=({"x-api-key": WORD},),
        wrong=({}, {"x-api-key": ""}, {"x-api-key": WORD[:-1]}, {"Authorization": WORD}),
    ),
    "HMAC": Case(
        ChannelAuth(hmac_secret=WORD, signature_header="X-Signature"),
        right=(
            {"x-signature": mac(FORM)},
            {"x-signature": mac(FORM).upper()},
            {"x-signature": "sha256=" + mac(FORM)},
            {"x-signature": mac64(FORM)},
        ),
        wrong=(
            {},
            {"x-signature": ""},
            {"x-signature": mac(FORM + b"1")},
            {"x-signature": mac(FORM, "another word")},
            {"signature": mac(FORM)},
        ),
    ),
    "RSA": Case(
        ChannelAuth(rsa_public_key=PEM),
        right=({"Signature": signed(FORM)},),
        wrong=(
            {},
            {"Signature": ""},
            {"Signature": "no base64!"},
            {"Signature": signed(FORM + b"1")},
            {"Signature": signed(FORM, OTHER_KEY)},
            {"Signature": signed(FORM)[:-4]},
        ),
    ),
    "a password in the query": Case(
        ChannelAuth(query={"userid": "mizan", "password": WORD}),
        right=({},),
        wrong=(),
        dialect="airtel",
        query=f"userid=mizan&password={WORD}&{AIRTEL}",
        wrong_queries=(
            AIRTEL,
            f"userid=mizan&{AIRTEL}",
            f"userid=mizan&password=&{AIRTEL}",
            f"userid=other&password={WORD}&{AIRTEL}",
            f"userid=mizan&password={WORD}&%ff={AIRTEL}",
        ),
    ),
    "an HMAC of the query, where there is no body": Case(
        ChannelAuth(hmac_secret=WORD),
        right=({"Signature": mac(AIRTEL.encode())},),
        wrong=({"Signature": mac(b"")},),
        dialect="airtel",
        query=AIRTEL,
    ),
    "a secret path and a token": Case(
        ChannelAuth(token=WORD),
        right=({"Authorization": WORD},),
        wrong=({}, {"Authorization": "x"}),
        secret="the-secret-of-the-path",
    ),
}


class Line:
    """A caller at an address in front of a channel named ``one``."""

    def __init__(
        self,
        application: Starlette,
        address: str = "192.0.2.7",
        case: Case | None = None,
    ) -> None:
        wire = Wire(application, address)
        self._client = httpx.AsyncClient(transport=wire, base_url="http://gateway")
        self._case = case
        self._path = f"/ussd/one/{case.secret}" if case and case.secret else "/ussd/one"

    async def calls(
        self,
        headers: dict[str, str] | None = None,
        *,
        query: str | None = None,
        path: str = "",
        body: bytes = FORM,
    ) -> httpx.Response:
        """One request as the channel's operator makes it."""
        raw = {name.encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
        where = path or self._path
        if self._case is not None and self._case.dialect == "airtel":
            said = self._case.query if query is None else query
            return await self._client.get(f"{where}?{said}", headers=raw)
        return await self._client.post(where, content=body, headers=raw)


def gateway(
    valkey: Valkey,
    keys: Keys,
    clock: ManualClock,
    channel: ChannelConfig,
    trusted: tuple[str, ...] = (),
) -> Starlette:
    return Application(
        routes=routes(
            channels={channel.name: channel},
            wallets={"sandbox": wallet("sandbox")},
            gateway=FakeGateway(clock),
            valkey=valkey,
            keys=keys,
            clock=clock,
        ),
        middleware=believing(trusted),
    )


def channel(case: Case) -> ChannelConfig:
    return ChannelConfig(
        name="one",
        dialect=case.dialect,
        short_code="*789#",
        secret=case.secret,
        auth=case.auth,
        wallets=("sandbox",),
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_who_shows_what_is_asked_is_let_in_from_anywhere(
    valkey: Valkey, keys: Keys, clock: ManualClock, case: Case
) -> None:
    line = Line(gateway(valkey, keys, clock, channel(case)), case=case)
    for headers in case.right:
        answer = await line.calls(headers)
        assert answer.status_code == 200, headers
        assert answer.text


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_every_wrong_answer_looks_like_no_channel(
    valkey: Valkey, keys: Keys, clock: ManualClock, case: Case
) -> None:
    application = gateway(valkey, keys, clock, channel(case))
    for address in ("192.0.2.7", "127.0.0.1"):
        line = Line(application, address, case)
        unknown = await line.calls(path="/ussd/nobody/at-all")
        answers = [await line.calls(headers) for headers in case.wrong]
        answers += [await line.calls(case.right[0], query=query) for query in case.wrong_queries]
        answers.append(await line.calls(case.right[0], path="/ussd/one/wrong"))
        for answer in answers:
            assert (answer.status_code, answer.content) == (404, unknown.content)
            assert answer.headers == unknown.headers


async def test_a_signature_of_something_that_is_not_read_opens_nothing(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    case = CASES["an HMAC of the query, where there is no body"]
    application = gateway(valkey, keys, clock, channel(case))
    transport = httpx.ASGITransport(application, client=("192.0.2.7", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as line:
        headers = {"Signature": mac(FORM)}
        answer = await line.request("GET", f"/ussd/one?{AIRTEL}", content=FORM, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["HMAC", "RSA"])
async def test_a_signature_that_was_right_signs_nothing_else(
    valkey: Valkey, keys: Keys, clock: ManualClock, name: str
) -> None:
    case = CASES[name]
    line = Line(gateway(valkey, keys, clock, channel(case)), case=case)
    forged = FORM.replace(b"0000000", b"0000001")
    answers = [await line.calls(case.right[0], body=body) for body in (FORM, FORM, forged, FORM)]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200]


async def test_a_name_in_the_query_is_the_same_in_any_case(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    case = Case(ChannelAuth(query={"apiKey": WORD}), right=({},), wrong=(), dialect="airtel")
    line = Line(gateway(valkey, keys, clock, channel(case)), case=case)
    for name in ("apiKey", "APIKEY"):
        assert (await line.calls(query=f"{AIRTEL}&{name}={WORD}")).status_code == 200
    assert (await line.calls(query=f"{AIRTEL}&apiKey=x")).status_code == 404


def test_a_dialect_whose_paths_no_signature_covers_asks_for_none() -> None:
    auth = ChannelAuth(hmac_secret=WORD)
    with pytest.raises(ValueError, match="infobip paths are not signed"):
        Gate(ChannelConfig(name="one", dialect="infobip", short_code="*1#", auth=auth))


async def test_a_signed_channel_tells_a_stranger_nothing_about_sizes(
    valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    line = Line(gateway(valkey, keys, clock, channel(CASES["HMAC"])))
    assert (await line.calls(body=b"1" * 9000)).status_code == 404


ALLOWED = Case(ChannelAuth(allow_from=("192.0.2.0/28", "2001:db8::/32")), right=({},), wrong=())


@pytest.mark.parametrize("address", ["192.0.2.0", "192.0.2.15", "::ffff:192.0.2.7", "2001:db8::1"])
async def test_a_listed_address_is_let_in(
    valkey: Valkey, keys: Keys, clock: ManualClock, address: str
) -> None:
    line = Line(gateway(valkey, keys, clock, channel(ALLOWED)), address)
    assert (await line.calls()).status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.16", "127.0.0.1", "::1", "2001:db9::1", "unix", "", "192.0.2.7:80"]
)
async def test_no_other_address_is_let_in(
    valkey: Valkey, keys: Keys, clock: ManualClock, address: str
) -> None:
    line = Line(gateway(valkey, keys, clock, channel(ALLOWED)), address)
    assert (await line.calls()).status_code == 404


PROXY = ("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("203.0.113.9", "192.0.2.7", 404),  # the caller says so itself
        ("203.0.113.9", "192.0.2.7, 10.0.0.1", 404),
        ("10.0.0.1", "192.0.2.7", 200),  # our proxy says so
        ("10.0.0.1", "203.0.113.9", 404),
        ("10.0.0.1", "192.0.2.7, 203.0.113.9", 404),  # the caller told our proxy
        ("10.0.0.1", "203.0.113.9, 192.0.2.7", 200),
        ("10.0.0.1", "203.0.113.9, 192.0.2.7, 10.0.0.2", 200),  # through both of our proxies
        ("10.0.0.1", "192.0.2.7, 203.0.113.9, 10.0.0.2", 404),
        ("10.0.0.1", "192.0.2.7, garbage", 404),
        ("10.0.0.1", "", 404),
        ("10.0.0.3", "192.0.2.7", 404),  # a proxy, but not ours
    ],
)
async def test_a_forwarded_address_is_believed_from_our_proxies_alone(
    valkey: Valkey, keys: Keys, clock: ManualClock, address: str, forwarded: str, status: int
) -> None:
    line = Line(gateway(valkey, keys, clock, channel(ALLOWED), PROXY), address)
    headers = {"X-Forwarded-For": forwarded, "X-Real-IP": "192.0.2.7"}
    assert (await line.calls(headers)).status_code == status


@pytest.mark.parametrize(
    ("auth", "wrong"),
    [
        (ChannelAuth(allow_from=("192.0.2.7/24",)), "allow_from"),
        (ChannelAuth(allow_from=("example",)), "allow_from"),
        (ChannelAuth(rsa_public_key="nonsense"), "rsa_public_key"),
        (ChannelAuth(basic="nobody"), "user:password"),
        (ChannelAuth(basic="a:b", token="c"), "not both"),
        (ChannelAuth(basic="a:b", token_header="x-api-key"), "user:password"),
    ],
)
def test_a_setting_that_cannot_work_does_not_start(auth: ChannelAuth, wrong: str) -> None:
    with pytest.raises(ValueError, match=rf"ussd\.one\.auth.*{wrong}|ussd\.one\.auth\.{wrong}"):
        Gate(ChannelConfig(name="one", dialect="json", short_code="*1#", auth=auth))


def test_a_key_that_is_weak_or_of_another_kind_does_not_start() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for key in (small, curve):
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with pytest.raises(ValueError, match="2048 bits"):
            Gate(
                ChannelConfig(
                    name="one",
                    dialect="json",
                    short_code="*1#",
                    auth=ChannelAuth(rsa_public_key=pem),
                )
            )
