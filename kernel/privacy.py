"""Keys and personal data: numbers are stored sealed, and found again by a keyed pseudonym.

A plain hash of a phone number is no protection (there are only some ten million of them), so the
pseudonym is an HMAC. All keys derive from one secret by purpose (HKDF, RFC 5869).
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.msisdn import Msisdn

_KEY_ID = b"\x01"
_NONCE_BYTES = 12


class Keys:
    """All keys of an installation, derived from its secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._pseudonym = self.derive("subscriber-pseudonym")
        self._seal = AESGCM(self.derive("subscriber-seal"))

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose; the same one in every process."""
        return HKDF(SHA256(), 32, b"mizan", purpose.encode()).derive(self._secret)

    def pseudonym(self, msisdn: Msisdn) -> bytes:
        """16 bytes that stand for a subscriber wherever the number itself must not appear."""
        return hmac.digest(self._pseudonym, msisdn.e164.encode(), hashlib.sha256)[:16]

    def seal(self, msisdn: Msisdn) -> bytes:
        """Encrypt a number (AES-256-GCM, bound to its pseudonym): key id, nonce, ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = self.pseudonym(msisdn)
        return _KEY_ID + nonce + self._seal.encrypt(nonce, msisdn.e164.encode(), bound)

    def unseal(self, sealed: bytes, pseudonym: bytes) -> Msisdn:
        """Decrypt a sealed number; raises ``cryptography.exceptions.InvalidTag`` if it was tampered
        with.
        """
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return Msisdn(self._seal.decrypt(nonce, text, pseudonym).decode())


def mac_digits(key: bytes, message: str, count: int) -> str:
    """A truncated keyed MAC as decimal digits that a keypad can type (``count`` digits, 3.3 bits
    each).
    """
    number = int.from_bytes(hmac.digest(key, message.encode(), hashlib.sha256))
    return f"{number % 10**count:0{count}d}"
