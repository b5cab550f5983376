"""Capability CombinedPayments: one tap pays several merchants' orders.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/combine-transactions at 4d6325b; the notice and the
number of parts as in github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 合单支付. A service provider's parts
name its sub-merchants.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import aware, decode
from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import ORDER_CLOSED, error_of, refusal
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.orders import (
    DESCRIPTION_CHARS_MAX,
    fen,
    number,
    path_of,
    read_created,
    scene_of,
    time_text,
)
from hutong.connectors.wechatpay.signing import signed_request
from hutong.connectors.wechatpay.trades import TRADE_STATES
from hutong.core.errors import HutongError, InvalidAmount, InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.combined import CombinedPart, CreateCombined
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PaymentCreated, PayMethod, TradeReport, TradeStatus
from hutong.transport.messages import Request, Response

PATH: Final = "/v3/combine-transactions"
METHODS: Final = (PayMethod.JSAPI, PayMethod.NATIVE, PayMethod.H5, PayMethod.APP)
#: A merchant combines 2 to 10 orders, a service provider 1 to 50.
PARTS_MIN: Final = 2
PARTS_MAX: Final = 10
PROVIDERS_PARTS_MAX: Final = 50
HTTP_NO_CONTENT: Final = 204


class WirePartAmount(msgspec.Struct, frozen=True):
    """Whole fen."""

    total_fen: int = msgspec.field(name="total_amount")
    currency: str = "CNY"


class WirePart(msgspec.Struct, frozen=True):
    """One merchant's order as query and notice write it."""

    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: datetime | None = None
    amount: WirePartAmount | None = None
    attach: str | None = None


class WirePayerInfo(msgspec.Struct, frozen=True):
    """The buyer's id under the combining merchant's app."""

    openid: str | None = None


class WireCombined(msgspec.Struct, frozen=True):
    """A combined order as query and notice write it."""

    combine_appid: str
    combine_mchid: str
    combine_out_trade_no: str
    sub_orders: list[WirePart]
    combine_payer_info: WirePayerInfo | None = None

    def reports(self) -> tuple[TradeReport, ...]:
        """Each part in our words, owned by the account that combined them. Raises HutongError or ValueError."""
        return tuple(self._report(part) for part in self.sub_orders)

    def told(self) -> tuple[TradeReport, ...]:
        """:meth:`reports` of a notice: a sum or currency that is no money we know is left out."""
        return tuple(self._told(part) for part in self.sub_orders)

    def _told(self, part: WirePart) -> TradeReport:
        try:
            return self._report(part)
        except InvalidAmount:
            return self._report(msgspec.structs.replace(part, amount=None))

    def _report(self, part: WirePart) -> TradeReport:
        owner = {"mchid": self.combine_mchid, "appid": self.combine_appid}
        payer = None if self.combine_payer_info is None else self.combine_payer_info.openid
        return TradeReport(
            out_trade_no=part.out_trade_no,
            status=TRADE_STATES.get(part.trade_state, TradeStatus.PENDING),
            raw_status=part.trade_state,
            owner=owner,
            amount=None if part.amount is None else Money(part.amount.total_fen, part.amount.currency),
            transaction_id=part.transaction_id,
            payer_id=payer,
            paid_at=aware(part.success_time),
            attach=part.attach,
        )


class WechatCombined:
    """``hutong.platforms.combined.CombinedPayments`` for WeChat Pay."""

    @property
    def methods(self) -> tuple[PayMethod, ...]:
        """In a page of WeChat, by QR, in a phone's browser, in an app."""
        return METHODS

    def receivers(self, account: Account, sellers: Sequence[Account]) -> tuple[str, ...]:
        """The merchants' own numbers; a provider combines for sub-merchants of its own alone, a merchant for none."""
        merchant = merchant_of(account)
        _check_count(merchant, len(sellers))
        return tuple(_receiver(merchant, merchant_of(seller)) for seller in sellers)

    async def create(self, account: Account, command: CreateCombined) -> PaymentCreated:
        """Open the combined order; an invocation is signed as a single order's."""
        merchant = merchant_of(account)
        request = build_create(merchant, command, account.clock.now(), account.nonce())
        response = await call(account, merchant, request)
        return read_created(merchant, command.method, response, account.clock.now(), account.nonce())

    async def query(self, account: Account, combine_out_trade_no: str) -> tuple[TradeReport, ...]:
        """Every part; none where the platform does not know the order."""
        merchant = merchant_of(account)
        path = _order_path(combine_out_trade_no)
        now, nonce = account.clock.now(), account.nonce()
        request = signed_request(merchant, "GET", path, b"", now=now, nonce=nonce, repeatable=True)
        response = await call(account, merchant, request)
        if refusal(response, ErrorWord.NOT_FOUND):
            return ()
        return read_combined(merchant, combine_out_trade_no, response)

    async def close(self, account: Account, combine_out_trade_no: str, parts: tuple[CombinedPart, ...]) -> None:
        """Close it whole. One that was paid is refused with ALREADY_DONE; one that is closed is no error."""
        merchant = merchant_of(account)
        request = build_close(merchant, combine_out_trade_no, parts, account.clock.now(), account.nonce())
        response = await call(account, merchant, request)
        if response.status == HTTP_NO_CONTENT or refusal(response, ErrorWord.ALREADY_DONE) in ORDER_CLOSED:
            return
        raise error_of(merchant.platform, response)


