"""The methods about promoted orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hutong.core.errors import NotFound
from hutong_sandbox.http import Json
from hutong_sandbox.pinduoduo.calls import Call
from hutong_sandbox.pinduoduo.errors import business, invalid
from hutong_sandbox.pinduoduo.orders import Orders, wire
from hutong_sandbox.world import World

WINDOW_S_MAX: Final = 24 * 3600
HISTORY: Final = timedelta(days=90)
PAGES_MAX: Final = 10_000
ROWS_MIN: Final = 10
ROWS_MAX: Final = 100
#: Live rooms' orders are not here.
PROMOTED: Final = 1
SECONDS_MAX: Final = 2**33


class OrderMethods:
    """Reads of promoted orders."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world = world
        self._orders = orders

    def increment(self, call: Call) -> Json:
        """pdd.ddk.order.list.increment.get: by time of change, latest first, windows of a day."""
        start = call.number("start_update_time", low=0, high=SECONDS_MAX)
        end = call.number("end_update_time", low=0, high=SECONDS_MAX)
        if not 0 <= end - start <= WINDOW_S_MAX:
            raise invalid("end_update_time", "和开始时间相差不能超过24小时")
        if start < (self._world.clock.now() - HISTORY).timestamp():
            raise invalid("start_update_time", "只支持查询最近90天")
        page = call.number("page", 1, low=1, high=PAGES_MAX)
        size = call.number("page_size", ROWS_MAX, low=ROWS_MIN, high=ROWS_MAX)
        if call.number("query_order_type", PROMOTED, low=1, high=2) != PROMOTED:
            return {"order_list_get_response": {"order_list": [], "total_count": 0}}
        rows = [order for order in self._orders.of(call.promoter) if start <= order.modified_s <= end]
        rows.sort(key=lambda order: (order.modified_s, order.order_sn), reverse=True)
        served = rows[(page - 1) * size : page * size]
        body: Json = {"order_list": [wire(order) for order in served]}
        if call.flag("return_count", default=True):
            body["total_count"] = len(rows)
        elif served and self._world.faults.strike("pinduoduo_alliance", "rows_shift", str(page)):
            outside = datetime.fromtimestamp(end + 1, UTC)
            self._orders.touch(served[0], max(self._world.clock.now(), outside))
        return {"order_list_get_response": body}

    def detail(self, call: Call) -> Json:
        """pdd.ddk.order.detail.get: a row of the list, but that the position is called ``pid`` here."""
        try:
            order = self._orders.find(call.text("order_sn"))
        except NotFound:
            order = None
        if order is None or order.stands.promoter is not call.promoter:
            raise business("50001", "订单不存在")
        row = wire(order)
        return {"order_detail_response": {"pid": row.pop("p_id"), **row}}
