"""Capability Payments: the pure builders and readers around one signed call each."""

from __future__ import annotations

from typing import Final

from hutong.connectors.wechatpay import micropay
from hutong.connectors.wechatpay.answers import succeeded
from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import ORDER_CLOSED, ORDER_PAID, error_of, refusal
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.orders import build_close, build_create, build_query, read_created
from hutong.connectors.wechatpay.refunds import build_query_refund, build_refund, read_refund
from hutong.connectors.wechatpay.trades import own, read_trade, without_amount
from hutong.core.errors import PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import (
    CreatePayment,
    PaymentCreated,
    RefundReport,
    RefundStatus,
    RequestRefund,
    TradeReport,
    TradeStatus,
)

HTTP_NO_CONTENT: Final = 204


class WechatPayments:
    """``hutong.platforms.payments.Payments`` for WeChat Pay: jsapi, native, h5, app and mini-program."""

    async def create(self, account: Account, command: CreatePayment) -> PaymentCreated:
        """Open the order; for JSAPI the invocation is signed here, with a nonce of its own."""
        merchant = merchant_of(account)
        request = build_create(merchant, command, account.clock.now(), account.nonce())
        response = await call(account, merchant, request)
        return read_created(merchant, command.method, response, account.clock.now(), account.nonce())

    async def query(self, account: Account, out_trade_no: str) -> TradeReport:
        """Ask for an order by our number."""
        return await query_order(account, merchant_of(account), out_trade_no)

    async def close(self, account: Account, out_trade_no: str) -> TradeReport:
        """Close an order; when it turns out to be paid, report what a query says."""
        merchant = merchant_of(account)
        response = await call(
            account, merchant, build_close(merchant, out_trade_no, account.clock.now(), account.nonce())
        )
        if response.status == HTTP_NO_CONTENT:
            return without_amount(merchant, out_trade_no, TradeStatus.CLOSED, "CLOSED")
        if succeeded(response):
            raise PlatformUnknown(platform=merchant.platform)
        unknown_order = refusal(response, ErrorWord.NOT_FOUND)
        if unknown_order:
            return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, unknown_order)
        code = refusal(response, ErrorWord.ALREADY_DONE)
        if code in ORDER_PAID or code in ORDER_CLOSED:
            return await self.query(account, out_trade_no)
        raise error_of(merchant.platform, response)

    async def refund(self, account: Account, command: RequestRefund) -> RefundReport:
        """Ask for a refund. An order the platform does not know is refused with the word NOT_FOUND."""
        merchant = merchant_of(account)
        response = await call(account, merchant, build_refund(merchant, command, account.clock.now(), account.nonce()))
        return read_refund(merchant, command.out_refund_no, response)

    async def query_refund(self, account: Account, out_refund_no: str, out_trade_no: str = "") -> RefundReport:
        """Ask what became of a refund, by its number alone; one the platform does not know reports NOT_FOUND."""
        del out_trade_no
        merchant = merchant_of(account)
        response = await call(
            account, merchant, build_query_refund(merchant, out_refund_no, account.clock.now(), account.nonce())
        )
        unknown_refund = refusal(response, ErrorWord.NOT_FOUND)
        if unknown_refund:
            return RefundReport(
                out_refund_no=out_refund_no,
                status=RefundStatus.NOT_FOUND,
                raw_status=unknown_refund,
                owner=own(merchant),
            )
        return read_refund(merchant, out_refund_no, response)


async def query_order(account: Account, merchant: Merchant, out_trade_no: str) -> TradeReport:
    """What the platform knows of an order; with a key of the older API one unknown here is asked for there, too."""
    response = await call(account, merchant, build_query(merchant, out_trade_no, account.clock.now(), account.nonce()))
    unknown_order = refusal(response, ErrorWord.NOT_FOUND)
    if unknown_order and merchant.api_key:
        older = await account.http.send(micropay.build_query(merchant, out_trade_no, account.nonce()))
        return micropay.read_query(merchant, out_trade_no, older)
    if unknown_order:
        return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, unknown_order)
    return read_trade(merchant, out_trade_no, response)
