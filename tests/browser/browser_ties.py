"""Pages of ties with invented figures: every kind of evidence, several touches, credit by channel."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from browser_samples import CHANNELS_VIEW, NOW, ORDER, ORDERS, fen, order, uid

from hutong.links.attribution.queries import ShownTie, Touch
from hutong.web.console import views


def tie(evidence: str, *, confidence_bps: int = 10_000, word: str = "", name: str = "老李的微博") -> ShownTie:
    """What ties an order."""
    return ShownTie(
        evidence=evidence,
        confidence_bps=confidence_bps,
        channel_id=uid(1),
        link_id=uid(1),
        click_id=uid(1) if evidence in ("click", "carried") else None,
        word=word,
        channel_name=name,
        link_code="k7Qx1mP",
        link_title="十一月新品微博",
    )


def row(number: int, source: str, shown: ShownTie | None) -> views.OrderRow:
    """An order and its tie."""
    name = shown.channel_name if shown is not None and source == "own" else ""
    return views.OrderRow(order=order(number, source, "paid"), channel_name=name, tie=shown)


ORDERS_TIED = msgspec.structs.replace(
    ORDERS,
    rows=(
        row(1, "own", tie("click")),
        row(2, "taobao", tie("code", word="K7Q2", name="小红书笔记：早餐怎么吃")),
        row(3, "taobao", tie("window", confidence_bps=6_240)),
        row(4, "taobao", tie("coupon", word="Y8H6")),
        row(5, "taobao", tie("carried", name="公众号菜单")),
        row(6, "own", tie("desk", name="门店海报")),
        row(7, "taobao", None),
    ),
)
ORDER_GUESSED = msgspec.structs.replace(
    ORDER,
    detail=msgspec.structs.replace(ORDER.detail, order=order(2, "taobao", "paid")),
    is_own=False,
    click_at=None,
    tie=tie("window", confidence_bps=6_240),
)
ORDER_TOUCHED = msgspec.structs.replace(
    ORDER,
    tie=tie("click"),
    touches=tuple(
        Touch(channel_name=name, link_code="k7Qx1mP", link_title=title, touched_at=NOW - timedelta(hours=hours))
        for name, title, hours in [
            ("小红书笔记：早餐怎么吃", "早餐面包", 52),
            ("社群 3 群", "群里转发的面包链接", 7),
            ("老李的微博", "十一月新品微博", 1),
        ]
    ),
)
CHANNELS_CREDIT = msgspec.structs.replace(
    CHANNELS_VIEW,
    credit=tuple(
        views.CreditRow(
            channel_id=uid(number),
            name=name,
            first_orders=orders,
            first=(fen(first),),
            last_orders=orders + number,
            last=(fen(last),),
            linear=(fen((first + last) // 2),),
            guessed_orders=number % 2 * 13,
            guessed=(fen(64_870),) if number % 2 else (),
        )
        for number, (name, orders, first, last) in enumerate(
            [
                ("快手直播间", 911, 4_545_890, 4_100_020),
                ("老李的微博", 602, 3_003_980, 3_449_850),
                ("门店海报", 41, 204_590, 204_590),
            ],
            start=1,
        )
    ),
)
