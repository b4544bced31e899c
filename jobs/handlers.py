"""Which use case handles which kind of work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import sms.answers
import sms.inbound
import sms.outbox
import sms.tickets
from jobs.runner import Handler
from kernel.work import Work
from payments import send, verify
from payments.desk import Desk
from payments.moving import TELL
from payments.schedule import QUERY
from payments.start import COLLECT
from payments.tickets import TELL_TICKET
from sms.desk import SmsDesk
from wallets.callbacks import WORK_KIND as CALLBACK

KINDS: Final[Mapping[str, Callable[[Any, Work], Awaitable[None]]]] = {
    COLLECT: send.send,
    QUERY: verify.query,
    CALLBACK: verify.on_callback,
    TELL: sms.outbox.tell,
    TELL_TICKET: sms.tickets.tell,
    sms.outbox.SEND: sms.outbox.send,
    sms.inbound.ANSWER: sms.answers.answer,
}
"""Every kind of work there is; messages want the text channel's desk, the others the payments desk.
"""


def is_message(kind: str) -> bool:
    """Whether this work talks to people, not about money."""
    return kind.startswith("sms.")


def handlers(desk: Desk, sms_desk: SmsDesk) -> Mapping[str, Handler]:
    """The handlers with what they need."""
    return {
        kind: partial(handle, sms_desk if is_message(kind) else desk)
        for kind, handle in KINDS.items()
    }
