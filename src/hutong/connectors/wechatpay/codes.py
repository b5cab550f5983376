"""Capability CodePayments: payment codes by APIv3, or by V2 where the account holds that API's key and certificate."""

from __future__ import annotations

import re
from typing import Final

from hutong.connectors.wechatpay import codepay, micropay
from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import error_of, refusal
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.payments import query_order
from hutong.connectors.wechatpay.trades import without_amount
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.codes import ChargeCode
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import TradeReport, TradeStatus

#: 18 digits that begin with 10 to 15: https://pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=5_1
CODE: Final = re.compile(r"1[0-5][0-9]{16}")


class WechatCodes:
    """``hutong.platforms.codes.CodePayments`` for WeChat Pay."""

    def takes(self, auth_code: str) -> bool:
        """Whether the code has the published form."""
        return CODE.fullmatch(auth_code) is not None

    async def charge(self, account: Account, command: ChargeCode) -> TradeReport:
        """Charge; PENDING while the buyer types a password.

        Raises:
            InvalidInput: the code is not this wallet's.
        """
        if not self.takes(command.auth_code):
            raise InvalidInput(field="auth_code", problem="18 digits, 10-15 first")
        merchant = merchant_of(account)
        if merchant.scans_by_v2_at(account.clock.now()):
            old = micropay.build_charge(merchant, command, account.clock.now(), account.nonce())
            return micropay.read_charge(merchant, command, await account.http.send(old))
        request = codepay.build_charge(merchant, command, account.clock.now(), account.nonce())
        return codepay.read_charge(merchant, command, await call(account, merchant, request))

    async def reverse(self, account: Account, out_trade_no: str) -> TradeReport:
        """Undo; where it was undone or closed before, report what a query says."""
        merchant = merchant_of(account)
        if merchant.scans_by_v2_at(account.clock.now()):
            return await _reverse_v2(account, merchant, out_trade_no)
        request = codepay.build_reverse(merchant, out_trade_no, account.clock.now(), account.nonce())
        response = await call(account, merchant, request)
        unknown_order = refusal(response, ErrorWord.NOT_FOUND)
        if unknown_order and not merchant.api_key:
            return without_amount(merchant, out_trade_no, TradeStatus.NOT_FOUND, unknown_order)
        if unknown_order:  # an order of the older API, from when the account held the certificate
            return await query_order(account, merchant, out_trade_no)
        if refusal(response, ErrorWord.ALREADY_DONE):
            return await query_order(account, merchant, out_trade_no)
        if refusal(response, ErrorWord.UNKNOWN) == codepay.WAITING:  # not while the password is typed: again
            raise PlatformUnknown(platform=merchant.platform, platform_code=codepay.WAITING)
        if response.status >= 300:
            raise error_of(merchant.platform, response)
        return codepay.read_reversed(merchant, out_trade_no, response)


async def _reverse_v2(account: Account, merchant: Merchant, out_trade_no: str) -> TradeReport:
    for _ in range(micropay.REVERSE_SENDS_MAX):
        response = await account.http.send(micropay.build_reverse(merchant, out_trade_no, account.nonce()))
        if not micropay.wants_again(merchant, response):
            break
    report = micropay.read_reverse(merchant, out_trade_no, response)
    if report is not None:
        return report
    response = await account.http.send(micropay.build_query(merchant, out_trade_no, account.nonce()))
    return micropay.read_query(merchant, out_trade_no, response)
