"""The addresses of orders: opened, asked for, closed, by a merchant or by a service provider."""

from __future__ import annotations

from typing import Final

import msgspec

from hutong_sandbox.wechatpay import fields
from hutong_sandbox.wechatpay.accounts import Keyring
from hutong_sandbox.wechatpay.calls import Answer, Call, Route, lose_answer, strike
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.parties import Parties, read_accounts, read_parties
from hutong_sandbox.wechatpay.trades import Trades
from hutong_sandbox.world import World

TRANSACTIONS: Final = "/v3/pay/(?:partner/)?transactions"
H5_PATH: Final = "/cgi-bin/mmpayweb-bin/checkmweb"


class Address(msgspec.Struct):
    """Where this platform listens, known once it does."""

    url: str = ""

    def h5(self, prepay_id: str) -> str:
        """The page on which a phone's browser pays."""
        return f"{self.url}{H5_PATH}?prepay_id={prepay_id}&package=0"


class OrderCalls:
    """Orders."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades, address: Address) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._address = address

    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            ("POST", f"{TRANSACTIONS}/(jsapi|native|h5|app)", self._create),
            ("GET", f"{TRANSACTIONS}/id/([^/]+)", self._query_by_id),
            ("GET", f"{TRANSACTIONS}/out-trade-no/([^/]+)", self._query),
            ("POST", f"{TRANSACTIONS}/out-trade-no/([^/]+)/close", self._close),
        ]

    async def _create(self, call: Call) -> Answer:
        method, body = call.match[1], call.body()
        parties = read_parties(body, call.account, self._keyring, provider=call.is_provider)
        order = fields.read_order(method, parties.apps(), body, self._world.clock.now())
        check_openid(self._world, order.openid_app, order.openid)
        trade, prepay_id = self._trades.open(parties, order, call.serial)
        lose_answer(self._world, "create_timeout", order.out_trade_no)
        return 200, opened(method, trade.code_url, prepay_id, self._address)

    async def _query(self, call: Call) -> Answer:
        seller = read_accounts(call.request.query, call.account, self._keyring, provider=call.is_provider)
        trade = self._trades.require(call.account, seller, call.match[1])
        told = trade.wire(self._world.buyers)
        if trade.paid and strike(self._world, "query_amount", call.match[1]):
            told["amount"]["total"] += 1
        return 200, told

    async def _query_by_id(self, call: Call) -> Answer:
        seller = read_accounts(call.request.query, call.account, self._keyring, provider=call.is_provider)
        trade = self._trades.by_handle(call.match[1])
        if trade is None or trade.transaction_id != call.match[1]:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        if self._trades.require(call.account, seller, trade.order.out_trade_no) is not trade:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        return 200, trade.wire(self._world.buyers)

    async def _close(self, call: Call) -> Answer:
        body = call.body()
        named = {name: body.text(name, limit=32, required=False) for name in ("mchid", "sp_mchid", "sub_mchid")}
        seller = read_accounts(named, call.account, self._keyring, provider=call.is_provider)
        trade = self._trades.require(call.account, seller, call.match[1])
        if trade.paid or not strike(self._world, "close_race", call.match[1]):
            self._trades.close(trade)
        return 204, None


def check_openid(world: World, app: str, openid: str) -> None:
    """An openid must be one of the app that is named beside it."""
    if openid and not world.buyers.belongs(app, openid):
        raise WireError("PARAM_ERROR", "无效的openid")


def opened(method: str, code_url: str, prepay_id: str, address: Address) -> dict[str, str]:
    """What an order can be paid with."""
    if method == "native":
        return {"code_url": code_url}
    if method == "h5":
        return {"h5_url": address.h5(prepay_id)}
    return {"prepay_id": prepay_id}


def invoked_app(parties: Parties) -> tuple[str, ...]:
    """The apps that may open the cashier for these parties."""
    return tuple(parties.apps().values())
