"""Capability Orders: pages of changed orders, read backwards, and shipping."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.connectors.taobao.errors import ALREADY_SENT
from hutong.connectors.taobao.gateway import call, time_text
from hutong.connectors.taobao.trades import SENT, STATUSES, TRADE_FIELDS, WireTrade
from hutong.core.errors import InvalidInput
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.shops import OrderPage, Shipment, ShopOrder

INCREMENT: Final = "taobao.trades.sold.increment.get"
FULL: Final = "taobao.trade.fullinfo.get"
SEND: Final = "taobao.logistics.offline.send"
WINDOW_MAX: Final = timedelta(days=1)
PAGE_ORDERS_MAX: Final = 50
#: Pages one window may hold; beyond it the caller must cut the window.
PAGES_MAX: Final = 2_000
LINES_MAX: Final = 50


class _Trades(msgspec.Struct, frozen=True):
    trade: list[WireTrade] = []


class _Page(msgspec.Struct, frozen=True):
    trades: _Trades = _Trades()
    total_results: int = 0
    has_next: bool = False


class _One(msgspec.Struct, frozen=True):
    trade: WireTrade


class _Shipping(msgspec.Struct, frozen=True):
    is_success: bool = False


class _Sent(msgspec.Struct, frozen=True):
    shipping: _Shipping = _Shipping()


class TaobaoOrders:
    """``hutong.platforms.shops.Orders`` for Taobao and Tmall shops."""

    @property
    def window_max(self) -> timedelta:
        """One day."""
        return WINDOW_MAX

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> OrderPage:
        """A page of ``[start, end)`` by time of change; the cursor is the number of the page to read.

        The platform sorts by time of change, latest first. An order that changes while pages are read leaves the window
        and moves all older ones up, so reading forward would skip one: the first call counts, then pages are read
        from the last to the first.
        """
        if not start < end <= start + WINDOW_MAX:
            raise InvalidInput(field="end", problem="start < end <= start + 1 d")
        page_no = await _page_count(account, start, end) if cursor is None else _page_no(cursor)
        if page_no == 0:
            return OrderPage(orders=(), next_cursor=None)
        page = await call(account, INCREMENT, _window(start, end, page_no, use_has_next=True), _Page)
        orders = tuple(trade.order(account.platform) for trade in page.trades.trade)
        return OrderPage(orders=orders, next_cursor=str(page_no - 1) if page_no > 1 else None)

    async def one(self, account: Account, platform_order_id: str) -> ShopOrder:
        """The order in full."""
        return (await _trade(account, platform_order_id)).order(account.platform)

    async def ship(self, account: Account, shipment: Shipment) -> None:
        """Tell that a parcel left. A refusal for a parcel that did leave (told before, or by hand) is none."""
        if len(shipment.line_ids) > LINES_MAX:
            raise InvalidInput(field="line_ids", problem="<= 50")
        business = {
            "tid": _id(shipment.platform_order_id),
            "out_sid": shipment.tracking_no,
            "company_code": shipment.carrier_code,
            "sub_tid": ",".join(_id(line_id) for line_id in shipment.line_ids),
            "is_split": "1" if shipment.line_ids else "",
        }
        try:
            answer = await call(account, SEND, business, _Sent)
        except PlatformRefused as refused:
            if refused.details.get("platform_code") != ALREADY_SENT or not await _was_sent(account, shipment):
                raise
            return
        if not answer.shipping.is_success:
            raise PlatformRefused(
                platform=account.platform, platform_code="is_success=false", message="", word=ErrorWord.UNKNOWN
            )


async def _was_sent(account: Account, shipment: Shipment) -> bool:
    trade = await _trade(account, shipment.platform_order_id)
    if STATUSES.get(trade.status) in SENT:
        return True
    return bool(shipment.line_ids) and trade.sent_lines().issuperset(shipment.line_ids)


async def _trade(account: Account, platform_order_id: str) -> WireTrade:
    return (await call(account, FULL, {"fields": TRADE_FIELDS, "tid": _id(platform_order_id)}, _One)).trade


async def _page_count(account: Account, start: datetime, end: datetime) -> int:
    """Pages in the window now. ``use_has_next=false`` makes the platform count."""
    counted = await call(account, INCREMENT, _window(start, end, 1, use_has_next=False), _Page)
    pages = -(-counted.total_results // PAGE_ORDERS_MAX)
    if pages > PAGES_MAX:
        raise InvalidInput(field="end", problem="100 000+")
    return pages


def _window(start: datetime, end: datetime, page_no: int, *, use_has_next: bool) -> dict[str, str]:
    return {
        "fields": TRADE_FIELDS,
        "start_modified": time_text(start),
        "end_modified": time_text(end),
        "page_no": str(page_no),
        "page_size": str(PAGE_ORDERS_MAX),
        "use_has_next": "true" if use_has_next else "false",
    }


def _page_no(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and 1 <= int(cursor[:6]) <= PAGES_MAX):
        raise InvalidInput(field="cursor", problem="1-2000")
    return int(cursor)


def _id(text: str) -> str:
    """An id of the platform: digits only, so that it cannot smuggle a second one."""
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(field="id", problem="0-9")
    return text
