"""Proofs: a stranger's verifier accepts them, and nothing that was changed in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger.proof import NotSealed, Proof, prove
from ledger.seal import Signer, as_text
from ledger.sealer import checkpoint_days, seal_once
from tests.unit.ledger.makers import IDS, book_all, fee, movement

VERIFIER = Path(__file__).parents[3] / "docs" / "verify_receipt.py"


def check(trusted: str, document: Any, *file: str) -> tuple[int, str]:
    """Exit code and what the verifier says, given the proof on standard input or in a file."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), trusted, *file],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def ids(database: Database, keys: Keys, clock: ManualClock) -> list[UUID]:
    """Eleven fees in three seals."""
    fees = [fee(f"f{n}", reference=IDS.new(), note=f"إيصال {n}") for n in range(11)]
    for some in (fees[:2], fees[2:5], fees[5:]):
        await book_all(database, some)
        await seal_once(database, Signer(keys), clock, limit=3)
        clock.forward(timedelta(minutes=1))
    while await seal_once(database, Signer(keys), clock, limit=3):
        pass
    return [each.id for each in fees]


async def proof_of(database: Database, id: UUID) -> Proof:
    async with database.read() as connection:
        found = await prove(connection, id)
    assert isinstance(found, Proof)
    return found


async def test_every_entry_is_proven_by_the_key_and_told_in_words(
    database: Database, keys: Keys, ids: list[UUID]
) -> None:
    for place, id in enumerate(ids, 1):
        proof = await proof_of(database, id)
        assert proof.checkpoint is None
        code, said = check(as_text(Signer(keys).public), proof.document)
        assert code == 0, said
        assert said.startswith(f"PROVEN: entry {place} of the books says for 2026-11-21:")
        assert ascii(f"إيصال {place - 1}") in said
    assert "5.000 JOD from Liabilities:Agency:ROADS:LICENCE:JOD" in said


async def test_a_published_checkpoint_proves_it_without_the_key(
    database: Database, keys: Keys, clock: ManualClock, ids: list[UUID]
) -> None:
    clock.forward(timedelta(days=1))
    await checkpoint_days(database, Signer(keys), clock)
    for id in ids:
        proof = await proof_of(database, id)
        assert proof.checkpoint
        assert check(proof.checkpoint, proof.document)[0] == 0
        other = proof.checkpoint.replace("root=", "root=A", 1)
        assert check(other, proof.document)[0] == 1


async def test_a_proof_from_a_file_is_read_too(
    database: Database, keys: Keys, ids: list[UUID], tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    document = (await proof_of(database, ids[0])).document
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    assert check(as_text(Signer(keys).public), None, str(file))[0] == 0


def changed(path: str, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            document = document[int(step) if step.isdigit() else step]
        document[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed("body.postings.0.minor", 9_000_000),
        changed("body.postings.0.debit", "Assets:Bank:Operating:JOD"),
        changed("body.note", "another note"),
        changed("body.occurred_at", "2026-11-20T09:00:00.000000+00:00"),
        changed("body.reference", ""),
        changed("booked.business_date", "2026-11-22"),
        changed("booked.recorded_at", "2026-11-21T09:00:00.000000+00:00"),
        changed("booked.id", "00000000-0000-7000-8000-000000000000"),
        changed("position", 3),
        changed("path", []),
        changed("signature", as_text(bytes(64))),
        changed("seal", "mizan-seal-v1\n"),
        lambda document: document.pop("body"),
    ],
)
async def test_a_proof_that_was_changed_is_not_accepted(
    database: Database, keys: Keys, ids: list[UUID], change: Callable[[Any], None]
) -> None:
    document = (await proof_of(database, ids[3])).document
    change(document)
    code, said = check(as_text(Signer(keys).public), document)
    assert code == 1
    assert said.startswith("NOT PROVEN: ")


async def test_a_seal_signed_by_somebody_else_is_not_accepted(
    database: Database, ids: list[UUID]
) -> None:
    document = (await proof_of(database, ids[3])).document
    other = Signer(Keys("a secret of somebody else, made up for this"))
    assert check(as_text(other.public), document)[0] == 1


async def test_what_is_not_sealed_yet_or_not_there_has_no_proof(database: Database) -> None:
    [id] = await book_all(database, [movement("new")])
    async with database.read() as connection:
        assert await prove(connection, id) == NotSealed()
        assert await prove(connection, IDS.new()) is None


def test_the_verifier_is_short_and_knows_nothing_of_ours() -> None:
    text = VERIFIER.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    imported = {line.split()[1].split(".")[0] for line in text.splitlines() if "import " in line}
    assert imported - sys.stdlib_module_names == {"cryptography"}
