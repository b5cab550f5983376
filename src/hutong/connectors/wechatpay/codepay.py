"""Payment codes (付款码) by APIv3: charged, reversed. Pure.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012382150; fields as in github.com/TheNorthMemory/wechatpay-openapi
docs/v3/pay/{transactions,partner/transactions}/codepay and …/reverse at 4d6325b. No notice follows a charge: the
answer tells, then the query. That an order which waits for the buyer's password is answered with 200 and USERPAYING,
and with which codes a charge is refused, is recalled: unverified. Read here as pending either way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from hutong.connectors.wechatpay.answers import decode, succeeded
from hutong.connectors.wechatpay.errors import read_error
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.orders import DESCRIPTION_CHARS_MAX, fen, number, order_path
from hutong.connectors.wechatpay.parties import parties, transactions_path
from hutong.connectors.wechatpay.signing import signed_request
from hutong.connectors.wechatpay.trades import read_trade, without_amount
from hutong.core.errors import PlatformUnknown
from hutong.platforms.codes import ChargeCode
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.transport.messages import Request, Response

#: The buyer types a password.
WAITING: Final = "USERPAYING"


class _Reversed(msgspec.Struct, frozen=True):
    out_trade_no: str


def build_charge(merchant: Merchant, command: ChargeCode, now: datetime, nonce: str) -> Request:
    """Charge a code. Sent once: what became of it is asked for, never assumed."""
    scene: dict[str, Any] = {"store_info": {"out_id": merchant.store_id or merchant.sub_mchid or merchant.mchid}}
    if command.client_ip:
        scene["device_ip"] = command.client_ip
    body: dict[str, Any] = {
        **parties(merchant),
        "description": command.description[:DESCRIPTION_CHARS_MAX],
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "payer": {"auth_code": command.auth_code},
        "amount": {"total": fen(command.amount), "currency": "CNY"},
        "scene_info": scene,
    }
    if command.attach:
        body["attach"] = command.attach
    if command.shared:
        body["settle_info"] = {"profit_sharing": True}
    path, encoded = f"{transactions_path(merchant)}/codepay", msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=False)


def read_charge(merchant: Merchant, command: ChargeCode, response: Response) -> TradeReport:
    """What became of the charge at once."""
    if not succeeded(response):
        answer = read_error(response)
        if answer is not None and answer.code == WAITING:
            return without_amount(merchant, command.out_trade_no, TradeStatus.PENDING, WAITING)
    return read_trade(merchant, command.out_trade_no, response)


def build_reverse(merchant: Merchant, out_trade_no: str, now: datetime, nonce: str) -> Request:
    """Undo a charge, paid or not."""
    path, body = f"{order_path(merchant, out_trade_no)}/reverse", msgspec.json.encode(parties(merchant))
    return signed_request(merchant, "POST", path, body, now=now, nonce=nonce, repeatable=True)


def read_reversed(merchant: Merchant, out_trade_no: str, response: Response) -> TradeReport:
    """A 200 that names the order: no money stays taken."""
    if decode(merchant, response, _Reversed).out_trade_no != out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    return without_amount(merchant, out_trade_no, TradeStatus.CLOSED, "REVOKED")
