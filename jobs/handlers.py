"""Which use case handles which kind of work."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import sms.outbox
from jobs.runner import Handler
from payments import send, verify
from payments.desk import Desk
from payments.moving import TELL
from payments.schedule import QUERY
from payments.start import COLLECT
from sms.desk import SmsDesk
from wallets.callbacks import WORK_KIND as CALLBACK


def handlers(desk: Desk, sms_desk: SmsDesk) -> Mapping[str, Handler]:
    """Every kind of work there is."""
    return {
        COLLECT: partial(send.send, desk),
        QUERY: partial(verify.query, desk),
        CALLBACK: partial(verify.on_callback, desk),
        TELL: partial(sms.outbox.tell, sms_desk),
        sms.outbox.SEND: partial(sms.outbox.send, sms_desk),
    }
