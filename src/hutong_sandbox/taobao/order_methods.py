"""The methods about orders and parcels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.calls import Call, picked
from hutong_sandbox.taobao.errors import invalid, remote
from hutong_sandbox.taobao.trades import Trade, Trades, TradeStatus
from hutong_sandbox.world import World

INCREMENT_WINDOW: Final = timedelta(days=1)
HISTORY: Final = timedelta(days=90)
_TO_SHIP: Final = (TradeStatus.WAIT_SELLER_SEND_GOODS, TradeStatus.SELLER_CONSIGNED_PART)


class OrderMethods:
    """Reads of orders, and shipping."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades

    def sold_increment(self, call: Call) -> Json:
        """taobao.trades.sold.increment.get: orders by time of modification, newest first, windows of a day."""
        fields = call.fields()
        start, end = call.required_moment("start_modified"), call.required_moment("end_modified")
        if not timedelta(0) <= end - start <= INCREMENT_WINDOW:
            raise invalid("end_modified", "开始时间和结束时间的跨度不能超过一天")
        rows = [t for t in self._visible(call) if start <= _whole_second(t.modified_at) <= end]
        rows.sort(key=lambda t: (_whole_second(t.modified_at), t.tid), reverse=True)
        body, served = self._page(call, rows, fields)
        if served and self._world.faults.strike("taobao", "rows_shift", call.arguments.get("page_no", "1")):
            self._trades.touch(served[0], max(self._world.clock.now(), end + timedelta(seconds=1)))
        return body

    def sold(self, call: Call) -> Json:
        """taobao.trades.sold.get: orders by time of creation, newest first."""
        fields = call.fields()
        start, end = call.moment("start_created"), call.moment("end_created")
        rows = [
            t
            for t in self._visible(call)
            if (start is None or start <= _whole_second(t.created_at))
            and (end is None or _whole_second(t.created_at) <= end)
        ]
        rows.sort(key=lambda t: (_whole_second(t.created_at), t.tid), reverse=True)
        return self._page(call, rows, fields)[0]

    def full_info(self, call: Call) -> Json:
        """taobao.trade.fullinfo.get."""
        fields = call.fields()
        trade = self._trades.find(call.shop, call.text("tid"))
        if trade is None:
            raise remote("isv.trade-not-exist", "交易不存在")
        row = self._trades.wire(trade)
        if not call.flag("include_oaid"):
            row.pop("oaid")
        return {"trade": picked(row, fields)}

    def ship_offline(self, call: Call) -> Json:
        """taobao.logistics.offline.send: the seller's own carrier."""
        return self._ship(call, "isv.logistics-offline-service-error")

    def ship_online(self, call: Call) -> Json:
        """taobao.logistics.online.send: a carrier ordered through the platform."""
        return self._ship(call, "isv.logistics-online-service-error")

    def _ship(self, call: Call, family: str) -> Json:
        company_code, out_sid = call.text("company_code"), call.text("out_sid")
        trade = self._trades.find(call.shop, call.text("tid"))
        if trade is None:
            raise remote(f"{family}:B01", "订单不存在")
        oids = _numbers(call.arguments.get("sub_tid", ""))
        if oids - {line.oid for line in trade.lines}:
            raise invalid("sub_tid", "子订单不属于该交易")
        already = {line.oid for line in trade.lines if line.shipped}
        if trade.status not in _TO_SHIP or (oids and oids <= already):
            raise remote(f"{family}:B04", "订单状态不对，该物流订单已经发货或者已关闭，不能重复发货")
        self._trades.ship(trade, oids, company_code, out_sid)
        return {"shipping": {"is_success": True}}

    def _visible(self, call: Call) -> list[Trade]:
        oldest = self._world.clock.now() - HISTORY
        status = call.arguments.get("status", "")
        return [t for t in self._trades.of(call.shop) if t.created_at >= oldest and status in ("", t.status.value)]

    def _page(self, call: Call, rows: list[Trade], fields: set[str]) -> tuple[Json, list[Trade]]:
        page_no, page_size = call.page()
        served = rows[(page_no - 1) * page_size : page_no * page_size]
        body: Json = {}
        if call.flag("use_has_next"):
            body["has_next"] = len(rows) > page_no * page_size
        else:
            body["total_results"] = len(rows)
        if served:  # an empty page has no ``trades`` at all
            body["trades"] = {"trade": [picked(self._trades.wire(t), fields) for t in served]}
        return body, served


def _whole_second(moment: datetime) -> datetime:
    """Times on the wire have whole seconds, so windows compare whole seconds."""
    return moment.replace(microsecond=0)


def _numbers(text: str) -> set[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 25 for part in parts):
        raise invalid("sub_tid", "number,number")
    return {int(part) for part in parts}
