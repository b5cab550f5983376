"""The older API (V2): payment codes in XML, signed with the merchant's API key.

Source: pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=4_3 (signature); github.com/TheNorthMemory/wechatpay-openapi
docs/v2/pay/{micropay,orderquery} and docs/v2/secapi/pay/reverse at 4d6325b. A reversal wants the merchant's
certificate on the line (``line``), as the live platform does: without one 400 in plain HTML, as its front answers
(recalled: unverified). Which err_code stands for what is recalled: unverified, but for
USERPAYING, AUTH_CODE_INVALID and TRADE_ERROR (public answers).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from hutong.crypto import digests
from hutong_sandbox.http import HttpRequest, HttpResponse, Unanswered
from hutong_sandbox.wechatpay import signing
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.calls import lose_answer, strike
from hutong_sandbox.wechatpay.codes import CodeDesk
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.fields import ORDER_NO, NewOrder
from hutong_sandbox.wechatpay.parties import Parties
from hutong_sandbox.wechatpay.trades import CHINA, Trade, Trades, TradeState
from hutong_sandbox.world import World

#: Answered on a line with a certificate only.
REVERSE_PATH: Final = "/secapi/pay/reverse"
XML_BYTES_MAX: Final = 65_536
DIGESTS: Final = ("MD5", "HMAC-SHA256")
TIME_FORMAT: Final = "%Y%m%d%H%M%S"
_ELEMENT: Final = re.compile(r"\s*<([A-Za-z_]\w*)>(?:<!\[CDATA\[(.*?)\]\]>|([^<>]*))</\1>", re.DOTALL)
_WHOLE: Final = re.compile(r"\s*(?:<\?xml[^>]*\?>)?\s*<xml>(.*)</xml>\s*", re.DOTALL)
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
#: What v3 calls it -> what V2 calls it.
CODES: Final = {
    "NOT_ENOUGH": "NOTENOUGH",
    "ORDER_NOT_EXIST": "ORDERNOTEXIST",
    "ORDER_CLOSED": "ORDERCLOSED",
    "AUTH_CODE_EXPIRE": "AUTHCODEEXPIRE",
    "SYSTEM_ERROR": "SYSTEMERROR",
    "INVALID_REQUEST": "INVALID_REQUEST",
}

Fields = dict[str, str]


class BadMessage(Exception):
    """Answered with return_code FAIL, which is not signed."""


def read_xml(body: bytes) -> Fields:
    """The flat elements of a message."""
    whole = _WHOLE.fullmatch(body.decode("utf-8", "strict")) if len(body) <= XML_BYTES_MAX else None
    if whole is None:
        raise BadMessage("XML格式错误")
    found: Fields = {}
    place, inner = 0, whole[1]
    while match := _ELEMENT.match(inner, place):
        found[match[1]] = match[2] if match[2] is not None else _plain(match[3])
        place = match.end()
    if inner[place:].strip():
        raise BadMessage("XML格式错误")
    return found


def write_xml(fields: Mapping[str, str]) -> bytes:
    """A message as the platform writes it: every value in CDATA."""
    return ("<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in fields.items()) + "</xml>").encode()


def message_text(fields: Mapping[str, str], key: str) -> str:
    """What is signed."""
    kept = sorted(name for name, value in fields.items() if value != "" and name != "sign")
    return "".join(f"{name}={fields[name]}&" for name in kept) + "key=" + key


def message_sign(fields: Mapping[str, str], key: str, sign_type: str) -> str:
    """The signature, upper-case hexadecimal."""
    text = message_text(fields, key).encode()
    raw = digests.md5(text) if sign_type == "MD5" else digests.hmac_sha256(key.encode(), text)
    return raw.hex().upper()


class OlderApi:
    """The three addresses."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades, desk: CodeDesk) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._desk = desk
        self._actions: dict[str, Callable[[Parties, Fields], Fields]] = {
            "/pay/micropay": self._charge,
            "/pay/orderquery": self._query,
            REVERSE_PATH: self._reverse,
        }

    def takes(self, request: HttpRequest) -> bool:
        """Whether the address is one of these."""
        return request.method == "POST" and request.path in self._actions

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer, signed as the request was."""
        if request.path == REVERSE_PATH and not request.certificate:
            self._world.events.add("wechatpay", "refused", path=request.path, code="NO_CERTIFICATE")
            body = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"
            return HttpResponse(status=400, body=body, headers={"Content-Type": "text/html"})
        try:
            fields = read_xml(request.body)
            account, sign_type = self._authenticate(fields)
            if request.path == REVERSE_PATH and not self._keyring.shows_itself(account, request.certificate):
                raise BadMessage("商户证书与商户号不匹配")
        except (BadMessage, UnicodeDecodeError) as error:
            return _answer({"return_code": "FAIL", "return_msg": str(error)})
        told: Fields = {"return_code": "SUCCESS", "return_msg": "OK", "appid": account.appid, "mch_id": account.mchid}
        try:
            parties = self._parties(account, fields)
            if parties.is_provider:
                told["sub_mch_id"] = parties.seller.mchid
            self._break_down(request.path)
            done = self._actions[request.path](parties, fields)
            told |= {"result_code": "SUCCESS", **done}
        except WireError as error:
            code = CODES.get(error.code, error.code)
            self._world.events.add("wechatpay", "refused", path=request.path, code=code)
            told |= {"result_code": "FAIL", "err_code": code, "err_code_des": error.message}
            if request.path == REVERSE_PATH:
                told["recall"] = "Y" if error.code in ("SYSTEM_ERROR", "USERPAYING") else "N"
        told["nonce_str"] = signing.fresh_nonce()
        told["sign"] = message_sign(told, account.api_key, sign_type)
        return _answer(told)

    def _authenticate(self, fields: Fields) -> tuple[Account, str]:
        account = self._keyring.by_mchid(fields.get("mch_id", ""))
        sign_type = fields.get("sign_type") or "MD5"
        if account is None or sign_type not in DIGESTS or not fields.get("nonce_str"):
            raise BadMessage("签名错误")
        if not same_sign(fields.get("sign", ""), message_sign(fields, account.api_key, sign_type)):
            raise BadMessage("签名错误")
        return account, sign_type

    def _parties(self, account: Account, fields: Fields) -> Parties:
        if fields.get("appid") not in account.apps:
            raise WireError("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
        sub_mch_id = fields.get("sub_mch_id", "")
        seller = self._keyring.acts_for(account, sub_mch_id) if sub_mch_id else account
        if seller is None:
            raise WireError("NO_AUTH", "商户无权限")
        sub_appid = fields.get("sub_appid", "") if sub_mch_id else ""
        return Parties(account=account, seller=seller, appid=fields["appid"], sub_appid=sub_appid)

    def _break_down(self, path: str) -> None:
        if strike(self._world, "server_error", path):
            raise WireError("SYSTEM_ERROR", "系统错误")

    def _charge(self, parties: Parties, fields: Fields) -> Fields:
        total = fields.get("total_fee", "")
        number = fields.get("out_trade_no", "")
        if not (total.isascii() and total.isdigit() and int(total) > 0) or not ORDER_NO.fullmatch(number):
            raise WireError("PARAM_ERROR", "参数错误")
        if not fields.get("body") or not fields.get("spbill_create_ip"):
            raise WireError("PARAM_ERROR", "缺少参数")
        order = NewOrder(
            method="codepay",
            out_trade_no=number,
            description=fields["body"],
            total_fen=int(total),
            currency=fields.get("fee_type") or "CNY",
            notify_url="",
            attach=fields.get("attach", ""),
            time_expire=_time(fields.get("time_expire", "")),
            shared=fields.get("profit_sharing") == "Y",
        )
        trade = self._desk.charge(parties, order, fields.get("auth_code", ""), "")
        lose_answer(self._world, "create_timeout", number)
        if trade.state is TradeState.USERPAYING:
            raise WireError("USERPAYING", "需要用户输入支付密码")
        return self._paid(trade)

    def _query(self, parties: Parties, fields: Fields) -> Fields:
        trade = self._find(parties, fields)
        told = {"out_trade_no": trade.order.out_trade_no, "trade_state": trade.state.value}
        return told | (self._paid(trade) if trade.paid_at is not None else {})

    def _reverse(self, parties: Parties, fields: Fields) -> Fields:
        trade = self._find(parties, fields)
        self._desk.reverse(trade)
        if strike(self._world, "reverse_timeout", trade.order.out_trade_no):
            raise Unanswered
        return {"recall": "N"}

    def _find(self, parties: Parties, fields: Fields) -> Trade:
        if fields.get("transaction_id"):
            trade = self._trades.by_handle(fields["transaction_id"])
            if trade is not None and trade.parties.seller is parties.seller:
                return trade
        return self._trades.require(parties.account, parties.seller, fields.get("out_trade_no", ""))

    def _paid(self, trade: Trade) -> Fields:
        assert trade.paid_at is not None
        total = str(trade.order.total_fen)
        payer = trade.payer(self._world.buyers)
        told = {
            "openid": str(payer.get("openid") or payer.get("sp_openid")),
            "is_subscribe": "N",
            "trade_type": "MICROPAY",
            "bank_type": "OTHERS",
            "total_fee": total,
            "fee_type": trade.order.currency,
            "cash_fee": total,
            "transaction_id": trade.transaction_id,
            "out_trade_no": trade.order.out_trade_no,
            "time_end": trade.paid_at.astimezone(CHINA).strftime(TIME_FORMAT),
        }
        return told | ({"attach": trade.order.attach} if trade.order.attach else {})


def same_sign(given: str, wanted: str) -> bool:
    """Whether a signature is the right one."""
    return digests.same(given.encode(), wanted.encode())


def _answer(fields: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(status=200, body=write_xml(fields), headers={"Content-Type": "text/xml; charset=utf-8"})


def _plain(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=CHINA) if text else None
    except ValueError:
        raise WireError("PARAM_ERROR", "time_expire格式错误") from None
