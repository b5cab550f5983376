"""Capability RefundRescue: a refund that could not reach the buyer is sent to a card, or to the merchant's account.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund at
4d6325b. Card number and name travel encrypted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.parties import sub_merchant
from hutong.connectors.wechatpay.refunds import PATH, read_refund, refund_number
from hutong.connectors.wechatpay.sensitive import Sealer, sealer_of
from hutong.connectors.wechatpay.signing import signed_request
from hutong.core.errors import InvalidInput
from hutong.platforms.account import Account
from hutong.platforms.payments import RefundReport, RescueRefund
from hutong.transport.messages import Request

TO_CARD: Final = "USER_BANK_CARD"
TO_MERCHANT: Final = "MERCHANT_BANK_CARD"


class WechatRefundRescue:
    """``hutong.platforms.payments.RefundRescue`` for WeChat Pay."""

    async def rescue(self, account: Account, command: RescueRefund) -> RefundReport:
        """Apply again under the same number."""
        merchant = merchant_of(account)
        sealer = await sealer_of(account, merchant) if command.card_number else None
        request = build_rescue(merchant, command, sealer, account.clock.now(), account.nonce())
        return read_refund(merchant, command.out_refund_no, await call(account, merchant, request))


def build_rescue(
    merchant: Merchant, command: RescueRefund, sealer: Sealer | None, now: datetime, nonce: str
) -> Request:
    """Where the money shall go.

    Raises:
        InvalidInput: a card without its bank or holder, or no number of the platform.
    """
    if not command.refund_id:
        raise InvalidInput(field="refund_id", problem="required")
    body: dict[str, Any] = {
        **sub_merchant(merchant),
        "out_refund_no": refund_number(command.out_refund_no),
        "type": TO_MERCHANT if sealer is None else TO_CARD,
    }
    if sealer is not None:
        if not command.card_bank or not command.card_holder:
            raise InvalidInput(field="card_bank, card_holder", problem="required")
        body["bank_type"] = command.card_bank
        body["bank_account"] = sealer.seal(command.card_number, "card_number")
        body["real_name"] = sealer.seal(command.card_holder, "card_holder")
    path = f"{PATH}/{quote(command.refund_id, safe='')}/apply-abnormal-refund"
    serial = "" if sealer is None else sealer.serial
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True, sealed_for=serial)
