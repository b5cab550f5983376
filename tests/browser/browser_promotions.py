"""Orders of alliances, and what alliances make of a link, with made-up content for the gallery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from browser_samples import LINK, NONE
from msgspec import structs

from hutong.core.money import Money
from hutong.links.attribution.queries import Touch
from hutong.links.promotions.places import Outcome, PlaceRow
from hutong.links.promotions.queries import SoldLine, SoldOrder, SoldSum
from hutong.platforms.jump_links import DISPUTED, Carries, PromotedStatus
from hutong.web.console.paging import Paging
from hutong.web.console.payment_views import StateTab
from hutong.web.console.promotion_views import LinkPromotion, PromotionsView

AT = datetime(2026, 11, 26, 12, 4, 9, tzinfo=UTC)
GOODS = (
    ("pinduoduo_alliance", "261127-104512345678901", "云南小粒咖啡豆 中深烘焙 227g 新鲜现磨", 1, 3_990, 399, "paid"),
    ("jd_alliance", "298765432109", "手工陶瓷马克杯 釉下彩 情侣对杯礼盒装", 2, 9_980, 998, "received"),
    ("taobao_alliance", "2412345678901234567", "小面包", 1, 1_230, 62, "settled"),
    ("douyin_alliance", "6923456789012345678", "秋冬加厚纯棉四件套 1.8m 床", 1, 29_900, 0, "void"),
    ("pinduoduo_alliance", "261127-104512345678902", "云南小粒咖啡豆 中深烘焙 227g", 1, 3_990, 399, "unpaid"),
    ("jd_alliance", "298765432110", "挂耳咖啡 10 包", 3, 8_970, 448, "pending"),
)


def line(number: int) -> SoldLine:
    platform, order_no, title, quantity, paid, commission, status = GOODS[number]
    is_known, is_exact = number not in (2, 5), number in (0, 1, 4)
    return SoldLine(
        platform=platform,
        source=platform.removesuffix("_alliance"),
        order_no=order_no,
        line_id=str(number),
        goods_id="657000000001",
        title=title,
        quantity=quantity,
        paid=Money(paid, "CNY"),
        commission=Money(commission, "CNY"),
        status=PromotedStatus(status),
        raw_status=status + (DISPUTED if status == "settled" else ""),
        link_id=UUID(int=1) if is_known else None,
        link_code="k7Qx1mP" if is_known else "",
        link_title="十一月新品微博：手工陶瓷马克杯 釉下彩" if is_known else "",
        channel_id=UUID(int=1) if is_known else None,
        channel_name="老李的微博" if is_known else "",
        click_id=UUID(int=7) if is_exact else None,
        placed_at=AT - timedelta(hours=3 * number),
        paid_at=AT - timedelta(hours=3 * number),
        changed_at=AT,
        order=SoldOrder(
            touches_id=UUID(int=20 + number),
            shop_order_id=UUID(int=9) if number == 3 else None,
            evidence="code" if number == 2 else "carried",
            word="K7Q2" if number == 2 else "",
            link_id=UUID(int=1),
            link_code="k7Qx1mP",
            link_title="十一月新品微博：手工陶瓷马克杯 釉下彩",
            channel_id=UUID(int=1),
            channel_name="老李的微博",
            click_id=None,
        )
        if number < 5
        else None,
    )


SUMS = (
    SoldSum(orders=3, paid=Money(15_200, "CNY"), coming=Money(1_397, "CNY"), settled=Money(62, "CNY")),
)  # fmt: skip
TABS = tuple(
    StateTab(state=state, count=count, href=f"/promotions?show={state}" if state else "/promotions")
    for state, count in (("", 6), ("paid", 2), ("settled", 1), ("void", 1), ("unpaid", 2))
)
ALL = PromotionsView(
    rows=tuple(line(number) for number in range(len(GOODS))),
    sums=SUMS,
    paging=Paging(first=1, last=6, total=6, previous_href="", next_href=""),
    show="",
    tabs=TABS,
    alliances=("jd_alliance", "pinduoduo_alliance"),
)
TOUCHES = tuple(
    Touch(channel_name=name, link_code="k7Qx1mP", link_title=title, touched_at=AT - timedelta(hours=hours))
    for name, title, hours in (
        ("小红书笔记", "秋冬咖啡怎么选：云南小粒和埃塞俄比亚", 30),
        ("老李的微博", "十一月新品微博：手工陶瓷马克杯 釉下彩", 3),
    )
)
PLACES = (
    PlaceRow(
        platform="pinduoduo_alliance",
        page_url="https://mobile.yangkeduo.com/goods.html?goods_id=657000000001",
        carries=Carries.CLICK,
        outcome=Outcome.MADE,
        code="",
        message="",
        asked_at=AT,
    ),
    PlaceRow(
        platform="taobao_alliance",
        page_url="https://item.taobao.com/item.htm?id=657000000001&spm=a21n57.1.item.48.f2d7523cIXVP4l",
        carries=Carries.LINK,
        outcome=Outcome.MADE,
        code="",
        message="",
        asked_at=AT,
    ),
    PlaceRow(
        platform="jd_alliance",
        page_url="https://item.m.jd.com/product/100012043978.html",
        carries=Carries.CLICK,
        outcome=Outcome.REFUSED,
        code="2001801",
        message="该商品不在推广中",
        asked_at=AT,
    ),
)
PROMOTIONS_GALLERY = {
    "promotions": ("/promotions", "console/promotions.html", ALL),
    "promotions-link": (
        "/promotions",
        "console/promotions.html",
        structs.replace(ALL, tabs=(), link_code="k7Qx1mP", link_title="十一月新品微博：手工陶瓷马克杯 釉下彩"),
    ),
    "promotions-order": (
        "/promotions",
        "console/promotions.html",
        structs.replace(
            ALL, rows=ALL.rows[:1], sums=(), tabs=(), order_no=GOODS[0][1], touches=TOUCHES,
            paging=Paging(first=1, last=1, total=1, previous_href="", next_href=""),
        ),
    ),
    "promotions-none": (
        "/promotions", "console/promotions.html", structs.replace(ALL, rows=(), sums=(), tabs=TABS[:1], paging=NONE),
    ),
    "promotions-tab-empty": (
        "/promotions",
        "console/promotions.html",
        structs.replace(ALL, rows=(), sums=(), show="void", tabs=TABS[:2], paging=NONE),
    ),
    "promotions-unconnected": (
        "/promotions",
        "console/promotions.html",
        structs.replace(ALL, rows=(), sums=(), tabs=TABS[:1], paging=NONE, alliances=()),
    ),
    "link-promoted": (
        "/links/k7Qx1mP", "console/link.html", structs.replace(LINK, promotion=LinkPromotion(places=PLACES, sums=SUMS)),
    ),
}  # fmt: skip
