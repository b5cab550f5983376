"""taobao.tbk.order.details.get: windows, positions and pages of promoted orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.alliance.methods import AllianceCall
from hutong_sandbox.taobao.alliance.orders import Order, Orders
from hutong_sandbox.taobao.errors import TopError, remote
from hutong_sandbox.world import World

WINDOW_MAX: Final = timedelta(hours=3)
WINDOW_IN_A_SALE_MAX: Final = timedelta(minutes=20)
HISTORY: Final = timedelta(days=90)
PAGE_ROWS: Final = 20
PAGE_ROWS_MAX: Final = 100
PAGES_MAX: Final = 100
STATUSES: Final = ("3", "11", "12", "13", "14")
_NAME: Final = "taobao_alliance"
#: Which time a query of each type goes by; orders that have none yet are not in it.
_TIMES: Final[dict[int, Callable[[Order], datetime | None]]] = {
    1: lambda order: order.placed_at,
    2: lambda order: order.paid_at,
    3: lambda order: order.earned_at,
    4: lambda order: order.modified_at,
}

Key = tuple[int, str]


class Reports:
    """The order query."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world = world
        self._orders = orders

    def details(self, call: AllianceCall) -> Json:
        """A page of the promoter's rows in a window, oldest first by the time that is asked for."""
        if self._world.faults.strike(_NAME, "account_limited", call.promoter.merchant):
            raise remote("9100", "您的账号因调用不符合要求，当前触发限流")
        kind = call.number("query_type", 1, low=1, high=4)
        start, end = self._window(call)
        page_no = call.number("page_no", 1, low=1, high=PAGES_MAX)
        page_size = call.number("page_size", PAGE_ROWS, low=1, high=PAGE_ROWS_MAX)
        rows = self._rows(call, _TIMES[kind], start, end)
        served = _page(call, rows, page_no, page_size)
        body = _body(rows, served, page_no, page_size)
        if served:
            body["results"] = {"publisher_order_dto": [self._orders.wire(order) for _, order in served]}
            if kind == 4 and self._world.faults.strike(_NAME, "rows_shift", str(page_no)):
                later = max(self._world.clock.now(), end + timedelta(seconds=1))
                self._orders.touch(served[0][1], later)
        return {"data": body}

    def _window(self, call: AllianceCall) -> tuple[datetime, datetime]:
        try:
            start, end = call.required_moment("start_time"), call.required_moment("end_time")
        except TopError as error:
            if error.code == 41:
                raise remote("2000", "开始时间或结束时间参数非法") from None
            raise
        now = self._world.clock.now()
        in_a_sale = self._world.faults.strike(_NAME, "big_sale", call.promoter.merchant) is not None
        if start >= end:
            raise remote("2001", "开始时间应该小于结束时间")
        if start > max(now, self._world.clock.real()):
            raise remote("2002", "请求参数非法，开始时间应该小于当前时间")
        if start < now - HISTORY:
            raise remote("2004", "请求参数非法")
        if end - start > (WINDOW_IN_A_SALE_MAX if in_a_sale else WINDOW_MAX):
            raise remote("2007", "订单查询时间段日常要求不超过3个小时，大促期间不可超过20分钟")
        return start, end

    def _rows(
        self, call: AllianceCall, time_of: Callable[[Order], datetime | None], start: datetime, end: datetime
    ) -> list[tuple[Key, Order]]:
        status = call.arguments.get("tk_status", "")
        if status and status not in STATUSES:
            raise remote("1006", "tkStatus非法")
        found: list[tuple[Key, Order]] = []
        for order in self._orders.all():
            moment = time_of(order)
            if order.address.promoter is not call.promoter or moment is None:
                continue
            second = moment.replace(microsecond=0)
            if start <= second <= end and status in ("", order.status.value):
                found.append(((int(second.timestamp()), order.token), order))
        return sorted(found, key=lambda row: row[0])


def _page(call: AllianceCall, rows: list[tuple[Key, Order]], page_no: int, page_size: int) -> list[tuple[Key, Order]]:
    """The rows behind the position (or before it); only the first page is found without one."""
    jump, position = call.arguments.get("jump_type", "1"), call.arguments.get("position_index", "")
    if jump not in ("1", "-1"):
        raise remote("1005", "jumpType非法")
    if page_no == 1:
        return rows[:page_size]
    first, last = _keys(position)
    if jump == "1":
        return [row for row in rows if row[0] > last][:page_size]
    return [row for row in rows if row[0] < first][-page_size:]


def _body(rows: list[tuple[Key, Order]], served: list[tuple[Key, Order]], page_no: int, page_size: int) -> Json:
    body: Json = {"page_no": page_no, "page_size": page_size, "has_pre": False, "has_next": False}
    if served:
        first, last = served[0][0], served[-1][0]
        body["position_index"] = f"{first[0]}_{first[1]}|{last[0]}_{last[1]}"
        body["has_pre"], body["has_next"] = rows[0][0] < first, last < rows[-1][0]
    return body


def _keys(position: str) -> tuple[Key, Key]:
    """``seconds_token|seconds_token``: the first row and the last one of a page."""
    ends: list[Key] = []
    for part in position.split("|"):
        seconds, _, token = part.partition("_")
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12 and token):
            raise remote("1008", "positionIndex非法")
        ends.append((int(seconds), token))
    if len(ends) != 2:
        raise remote("1008", "positionIndex非法")
    return ends[0], ends[1]
