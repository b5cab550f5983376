"""Payment codes (付款码): shown by a buyer's phone, good for a minute and one charge.

Source: pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=5_1 (18 digits, 10 to 15 first; one minute; once) and
/doc/v2/merchant/4011937125 (a password above 1000 yuan; reversal closes what is unpaid and returns what is paid).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong_sandbox.drbg import DIGITS, share_of
from hutong_sandbox.wechatpay.calls import strike
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.fields import NewOrder
from hutong_sandbox.wechatpay.parties import Parties
from hutong_sandbox.wechatpay.trades import Trade, Trades, TradeState
from hutong_sandbox.world import World

CODE: Final = re.compile(r"1[0-5][0-9]{16}")
CODE_LIFE: Final = timedelta(minutes=1)
CODES_KEPT_MAX: Final = 100_000
#: Above this a password is always asked for.
PASSWORD_FEN_MIN: Final = 100_001
#: How long a buyer takes to type it, where the rule does not say.
PASSWORD_S_MIN: Final = 30
PASSWORD_S_MAX: Final = 60


class _Code(msgspec.Struct, kw_only=True):
    buyer: int
    expires_at: datetime
    used: bool = False


class CodeDesk:
    """Codes, charges and reversals, whichever API asks."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("wechatpay codes")
        self._codes: dict[str, _Code] = {}

    def show(self, buyer: int) -> tuple[str, datetime]:
        """A fresh code of a buyer, and until when it is good."""
        auth_code = f"1{self._drbg.below(6)}{self._drbg.text(16, DIGITS)}"
        expires_at = self._world.clock.now() + CODE_LIFE
        self._keep(auth_code, _Code(buyer=buyer, expires_at=expires_at))
        return auth_code, expires_at

    def charge(self, parties: Parties, order: NewOrder, auth_code: str, serial: str) -> Trade:
        """Charge a code: paid at once, or waiting for the password; a refused one leaves a failed order."""
        known = self._trades.find(parties.account, order.out_trade_no)
        if known is not None:
            if known.paid:
                raise WireError("ORDERPAID", "该订单已支付")
            raise WireError("OUT_TRADE_NO_USED", "商户订单号重复")
        code = self._use(auth_code)
        trade = self._trades.create(parties, order, serial)
        number = order.out_trade_no
        if strike(self._world, "code_not_enough", number):
            self._trades.fail(trade)
            raise WireError("NOT_ENOUGH", "用户账户余额不足")
        failing = strike(self._world, "code_payerror", number)
        waiting = failing or strike(self._world, "code_userpaying", number)
        if waiting or order.total_fen >= PASSWORD_FEN_MIN:
            self._trades.ask(trade)
            seconds = waiting.seconds if waiting and waiting.seconds is not None else self._typing_s(number)
            self._later(trade, code.buyer, seconds, fails=failing is not None)
        else:
            self._trades.pay(trade, code.buyer)
        return trade

    def reverse(self, trade: Trade) -> None:
        """Undo a charge; doing so again changes nothing."""
        if trade.order.method != "codepay":
            raise WireError("INVALID_REQUEST", "订单的支付场景不支持该请求")
        if trade.state is TradeState.REVOKED:
            return
        if trade.state is TradeState.REFUND:
            raise WireError("INVALID_REQUEST", "订单已发生退款，不能撤销")
        if trade.state is TradeState.CLOSED:
            raise WireError("ORDER_CLOSED", "该订单已关闭")
        if trade.state is TradeState.USERPAYING and strike(self._world, "reverse_race", trade.order.out_trade_no):
            self._trades.pay(trade, trade.buyer or 1)  # the password was typed while the reversal was on its way
        self._trades.reverse(trade)

    def _use(self, auth_code: str) -> _Code:
        if not CODE.fullmatch(auth_code):
            raise WireError("AUTH_CODE_INVALID", "请扫描微信支付授权码(以10/11/12/13/14/15为前缀的18位数字)")
        now = self._world.clock.now()
        code = self._codes.get(auth_code)
        if code is None:  # of a buyer whom the sandbox has not met
            code = _Code(buyer=1, expires_at=now + CODE_LIFE)
            self._keep(auth_code, code)
        if code.used:
            raise WireError("AUTH_CODE_INVALID", "101 每个二维码仅限使用一次，请刷新再试")
        if now > code.expires_at:
            raise WireError("AUTH_CODE_EXPIRE", "101 付款码已过期，请退出重试")
        code.used = True
        return code

    def _keep(self, auth_code: str, code: _Code) -> None:
        if len(self._codes) >= CODES_KEPT_MAX:
            del self._codes[next(iter(self._codes))]
        self._codes[auth_code] = code

    def _typing_s(self, out_trade_no: str) -> int:
        spread = PASSWORD_S_MAX - PASSWORD_S_MIN + 1
        return PASSWORD_S_MIN + share_of(self._world.seed, f"wechatpay password {out_trade_no}") % spread

    def _later(self, trade: Trade, buyer: int, seconds: int, *, fails: bool) -> None:
        trade.buyer = buyer

        async def finish() -> None:
            if trade.state is TradeState.USERPAYING:
                self._trades.fail(trade) if fails else self._trades.pay(trade, buyer)

        self._world.agenda.after(seconds, finish)
