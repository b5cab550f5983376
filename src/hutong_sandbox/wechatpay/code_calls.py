"""The addresses of payment codes in APIv3. No notice follows a charge: the answer tells, then the query."""

from __future__ import annotations

from hutong_sandbox.wechatpay import fields
from hutong_sandbox.wechatpay.accounts import Keyring
from hutong_sandbox.wechatpay.calls import Answer, Call, Route, lose_answer
from hutong_sandbox.wechatpay.codes import CodeDesk
from hutong_sandbox.wechatpay.order_calls import TRANSACTIONS
from hutong_sandbox.wechatpay.parties import read_parties
from hutong_sandbox.wechatpay.trades import Trades
from hutong_sandbox.world import World


class CodeCalls:
    """Payment codes."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades, desk: CodeDesk) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._desk = desk

    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            ("POST", f"{TRANSACTIONS}/codepay", self._charge),
            ("POST", f"{TRANSACTIONS}/out-trade-no/([^/]+)/reverse", self._reverse),
        ]

    async def _charge(self, call: Call) -> Answer:
        body = call.body()
        parties = read_parties(body, call.account, self._keyring, provider=call.is_provider)
        order = fields.read_charge(body)
        trade = self._desk.charge(parties, order, body.inner("payer").text("auth_code", limit=128), call.serial)
        lose_answer(self._world, "create_timeout", order.out_trade_no)
        return 200, trade.wire(self._world.buyers)

    async def _reverse(self, call: Call) -> Answer:
        parties = read_parties(call.body(), call.account, self._keyring, provider=call.is_provider)
        trade = self._trades.require(call.account, parties.seller, call.match[1])
        self._desk.reverse(trade)
        lose_answer(self._world, "reverse_timeout", trade.order.out_trade_no)
        return 200, {**trade.parties.wire(), "out_trade_no": trade.order.out_trade_no}