def build_create(merchant: Merchant, command: CreateCombined, now: datetime, nonce: str) -> Request:
    """Open several orders at once.

    Raises:
        InvalidInput: too few or too many parts, or a field that this method needs is missing.
    """
    _check_count(merchant, len(command.parts))
    if command.method not in METHODS:
        raise InvalidInput(field="method", problem=command.method.value)
    body: dict[str, Any] = {
        "combine_appid": merchant.appid,
        "combine_mchid": merchant.mchid,
        "combine_out_trade_no": number(command.combine_out_trade_no, "combine_out_trade_no"),
        "sub_orders": [_part(merchant, part) for part in command.parts],
        "time_expire": time_text(command.expires_at),
        "notify_url": command.notify_url,
        **scene_of(command.method, command.client_ip),
    }
    if command.method is PayMethod.JSAPI:
        if not command.payer_id:
            raise InvalidInput(field="payer_id", problem="JSAPI: openid")
        body["combine_payer_info"] = {"openid": command.payer_id}
    path = f"{PATH}/{path_of(command.method)}"
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True)


def build_close(
    merchant: Merchant, combine_out_trade_no: str, parts: tuple[CombinedPart, ...], now: datetime, nonce: str
) -> Request:
    """Close the whole order; the parts must be those it was opened with."""
    sub_orders = [
        {**_seller(merchant, part), "out_trade_no": number(part.out_trade_no, "out_trade_no")} for part in parts
    ]
    body = msgspec.json.encode({"combine_appid": merchant.appid, "sub_orders": sub_orders})
    path = f"{_order_path(combine_out_trade_no)}/close"
    return signed_request(merchant, "POST", path, body, now=now, nonce=nonce, repeatable=True)


def read_combined(merchant: Merchant, combine_out_trade_no: str, response: Response) -> tuple[TradeReport, ...]:
    """The parts. Raises PlatformUnknown for an answer about another order."""
    combined = decode(merchant, response, WireCombined)
    if combined.combine_out_trade_no != combine_out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    try:
        return combined.reports()
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def _check_count(merchant: Merchant, count: int) -> None:
    least, most = (1, PROVIDERS_PARTS_MAX) if merchant.is_provider else (PARTS_MIN, PARTS_MAX)
    if not least <= count <= most:
        raise InvalidInput(field="parts", problem=f"{least}..{most}")


def _receiver(merchant: Merchant, seller: Merchant) -> str:
    is_own = seller.mchid == merchant.mchid if merchant.is_provider else not seller.is_provider
    if merchant.is_provider is not seller.is_provider or not is_own:
        raise InvalidInput(field="connection_id", problem="sub_mchid")
    return seller.sub_mchid or seller.mchid


def _part(merchant: Merchant, part: CombinedPart) -> dict[str, Any]:
    found: dict[str, Any] = {
        **_seller(merchant, part),
        "out_trade_no": number(part.out_trade_no, "out_trade_no"),
        "description": part.description[:DESCRIPTION_CHARS_MAX],
        # Required here, unlike in a single order.
        "attach": part.attach or part.out_trade_no,
        "amount": {"total_amount": fen(part.amount), "currency": "CNY"},
    }
    return found | ({"settle_info": {"profit_sharing": True}} if part.shared else {})


def _seller(merchant: Merchant, part: CombinedPart) -> dict[str, str]:
    if merchant.is_provider:
        return {"mchid": merchant.mchid, "sub_mchid": part.merchant_ref}
    return {"mchid": part.merchant_ref}


def _order_path(combine_out_trade_no: str) -> str:
    return f"{PATH}/out-trade-no/{quote(number(combine_out_trade_no, 'combine_out_trade_no'), safe='')}"
