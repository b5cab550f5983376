"""The click explorer with made-up clicks, for the gallery."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from msgspec import structs

from hutong.analytics.click_counts import KINDS, ClickCounts, Count
from hutong.analytics.clicks import Became, ClickItem, Try
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.jumps.book import JumpBook
from hutong.links.queries import ChannelChoice
from hutong.links.visitors import REFERRERS
from hutong.web.console.click_reading import breakdowns_of, chart_of, line_of, query_of, steps_of
from hutong.web.console.click_views import ClickForm, ClicksView, LinkOption
from hutong.web.console.click_words import BECAME, WHO, word_of
from hutong.web.format import DEFAULT_ZONE, Formats
from hutong.web.i18n import Catalogues, Locale

AT = datetime(2026, 11, 26, 15, 4, 9, tzinfo=UTC)
FORM = ClickForm(who="all", first=date(2026, 11, 13), last=date(2026, 11, 26))
#: What became of some clicks: app, system, machine, outcome, attempts.
STORIES = (
    ("xiaohongshu", "ios", "", Became.LEFT, ("taobao_page_scheme:left",)),
    ("wechat", "android", "", Became.ORDERED, ()),
    ("kuaishou_lite", "android", "", Became.STAYED, ("taobao_page_scheme:stayed", "taobao_wrapper:stayed")),
    ("desktop", "other", "spider", Became.STRAIGHT, ()),
    ("alipay_mini", "harmony", "", Became.DESK, ()),
    ("weibo", "android", "", Became.STRAIGHT, ()),
    ("desktop", "windows", "", Became.STRAIGHT, ()),
    ("mobile", "android", "prefetch", Became.STRAIGHT, ()),
    ("desktop", "linux", "", Became.STRAIGHT, ()),
)
BREAKDOWN = {
    "container": [("xiaohongshu", 18_204, 0), ("wechat", 9_311, 4), ("desktop", 1_204, 2_950), ("douyin", 3_120, 0),
                  ("kuaishou_lite", 911, 0), ("alipay_mini", 402, 0), ("mobile", 350, 61), ("jd", 9, 0), ("qq", 2, 0)],
    "os": [("android", 19_000, 61), ("ios", 13_307, 4), ("windows", 1_204, 0), ("other", 0, 2_950)],
    "language": [("zh-CN", 31_000, 11), ("", 12, 3_004), ("zh-Hant-TW", 1_204, 0), ("en-US", 1_295, 0)],
    "referrer": [("none", 29_113, 3_015), ("social", 3_800, 0), ("search", 598, 0)],
    "machine": [("", 33_511, 12), ("spider", 0, 2_700), ("preview", 0, 242), ("prefetch", 0, 61)],
}  # fmt: skip


def item(number: int) -> ClickItem:
    app, system, machine, became, tries = STORIES[number % len(STORIES)]
    return ClickItem(
        click_id=UUID(int=1_000 - number),
        clicked_at=AT - timedelta(minutes=7 * number),
        link_id=UUID(int=1),
        link_code="k7Qx1mP",
        link_title="十一月新品微博：手工陶瓷马克杯 釉下彩" if number % 2 else "小面包",
        channel_id=UUID(int=1),
        channel_name="老李的微博",
        container=app,
        os=system,
        language="" if machine else "zh-CN",
        referrer=REFERRERS[number % len(REFERRERS)],
        visitor=bytes([number * 37 % 256]) * 16,
        is_bot=bool(machine),
        machine=machine,
        became=became,
        tries=tuple(Try(form=one.partition(":")[0], outcome=one.partition(":")[2]) for one in tries),
        order_id=UUID(int=5) if became is Became.ORDERED else None,
    )


def counts(form: ClickForm) -> ClickCounts:
    dice = random.Random(11)
    steps = [Count(value="", people=dice.randint(900, 4_000), bots=dice.randint(10, 400))
             for _ in steps_of(form, DEFAULT_ZONE)[1:]]  # fmt: skip
    return ClickCounts(
        people=33_511,
        bots=3_015,
        steps=tuple(steps),
        by={kind: tuple(Count(value=v, people=p, bots=b) for v, p, b in BREAKDOWN[kind]) for kind in KINDS},
    )


def explorer(form: ClickForm = FORM):
    def view(locale: Locale) -> ClicksView:
        told = counts(form)
        bounds = steps_of(form, DEFAULT_ZONE)
        translate = Catalogues().of(locale).ugettext
        ways = JumpBook().matrix.forms
        query = query_of(form)
        return ClicksView(
            form=form,
            rows=tuple(line_of(item(number), form, DEFAULT_ZONE, ways) for number in range(len(STORIES))),
            people=told.people,
            bots=told.bots,
            chart=chart_of(form, told, bounds, Formats(locale, DEFAULT_ZONE), translate),
            breakdowns=breakdowns_of(form, told),
            links=(LinkOption(code="k7Qx1mP", title="小面包"),),
            channels=(ChannelChoice(channel_id=UUID(int=1), name="老李的微博", kind="post", platform="weibo"),),
            apps=tuple((name, word_of("container", name)) for name in CONTAINERS),
            systems=tuple((name, word_of("os", name)) for name in SYSTEMS),
            sources=tuple((name, word_of("referrer", name)) for name in REFERRERS),
            outcomes=tuple(BECAME.items()),
            whose=tuple((name, text, f"/clicks?{query_of(form, who=name)}") for name, text in WHO.items()),
            clear_href="/clicks",
            newest_href=f"/clicks?{query}",
            older_href=f"/clicks?{query}&below={UUID(int=9)}",
            export_href=f"/clicks/export.csv?{query}",
            export_max=50_000,
            days_max=366,
        )

    return view


def nothing(form: ClickForm):
    def view(locale: Locale) -> ClicksView:
        return structs.replace(
            explorer(form)(locale),
            rows=(), people=0, bots=0, chart=None, breakdowns=(), newest_href="", older_href="",
        )  # fmt: skip

    return view


NARROWED = structs.replace(
    FORM, who="people", app="xiaohongshu", language="zh-CN", became="left", visitor="25" * 16, first=date(2026, 11, 26)
)
CLICKS_GALLERY = {
    "clicks": ("/clicks", "console/clicks.html", explorer()),
    "clicks-narrowed": ("/clicks", "console/clicks.html", explorer(NARROWED)),
    "clicks-bots": ("/clicks", "console/clicks.html", explorer(structs.replace(FORM, who="bots"))),
    "clicks-none": ("/clicks", "console/clicks.html", nothing(FORM)),
    "clicks-none-narrowed": ("/clicks", "console/clicks.html", nothing(NARROWED)),
}
