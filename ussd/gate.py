"""Who may speak on a channel: everything its configuration asks for must be shown.

Comparisons take the same time for every wrong answer, and an unknown channel is compared too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kernel.callers import is_local
from kernel.config import ChannelConfig
from ussd.dialects import DIALECTS
from ussd.dialects.fields import url_encoded
from ussd.hop import Arrival, Unreadable

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

_MIN_RSA_BITS: Final = 2048


class Gate:
    """What a channel asks of a caller, read once; ValueError says which setting is wrong."""

    def __init__(self, channel: ChannelConfig) -> None:
        auth = channel.auth
        self._auth = auth
        self._secret = channel.secret.encode()
        self._authorization = _authorization(channel)
        self._token_header = auth.token_header.lower().encode()
        self._signature_header = auth.signature_header.lower().encode()
        self._networks = _networks(channel.name, auth.allow_from)
        self._rsa_key = _rsa_key(channel.name, auth.rsa_public_key)
        self._hmac_secret = auth.hmac_secret.encode()
        self.is_signed: Final = self._rsa_key is not None or bool(self._hmac_secret)
        if self.is_signed and DIALECTS[channel.dialect].has_path:
            raise ValueError(f"ussd.{channel.name}.auth: {channel.dialect} paths are not signed")
        self._asks_more = bool(self._authorization or auth.query or self._networks)
        self._local_only = not (self._secret or self._asks_more or self.is_signed)

    @property
    def has_secret(self) -> bool:
        """Whether the first part of the path below the channel is a secret."""
        return bool(self._secret)

    def opens(self, scope: Mapping[str, Any], secret: str) -> bool:
        """Whether a caller may go on; asked before the body is read."""
        if self._local_only:
            return is_local(scope)
        knows_secret = _same(secret.encode(errors="replace"), self._secret)
        if not self._asks_more:
            return knows_secret
        headers = dict(scope["headers"])
        return all(
            [
                knows_secret,
                not self._authorization
                or _same(_credentials(headers.get(self._token_header, b"")), self._authorization),
                not self._auth.query or _holds(scope["query_string"], self._auth.query),
                not self._networks or _is_in(scope.get("client"), self._networks),
            ]
        )

    def believes(self, arrival: Arrival) -> bool:
        """Whether what the dialect reads is signed: the body, or the query string of a GET."""
        message = arrival.query if arrival.method == "GET" else arrival.body
        given = dict(arrival.headers).get(self._signature_header, b"")
        return (not self._hmac_secret or _is_mac(given, self._hmac_secret, message)) and (
            self._rsa_key is None or _is_signature(given, self._rsa_key, message)
        )


def _same(given: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(given, expected)


def _authorization(channel: ChannelConfig) -> bytes:
    """The credentials a header must hold: of Basic (RFC 7617) or a token; empty: none."""
    auth = channel.auth
    if auth.basic and auth.token:
        raise ValueError(f"ussd.{channel.name}.auth: basic or token, not both")
    if auth.basic:
        if ":" not in auth.basic or auth.token_header.lower() != "authorization":
            raise ValueError(f'ussd.{channel.name}.auth.basic is "user:password"')
        return base64.b64encode(auth.basic.encode())
    return auth.token.encode()


def _credentials(header: bytes) -> bytes:
    """A header without its scheme (``Basic``, ``Bearer``), if it names one."""
    scheme, space, credentials = header.partition(b" ")
    return credentials.strip() if space and scheme.isalpha() else header.strip()


def _holds(query: bytes, expected: Mapping[str, str]) -> bool:
    pairs = url_encoded(query)
    given = dict(pairs) if not isinstance(pairs, Unreadable) else {}
    alike = [
        _same(given.get(name.lower(), "").encode(errors="replace"), value.encode())
        for name, value in expected.items()
    ]
    return all(alike)


def _networks(name: str, allowed: Sequence[str]) -> Networks:
    try:
        return tuple(ip_network(text) for text in allowed)
    except ValueError as problem:
        raise ValueError(f"ussd.{name}.auth.allow_from: {problem}") from None


def _is_in(client: tuple[str, int] | None, networks: Networks) -> bool:
    """Whether the peer is in the list: what a trusted proxy says it forwards for (app.believing:
    the rightmost address that is no trusted proxy), never what the caller itself says.
    """
    return client is not None and _address_in(client[0], networks)


@lru_cache(maxsize=1024)
def _address_in(address: str, networks: Networks) -> bool:
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(caller, "ipv4_mapped", None)
    return any((mapped or caller) in network for network in networks)


def _is_mac(given: bytes, secret: bytes, message: bytes) -> bool:
    """HMAC-SHA256 in hexadecimal, ``sha256=`` before it or not, or in base64."""
    mac = hmac.digest(secret, message, hashlib.sha256)
    plain = given.strip().removeprefix(b"sha256=")
    in_hex = hmac.compare_digest(plain.lower(), mac.hex().encode())
    return hmac.compare_digest(plain, base64.b64encode(mac)) or in_hex


def _rsa_key(name: str, pem: str) -> RSAPublicKey | None:
    if not pem:
        return None
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as problem:
        raise ValueError(f"ussd.{name}.auth.rsa_public_key: {problem}") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_RSA_BITS:
        raise ValueError(
            f"ussd.{name}.auth.rsa_public_key: an RSA key of {_MIN_RSA_BITS} bits or more"
        )
    return key


def _is_signature(given: bytes, key: RSAPublicKey, message: bytes) -> bool:
    """Base64 of RSASSA-PKCS1-v1_5 over SHA-256 (RFC 8017), as docs.paytota.com/ussd signs."""
    try:
        key.verify(base64.b64decode(given, validate=True), message, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True
