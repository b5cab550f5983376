"""Capability JumpLinks: an address that carries a click's mark, and the orders that came by such addresses.

Sources: the documents of ``buyin.kolProductShare`` (商品转链) and ``buyin.doukeOrderAds`` (独立抖客分销订单), kept
in sevencat/ecommerce_sdk: ``external_info`` takes digits, letters and ``_``, 40 at most, and comes back with the order;
``share_link`` is the item's page outside the app, ``dy_deeplink`` the app's own address, ``dy_password`` its code.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.connectors.douyin.gateway import call, needed, time_text
from hutong.connectors.douyin.promoted import WireRow
from hutong.connectors.douyin.signing import Value
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, Promoted, PromotedPage, Promotion

SHARE: Final = "buyin.kolProductShare"
ORDERS: Final = "buyin.doukeOrderAds"
#: Ours. The platform bounds no window but its beginning; a shorter one keeps its cursors young.
WINDOW_MAX: Final = timedelta(days=30)
#: The platform's: nothing older is told.
HISTORY_MAX: Final = timedelta(days=90)
PAGE_ROWS_MAX: Final = 200
FIRST: Final = "0"
#: A cursor is the platform's own text.
CURSOR: Final = re.compile(r"[A-Za-z0-9_.:=+/-]{1,200}")
_MARK: Final = re.compile(rf"[A-Za-z0-9]{{1,{MARK_CHARS_MAX}}}")
#: 0 is Douyin, 1 its lite edition (抖音极速版).
APP: Final = 0
#: By the alliance's own time of change: the order's states reach it later than the shop.
BY_CHANGE: Final = "update"


class _Shared(msgspec.Struct, frozen=True):
    share_link: str
    dy_deeplink: str | None = None
    dy_password: str | None = None


class _Page(msgspec.Struct, frozen=True):
    orders: list[WireRow] | None = None
    cursor: str = ""


class DouyinJumpLinks:
    """``hutong.platforms.jump_links.JumpLinks`` for 抖音精选联盟; the promoter is a 抖客."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Items of Douyin's shops."""
        return ("douyin",)

    @property
    def sells_on(self) -> str:
        """Shops on Douyin (抖店)."""
        return "douyin"

    @property
    def carries(self) -> Carries:
        """``external_info`` takes any mark: each click has an address of its own."""
        return Carries.CLICK

    @property
    def window_max(self) -> timedelta:
        """Thirty days."""
        return WINDOW_MAX

    async def make(self, account: Account, promotion: Promotion) -> Promoted:
        """The item's page outside the app, its address in the app, and its code.

        The platform writes the mark into each of them. What takes it longer (QR code, zlink) is not asked for: a
        visitor is waiting.
        """
        if not _MARK.fullmatch(promotion.mark):
            raise InvalidInput(field="mark", problem=f"A-Z a-z 0-9, 1-{MARK_CHARS_MAX}")
        business: dict[str, Value] = {
            "product_url": promotion.url,
            "pid": needed(account, "pid"),
            "external_info": promotion.mark,
            "need_share_link": True,
            "need_qr_code": False,
            "need_zlink": False,
            "platform": APP,
            "use_coupon": False,
        }
        made = await call(account, SHARE, business, _Shared)
        if not made.share_link.startswith("https://"):
            raise PlatformUnknown(platform=account.platform, platform_code="share_link")
        return Promoted(
            url=made.share_link,
            told_as=promotion.mark,
            app_url=made.dy_deeplink or "",
            share_code=made.dy_password or "",
        )

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
        """A page of ``[start, end)`` by the alliance's time of change.

        The cursor is the platform's own text, and leads one way only. A row that changes meanwhile is told again by
        a later window.
        """
        if not start < end <= start + WINDOW_MAX:
            raise InvalidInput(field="end", problem="start < end <= start + 30 d")
        if start < account.clock.now() - HISTORY_MAX:
            raise InvalidInput(field="start", problem="90 d")
        asked = FIRST if cursor is None else cursor
        if not CURSOR.fullmatch(asked):
            raise InvalidInput(field="cursor", problem="1-200")
        business: dict[str, Value] = {
            "size": PAGE_ROWS_MAX,
            "cursor": asked,
            "start_time": time_text(start),
            "end_time": time_text(end),
            "time_type": BY_CHANGE,
            "pid": needed(account, "pid"),
        }
        page = await call(account, ORDERS, business, _Page)
        lines = tuple(row.line(account.platform) for row in page.orders or ())
        return PromotedPage(lines=lines, next_cursor=_next(account, page, asked))


def _next(account: Account, page: _Page, asked: str) -> str | None:
    """The next page's cursor; the last page has no rows, or leads nowhere further."""
    if not page.orders or page.cursor in ("", FIRST, asked):
        return None
    if not CURSOR.fullmatch(page.cursor):
        raise PlatformUnknown(platform=account.platform, platform_code="cursor")
    return page.cursor
