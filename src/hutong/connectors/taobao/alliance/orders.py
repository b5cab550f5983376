"""Promoted orders: pages of the order query, and its rows turned into ours.

Source: https://open.taobao.com/api.htm?docId=43328&docType=2 (taobao.tbk.order.details.get). A window spans three hours
at most, and twenty minutes in a big sale; a page has 100 rows at most, and a window 100 pages; from the second page on
the position that the page before told is sent back. Money is decimal yuan as text, times are Beijing's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.connectors.taobao.alliance.errors import ALLIANCE
from hutong.connectors.taobao.gateway import call, time_of, time_text
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.jump_links import DISPUTED, PromotedLine, PromotedPage, PromotedStatus

DETAILS: Final = "taobao.tbk.order.details.get"
WINDOW_MAX: Final = timedelta(minutes=20)
ONE_SECOND: Final = timedelta(seconds=1)
PAGE_ROWS_MAX: Final = 100
PAGES_MAX: Final = 100
POSITION_CHARS_MAX: Final = 256
BY_CHANGE: Final = "4"
FORWARD: Final = "1"
#: What stands where a row has nothing to say.
NOTHING: Final = frozenset({"", "--"})

STATUSES: Final[Mapping[str, PromotedStatus]] = {
    "11": PromotedStatus.UNPAID,
    "12": PromotedStatus.PAID,
    "14": PromotedStatus.RECEIVED,
    "3": PromotedStatus.SETTLED,
    "13": PromotedStatus.VOID,
}
#: ``refund_tag`` of an order that the buyer disputed (维权) after it was settled. What is taken back for that, if
#: anything, stands in another query (taobao.tbk.order.refund.get); the dispute may be about a part, or fail.
REFUND_TAG: Final = "1"

Id = int | str


class WireRow(msgspec.Struct, frozen=True):
    """One item of a promoted order (``publisher_order_dto``)."""

    trade_id: Id
    trade_parent_id: Id
    adzone_id: Id
    tk_status: Id
    tk_create_time: str
    item_id: Id = ""
    item_title: str = ""
    item_num: int = 1
    alipay_total_price: str = "0"
    pub_share_pre_fee: str = "0"
    pub_share_fee: str = "0"
    alimama_share_fee: str = "0"
    modified_time: str = ""
    tk_earning_time: str = ""
    tk_paid_time: str = ""
    tb_paid_time: str = ""
    click_time: str = ""
    refund_tag: Id = ""

    def line(self, platform: str) -> PromotedLine:
        """In our words; an unknown status is pending.

        Raises:
            PlatformUnknown: a sum or a time that cannot be read.
        """
        try:
            return self._line()
        except (HutongError, ValueError) as error:
            raise PlatformUnknown(platform=platform) from error

    def _line(self) -> PromotedLine:
        raw = str(self.tk_status)
        status = STATUSES.get(raw, PromotedStatus.PENDING)
        placed_at = time_of(self.tk_create_time)
        paid_at = _moment(self.tb_paid_time) or _moment(self.tk_paid_time)
        return PromotedLine(
            order_no=str(self.trade_parent_id),
            line_id=str(self.trade_id),
            mark=str(self.adzone_id),
            goods_id=str(self.item_id),
            title=self.item_title,
            quantity=self.item_num,
            paid=Money.parse(self.alipay_total_price),
            commission=self._commission(status),
            status=status,
            raw_status=raw + DISPUTED if str(self.refund_tag) == REFUND_TAG else raw,
            placed_at=placed_at,
            changed_at=_moment(self.modified_time) or _moment(self.tk_earning_time) or paid_at or placed_at,
            paid_at=paid_at,
            clicked_at=_moment(self.click_time),
        )

    def _commission(self, status: PromotedStatus) -> Money:
        """What the promoter is paid: its share less the platform's fee for technical services, which the share holds.

        ``pub_share_pre_fee`` is estimated from what was paid, ``pub_share_fee`` settled from what was received;
        ``alimama_share_fee`` follows from the same sum as the share that counts.
        """
        if status is PromotedStatus.VOID:
            return Money.fen(0)
        share = Money.parse(self.pub_share_fee if status is PromotedStatus.SETTLED else self.pub_share_pre_fee)
        kept = share - Money.parse(self.alimama_share_fee)
        return Money.fen(max(kept.amount_minor, 0))


class _Rows(msgspec.Struct, frozen=True):
    publisher_order_dto: list[WireRow] = []


class _Page(msgspec.Struct, frozen=True):
    results: _Rows = _Rows()
    has_next: bool = False
    position_index: str = ""


class _Details(msgspec.Struct, frozen=True):
    data: _Page


async def changed_page(account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
    """A page of the lines that changed in ``[start, end)``; the cursor is the page's number and the position.

    The platform finds the next page by the position, not by counting, so a row that changes meanwhile shifts none. Both
    ends are whole seconds: what changed in the second of ``end`` may be told twice.
    """
    if not start < end <= start + WINDOW_MAX:
        raise InvalidInput(field="end", problem="start < end <= start + 20 min")
    page_no, position = (1, "") if cursor is None else _cursor(cursor)
    business = {
        **_window(start, end),
        "query_type": BY_CHANGE,
        "page_size": str(PAGE_ROWS_MAX),
        "page_no": str(page_no),
        "position_index": position,
        "jump_type": FORWARD if position else "",
    }
    page = (await call(account, DETAILS, business, _Details, manner=ALLIANCE)).data
    lines = tuple(row.line(account.platform) for row in page.results.publisher_order_dto)
    return PromotedPage(lines=lines, next_cursor=_next_cursor(account, page, page_no))


def _window(start: datetime, end: datetime) -> dict[str, str]:
    """Whole seconds; the platform refuses a start that is not before the end."""
    first, last = time_text(start), time_text(end)
    return {"start_time": first, "end_time": last if last != first else time_text(end + ONE_SECOND)}


def _next_cursor(account: Account, page: _Page, page_no: int) -> str | None:
    """Where the next page begins.

    Raises:
        PlatformUnknown: there is more, but no position to go on from.
        InvalidInput: the window holds more pages than the platform gives.
    """
    if not page.has_next:
        return None
    if page_no == PAGES_MAX:
        raise InvalidInput(field="end", problem="10 000+")
    if not 0 < len(page.position_index) <= POSITION_CHARS_MAX:
        raise PlatformUnknown(platform=account.platform)
    return f"{page_no + 1} {page.position_index}"


def _cursor(cursor: str) -> tuple[int, str]:
    number, _, position = cursor.partition(" ")
    is_number = number.isascii() and number.isdigit() and len(number) <= len(str(PAGES_MAX))
    if not (is_number and 2 <= int(number) <= PAGES_MAX and 0 < len(position) <= POSITION_CHARS_MAX):
        raise InvalidInput(field="cursor", problem="2-100 position")
    return int(number), position


def _moment(text: str) -> datetime | None:
    return None if text in NOTHING else time_of(text)
