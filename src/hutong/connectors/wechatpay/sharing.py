"""Capability ProfitSharing: shares, their end, and their return."""

from __future__ import annotations

from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import refusal
from hutong.connectors.wechatpay.merchant import merchant_of
from hutong.connectors.wechatpay.shares import (
    LIMITS,
    build_query,
    build_return,
    build_share,
    build_unfreeze,
    read_return,
    read_share,
)
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.sharing import (
    FinishSharing,
    ShareLimits,
    ShareOut,
    ShareReport,
    ShareStatus,
    TakeBack,
    TakeBackReport,
)


class WechatSharing:
    """``hutong.platforms.sharing.ProfitSharing`` for WeChat Pay."""

    @property
    def limits(self) -> ShareLimits:
        """The documents' figures."""
        return LIMITS

    async def share(self, account: Account, command: ShareOut) -> ShareReport:
        """Ask; it is worked on afterwards."""
        merchant = merchant_of(account)
        request = build_share(merchant, command, account.clock.now(), account.nonce())
        return read_share(merchant, command.out_share_no, command.lines, await call(account, merchant, request))

    async def query(self, account: Account, command: ShareOut) -> ShareReport:
        """Ask what became of it; a number that the platform does not know reports NOT_FOUND."""
        merchant = merchant_of(account)
        request = build_query(merchant, command, account.clock.now(), account.nonce())
        response = await call(account, merchant, request)
        unknown = refusal(response, ErrorWord.NOT_FOUND)
        if unknown:
            return ShareReport(out_share_no=command.out_share_no, status=ShareStatus.NOT_FOUND, raw_status=unknown)
        return read_share(merchant, command.out_share_no, command.lines, response)

    async def finish(self, account: Account, command: FinishSharing) -> ShareReport:
        """End the freeze."""
        merchant = merchant_of(account)
        request = build_unfreeze(merchant, command, account.clock.now(), account.nonce())
        return read_share(merchant, command.out_share_no, (), await call(account, merchant, request))

    async def take_back(self, account: Account, command: TakeBack) -> TakeBackReport:
        """Take back; the same numbers are the same return."""
        merchant = merchant_of(account)
        request = build_return(merchant, command, account.clock.now(), account.nonce())
        return read_return(merchant, command, await call(account, merchant, request))
