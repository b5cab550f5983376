"""Sample views of the page that a creator opens on the phone, and of its party in the console."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from browser_samples import CHANNELS, NOW, fen, uid

from hutong.ledger.party_pages import PageLink
from hutong.web.console.split_views import PartyView
from hutong.web.creator.pages import PAGE_CLOSED, PAGE_OVER, PAGE_UNKNOWN, TOO_MANY, Shown, chart_of
from hutong.web.creator.views import CreatorPage, DayEarned, Earned, Lately, Others, Post, StatementItem
from hutong.web.qr import qr_svg

ADDRESS = "https://hub.example.cn/m/Zk3v0mJr1xQp8sT5wY7uA2bC4dE6fG9h"


def post(number: int, name: str, kind: str, platform: str, clicks: int, orders: int, earned_fen: int) -> Post:
    return Post(
        channel_id=uid(number),
        name=name,
        kind=kind,
        platform=platform,
        clicks=clicks,
        orders_count=orders,
        earned=(fen(earned_fen),) if orders else (),
        address=f"https://hub.example.cn/l/k7Qx1m{number}" if number < 3 else "",
    )


PAGE = CreatorPage(
    merchant="老李日用百货",
    timezone="Asia/Shanghai",
    party_id=uid(1),
    name="小王（抖音探店，粉丝三十万）",
    sums=(
        Earned(
            currency="CNY",
            earned=fen(445_509),
            estimated=fen(20_080),
            due=fen(30_429),
            paid=fen(400_000),
            owed_back=fen(5_000),
        ),
    ),
    clicks=12_840,
    orders_count=911,
    posts=(
        post(1, "快手直播间：周三晚八点，手工陶瓷专场，只此一晚", "live", "kuaishou", 9_120, 802, 380_400),
        post(2, "试投的小红书笔记", "post", "xiaohongshu", 3_720, 100, 60_109),
        post(3, "门店海报", "poster", "store", 0, 0, 0),
    ),
    others=Others(posts_count=0, clicks=0, orders_count=9, earned=(fen(5_000),)),
    days=tuple(
        DayEarned(day=(NOW - timedelta(days=29 - number)).date(), amount=fen(number % 7 * 3_100 + number * 500))
        for number in range(30)
    ),
    lately=(
        Lately(at=NOW, title="手工陶瓷马克杯 釉下彩", state="estimated", amount=fen(998)),
        Lately(at=NOW - timedelta(days=9), title="", state="settled", amount=fen(1_008)),
        Lately(at=NOW - timedelta(days=10), title="茶盘", state="reversed", amount=fen(0)),
    ),
    statements=(
        StatementItem(
            statement_id=uid(1), period_start_at=NOW - timedelta(days=30), period_end_at=NOW, net=fen(99_873)
        ),
    ),
    statements_count=3,
)
NEW_PAGE = CreatorPage(
    merchant="老李日用百货",
    timezone="Asia/Shanghai",
    party_id=uid(2),
    name="新来的",
    sums=(),
    clicks=0,
    orders_count=0,
    posts=(),
    others=None,
    days=tuple(DayEarned(day=(NOW - timedelta(days=29 - number)).date(), amount=fen(0)) for number in range(30)),
    lately=(),
    statements=(),
    statements_count=0,
)
LINK = PageLink(
    page_link_id=uid(1),
    party_id=uid(1),
    made_by="staff:1",
    created_at=NOW - timedelta(days=3),
    expires_at=NOW + timedelta(days=177),
    ended_at=None,
    opened_at=NOW,
    opened_count=12,
)
PARTY = PartyView(
    party_id=uid(1),
    name=PAGE.name,
    page=PAGE,
    link=LINK,
    was_made=True,
    free_channels=CHANNELS[1:],
    payable=(fen(60_429),),
)


def shown(page: CreatorPage) -> Shown:
    return Shown(page=page, chart=chart_of(page), address=f"/me/{page.party_id.hex}")


CREATOR_GALLERY = {
    "creator": ("/me/1", "creator/page.html", shown(PAGE)),
    "creator-new": ("/me/2", "creator/page.html", shown(NEW_PAGE)),
    "creator-over": ("/m/1", "buyer/message.html", PAGE_OVER),
    "creator-unknown": ("/m/1", "buyer/message.html", PAGE_UNKNOWN),
    "creator-closed": ("/me/1", "buyer/message.html", PAGE_CLOSED),
    "creator-too-many": ("/m/1", "buyer/message.html", TOO_MANY),
    "party": ("/splits", "console/party.html", PARTY),
    "party-made": (
        "/splits",
        "console/party.html",
        lambda _: msgspec.structs.replace(PARTY, address=ADDRESS, qr_svg=qr_svg(ADDRESS, "")),
    ),
    "party-new": (
        "/splits",
        "console/party.html",
        msgspec.structs.replace(PARTY, name="新来的", page=NEW_PAGE, link=None, was_made=False),
    ),
}
