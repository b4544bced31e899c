"""What is hashed and signed: leaves, the text of a seal, the line of a daily checkpoint.

A seal is a short text that says all it stands for; its hash goes into the next one. A checkpoint
is one line a day that can be published: whoever keeps it can check every receipt of that day, and
nobody can make another history that fits it. Ed25519 (RFC 8032), trees of RFC 6962.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kernel.privacy import Keys
from ledger import merkle

NOTHING: Final = bytes(32)
"""What the first seal and the first checkpoint name as their previous one."""

TAG_BYTES: Final = 4
"""How much of each leaf hash is kept beside a seal, so that a damaged row is found by name."""

_FAR: Final = 1000
"""Batch numbers, from which on two batches are not read in one go."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEAF: Final = struct.Struct(">32s16sqi")
LEAF_BYTES: Final = _LEAF.size


class Signer:
    """Signs with the installation's own Ed25519 key, the same one in every process."""

    def __init__(self, keys: Keys) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(keys.derive("ledger-seal"))
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, text: str) -> bytes:
        """64 bytes over a text in UTF-8."""
        return self._private.sign(text.encode())


def is_signed(text: str, signature: bytes, public: bytes) -> bool:
    """Whether the holder of a public key (32 bytes) signed a text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def leaf(digest: bytes, id: UUID, recorded_at: datetime, business_date: date) -> bytes:
    """What of a transaction is hashed: its body's digest, and what booking added to it."""
    return _LEAF.pack(
        digest,
        id.bytes,
        (recorded_at - _EPOCH) // _MICROSECOND,
        (business_date - _EPOCH.date()).days,
    )


def leaf_hashes(leaves: bytes) -> list[bytes]:
    """Hashes of leaves that stand one behind the other."""
    return [
        sha256(b"\x00" + leaves[at : at + LEAF_BYTES]).digest()
        for at in range(0, len(leaves), LEAF_BYTES)
    ]


def spans(batches: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last seq of stretches that hold ascending batches, with not much else between.

    A batch that committed long after its neighbours makes a stretch of its own. So there are few,
    and each is one range of the journal's index.
    """
    first = last = batches[0] if batches else 0
    for number in batches:
        if number - last > _FAR:
            yield first << 16, last << 16 | 0xFFFF
            first = number
        last = number
    if batches:
        yield first << 16, last << 16 | 0xFFFF


def recorded_at(leaves: bytes) -> datetime:
    """When the first of some leaves was booked."""
    microseconds: int = _LEAF.unpack_from(leaves)[2]
    return _EPOCH + microseconds * _MICROSECOND


def account_hash(id: int, path: str, opened_at: datetime) -> bytes:
    """Hash of an account's row."""
    return merkle.leaf_hash(f"{id} {path} {moment(opened_at)}".encode())


def tags(hashes: Sequence[bytes]) -> bytes:
    """The first bytes of each hash, one behind the other."""
    return b"".join([each[:TAG_BYTES] for each in hashes])


def split_tags(kept: bytes) -> Iterator[bytes]:
    """What ``tags`` put together."""
    return (kept[at : at + TAG_BYTES] for at in range(0, len(kept), TAG_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a seal says: positions, roots over their leaves, over accounts touched for the first
    time and over decisions about closed days, the hash of the seal before, when, and whose key
    signs. Without decisions it is a text of the first version.
    """

    number: int
    first_position: int
    transactions: int
    root: bytes
    accounts: int
    accounts_root: bytes
    previous: bytes
    sealed_at: datetime
    key: bytes
    decisions: int = 0
    decisions_root: bytes = merkle.EMPTY

    @property
    def last_position(self) -> int:
        """Position of the last transaction; without any, of the one before the seal."""
        return self.first_position + self.transactions - 1

    def text(self) -> str:
        """Lines of a name and values; what is signed and hashed."""
        decided = f"decisions {self.decisions} {_base64(self.decisions_root)}"
        return "\n".join(
            (
                "mizan-seal-v2" if self.decisions else "mizan-seal-v1",
                f"number {self.number}",
                f"positions {self.first_position}-{self.last_position}",
                f"root {_base64(self.root)}",
                f"accounts {self.accounts} {_base64(self.accounts_root)}",
                *([decided] if self.decisions else []),
                f"previous {_base64(self.previous)}",
                f"sealed {moment(self.sealed_at)}",
                f"key {_base64(self.key)}",
                "",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The seals of one day (UTC): their numbers, the last position, the root over their hashes."""

    day: date
    first_seal: int
    last_seal: int
    last_position: int
    root: bytes
    previous: bytes
    key: bytes

    def text(self) -> str:
        """What is signed and hashed."""
        return (
            f"mizan-checkpoint-v1 day={self.day} seals={self.first_seal}-{self.last_seal}"
            f" position={self.last_position} root={_base64(self.root)}"
            f" previous={_base64(self.previous)} key={_base64(self.key)}"
        )


def signed_line(text: str, signature: bytes) -> str:
    """The one line of a checkpoint to publish."""
    return f"{text} signature={_base64(signature)}"


def hash_of(text: str) -> bytes:
    """SHA-256 of a seal's or checkpoint's text: the leaf content a day's tree is built from."""
    return sha256(text.encode()).digest()


def as_text(key: bytes) -> str:
    """A key, hash or signature as it is printed (base64, RFC 4648)."""
    return _base64(key)


def from_text(text: str) -> bytes:
    """Reads what ``as_text`` printed; ValueError if it is not base64."""
    return b64decode(text, validate=True)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def moment(at: datetime) -> str:
    """A time as it is hashed: UTC, with microseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
