"""The creator's page as HTML: small, in every language, with nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from hutong.core.money import Money
from hutong.web.buyer.pages import PAGE_BYTES_MAX
from hutong.web.creator.door import unknown_link
from hutong.web.creator.pages import CHART_HEIGHT, PAGE_CLOSED, CreatorPages, chart_of
from hutong.web.creator.reading import DAYS_SHOWN, LATELY_SHOWN, POSTS_SHOWN, STATEMENTS_SHOWN
from hutong.web.creator.views import CreatorPage, DayEarned, Earned, Lately, Others, Post, StatementItem
from hutong.web.i18n import LOCALES
from hutong.web.render import Renderer
from hutong.web.session import TRIES_MAX, TRIES_WINDOW, Tries

AT = datetime(2026, 11, 23, 5, 42, tzinfo=UTC)
BIG = Money.fen(9_999_999_999)
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def pages() -> CreatorPages:
    return CreatorPages(Renderer())


def full(title="手工陶瓷马克杯釉下彩" * 10, **changes) -> CreatorPage:
    """Everything that a page can hold, at its widest."""
    values = {
        "merchant": "老李日用百货" * 6,
        "timezone": "Asia/Shanghai",
        "party_id": UUID(int=2**127),
        "name": "小王（抖音探店，粉丝三十万）",
        "sums": (Earned(currency="CNY", earned=BIG, estimated=BIG, due=BIG, paid=BIG, owed_back=BIG),),
        "clicks": 10**9,
        "orders_count": 10**8,
        "posts": tuple(
            Post(
                channel_id=UUID(int=2**127 + number),
                name=title,
                kind="post",
                platform="xiaohongshu",
                clicks=10**8,
                orders_count=10**7,
                earned=(BIG,),
                address="https://shop.example.com.cn/l/k7Qx1mP",
            )
            for number in range(POSTS_SHOWN)
        ),
        "others": Others(posts_count=3, clicks=10**6, orders_count=10**5, earned=(BIG,)),
        "days": tuple(
            DayEarned(day=(AT + timedelta(days=number)).date(), amount=Money(number * 997))
            for number in range(DAYS_SHOWN)
        ),
        "lately": tuple(Lately(at=AT, title=title, state="estimated", amount=BIG) for _ in range(LATELY_SHOWN)),
        "statements": tuple(
            StatementItem(statement_id=UUID(int=2**127 + number), period_start_at=AT, period_end_at=AT, net=BIG)
            for number in range(STATEMENTS_SHOWN)
        ),
        "statements_count": 99,
    }
    return CreatorPage(**{**values, **changes})


@pytest.mark.parametrize("locale", LOCALES)
def test_the_fullest_page_is_small_and_fetches_nothing(pages, locale):
    html = pages.figures(full(), locale).content
    assert len(html.encode()) <= PAGE_BYTES_MAX
    assert not re.search(r'src="', html)
    addresses = re.findall(r'href="([^"]*)"', html)
    assert all(address.startswith(("/me/", "?lang=", "data:,")) for address in addresses)


def test_headers_keep_the_page_to_itself(pages):
    for answer in (pages.figures(full(), "zh-Hans"), pages.message(PAGE_CLOSED, "zh-Hans", 401)):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_hostile_names_stay_words(pages):
    html = pages.figures(full(title=HOSTILE, name=HOSTILE, merchant=HOSTILE), "zh-Hans").content
    assert "<script>alert" not in html


def test_bars_are_in_proportion_and_none_is_lost():
    days = tuple(
        DayEarned(day=AT.date() + timedelta(days=number), amount=Money(amount))
        for number, amount in enumerate([0, 1, 5_000, 10_000])
    )
    chart = chart_of(full(days=days))
    assert [bar.height for bar in chart.bars] == [1, CHART_HEIGHT // 2, CHART_HEIGHT]
    assert all(bar.y + bar.height == CHART_HEIGHT for bar in chart.bars)
    assert chart.total == Money(15_001)
    nothing = msgspec.structs.replace(full(), days=tuple(DayEarned(day=AT.date(), amount=Money(0)) for _ in range(3)))
    assert chart_of(nothing) is None


class HandClock:
    def __init__(self):
        self.at = AT

    def now(self):
        return self.at


def test_who_guesses_has_to_wait(pages):
    clock = HandClock()
    tries = Tries(clock)

    def guess(address="10.0.0.1"):
        return unknown_link(pages, tries, address, "zh-Hans").status_code

    assert [guess() for _ in range(TRIES_MAX + 2)] == [404] * TRIES_MAX + [429] * 2
    assert guess("10.0.0.2") == 404, "others do not wait for him"
    clock.at += TRIES_WINDOW + timedelta(seconds=1)
    assert guess() == 404
