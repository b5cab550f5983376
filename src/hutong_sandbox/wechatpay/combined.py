"""Combined orders (合单): several merchants' orders that are paid together or not at all.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/combine-transactions at 4d6325b; github.com/wechatpay-apiv3/
wechatpay-skills at 15f40d0, 合单支付常见问题 (2 to 10 parts of merchants, 1 to 50 of a provider; one notice,
closed whole).
"""

from __future__ import annotations

import msgspec

from hutong_sandbox.buyers import Buyers
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.trades import TRADE_TYPES, Trade, Trades, wire_time
from hutong_sandbox.world import World


class Combined(msgspec.Struct, kw_only=True):
    """One combined order; its parts are orders of their merchants."""

    account: Account
    appid: str
    combine_out_trade_no: str
    method: str
    notify_url: str
    openid: str
    mode_serial: str
    parts: list[Trade]
    transaction_id: str = ""

    def wire(self, buyers: Buyers) -> Json:
        """The combined order as query and notice show it."""
        body: Json = {
            "combine_appid": self.appid,
            "combine_mchid": self.account.mchid,
            "combine_out_trade_no": self.combine_out_trade_no,
            "sub_orders": [self._part(part) for part in self.parts],
        }
        if self.transaction_id:
            body["combine_transaction_id"] = self.transaction_id
            openid = self.openid or buyers.openid(self.appid, self.parts[0].buyer or 1)
            body["combine_payer_info"] = {"openid": openid}
        return body

    def _part(self, trade: Trade) -> Json:
        order = trade.order
        parties = trade.parties
        body: Json = {
            "mchid": parties.account.mchid,
            "out_trade_no": order.out_trade_no,
            "trade_state": trade.state.value,
            "attach": order.attach,
            "amount": {"total_amount": order.total_fen, "currency": order.currency, "payer_amount": order.total_fen},
        }
        if parties.is_provider:
            body["sub_mchid"] = parties.seller.mchid
        if trade.paid_at is not None:
            body |= {
                "trade_type": TRADE_TYPES[self.method],
                "bank_type": "OTHERS",
                "transaction_id": trade.transaction_id,
                "success_time": wire_time(trade.paid_at),
            }
            body["amount"]["payer_currency"] = order.currency
        return body


class CombinedOrders:
    """Every combined order."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._by_number: dict[tuple[str, str], Combined] = {}
        self._by_part: dict[tuple[str, str], Combined] = {}

    def add(self, combined: Combined) -> None:
        """Keep a new one."""
        self._by_number[combined.account.mchid, combined.combine_out_trade_no] = combined
        for part in combined.parts:
            self._by_part[part.key] = combined
        self._world.events.add(
            "wechatpay",
            "combined_created",
            merchant=combined.account.merchant,
            combine_out_trade_no=combined.combine_out_trade_no,
            parts=len(combined.parts),
        )

    def find(self, account: Account, combine_out_trade_no: str) -> Combined | None:
        """By the number of who combined it."""
        return self._by_number.get((account.mchid, combine_out_trade_no))

    def numbered(self, combine_out_trade_no: str) -> Combined | None:
        """By its number alone: the first that has it."""
        return next((c for c in self._by_number.values() if c.combine_out_trade_no == combine_out_trade_no), None)

    def of(self, part: Trade) -> Combined | None:
        """The combined order of a part."""
        return self._by_part.get(part.key)

    def require(self, account: Account, combine_out_trade_no: str) -> Combined:
        """The order, or 404 ORDER_NOT_EXIST."""
        combined = self.find(account, combine_out_trade_no)
        if combined is None:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        return combined

    def pay(self, combined: Combined, buyer: int) -> None:
        """Capture the money of every part."""
        combined.transaction_id = self._trades.new_transaction_id()
        for part in combined.parts:
            self._trades.pay(part, buyer)

    def close(self, combined: Combined) -> None:
        """Close every part."""
        for part in combined.parts:
            self._trades.close(part)
