"""The gateway as apps of shops meet it: their sessions and their methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.accounts import TOKEN_LIFE, Shop, Shops
from hutong_sandbox.taobao.calls import Call
from hutong_sandbox.taobao.errors import TopError, remote
from hutong_sandbox.taobao.front import Front
from hutong_sandbox.taobao.goods_methods import GoodsMethods
from hutong_sandbox.taobao.order_methods import OrderMethods
from hutong_sandbox.taobao.trades import Trades
from hutong_sandbox.world import World

_WITHOUT_SESSION: Final = frozenset({"taobao.time.get", "taobao.top.auth.token.refresh"})


class Gateway(Front[Call]):
    """The gateway's address."""

    name = "taobao"
    writes = frozenset(
        {
            "taobao.skus.quantity.update",
            "taobao.item.quantity.update",
            "taobao.logistics.offline.send",
            "taobao.logistics.online.send",
        }
    )

    def __init__(self, world: World, shops: Shops, trades: Trades) -> None:
        super().__init__(world)
        self._shops = shops
        orders, goods = OrderMethods(world, trades), GoodsMethods(world)
        self.methods = {
            "taobao.trades.sold.increment.get": orders.sold_increment,
            "taobao.trades.sold.get": orders.sold,
            "taobao.trade.fullinfo.get": orders.full_info,
            "taobao.logistics.offline.send": orders.ship_offline,
            "taobao.logistics.online.send": orders.ship_online,
            "taobao.items.onsale.get": goods.on_sale,
            "taobao.item.skus.get": goods.skus_of_items,
            "taobao.skus.custom.get": goods.skus_by_code,
            "taobao.skus.quantity.update": goods.write_skus,
            "taobao.item.quantity.update": goods.write_item,
            "taobao.time.get": self.time,
            "taobao.top.auth.token.refresh": self._refresh,
        }

    def secret_of(self, app_key: str) -> str | None:
        """The secret of a shop's app."""
        shop = self._shops.by_app_key(app_key)
        return None if shop is None else shop.app_secret

    def call_of(self, method: str, app_key: str, session: str, arguments: Mapping[str, str]) -> Call:
        """The call of a shop, with its session where the method needs one."""
        shop = self._shops.by_app_key(app_key)
        if shop is None:
            raise TopError(29, "isv.appkey-not-exists", "appkey不存在")
        if method not in _WITHOUT_SESSION:
            self._check_session(shop, session)
        return Call(method=method, arguments=arguments, shop=shop)

    def _check_session(self, shop: Shop, session: str) -> None:
        if not session:
            raise TopError(26)
        if not shop.session_lives(session) or self._world.faults.strike(self.name, "invalid_session", session):
            raise TopError(27, "isv.invalid-session", "SessionKey非法")

    def _refresh(self, call: Call) -> Json:
        if call.text("refresh_token") != call.shop.refresh_token:
            raise remote("isv.refresh-token-invalid", "refresh_token无效")
        call.shop.renew()
        self._world.events.add(self.name, "token_refreshed", merchant=call.shop.merchant)
        life_s = int(TOKEN_LIFE.total_seconds())
        result = {
            "access_token": call.shop.access_token,
            "refresh_token": call.shop.refresh_token,
            "expires_in": life_s,
            "re_expires_in": life_s,
            "token_type": "Bearer",
            "taobao_user_id": call.shop.shop_id,
            "taobao_user_nick": call.shop.seller_nick,
        }
        return {"token_result": msgspec.json.encode(result).decode()}
