"""Check the proof of a receipt without Mizan: python3 verify_receipt.py TRUSTED [PROOF.json]

TRUSTED is the public key of the books or a published checkpoint line; see docs/proofs.md.
"""

import json
import struct
import sys
from base64 import b64decode
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = ("key", "rule", "version", "occurred_at", "zone", "reference", "reverses", "note")
DECIMALS = {"JOD": 3, "BHD": 3, "KWD": 3, "LBP": 0}  # all others have two


def climb(leaf: bytes, index: int, last: int, path: list[str]) -> bytes | None:
    """The root that a leaf leads to in a tree of leaves 0 to ``last`` (RFC 6962)."""
    found, steps = sha256(b"\0" + leaf).digest(), [b64decode(step) for step in path]
    while last > 0:
        if index % 2 or index < last:
            step = steps.pop(0)
            found = sha256(b"\1" + (step + found if index % 2 else found + step)).digest()
        index, last = index // 2, last // 2
    return None if steps or index else found


sys.excepthook = lambda kind, why, _: print(f"NOT PROVEN: {kind.__name__} {why}", file=sys.stderr)
trusted, file = [*sys.argv, "/dev/stdin"][1:3]
proof = json.loads(Path(file).read_text("utf-8"))
body, booked, seal = proof["body"], proof["booked"], proof["seal"]
moves = [[each["debit"], each["credit"], each["minor"]] for each in body["postings"]]
content = json.dumps([*map(body.get, FIELDS), moves], separators=(",", ":"))
moment = round(datetime.fromisoformat(booked["recorded_at"]).timestamp() * 1_000_000)
day = date.fromisoformat(booked["business_date"]).toordinal() - date(1970, 1, 1).toordinal()
leaf = sha256(content.encode()).digest() + UUID(booked["id"]).bytes
leaf += struct.pack(">qi", moment, day)
said = dict(line.split(" ", 1) for line in seal.splitlines()[1:])
first, last = map(int, said["positions"].split("-"))
if climb(leaf, proof["position"] - first, last - first, proof["path"]) != b64decode(said["root"]):
    raise LookupError("the entry, as told here, is not in the seal")
if "root=" in trusted:
    line = dict(pair.split("=", 1) for pair in trusted.split()[1:])
    first, last = map(int, line["seals"].split("-"))
    place, text = int(said["number"]) - first, sha256(seal.encode()).digest()
    if climb(text, place, last - first, proof["day_path"]) != b64decode(line["root"]):
        raise LookupError("the seal is not in this checkpoint")
else:
    key = Ed25519PublicKey.from_public_bytes(b64decode(trusted))
    key.verify(b64decode(proof["signature"]), seal.encode())
print(f"PROVEN: entry {proof['position']} of the books says for {booked['business_date']}:")
print(f"  {body['note']!a}")
for to, out_of, minor in moves:
    print(f"  {Decimal(minor).scaleb(-DECIMALS.get(to[-3:], 2))} {to[-3:]} from {out_of} to {to}")
print(f"({body['rule']} of {body['occurred_at']} UTC, sealed {said['sealed']}, id {booked['id']})")
