"""Capability JumpLinks: addresses that carry a mark in ``subUnionId``, and rows of orders that tell it.

Source: the documents of ``jd.union.open.promotion.bysubunionid.get``, ``….promotion.common.get`` and
``….order.row.query`` (union.jd.com/openplatform/api/v2).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hutong.connectors.jd.errors import TOO_MANY_ROWS
from hutong.connectors.jd.gateway import Result, call, time_text
from hutong.connectors.jd.rows import WireRow
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, Promoted, PromotedPage, Promotion
from hutong.platforms.refusals import PlatformRefused

#: For social media: the call itself has to be applied for; it names no site.
BY_SUB_UNION: Final = "jd.union.open.promotion.bysubunionid.get"
#: For a site or app of the promoter's own, named by its number; open to every promoter.
COMMON: Final = "jd.union.open.promotion.common.get"
ROWS: Final = "jd.union.open.order.row.query"
#: 1 is a long address, which does not end; a short one ends after 60 days.
LONG_ADDRESS: Final = 1
BY_CHANGE: Final = 3
WINDOW_MAX: Final = timedelta(hours=1)
PAGE_ROWS_MAX: Final = 500
#: The platform refuses windows of more than 10 000 rows.
PAGES_MAX: Final = 20
HOSTS: Final = frozenset({"union-click.jd.com", "u.jd.com"})


class _Address(msgspec.Struct, frozen=True):
    clickURL: str | None = ""  # noqa: N815 (its name on the wire)
    shortURL: str | None = ""  # noqa: N815
    jCommand: str | None = ""  # noqa: N815


class _Made(Result, frozen=True):
    data: _Address | None = None


class _Rows(Result, frozen=True, rename="camel"):
    data: list[WireRow] | None = None
    has_more: bool = False


class JdLinks:
    """``hutong.platforms.jump_links.JumpLinks`` for 京东联盟."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """JD's items."""
        return ("jd",)

    @property
    def sells_on(self) -> str:
        """JD's shops."""
        return "jd"

    @property
    def carries(self) -> Carries:
        """Each address takes a mark of its own."""
        return Carries.CLICK

    @property
    def window_max(self) -> timedelta:
        """One hour."""
        return WINDOW_MAX

    async def make(self, account: Account, promotion: Promotion) -> Promoted:
        """A long address; with ``site_id`` by the call for sites, else by the one for social media."""
        if not (promotion.mark.isascii() and promotion.mark.isalnum() and len(promotion.mark) <= MARK_CHARS_MAX):
            raise InvalidInput(field="mark", problem=f"A-Z a-z 0-9, 1-{MARK_CHARS_MAX}")
        asked: dict[str, str | int] = {"materialId": promotion.url, "subUnionId": promotion.mark}
        if position_id := account.credentials.get("position_id"):
            asked["positionId"] = _number("position_id", position_id)
        site_id = account.credentials.get("site_id")
        if site_id:
            method, asked["siteId"] = COMMON, site_id
        else:
            method, asked["chainType"] = BY_SUB_UNION, LONG_ADDRESS
        made = await call(account, method, {"promotionCodeReq": asked}, _Made)
        address = made.data or _Address()
        url = _page(account, address.clickURL or address.shortURL or "")
        return Promoted(url=url, told_as=promotion.mark, share_code=address.jCommand or "")

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
        """A page of ``[start, end)`` by time of change.

        The platform counts nothing, and says only whether there is more. A row that changes while pages are read leaves
        the window and moves later ones up, so that reading forward skips one. So pages are read forward to find the
        last, then backward from the one before it: rows are told twice, and none is missed. ``cursor`` is the number of
        the page to read, negative on the way back.
        """
        if not start < end <= start + WINDOW_MAX:
            raise InvalidInput(field="end", problem="start < end <= start + 1 h")
        page_no, is_back = _page_no(cursor)
        asked = {
            "pageIndex": page_no,
            "pageSize": PAGE_ROWS_MAX,
            "type": BY_CHANGE,
            "startTime": time_text(start),
            "endTime": time_text(end),
        }
        try:
            page = await call(account, ROWS, {"orderReq": asked}, _Rows)
        except PlatformRefused as refused:
            if refused.details.get("platform_code") == TOO_MANY_ROWS:
                raise _too_many() from refused
            raise
        now = account.clock.now()
        lines = tuple(row.line(account.platform, now) for row in page.data or ())
        return PromotedPage(lines=lines, next_cursor=_next(page_no, is_back=is_back, has_more=page.has_more))


def _next(page_no: int, *, is_back: bool, has_more: bool) -> str | None:
    if not is_back and has_more:
        if page_no >= PAGES_MAX:
            raise _too_many()
        return str(page_no + 1)
    return str(1 - page_no) if page_no > 1 else None


def _too_many() -> InvalidInput:
    return InvalidInput(field="end", problem=f"{PAGES_MAX * PAGE_ROWS_MAX}+")


def _page_no(cursor: str | None) -> tuple[int, bool]:
    """Page, and whether it is read on the way back."""
    if cursor is None:
        return 1, False
    digits = cursor.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:3]) <= PAGES_MAX):
        raise InvalidInput(field="cursor", problem=f"1..{PAGES_MAX}, -1..-{PAGES_MAX}")
    return int(digits), cursor.startswith("-")


def _number(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(field=field, problem="0-9")
    return int(text)


def _page(account: Account, url: str) -> str:
    """The address as an https page of the alliance's own hosts (the older call still writes http).

    Raises:
        PlatformUnknown: none, or one of somebody else's.
    """
    secure = f"https://{url.removeprefix('http://')}" if url.startswith("http://") else url
    try:
        parts = urlsplit(secure)
    except ValueError as error:
        raise PlatformUnknown(platform=account.platform, platform_code="clickURL") from error
    if parts.scheme != "https" or parts.netloc not in HOSTS:
        raise PlatformUnknown(platform=account.platform, platform_code="clickURL")
    return secure
