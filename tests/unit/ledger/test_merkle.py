"""Merkle trees: known values of certificate transparency, and what must hold for every tree."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle

# From certificate-transparency-go: the leaves, and the root over the first n of them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % n) for n in range(count)]


def recursive(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256().digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = recursive(leaves[:split]), recursive(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize(("size", "expected"), list(enumerate(ROOTS)))
def test_roots_are_those_of_certificate_transparency(size: int, expected: str) -> None:
    assert merkle.root([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == expected


@pytest.mark.parametrize(("index", "size"), list(PATHS))
def test_paths_are_those_of_certificate_transparency(index: int, size: int) -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert tuple(step.hex() for step in merkle.path(leaves, index)) == PATHS[index, size]


@given(st.integers(0, 200))
def test_pairing_level_by_level_is_the_tree_of_the_standard(size: int) -> None:
    assert merkle.root(hashes(size)) == recursive(hashes(size))


@given(st.integers(1, 200), st.data())
def test_every_leaf_has_a_path_to_the_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    steps = merkle.path(leaves, index)
    assert merkle.root_of_path(leaves[index], index, size, steps) == merkle.root(leaves)
    assert len(steps) <= (size - 1).bit_length()


@given(st.integers(2, 100), st.data())
def test_no_path_proves_another_leaf_place_or_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    steps, expected = merkle.path(leaves, index), merkle.root(leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    assert merkle.root_of_path(leaves[other], index, size, steps) != expected
    assert merkle.root_of_path(leaves[index], other, size, steps) != expected
    at = data.draw(st.integers(0, len(steps) - 1))
    flipped = bytes([steps[at][0] ^ 1]) + steps[at][1:]
    assert (
        merkle.root_of_path(leaves[index], index, size, [*steps[:at], flipped, *steps[at + 1 :]])
        != expected
    )
    assert merkle.root_of_path(leaves[index], index, size, steps[:-1]) is None
    assert merkle.root_of_path(leaves[index], index, size, [*steps, expected]) is None


def test_a_place_outside_the_tree_has_no_path() -> None:
    with pytest.raises(IndexError):
        merkle.path(hashes(3), 3)
    assert merkle.root_of_path(hashes(1)[0], 1, 1, []) is None


def test_a_node_cannot_be_passed_off_as_a_leaf() -> None:
    left, right = hashes(2)
    assert merkle.leaf_hash(left + right) != merkle.root([left, right])
