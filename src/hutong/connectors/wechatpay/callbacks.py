"""Capability Callbacks: verify on raw bytes, open, read.

Source: the callback pages of https://pay.weixin.qq.com/doc/v3/merchant; the envelope as in wechatpay-apiv3/wechatpay-go
core/notify at 6dbd7ce. The platform repeats an unacknowledged callback 15 times in 24 hours, and sends probes with
wrong signatures that must be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong.connectors.wechatpay.certificates import MEMORY, Sealed, refresh
from hutong.connectors.wechatpay.combined import WireCombined
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.refunds import WireRefundNotice
from hutong.connectors.wechatpay.signing import verify
from hutong.connectors.wechatpay.trades import WireTrade
from hutong.core.errors import HutongError, InvalidAmount, InvalidSignature
from hutong.platforms.account import Account
from hutong.platforms.payments import Acknowledgement, Notice, TradeReport

#: A real callback is about two kilobytes.
BODY_BYTES_MAX: Final = 256 * 1024
PAYMENT_KINDS: Final = frozenset({"TRANSACTION.SUCCESS"})
REFUND_KINDS: Final = frozenset({"REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL"})


class _Envelope(msgspec.Struct, frozen=True):
    id: str
    event_type: str
    resource: Sealed


class WechatCallbacks:
    """``hutong.platforms.payments.Callbacks`` for WeChat Pay."""

    async def prepare(self, account: Account, headers: Mapping[str, str]) -> None:
        """Download the platform's certificates where the callback names one that is not known yet."""
        try:
            await refresh(account, merchant_of(account), headers.get("wechatpay-serial", ""))
        except HutongError:
            return  # verify refuses, the platform repeats

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> Notice:
        """The notice; InvalidSignature for everything that is not exactly one."""
        try:
            return read_notice(merchant_of(account), headers, body, account.clock.now())
        except InvalidSignature:
            raise
        except (HutongError, msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            raise InvalidSignature from error

    def acknowledge(self) -> Acknowledgement:
        """204 without a body: received."""
        return Acknowledgement(status=204)

    def refuse(self, reason: str) -> Acknowledgement:
        """The platform repeats on any 4xx or 5xx. ``reason`` is an error code of ours: 401 for bytes that did not
        verify, 500 for ones that could not be kept.
        """
        status = 401 if reason == InvalidSignature.code else 500
        return Acknowledgement(status=status, body=msgspec.json.encode({"code": "FAIL", "message": reason}))


def read_notice(merchant: Merchant, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
    """Verify, open and read. Raises InvalidSignature, HutongError, ValueError or a decoding error."""
    if len(body) > BODY_BYTES_MAX:
        raise InvalidSignature
    verify(headers, body, MEMORY.keys(merchant, now), now)
    envelope = msgspec.json.decode(body, type=_Envelope)
    plaintext = envelope.resource.open(merchant.api_v3_key)
    if envelope.event_type in PAYMENT_KINDS and b'"combine_out_trade_no"' in plaintext:
        parts = msgspec.json.decode(plaintext, type=WireCombined).told()
        return Notice(notice_id=envelope.id, kind=envelope.event_type, parts=parts)
    if envelope.event_type in PAYMENT_KINDS:
        trade = _told(msgspec.json.decode(plaintext, type=WireTrade), merchant)
        return Notice(notice_id=envelope.id, kind=envelope.event_type, trade=trade)
    if envelope.event_type in REFUND_KINDS:
        refund = msgspec.json.decode(plaintext, type=WireRefundNotice).report(merchant)
        return Notice(notice_id=envelope.id, kind=envelope.event_type, refund=refund)
    return Notice(notice_id=envelope.id, kind=envelope.event_type)


def _told(trade: WireTrade, merchant: Merchant) -> TradeReport:
    """The trade of a notice. A sum or currency that is no money we know is left out: the platform said so, and it fits
    no order of ours, so a person decides.
    """
    try:
        return trade.report(merchant)
    except InvalidAmount:
        return msgspec.structs.replace(trade, amount=None).report(merchant)
