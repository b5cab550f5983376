"""Capability Payments: the pure builders and readers around one signed call each."""

from __future__ import annotations

from hutong.connectors.alipay.errors import TRADE_NOT_EXIST, WRONG_STATE, refusal
from hutong.connectors.alipay.gateway import link, order_text, send
from hutong.connectors.alipay.merchant import merchant_of
from hutong.connectors.alipay.refunds import (
    build_query_refund,
    build_refund,
    not_found,
    read_refund,
    read_refunded,
)
from hutong.connectors.alipay.trades import (
    CLOSE,
    QUERY,
    SIGNED_METHODS,
    about,
    build_create,
    read_created,
    read_trade,
    without_amount,
)
from hutong.platforms.account import Account
from hutong.platforms.payments import (
    CreatePayment,
    PaymentCreated,
    PayMethod,
    RefundReport,
    RefundStatus,
    RequestRefund,
    TradeReport,
    TradeStatus,
)


class AlipayPayments:
    """``hutong.platforms.payments.Payments`` for Alipay."""

    async def create(self, account: Account, command: CreatePayment) -> PaymentCreated:
        """Open the order; a page or an app only gets something signed, and the order begins when the buyer arrives."""
        merchant, call = merchant_of(account), build_create(command)
        if command.method is PayMethod.APP:
            return PaymentCreated(invoke={"orderStr": order_text(merchant, call, account.clock.now())})
        if command.method in SIGNED_METHODS:
            return PaymentCreated(redirect_url=link(merchant, call, account.clock.now()))
        return read_created(merchant, command, await send(account, merchant, call))

    async def query(self, account: Account, out_trade_no: str) -> TradeReport:
        """Ask for an order by our number. NOT_FOUND may still become an order: its code was not scanned yet."""
        merchant = merchant_of(account)
        answer = await send(account, merchant, about(QUERY, out_trade_no))
        if answer.head.sub_code == TRADE_NOT_EXIST:
            return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, TRADE_NOT_EXIST)
        return read_trade(merchant, out_trade_no, answer)

    async def close(self, account: Account, out_trade_no: str) -> TradeReport:
        """Close an order; where its state does not allow it, report what a query says.

        An order that nobody scanned cannot be closed (NOT_FOUND): what ends it is ``time_expire``.
        """
        merchant = merchant_of(account)
        answer = await send(account, merchant, about(CLOSE, out_trade_no))
        if answer.done:
            return without_amount(merchant, out_trade_no, TradeStatus.CLOSED, "TRADE_CLOSED")
        if answer.head.sub_code == TRADE_NOT_EXIST:
            return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, TRADE_NOT_EXIST)
        if answer.head.sub_code in WRONG_STATE:
            return await self.query(account, out_trade_no)
        raise refusal(merchant.platform, answer.head)

    async def refund(self, account: Account, command: RequestRefund) -> RefundReport:
        """Ask for a refund; where the answer does not say that money moved, a query tells. PENDING: ask again."""
        merchant = merchant_of(account)
        done = read_refunded(merchant, command, await send(account, merchant, build_refund(command)))
        if done is not None:
            return done
        found = await self.query_refund(account, command.out_refund_no, command.out_trade_no)
        if found.status is not RefundStatus.NOT_FOUND:
            return found
        return RefundReport(
            out_refund_no=command.out_refund_no,
            status=RefundStatus.PENDING,
            raw_status="fund_change N",
            out_trade_no=command.out_trade_no,
            owner=merchant.owner,
        )

    async def query_refund(self, account: Account, out_refund_no: str, out_trade_no: str) -> RefundReport:
        """Ask what became of a refund of this order."""
        merchant = merchant_of(account)
        answer = await send(account, merchant, build_query_refund(out_refund_no, out_trade_no))
        if answer.head.sub_code == TRADE_NOT_EXIST:
            return not_found(merchant, out_refund_no, TRADE_NOT_EXIST)
        return read_refund(merchant, out_refund_no, answer)
