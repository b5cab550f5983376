"""The TOP gateway: one address, checks in the gateway's own order, answers in its own envelope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered
from hutong_sandbox.taobao import signing
from hutong_sandbox.taobao.accounts import TOKEN_LIFE, Shop, Shops
from hutong_sandbox.taobao.calls import Call
from hutong_sandbox.taobao.errors import TopError, remote
from hutong_sandbox.taobao.goods_methods import GoodsMethods
from hutong_sandbox.taobao.order_methods import OrderMethods
from hutong_sandbox.taobao.trades import CHINA, TIME_FORMAT, Trades, wire_time
from hutong_sandbox.world import World

REST_PATH: Final = "/router/rest"
TIMESTAMP_S_MAX: Final = 600
SLOW_S: Final = 1
_NAME: Final = "taobao"
_SYSTEM: Final = frozenset(
    {"app_key", "method", "session", "timestamp", "format", "v", "sign_method", "sign", "partner_id", "simplify"}
)
#: In this order the gateway complains.
_REQUIRED: Final = (("method", 21), ("app_key", 28), ("timestamp", 30), ("v", 32), ("sign", 24))
_WITHOUT_SESSION: Final = frozenset({"taobao.time.get", "taobao.top.auth.token.refresh"})
_WRITES: Final = frozenset(
    {
        "taobao.skus.quantity.update",
        "taobao.item.quantity.update",
        "taobao.logistics.offline.send",
        "taobao.logistics.online.send",
    }
)
_CONTENT_TYPE: Final = "text/javascript;charset=UTF-8"


class Gateway:
    """The gateway's address."""

    def __init__(self, world: World, shops: Shops, trades: Trades) -> None:
        self._world = world
        self._shops = shops
        orders, goods = OrderMethods(world, trades), GoodsMethods(world)
        self._methods: dict[str, Callable[[Call], Json]] = {
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
            "taobao.time.get": self._time,
            "taobao.top.auth.token.refresh": self._refresh,
        }
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("taobao request ids")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request: always 200 on the one address."""
        if request.path != REST_PATH:
            return HttpResponse(status=404)
        request_id = self._drbg.text(12, LETTERS).lower()
        parameters = _parameters(request)
        try:
            call = self._verified(parameters)
            await self._break_down(call)
            inner = self._methods[call.method](call)
            if call.method in _WRITES and self._world.faults.strike(_NAME, "lost_answer", call.method):
                raise Unanswered
            envelope = call.method.removeprefix("taobao.").replace(".", "_") + "_response"
            body: Json = {envelope: {**inner, "request_id": request_id}}
        except TopError as error:
            method = parameters.get("method", "")
            self._world.events.add(_NAME, "refused", method=method, code=error.code, sub_code=error.sub_code)
            body = error.body(request_id)
        return HttpResponse(status=200, body=msgspec.json.encode(body), headers={"Content-Type": _CONTENT_TYPE})

    def _verified(self, parameters: Mapping[str, str]) -> Call:
        for name, code in _REQUIRED:
            if not parameters.get(name):
                raise TopError(code)
        method = parameters["method"]
        if method not in self._methods:
            raise TopError(22, "isv.invalid-method", "不存在的方法名")
        shop = self._shops.by_app_key(parameters["app_key"])
        if shop is None:
            raise TopError(29, "isv.appkey-not-exists", "appkey不存在")
        if parameters["v"] != "2.0":
            raise TopError(33)
        if parameters.get("format", "json") != "json":
            raise TopError(23)
        self._check_time(parameters["timestamp"])
        if not signing.verifies(shop.app_secret, parameters):
            raise TopError(25)
        if method not in _WITHOUT_SESSION:
            self._check_session(shop, parameters.get("session", ""))
        arguments = {name: value for name, value in parameters.items() if name not in _SYSTEM}
        return Call(method=method, arguments=arguments, shop=shop)

    def _check_session(self, shop: Shop, session: str) -> None:
        if not session:
            raise TopError(26)
        if not shop.session_lives(session) or self._world.faults.strike(_NAME, "invalid_session", session):
            raise TopError(27, "isv.invalid-session", "SessionKey非法")

    def _check_time(self, timestamp: str) -> None:
        """Both spellings: Chinese time as text, and milliseconds since 1970."""
        if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16:
            given_s = int(timestamp) // 1000
        else:
            try:
                given_s = int(datetime.strptime(timestamp, TIME_FORMAT).replace(tzinfo=CHINA).timestamp())
            except ValueError:
                raise TopError(31) from None
        clock = self._world.clock
        if min(abs(given_s - now.timestamp()) for now in (clock.real(), clock.now())) > TIMESTAMP_S_MAX:
            raise TopError(31)

    async def _break_down(self, call: Call) -> None:
        faults = self._world.faults
        if rule := faults.strike(_NAME, "slow", call.method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(_NAME, "throttled", call.method):
            raise TopError(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds")
        if faults.strike(_NAME, "server_error", call.method):
            raise remote("isp.top-remote-connection-timeout", "API服务调用超时")

    def _time(self, _call: Call) -> Json:
        return {"time": wire_time(self._world.clock.now())}

    def _refresh(self, call: Call) -> Json:
        if call.text("refresh_token") != call.shop.refresh_token:
            raise remote("isv.refresh-token-invalid", "refresh_token无效")
        call.shop.renew()
        self._world.events.add(_NAME, "token_refreshed", merchant=call.shop.merchant)
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


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Query and form together, as the gateway signs them."""
    form: list[tuple[str, str]] = []
    if request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    return {**request.query, **dict(form)}
