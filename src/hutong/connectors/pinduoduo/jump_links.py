"""Capability JumpLinks: 多多进宝 makes an item's address with a mark in it, and tells the orders that came by it.

Sources: https://open.pinduoduo.com/application/document/api?id=pdd.ddk.goods.search,
…?id=pdd.ddk.goods.promotion.url.generate, …?id=pdd.ddk.order.list.increment.get, …?id=pdd.ddk.member.authority.query.
An item's number is not taken any more: its ``goods_sign`` has to be searched for with the number or the address.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote

import msgspec

from hutong.connectors.pinduoduo.errors import NOT_FILED, PinduoduoRefused
from hutong.connectors.pinduoduo.gateway import call, needed
from hutong.connectors.pinduoduo.marks import PID, carrying, filed
from hutong.connectors.pinduoduo.promoted_orders import WireOrder
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import Carries, Promoted, PromotedPage, Promotion
from hutong.platforms.refusals import PlatformRefused

SEARCH: Final = "pdd.ddk.goods.search"
GENERATE: Final = "pdd.ddk.goods.promotion.url.generate"
INCREMENT: Final = "pdd.ddk.order.list.increment.get"
AUTHORITY: Final = "pdd.ddk.member.authority.query"
WINDOW_MAX: Final = timedelta(hours=24)
#: The platform takes 10 to 100 and advises 40 to 50.
PAGE_ORDERS_MAX: Final = 50
#: The platform's: pages go from 1 to 10 000.
PAGES_MAX: Final = 10_000
#: The fewest results that a search may ask for.
SEARCH_GOODS_MIN: Final = 10
PAGE: Final = "https://"
APP: Final = "pinduoduo://"
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_PAGE_NO: Final = re.compile(r"[0-9]{1,5}")
_NAMED: Final = re.compile(r"[?&]goods_id=([0-9]{1,20})")


class _Goods(msgspec.Struct, frozen=True):
    goods_sign: str
    search_id: str | None = None


class _Found(msgspec.Struct, frozen=True):
    goods_list: list[_Goods] | None = None
    search_id: str | None = None


class _Addresses(msgspec.Struct, frozen=True):
    mobile_short_url: str | None = None
    mobile_url: str | None = None
    short_url: str | None = None
    url: str | None = None
    schema_url: str | None = None


class _Made(msgspec.Struct, frozen=True):
    goods_promotion_url_list: list[_Addresses]


class _Orders(msgspec.Struct, frozen=True):
    order_list: list[WireOrder] | None = None
    total_count: int | str | None = None


class _Filed(msgspec.Struct, frozen=True):
    bind: int


class PinduoduoJumpLinks:
    """``hutong.platforms.jump_links.JumpLinks`` for 多多进宝."""

    destinations = ("pinduoduo",)
    sells_on = "pinduoduo"
    carries = Carries.CLICK
    window_max = WINDOW_MAX

    async def make(self, account: Account, promotion: Promotion) -> Promoted:
        """Search for the item, then make its address. The short page opens the app, or the page where it is missing."""
        pid, uid = _pid(account), _uid(account)
        carried = carrying(promotion.mark, uid)
        number = promotion.names.get("goods", "")
        keyword = number if _NUMBER.fullmatch(number) else promotion.url
        search = {"keyword": keyword, "pid": pid, "custom_parameters": filed(uid), "page_size": str(SEARCH_GOODS_MIN)}
        found = await call(account, SEARCH, search, "goods_search_response", _Found)
        goods = found.goods_list or []
        if not goods:
            raise _no_such_item(account, keyword)
        wanted = {
            "p_id": pid,
            "goods_sign_list": msgspec.json.encode([goods[0].goods_sign]).decode(),
            "custom_parameters": carried,
            "search_id": goods[0].search_id or found.search_id or "",
            "generate_short_url": "true",
            "generate_schema_url": "true",
        }
        made = await call(account, GENERATE, wanted, "goods_promotion_url_generate_response", _Made)
        if not made.goods_promotion_url_list:
            raise PlatformUnknown(platform=account.platform)
        addresses = made.goods_promotion_url_list[0]
        if not _is_the_item(addresses, keyword, len(goods)):
            raise _no_such_item(account, keyword)
        return _promoted(account, addresses, promotion.mark)

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
        """A page of ``[start, end)`` by time of change; the cursor is the number of the page to read.

        An order that changes while pages are read leaves the window, and the ones behind it move up: the documents
        demand that pages are read from the last to the first. The first call counts; where one page holds everything,
        it is that page.
        """
        if not start < end <= start + WINDOW_MAX:
            raise InvalidInput(field="end", problem="start < end <= start + 24 h")
        if cursor is not None:
            page_no = _page_no(cursor)
        else:
            first = await _page(account, start, end, 1, is_counted=True)
            total = _count(account, first)
            page_no = -(-total // PAGE_ORDERS_MAX)
            if page_no > PAGES_MAX:
                raise InvalidInput(field="end", problem="500 000+")
            if page_no <= 1:
                return _told(account, first, None)
        page = await _page(account, start, end, page_no, is_counted=False)
        return _told(account, page, str(page_no - 1) if page_no > 1 else None)


async def trial(account: Account, number: str) -> None:
    """Whether the credentials work and the position is filed; nothing is asked about any order.

    Raises:
        PlatformRefused: NOT_PERMITTED where it is not filed, else as the platform says.
        PlatformUnknown: as the platform says.
    """
    del number
    asked = {"pid": _pid(account), "custom_parameters": filed(_uid(account))}
    if (await call(account, AUTHORITY, asked, "authority_query_response", _Filed)).bind != 1:
        raise PinduoduoRefused(
            platform=account.platform, platform_code=NOT_FILED, message="bind=0", word=ErrorWord.NOT_PERMITTED
        )


def _is_the_item(addresses: _Addresses, keyword: str, found: int) -> bool:
    """The long address names its item; where no number can be compared, a search that found one alone is believed."""
    if not _NUMBER.fullmatch(keyword):
        return found == 1
    for address in (addresses.url, addresses.mobile_url, addresses.schema_url):
        named = _NAMED.search(unquote(address or ""))
        if named is not None:
            return named[1] == keyword
    return found == 1


def _promoted(account: Account, addresses: _Addresses, mark: str) -> Promoted:
    pages = (addresses.mobile_short_url, addresses.mobile_url, addresses.short_url, addresses.url)
    page = next((one for one in pages if one and one.startswith(PAGE)), "")
    if not page:
        raise PlatformUnknown(platform=account.platform)
    app = addresses.schema_url or ""
    return Promoted(url=page, told_as=mark, app_url=app if app.startswith(APP) else "")


async def _page(account: Account, start: datetime, end: datetime, page_no: int, *, is_counted: bool) -> _Orders:
    """One page. Rows tell whole seconds: what changed in the second of ``end`` may come again with the next window."""
    asked = {
        "start_update_time": str(int(start.timestamp())),
        "end_update_time": str(int(end.timestamp())),
        "page": str(page_no),
        "page_size": str(PAGE_ORDERS_MAX),
        "return_count": "true" if is_counted else "false",
    }
    return await call(account, INCREMENT, asked, "order_list_get_response", _Orders)


def _told(account: Account, page: _Orders, next_cursor: str | None) -> PromotedPage:
    lines = tuple(order.line(account.platform) for order in page.order_list or [])
    return PromotedPage(lines=lines, next_cursor=next_cursor)


def _count(account: Account, page: _Orders) -> int:
    """How many orders the window holds; without a count nobody knows what the last page is."""
    total = page.total_count
    if isinstance(total, str) and _NUMBER.fullmatch(total):
        total = int(total)
    if not isinstance(total, int) or total < 0:
        raise PlatformUnknown(platform=account.platform)
    return total


def _page_no(cursor: str) -> int:
    if not (_PAGE_NO.fullmatch(cursor) and 1 <= int(cursor) <= PAGES_MAX):
        raise InvalidInput(field="cursor", problem="1-10000")
    return int(cursor)


def _pid(account: Account) -> str:
    pid = needed(account, "pid")
    if not re.fullmatch(PID, pid):
        raise InvalidInput(field="pid", problem=PID)
    return pid


def _uid(account: Account) -> str:
    return account.credentials.get("uid", "").strip()


def _no_such_item(account: Account, keyword: str) -> PlatformRefused:
    return PlatformRefused(platform=account.platform, platform_code="goods", message=keyword, word=ErrorWord.NOT_FOUND)
