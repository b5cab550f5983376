"""Capability CodePayments: the buyer shows a payment code and the shop scans it.

Source: the pages of alipay.trade.pay and alipay.trade.cancel (https://opendocs.alipay.com/apis). A code begins with 25
to 30 and has 16 to 24 digits. 10003: the buyer types a password; 20000 and ``ACQ.SYSTEM_ERROR``: nobody knows, ask.
"""

from __future__ import annotations

import re
from typing import Final

from hutong.connectors.alipay.errors import TRADE_HAS_SUCCESS, WAITING_FOR_BUYER, refusal
from hutong.connectors.alipay.gateway import record, send
from hutong.connectors.alipay.merchant import merchant_of
from hutong.connectors.alipay.payments import AlipayPayments
from hutong.connectors.alipay.trades import (
    CANCEL,
    Cancelled,
    WireTrade,
    about,
    build_charge,
    reported,
    without_amount,
)
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.codes import ChargeCode
from hutong.platforms.payments import TradeReport, TradeStatus

RETRY: Final = "Y"
_CODE: Final = re.compile(r"(2[5-9]|30)[0-9]{14,22}")


class AlipayCodes:
    """``hutong.platforms.codes.CodePayments`` for Alipay."""

    def takes(self, auth_code: str) -> bool:
        """Whether a code is Alipay's by its published prefix and length."""
        return _CODE.fullmatch(auth_code) is not None

    async def charge(self, account: Account, command: ChargeCode) -> TradeReport:
        """Charge at once; repeating a number that was paid before reports that payment."""
        if not self.takes(command.auth_code):
            raise InvalidInput(field="auth_code", problem="25-30, 16-24 digits")
        merchant = merchant_of(account)
        answer = await send(account, merchant, build_charge(command))
        if answer.head.sub_code == TRADE_HAS_SUCCESS:
            return await AlipayPayments().query(account, command.out_trade_no)
        if not answer.done and answer.head.code != WAITING_FOR_BUYER:
            raise refusal(merchant.platform, answer.head)
        trade = record(merchant, answer, WireTrade)
        if trade.out_trade_no != command.out_trade_no:
            raise PlatformUnknown(platform=merchant.platform)
        if answer.done:
            return reported(merchant, trade, TradeStatus.PAID, "TRADE_SUCCESS")
        return reported(merchant, trade, TradeStatus.PENDING, "WAIT_BUYER_PAY")

    async def reverse(self, account: Account, out_trade_no: str) -> TradeReport:
        """Undo whatever became of it: close it, or give the money back. PlatformUnknown: ask again."""
        merchant = merchant_of(account)
        answer = await send(account, merchant, about(CANCEL, out_trade_no))
        cancelled = record(merchant, answer, Cancelled)
        if cancelled.retry_flag == RETRY:
            raise PlatformUnknown(platform=merchant.platform, platform_code=answer.head.sub_code)
        if not answer.done:
            raise refusal(merchant.platform, answer.head)
        return without_amount(merchant, out_trade_no, TradeStatus.CLOSED, cancelled.action or "TRADE_CLOSED")
