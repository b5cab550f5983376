"""The addresses of refunds: asked for, asked about, sent another way."""

from __future__ import annotations

from typing import Final

from hutong_sandbox.wechatpay import fields
from hutong_sandbox.wechatpay.accounts import Keyring
from hutong_sandbox.wechatpay.calls import Answer, Call, Route, lose_answer, strike
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter
from hutong_sandbox.wechatpay.notices import Notices
from hutong_sandbox.wechatpay.parties import optional_sub_merchant
from hutong_sandbox.wechatpay.refunds import SETTLE_S, STUCK_S, Refund, RefundEvent, Refunds
from hutong_sandbox.world import World

REFUNDS: Final = "/v3/refund/domestic/refunds"
TO_CARD: Final = "USER_BANK_CARD"
TO_MERCHANT: Final = "MERCHANT_BANK_CARD"
CARD_DIGITS_SHOWN: Final = 4


class RefundCalls:
    """Refunds."""

    def __init__(self, world: World, keyring: Keyring, refunds: Refunds, notices: Notices) -> None:
        self._world = world
        self._keyring = keyring
        self._refunds = refunds
        self._notices = notices

    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            ("POST", REFUNDS, self._refund),
            ("GET", f"{REFUNDS}/([^/]+)", self._query),
            ("POST", f"{REFUNDS}/([^/]+)/apply-abnormal-refund", self._rescue),
        ]

    async def _refund(self, call: Call) -> Answer:
        body = call.body()
        wanted = fields.read_refund(body)
        sub_mchid = body.text("sub_mchid", limit=32, required=False)
        seller = optional_sub_merchant(sub_mchid, call.account, self._keyring)
        if strike(self._world, "not_enough", wanted.out_refund_no):
            raise WireError("NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        refund, is_new = self._refunds.open(call.account, seller, wanted, call.serial)
        if is_new:
            stuck = strike(self._world, "refund_stuck", wanted.out_refund_no)
            if stuck:
                self._finish_later(refund, RefundEvent.FAIL, STUCK_S if stuck.seconds is None else stuck.seconds)
            else:
                self._finish_later(refund, RefundEvent.SETTLE, SETTLE_S)
        lose_answer(self._world, "refund_timeout", wanted.out_refund_no)
        return 200, refund.wire()

    async def _query(self, call: Call) -> Answer:
        seller = optional_sub_merchant(call.request.query.get("sub_mchid", ""), call.account, self._keyring)
        return 200, self._refunds.require(call.account, seller, call.match[1]).wire()

    async def _rescue(self, call: Call) -> Answer:
        body = call.body()
        seller = optional_sub_merchant(body.text("sub_mchid", limit=32, required=False), call.account, self._keyring)
        out_refund_no = body.matching("out_refund_no", fields.REFUND_NO, limit=64)
        refund = self._refunds.require(call.account, seller, out_refund_no)
        if refund.refund_id != call.match[1]:
            raise bad_parameter("uri", "/refund_id", "与商户退款单号不符", call.match[1])
        kind = body.text("type", limit=32)
        if kind == TO_CARD:
            bank = body.text("bank_type", limit=32)
            number = self._keyring.opened(call.account, call.serial, body.text("bank_account", limit=1024))
            self._keyring.opened(call.account, call.serial, body.text("real_name", limit=1024))
            if not (number.isascii() and number.isdigit()):
                raise bad_parameter("body", "/bank_account", "银行卡号须为数字")
            account = f"{bank} {number[-CARD_DIGITS_SHOWN:]}"
        elif kind == TO_MERCHANT:
            account = "交易商户银行账户"
        else:
            raise bad_parameter("body", "/type", "枚举值有误", kind)
        self._refunds.rescue(refund, account)
        self._finish_later(refund, RefundEvent.SETTLE, SETTLE_S)
        return 200, refund.wire()

    def _finish_later(self, refund: Refund, event: RefundEvent, seconds: int) -> None:
        async def finish() -> None:
            self._refunds.finish(refund, event)
            await self._notices.announce_refund(refund)

        self._world.agenda.after(seconds, finish)
