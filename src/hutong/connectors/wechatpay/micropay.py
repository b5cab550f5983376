"""Payment codes (付款码) by the older API (V2): micropay, orderquery, reverse. Pure.

Source: https://pay.weixin.qq.com/doc/v2/merchant/4011937125 (charge), /pay/orderquery and /secapi/pay/reverse as in
github.com/TheNorthMemory/wechatpay-openapi docs/v2 and docs/definitions at 4d6325b. A reversal is taken only on a line
with the merchant's certificate (apiclient_cert.pem, whose key is the one that signs v3). ``recall`` Y asks for the same
call again, at most REVERSE_SENDS_MAX times here; then it is unknown, and asked later. Error codes are recalled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong.connectors.wechatpay.answers import succeeded
from hutong.connectors.wechatpay.codepay import WAITING
from hutong.connectors.wechatpay.errors import ERROR_WORDS, error_of
from hutong.connectors.wechatpay.merchant import LIVE_BASE_URLS, Merchant, needed
from hutong.connectors.wechatpay.orders import BEIJING, DESCRIPTION_CHARS_MAX, fen, number
from hutong.connectors.wechatpay.trades import TRADE_STATES, owner_of, without_amount
from hutong.connectors.wechatpay.v2 import read, sign_type_of, signature, verified, write
from hutong.core.errors import HutongError, InvalidAmount, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.codes import ChargeCode
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.client_certificates import ClientCertificate
from hutong.transport.messages import Request, Response

CHARGE_PATH: Final = "/pay/micropay"
QUERY_PATH: Final = "/pay/orderquery"
REVERSE_PATH: Final = "/secapi/pay/reverse"
#: Sends of one reversal while the platform says "again"; then the hub asks later.
REVERSE_SENDS_MAX: Final = 3
TIME_FORMAT: Final = "%Y%m%d%H%M%S"
SUCCESS: Final = "SUCCESS"
UNKNOWN_ORDER: Final = "ORDERNOTEXIST"
#: What the answer to a badly signed request says: it is not signed itself, and has no code.
BAD_SIGNATURE_TEXT: Final = "签名"
#: The till's own address is asked for and not checked.
NO_IP: Final = "127.0.0.1"


def build_charge(merchant: Merchant, command: ChargeCode, now: datetime, nonce: str) -> Request:
    """Charge a code. Sent once."""
    del now  # V2 signs no time
    fields = {
        "body": command.description[:DESCRIPTION_CHARS_MAX],
        "attach": command.attach,
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "total_fee": str(fen(command.amount)),
        "fee_type": "CNY",
        "spbill_create_ip": command.client_ip or NO_IP,
        "time_expire": command.expires_at.astimezone(BEIJING).strftime(TIME_FORMAT),
        "auth_code": command.auth_code,
        "profit_sharing": "Y" if command.shared else "",
    }
    return _request(merchant, CHARGE_PATH, fields, nonce, repeatable=False)


def build_query(merchant: Merchant, out_trade_no: str, nonce: str) -> Request:
    """Ask for an order."""
    fields = {"out_trade_no": number(out_trade_no, "out_trade_no")}
    return _request(merchant, QUERY_PATH, fields, nonce, repeatable=True)


def build_reverse(merchant: Merchant, out_trade_no: str, nonce: str) -> Request:
    """Undo a charge, paid or not."""
    is_live = merchant.base_url in LIVE_BASE_URLS
    fields = {"out_trade_no": number(out_trade_no, "out_trade_no")}
    request = _request(merchant, REVERSE_PATH, fields, nonce, repeatable=True)
    shown = ClientCertificate(
        certificate=needed({"client_certificate": merchant.client_certificate}, "client_certificate"),
        key=merchant.private_pem,
        authority="" if is_live else merchant.line_authority,
    )
    url = (merchant.base_url if is_live else merchant.line_url or merchant.base_url) + REVERSE_PATH
    return msgspec.structs.replace(request, url=url, client_certificate=shown)


def read_charge(merchant: Merchant, command: ChargeCode, response: Response) -> TradeReport:
    """What became of the charge at once."""
    fields = _fields(merchant, response)
    if fields["result_code"] == SUCCESS:
        return _trade(merchant, command.out_trade_no, {"trade_state": SUCCESS, **fields})
    if fields.get("err_code") == WAITING:
        return without_amount(merchant, command.out_trade_no, TradeStatus.PENDING, WAITING)
    raise _refusal(merchant, fields)


def read_query(merchant: Merchant, out_trade_no: str, response: Response) -> TradeReport:
    """The order that was asked for; one the platform does not know reports NOT_FOUND."""
    fields = _fields(merchant, response)
    if fields["result_code"] == SUCCESS:
        return _trade(merchant, out_trade_no, fields)
    if fields.get("err_code") == UNKNOWN_ORDER:
        return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, UNKNOWN_ORDER)
    raise _refusal(merchant, fields)


def wants_again(merchant: Merchant, response: Response) -> bool:
    """Whether the platform asks for the same reversal again."""
    return _fields(merchant, response).get("recall") == "Y"


def read_reverse(merchant: Merchant, out_trade_no: str, response: Response) -> TradeReport | None:
    """CLOSED, or NOT_FOUND; None where it was undone or closed before, and a query tells. Again: PlatformUnknown."""
    fields = _fields(merchant, response)
    if fields.get("recall") == "Y":
        raise PlatformUnknown(platform=merchant.platform, platform_code=fields.get("err_code", ""))
    if fields["result_code"] == SUCCESS:
        return without_amount(merchant, out_trade_no, TradeStatus.CLOSED, "REVOKED")
    code = fields.get("err_code", "")
    if code == UNKNOWN_ORDER:
        return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, code)
    if ERROR_WORDS.get(code) is ErrorWord.ALREADY_DONE:
        return None
    raise _refusal(merchant, fields)


def _request(merchant: Merchant, path: str, fields: Mapping[str, str], nonce: str, *, repeatable: bool) -> Request:
    sign_type = sign_type_of(merchant.api_sign_type)
    message = {
        "appid": merchant.appid,
        "mch_id": merchant.mchid,
        "sub_appid": merchant.sub_appid if merchant.is_provider else "",
        "sub_mch_id": merchant.sub_mchid,
        "nonce_str": nonce,
        "sign_type": sign_type.value,
        **fields,
    }
    message["sign"] = signature(message, needed({"api_key": merchant.api_key}, "api_key"), sign_type)
    headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml"}
    url = merchant.base_url + path
    return Request(method="POST", url=url, headers=headers, body=write(message), repeatable=repeatable)


def _fields(merchant: Merchant, response: Response) -> dict[str, str]:
    """A verified answer. Raises PlatformUnknown for what cannot be read or trusted, PlatformRefused for a clear no."""
    if not succeeded(response):
        raise error_of(merchant.platform, response)
    try:
        fields = read(response.body)
    except ValueError as error:
        raise PlatformUnknown(platform=merchant.platform) from error
    if fields.get("return_code") == "FAIL":
        text = fields.get("return_msg", "")
        word = ErrorWord.BAD_SIGNATURE if BAD_SIGNATURE_TEXT in text else ErrorWord.INVALID_REQUEST
        raise PlatformRefused(platform=merchant.platform, platform_code="FAIL", message=text, word=word)
    signed = verified(fields, merchant.api_key, sign_type_of(merchant.api_sign_type))
    ours = (fields.get("mch_id"), fields.get("sub_mch_id", "")) == (merchant.mchid, merchant.sub_mchid)
    if not signed or not ours or "result_code" not in fields:
        raise PlatformUnknown(platform=merchant.platform)
    return fields


def _refusal(merchant: Merchant, fields: Mapping[str, str]) -> HutongError:
    code, text = fields.get("err_code", ""), fields.get("err_code_des", "")
    word = ERROR_WORDS.get(code, ErrorWord.UNKNOWN)
    if not code or word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=merchant.platform, platform_code=code)
    return PlatformRefused(platform=merchant.platform, platform_code=code, message=text, word=word)


def _trade(merchant: Merchant, out_trade_no: str, fields: Mapping[str, str]) -> TradeReport:
    if fields.get("out_trade_no") != out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    state = fields.get("trade_state", "")
    try:
        return TradeReport(
            out_trade_no=out_trade_no,
            status=TRADE_STATES.get(state, TradeStatus.PENDING),
            raw_status=state,
            owner=owner_of(merchant, fields["mch_id"], fields.get("appid", ""), fields.get("sub_mch_id", "")),
            amount=_amount(fields),
            transaction_id=fields.get("transaction_id") or None,
            payer_id=fields.get("openid") or None,
            paid_at=_time(fields.get("time_end", "")),
            attach=fields.get("attach"),
        )
    except (ValueError, InvalidAmount) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def _amount(fields: Mapping[str, str]) -> Money | None:
    text = fields.get("total_fee", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise ValueError("total_fee")
    return Money(int(text), fields.get("fee_type") or "CNY")


def _time(text: str) -> datetime | None:
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=BEIJING) if text else None
