"""The alliance's methods: make an address, and tell of the orders that came by them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from hutong.core.errors import NotFound
from hutong_sandbox.http import Json
from hutong_sandbox.jd.accounts import Address, Addresses
from hutong_sandbox.jd.calls import Call
from hutong_sandbox.jd.errors import AllianceRefusal
from hutong_sandbox.jd.orders import Order, Orders, wire_row
from hutong_sandbox.world import World

NAME: Final = "jd_alliance"
ROWS_WINDOW: Final = timedelta(hours=1)
HISTORY: Final = timedelta(days=90)
PAGE_ROWS_MAX: Final = 500
PAGES_MAX: Final = 100_000
#: Rows that one window may hold.
WINDOW_ROWS_MAX: Final = 10_000
ID_MAX: Final = 2**63 - 1
_SUB_UNION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SITE_ID: Final = re.compile(r"\d{1,20}")
_LONG, _SHORT, _BOTH = 1, 2, 3


class Methods:
    """What the gateway hands on."""

    def __init__(self, world: World, addresses: Addresses, orders: Orders) -> None:
        self._world = world
        self._addresses = addresses
        self._orders = orders

    def by_sub_union(self, call: Call) -> Json:
        """jd.union.open.promotion.bysubunionid.get: short addresses unless ``chainType`` wants long ones or both."""
        chain = call.number("chainType", _SHORT, low=_LONG, high=_BOTH)
        long, short = self._make(call, site_id=0)
        data: Json = {}
        if chain in (_LONG, _BOTH):
            data["clickURL"] = long
        if chain in (_SHORT, _BOTH):
            data["shortURL"] = short
        return {"data": data}

    def common(self, call: Call) -> Json:
        """jd.union.open.promotion.common.get: the promoter's own site, one long address, still written with http."""
        site_id = call.asked.get("siteId")
        if not _SITE_ID.fullmatch(str(site_id)):
            raise AllianceRefusal(2001501)
        if int(str(site_id)) != call.promoter.site_id:
            raise AllianceRefusal(2001610)
        long, _ = self._make(call, site_id=call.promoter.site_id)
        return {"data": {"clickURL": long.replace("https://", "http://", 1)}}

    def rows(self, call: Call) -> Json:
        """jd.union.open.order.row.query: by time of order (1), of completion (2) or of change (3), an hour at most."""
        fields = call.text("fields", "").split(",")
        rows = self._rows_of_order(call) if call.asked.get("orderId") is not None else self._rows_of_window(call)
        page_no = call.number("pageIndex", 1, low=1, high=PAGES_MAX)
        size = call.number("pageSize", PAGE_ROWS_MAX, low=1, high=PAGE_ROWS_MAX)
        served = rows[(page_no - 1) * size : page_no * size]
        hides = self._world.faults.strike(NAME, "marks_hidden", call.promoter.app_key) is not None
        result: Json = {"hasMore": len(rows) > page_no * size}
        if served:  # an empty page has no data at all
            result["data"] = [wire_row(one, with_goods="goodsInfo" in fields, hides_marks=hides) for one in served]
        if served and self._world.faults.strike(NAME, "rows_shift", str(page_no)):
            self._orders.touch(served[0], self._world.clock.now() + ROWS_WINDOW)
        return result

    def _make(self, call: Call, *, site_id: int) -> tuple[str, str]:
        material = call.text("materialId")
        sub_union_id = call.text("subUnionId", "")
        if sub_union_id and not _SUB_UNION_ID.fullmatch(sub_union_id):
            raise AllianceRefusal(2001208)
        if call.asked.get("pid") is not None:
            raise AllianceRefusal(2001214 if sub_union_id else call.wrong)
        if call.asked.get("couponUrl") is not None or call.asked.get("giftCouponKey") is not None:
            raise AllianceRefusal(2001701)
        position_id = call.number("positionId", 0, low=0, high=ID_MAX)
        if not material.startswith(("https://", "http://")):
            raise AllianceRefusal(2001101)
        try:
            goods = self._addresses.goods_of(material)
        except NotFound:
            raise AllianceRefusal(2001104) from None
        except ValueError:
            raise AllianceRefusal(2001101) from None
        if goods is None:
            raise AllianceRefusal(2001102)
        made = self._addresses.make(
            Address(
                promoter=call.promoter,
                goods=goods,
                sub_union_id=sub_union_id,
                position_id=position_id,
                site_id=site_id,
                made_at=self._world.clock.now(),
            )
        )
        merchant, sku = call.promoter.merchant, goods.code
        self._world.events.add(NAME, "address_made", merchant=merchant, sku=sku, mark=sub_union_id)
        return made

    def _rows_of_order(self, call: Call) -> list[Order]:
        order_id = call.number("orderId", low=1, high=ID_MAX)
        return [one for one in self._visible(call) if one.order_id == order_id]

    def _rows_of_window(self, call: Call) -> list[Order]:
        kind = call.number("type", low=1, high=3)
        for name in ("pageIndex", "pageSize"):  # needed here, though not with an order's number
            if call.asked.get(name) is None:
                raise AllianceRefusal(call.wrong)
        start, end = call.moment("startTime"), call.moment("endTime")
        if end < start:
            raise AllianceRefusal(call.wrong)
        if end - start > ROWS_WINDOW:
            raise AllianceRefusal(2002453)
        timed = [(_whole_second(at), one.order_id, one) for one in self._visible(call) if (at := _time_of(one, kind))]
        rows = sorted(one for one in timed if start <= one[0] <= end)
        if len(rows) > WINDOW_ROWS_MAX:
            raise AllianceRefusal(2002452)
        return [order for _, _, order in rows]

    def _visible(self, call: Call) -> list[Order]:
        oldest = self._world.clock.now() - HISTORY
        return [one for one in self._orders.of(call.promoter) if one.placed_at >= oldest]


def _time_of(order: Order, kind: int) -> datetime | None:
    return (order.placed_at, order.finished_at, order.modified_at)[kind - 1]


def _whole_second(moment: datetime) -> datetime:
    """Times on the wire have whole seconds, so windows compare whole seconds."""
    return moment.replace(microsecond=0)
