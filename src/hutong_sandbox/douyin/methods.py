"""The methods of the alliance that are simulated, each with its own checks and codes.

Source: the documents of ``buyin.kolProductShare`` and ``buyin.doukeOrderAds`` with their lists of codes (kept in
sevencat/ecommerce_sdk), ``token.refresh`` as public clients call it. The order of the checks is a choice.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong_sandbox.douyin.accounts import TOKEN_LIFE, Promoter
from hutong_sandbox.douyin.addresses import Addresses, Wanted
from hutong_sandbox.douyin.errors import WireError, business, parameter
from hutong_sandbox.douyin.orders import CHINA, TIME_FORMAT, Order, Orders, OrderStatus, wire
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

SHARE: Final = "buyin.kolProductShare"
ORDERS: Final = "buyin.doukeOrderAds"
REFRESH: Final = "token.refresh"
_NAME: Final = "douyin_alliance"
_EXTERNAL_INFO: Final = re.compile(r"[A-Za-z0-9_]{0,40}")
HISTORY: Final = timedelta(days=90)
ROWS: Final = 20
ROWS_MAX: Final = 200
ORDER_IDS_MAX: Final = 10
#: What is told of: from the payment on.
_TOLD: Final = frozenset({OrderStatus.PAY_SUCC, OrderStatus.CONFIRM, OrderStatus.SETTLE, OrderStatus.REFUND})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One verified call."""

    method: str
    arguments: Json
    promoter: Promoter

    def text(self, name: str, default: str = "") -> str:
        """An argument that is text."""
        value = self.arguments.get(name, default)
        if not isinstance(value, str):
            raise parameter(4097, "参数校验失败")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """An argument that is true or false."""
        value = self.arguments.get(name, default)
        if not isinstance(value, bool):
            raise parameter(4097, "参数校验失败")
        return value

    def number(self, name: str, default: int) -> int:
        """An argument that is a whole number."""
        value = self.arguments.get(name, default)
        if type(value) is not int:
            raise parameter(4097, "参数校验失败")
        return value


class Methods:
    """What the alliance does."""

    def __init__(self, world: World, addresses: Addresses, orders: Orders) -> None:
        self._world = world
        self._addresses = addresses
        self._orders = orders

    def share(self, call: Call) -> Json:
        """buyin.kolProductShare: the promoted addresses of an item."""
        external_info = call.text("external_info")
        if not _EXTERNAL_INFO.fullmatch(external_info):
            raise parameter(4101, "无效 external_info")
        if call.text("pid") != call.promoter.pid:
            raise parameter(4102, "参数校验失败：无效 PID")
        app = call.number("platform", 0)
        if app not in (0, 1):
            raise parameter(4122, "回流平台参数非法")
        product_id = self._addresses.item(call.text("product_url"))
        if product_id is None:
            raise parameter(4134, "无效商品URL")
        goods = call.promoter.by_product_id(product_id)
        if goods is None:
            raise parameter(4349, "商品不存在")
        if not goods.promotable:
            raise business(4354, "当前商品推广未开启，请更换商品推广")
        wanted = Wanted(
            share_link=call.flag("need_share_link"),
            zlink=call.flag("need_zlink", default=True),
            qr_code=call.flag("need_qr_code"),
            lite=app == 1,
        )
        call.flag("use_coupon")  # no item has a coupon here
        return self._addresses.make(call.promoter, goods, external_info, wanted)

    def orders(self, call: Call) -> Json:
        """buyin.doukeOrderAds: the promoter's own orders, by time or by number."""
        size = call.number("size", ROWS)
        if not 1 <= size <= ROWS_MAX:
            raise parameter(4246, "参数校验失败：无效size")
        by_change = _by_change(call)
        if call.text("pid", call.promoter.pid) not in ("", call.promoter.pid):
            raise business(4102, "参数校验失败：无效 PID")
        given = call.text("order_ids")
        if given:
            wanted = given.split(",")
            if len(wanted) > ORDER_IDS_MAX or not all(one.isascii() and one.isdigit() for one in wanted):
                raise parameter(4247, "参数校验失败：无效order_ids")
            rows = [order for order in self._told(call) if str(order.order_id) in wanted]
            return {"orders": [wire(order) for order in rows], "cursor": ""}
        start, end = self._window(call)
        rows = sorted(
            (order for order in self._told(call) if start <= _second(order, by_change) <= end),
            key=lambda order: _place(order, by_change),
        )
        after = _cursor(call.text("cursor", "0"))
        rest = [order for order in rows if _place(order, by_change) > after]
        served = rest[:size]
        told = {
            "orders": [wire(order) for order in served],
            "cursor": "" if len(rest) <= size else "_".join(str(part) for part in _place(served[-1], by_change)),
        }
        if served and self._world.faults.strike(_NAME, "rows_shift", call.text("cursor", "0")):
            self._orders.touch(served[0], max(self._world.clock.now(), end + timedelta(seconds=1)))
        return told

    def refresh(self, call: Call) -> Json:
        """token.refresh: the same token again, or in its last hour a new one."""
        if call.text("grant_type") != "refresh_token" or call.text("refresh_token") != call.promoter.refresh_token:
            raise WireError(50001, "dop.token-generate-failed:token-invalid", "生成token失败，token不存在")
        call.promoter.refresh()
        self._world.events.add(_NAME, "token_refreshed", merchant=call.promoter.merchant)
        left = call.promoter.tokens[call.promoter.access_token] - self._world.clock.now()
        return {
            "access_token": call.promoter.access_token,
            "refresh_token": call.promoter.refresh_token,
            "expires_in": min(int(left.total_seconds()), int(TOKEN_LIFE.total_seconds())),
            "scope": "SCOPE",
            "shop_id": "",
            "shop_name": "",
        }

    def _told(self, call: Call) -> list[Order]:
        return [o for o in self._orders.all() if o.promoter is call.promoter and o.status in _TOLD]

    def _window(self, call: Call) -> tuple[datetime, datetime]:
        if not call.text("start_time") or not call.text("end_time"):
            raise parameter(4248, "参数校验失败: 请指定时间范围或订单号")
        start, end = _moment(call.text("start_time"), 4249), _moment(call.text("end_time"), 4250)
        # The gateway's clock and the caller's may differ by a little.
        if start > end or start < self._world.clock.now() - HISTORY - timedelta(seconds=60):
            raise parameter(4251, "参数校验失败：无效时间区间（开始时间不能大于结束时间，并且不能小于t-90d）")
        return start, end


def _by_change(call: Call) -> bool:
    given = call.text("time_type", "pay")
    if given not in ("pay", "update"):
        raise parameter(4252, "无效订单查询时间类型")
    return given == "update"


def _moment(text: str, number: int) -> datetime:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=CHINA)
    except ValueError:
        word = "开始" if number == 4249 else "结束"
        raise parameter(number, f"参数校验失败：无效{word}时间") from None


def _second(order: Order, by_change: bool) -> datetime:
    """Times on the wire have whole seconds, so windows compare whole seconds."""
    moment = order.updated_at if by_change or order.paid_at is None else order.paid_at
    return moment.replace(microsecond=0)


def _place(order: Order, by_change: bool) -> tuple[int, int]:
    """Where a row stands: its second, then its number."""
    return int(_second(order, by_change).timestamp()), order.order_id


def _cursor(text: str) -> tuple[int, int]:
    if text in ("", "0"):
        return 0, 0
    at, _, order_id = text.partition("_")
    if not all(part.isascii() and part.isdigit() and len(part) < 25 for part in (at, order_id)):
        raise parameter(4097, "参数校验失败")
    return int(at), int(order_id)
