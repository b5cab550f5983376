"""Pinduoduo's gateway: one address, checks in the gateway's own order, answers in the call's own envelope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered
from hutong_sandbox.pinduoduo import signing
from hutong_sandbox.pinduoduo.addresses import Addresses
from hutong_sandbox.pinduoduo.calls import Call
from hutong_sandbox.pinduoduo.errors import PddError, system
from hutong_sandbox.pinduoduo.goods import GoodsShelf
from hutong_sandbox.pinduoduo.goods_methods import GoodsMethods
from hutong_sandbox.pinduoduo.order_methods import OrderMethods
from hutong_sandbox.pinduoduo.orders import Orders
from hutong_sandbox.pinduoduo.promoter_methods import PromoterMethods
from hutong_sandbox.pinduoduo.promoters import Promoters
from hutong_sandbox.world import World

PATH: Final = "/api/router"
TIMESTAMP_S_MAX: Final = 600
TIMESTAMP_CHARS_MAX: Final = 12
SLOW_S: Final = 1
_NAME: Final = "pinduoduo_alliance"
_SYSTEM: Final = frozenset(
    {"type", "client_id", "access_token", "session", "timestamp", "data_type", "version", "sign"}
)
#: In this order the gateway complains: a call with its type alone is told of the timestamp.
_REQUIRED: Final = ("type", "timestamp", "client_id", "sign")
_MAKES: Final = frozenset({"pdd.ddk.goods.promotion.url.generate"})
_CONTENT_TYPE: Final = "application/json;charset=UTF-8"


class Gateway:
    """The gateway's address."""

    def __init__(
        self, world: World, promoters: Promoters, shelf: GoodsShelf, addresses: Addresses, promoted: Orders
    ) -> None:
        self._world = world
        self._promoters = promoters
        goods, positions = GoodsMethods(world, shelf, addresses), PromoterMethods(addresses)
        orders = OrderMethods(world, promoted)
        self._methods: dict[str, Callable[[Call], Json]] = {
            "pdd.ddk.goods.search": goods.search,
            "pdd.ddk.goods.detail": goods.detail,
            "pdd.ddk.goods.promotion.url.generate": goods.promote,
            "pdd.ddk.goods.pid.generate": positions.open_positions,
            "pdd.ddk.goods.pid.query": positions.positions,
            "pdd.ddk.member.authority.query": positions.is_filed,
            "pdd.ddk.rp.prom.url.generate": positions.filing,
            "pdd.ddk.order.list.increment.get": orders.increment,
            "pdd.ddk.order.detail.get": orders.detail,
        }
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("pinduoduo request ids")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request: always 200 on the one address."""
        if request.path != PATH:
            return HttpResponse(status=404)
        request_id = "1" + self._drbg.text(16, DIGITS)
        parameters = _parameters(request)
        try:
            call = self._verified(parameters)
            await self._break_down(call)
            body = self._methods[call.method](call)
            if call.method in _MAKES and self._world.faults.strike(_NAME, "lost_answer", call.method):
                raise Unanswered
            [envelope] = body
            body[envelope]["request_id"] = request_id
        except PddError as error:
            method = parameters.get("type", "")
            self._world.events.add(_NAME, "refused", method=method, code=error.code, sub_code=error.sub_code)
            body = error.body(request_id)
        return HttpResponse(status=200, body=msgspec.json.encode(body), headers={"Content-Type": _CONTENT_TYPE})

    def _verified(self, parameters: Mapping[str, str]) -> Call:
        for name in _REQUIRED:
            if not parameters.get(name):
                raise system(name)
            if name == "timestamp":
                self._check_time(parameters[name])
        if parameters.get("data_type", "JSON") != "JSON":
            raise system("data_type")
        promoter = self._promoters.by_client_id(parameters["client_id"])
        if promoter is None:
            raise PddError(10016)
        if parameters["type"] not in self._methods:
            raise PddError(10017)
        if not signing.verifies(promoter.client_secret, parameters):
            raise PddError(20004)
        if parameters.get("access_token"):  # promoters' calls need none, and nobody was given one
            raise PddError(10019)
        arguments = {name: value for name, value in parameters.items() if name not in _SYSTEM}
        return Call(method=parameters["type"], arguments=arguments, promoter=promoter)

    def _check_time(self, timestamp: str) -> None:
        """Seconds since 1970, by either clock."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= TIMESTAMP_CHARS_MAX):
            raise system("timestamp")
        clock = self._world.clock
        if min(abs(int(timestamp) - now.timestamp()) for now in (clock.real(), clock.now())) > TIMESTAMP_S_MAX:
            raise system("timestamp")

    async def _break_down(self, call: Call) -> None:
        faults = self._world.faults
        if rule := faults.strike(_NAME, "slow", call.method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(_NAME, "throttled", call.method):
            raise PddError(52101)
        if faults.strike(_NAME, "server_error", call.method):
            raise PddError(52001)


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Query and form together, as the gateway signs them."""
    form: list[tuple[str, str]] = []
    if request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    return {**request.query, **dict(form)}
