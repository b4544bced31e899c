"""What carriers tell us: delivery reports move messages forward, messages to us are kept.

Raw messages are sealed, for the sender's number is in them; a worker answers them later.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel import subscribers, work
from kernel.log import event
from kernel.msisdn import BadMsisdn, Msisdn
from kernel.privacy import Keys
from kernel.sql import package_sql
from sms.desk import SmsDesk
from sms.port import Form, Inbound, Report

SQL = package_sql(__file__)

ANSWER: Final = "sms.answer"
"""Work kind: answer what somebody wrote (key: its id)."""

_MAX_FIELDS = 100
_NONCE_BYTES = 12
_PURPOSE = "sms-inbound"


class BadForm(ValueError):
    """Not a form: wrong encoding, or far too many fields."""


def read_form(body: bytes) -> Form:
    """Read a URL-encoded form in UTF-8, every field as it came; raises BadForm."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise BadForm("not an UTF-8 form") from None
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise BadForm("NUL in a field")
    return Form(pairs)


async def report(desk: SmsDesk, channel: str, told: Report) -> None:
    """Apply a delivery report; late, repeated and out-of-order ones change nothing."""
    moved = None
    if told.state is not None:
        async with desk.database.transaction() as connection:
            moved = await connection.fetchval(
                SQL["move_message"],
                told.message,
                told.state,
                told.failure,
                told.code,
                told.reference,
                desk.clock.now(),
            )
    event(
        "sms.reported",
        carrier=channel,
        message=str(told.message),
        word=told.word,
        known=told.state is not None,
        moved=moved is not None,
        code=told.code,
    )


async def receive(desk: SmsDesk, channel: str, inbound: Inbound, raw: bytes) -> bool:
    """Keep a message to us and ask for its answer; False if we have it already."""
    inbound_id = desk.ids.new()
    try:
        msisdn = Msisdn.parse(inbound.sender)
    except BadMsisdn:
        msisdn = None
    async with desk.database.transaction() as connection:
        sender = await subscribers.remember(connection, desk.keys, msisdn) if msisdn else None
        written = await connection.fetchval(
            SQL["insert_inbound"],
            inbound_id,
            channel,
            inbound.reference,
            sender,
            seal(desk.keys, inbound_id, raw),
            desk.clock.now(),
        )
        if written is not None and sender is not None:
            await work.enqueue(connection, ANSWER, str(inbound_id))
    event(
        "sms.received",
        carrier=channel,
        inbound=str(inbound_id),
        repeated=written is None,
        answerable=sender is not None,
    )
    return written is not None


def seal(keys: Keys, inbound_id: UUID, raw: bytes) -> bytes:
    """Encrypt a raw message (AES-256-GCM, bound to its id): nonce, then ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(keys.derive(_PURPOSE)).encrypt(nonce, raw, inbound_id.bytes)


def unseal(keys: Keys, inbound_id: UUID, sealed: bytes) -> bytes:
    """Decrypt a raw message; raises ``cryptography.exceptions.InvalidTag`` if it was changed."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(keys.derive(_PURPOSE)).decrypt(nonce, text, inbound_id.bytes)
