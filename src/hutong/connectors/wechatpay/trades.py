"""Orders as the platform reports them: in answers and in notices, of a merchant and of a service provider. Pure.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4013070356 (query); fields as in github.com/TheNorthMemory/
wechatpay-openapi docs/v3/pay/{transactions,partner/transactions} at 4d6325b; a provider's notice as in
github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 服务商 支付成功回调通知说明.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong.connectors.wechatpay.answers import aware, decode
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.core.errors import HutongError, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.transport.messages import Response

#: USERPAYING, PAYERROR, ACCEPT and REVOKED belong to payment codes; the first three move nothing by themselves.
TRADE_STATES: Final[Mapping[str, TradeStatus]] = {
    "NOTPAY": TradeStatus.PENDING,
    "USERPAYING": TradeStatus.PENDING,
    "PAYERROR": TradeStatus.PENDING,
    "ACCEPT": TradeStatus.PENDING,
    "SUCCESS": TradeStatus.PAID,
    "REFUND": TradeStatus.REFUNDED,
    "CLOSED": TradeStatus.CLOSED,
    "REVOKED": TradeStatus.CLOSED,
}


class WireAmount(msgspec.Struct, frozen=True):
    """Whole fen."""

    total: int
    currency: str = "CNY"


class WirePayer(msgspec.Struct, frozen=True):
    """The buyer's id under our app; with a service provider under either's."""

    openid: str | None = None
    sp_openid: str | None = None
    sub_openid: str | None = None


class WireTrade(msgspec.Struct, frozen=True):
    """An order as queries and notices write it: a merchant's own, or one that a service provider opened for another."""

    out_trade_no: str
    trade_state: str
    mchid: str = ""
    appid: str = ""
    sp_mchid: str = ""
    sp_appid: str = ""
    sub_mchid: str = ""
    transaction_id: str | None = None
    success_time: datetime | None = None
    payer: WirePayer | None = None
    amount: WireAmount | None = None
    attach: str | None = None

    def report(self, merchant: Merchant) -> TradeReport:
        """In our words; an unknown state is pending. Raises HutongError or ValueError where a field is none."""
        payer = self.payer or WirePayer()
        return TradeReport(
            out_trade_no=self.out_trade_no,
            status=TRADE_STATES.get(self.trade_state, TradeStatus.PENDING),
            raw_status=self.trade_state,
            owner=owner_of(merchant, self.sp_mchid or self.mchid, self.sp_appid or self.appid, self.sub_mchid),
            amount=None if self.amount is None else Money(self.amount.total, self.amount.currency),
            transaction_id=self.transaction_id,
            payer_id=payer.openid or payer.sp_openid or payer.sub_openid,
            paid_at=aware(self.success_time),
            attach=self.attach,
        )


def owner_of(merchant: Merchant, mchid: str, appid: str | None, sub_mchid: str) -> dict[str, str]:
    """Whose record it is, under the names of our credentials; the caller compares. No app where none is told (None).

    A mini-program's order names that app. A merchant's own record names no sub-merchant, a provider's always does.

    Raises:
        ValueError: it does not say whose it is.
    """
    if not mchid:
        raise ValueError("a record without an account")
    owner = {"mchid": mchid}
    if appid is not None:
        owner["mini_appid" if merchant.mini_appid and appid == merchant.mini_appid else "appid"] = appid
    if merchant.is_provider or sub_mchid:
        owner["sub_mchid"] = sub_mchid
    return owner


def own(merchant: Merchant) -> dict[str, str]:
    """The owner of a record that was asked for with the account's own signature, and names none itself."""
    return owner_of(merchant, merchant.mchid, merchant.appid, merchant.sub_mchid)


def read_trade(merchant: Merchant, out_trade_no: str, response: Response) -> TradeReport:
    """The order that was asked for. Raises PlatformUnknown for an answer about another one."""
    trade = decode(merchant, response, WireTrade)
    if trade.out_trade_no != out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    try:
        return trade.report(merchant)
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def without_amount(merchant: Merchant, out_trade_no: str, status: TradeStatus, raw_status: str) -> TradeReport:
    """A report where the answer names nothing but the outcome."""
    return TradeReport(out_trade_no=out_trade_no, status=status, raw_status=raw_status, owner=own(merchant))
