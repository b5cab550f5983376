"""What is kept of a visitor, and what is not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.visitors import (
    LANGUAGE_CHARS_MAX,
    MARK_BYTES,
    REFERRERS,
    Blind,
    language_of,
    network_of,
    referrer_class,
)

SHOP, OTHER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 27, 4, tzinfo=UTC)  # in China
MIDNIGHT = datetime(2026, 11, 27, 16, tzinfo=UTC)


def test_a_mark_holds_for_one_day_at_one_merchant_under_one_key():
    blind = Blind(b"k" * 32)
    mark = blind.mark(SHOP, "203.0.113.7", NOON)
    assert len(mark) == MARK_BYTES
    assert blind.mark(SHOP, "203.0.113.7", MIDNIGHT - timedelta(seconds=1)) == mark
    others = [
        blind.mark(SHOP, "203.0.113.7", MIDNIGHT),
        blind.mark(SHOP, "203.0.113.7", NOON - timedelta(days=1)),
        blind.mark(OTHER, "203.0.113.7", NOON),
        blind.mark(SHOP, "203.0.113.8", NOON),
        Blind(b"l" * 32).mark(SHOP, "203.0.113.7", NOON),
    ]
    assert len({mark, *others}) == 6
    assert blind.mark(SHOP, "203.0.113.7", NOON) == mark, "also after other days"
    assert b"203" not in mark


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_a_phone_that_changes_its_address_is_one_visitor(one, same):
    assert network_of(one) == network_of(same)


def test_neighbours_are_two_and_rubbish_is_taken():
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("203.0.113.7") != network_of("203.0.113.8")
    assert network_of("") == b""
    assert network_of("unix:") == b"unix:"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (b"zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        (b"zh-cn", "zh-CN"),
        (b"EN-us;q=0.5", "en-US"),
        (b"zh-hant-tw, en", "zh-Hant-TW"),
        (b"en", "en"),
        (b"", ""),
        (b"*", ""),
        (b"<script>", ""),
        (b"zh\x00CN", ""),
        (b"\xff\xfe", ""),
        (b"=cmd", ""),
    ],
)
def test_languages_are_written_one_way(header, language):
    assert language_of(header) == language


@given(st.binary(max_size=200))
def test_any_header_is_read(header):
    assert len(language_of(header)) <= LANGUAGE_CHARS_MAX
    assert language_of(header).replace("-", "").isalnum() or language_of(header) == ""
    assert referrer_class(header) in REFERRERS


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", "none"),
        ("https://weibo.com/u/1", "social"),
        ("https://m.weibo.cn/detail/5", "social"),
        ("https://t.cn/A6x", "social"),
        ("https://right.cn/", "other"),
        ("https://also.com/", "other"),
        ("https://www.so.com/s?q=x", "search"),
        ("https://m.baidu.com/s?word=x", "search"),
        ("https://tieba.baidu.com/p/1", "social"),
        ("https://www.google.com.hk/", "search"),
        ("https://google.de/", "search"),
        ("https://google.com.evil.example/", "other"),
        ("https://weibo.com.evil.example/", "other"),
        ("https://www.xiaohongshu.com/explore/1", "social"),
        ("android-app://com.xingin.xhs/", "social"),
        ("android-app://com.google.android.googlequicksearchbox/https/www.google.com", "search"),
        ("android-app://com.example/", "other"),
        ("http://[::1", "other"),
        ("about:blank", "other"),
    ],
)
def test_the_page_before_is_kept_as_a_class(header, kind):
    assert referrer_class(header.encode()) == kind
