"""The address an operator answers to: an unguessable token per collection, kept as its digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from uuid import UUID

from kernel.privacy import Keys

_SHAPE = re.compile(r"[a-z2-7]{32}")
_TOKEN_BYTES = 20


def callback_token(keys: Keys, collection_id: UUID) -> str:
    """The token of a collection: 160 bits of a keyed MAC, base32 in lower case, always the same."""
    mac = hmac.digest(keys.derive("wallet-callback-token"), collection_id.bytes, hashlib.sha256)
    return base64.b32encode(mac[:_TOKEN_BYTES]).decode().lower()


def is_token(text: str) -> bool:
    """Whether a text has the shape of a token."""
    return _SHAPE.fullmatch(text) is not None


def digest(token: str) -> bytes:
    """What the database keeps instead of the token (SHA-256, 32 bytes)."""
    return hashlib.sha256(token.encode()).digest()
