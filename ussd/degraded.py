"""The menu without Valkey: paying by control number, all it needs is in what the hop brings.

The confirm page shows a short code, a MAC over the session, the bill and the total. Typing it
proves that this subscriber was shown this total, which a remembered session proves otherwise.
"""

from __future__ import annotations

from typing import Final

from kernel.digits import to_western
from kernel.privacy import mac_digits
from payments.refusals import Refusal, text_key
from ussd.facts import Call
from ussd.gateway import Intent, Offer, Refused
from ussd.hop import Reply
from ussd.page import Line, Nav, fit
from ussd.screen import SAY, Goto, Say
from ussd.screens.bill import control_number

_CODE_DIGITS: Final = 4


async def answer(call: Call) -> tuple[Reply, str]:
    """Reply and language of a hop that has no session."""
    known = await call.gateway.language(call.hop.msisdn)
    offered = known in call.channel.languages
    say = SAY[known if known and offered else call.channel.default_language]
    inputs = ["", *to_western(call.hop.text).rstrip("#").split("*")]
    for number, typed in ((inputs[-1], ""), (inputs[-2], inputs[-1])):
        found = control_number(number)
        if isinstance(found, Goto):
            return await _bill(call, say, found.args["number"], typed.strip()), say.language
    return _page(call, say, "degraded.ask"), say.language


async def _bill(call: Call, say: Say, number: str, typed: str) -> Reply:
    offer = await call.gateway.offer(number, call.hop.msisdn)
    if isinstance(offer, Refused):
        return _page(call, say, text_key(offer.reason), ends=True)
    total = offer.price.total
    wallets = [wallet.code for wallet in call.wallets if total.currency in wallet.currencies]
    if not wallets:
        return _page(call, say, text_key(Refusal.CURRENCY_NOT_SUPPORTED), ends=True)
    code = _code(call, number, offer)
    if typed != code:
        # Where a hop brings the last input alone, the number must be in it.
        shown = code if call.hop.is_cumulative else f"{number}*{code}"
        return _page(call, say, "degraded.confirm", amount=say.money(total), code=shown)
    intent = Intent(
        id=call.payment_id(number),
        payer=call.hop.msisdn,
        wallet=wallets[0],
        channel=call.channel.name,
        language=say.language,
        agreed_total=total,
        control_number=number,
        began_at=call.now,
    )
    started = await call.gateway.start(intent)
    key = text_key(started.reason) if isinstance(started, Refused) else "approve.text"
    return _page(call, say, key, ends=True)


def _code(call: Call, number: str, offer: Offer) -> str:
    hop = call.hop
    parts = (hop.channel, hop.session_id, hop.msisdn.e164, number, str(offer.price.total))
    return mac_digits(call.vault.secret, "\0".join(parts), _CODE_DIGITS)


def _page(call: Call, say: Say, key: str, *, ends: bool = False, **values: object) -> Reply:
    """One page: short enough for every profile (``./mizan menu lint`` proves it)."""
    line = Line(say(key, **values))
    return Reply(fit((line,), call.page, nav=Nav.NONE, words=say.nav, ends=ends)[0], ends)
