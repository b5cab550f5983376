"""Douyin's alliance end to end: a mark goes out with an address and comes back with the order that came by it."""

import datetime as dt

import pytest

from hutong.connectors.douyin.alliance import CONNECTOR
from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.client import HttpSettings

LINKS = CONNECTOR.jump_links
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)
NAME = "douyin_alliance"


@pytest.fixture
def item(alliance):
    record = {"platform": NAME, "sku": "TEA", "title": "高山茶 & 水", "price_fen": 1999, "quantity": 500}
    return alliance.sandbox.post("/shops/stock", {**record, "commission_bps": 1500})


def make(alliance, url, mark, **more):
    promotion = Promotion(url=url, names={}, mark=mark)
    return alliance.run(lambda account: LINKS.make(account, promotion), **more)


def buy(alliance, address, **more):
    return alliance.sandbox.post("/buy", {"platform": NAME, "address": address, **more})


def move(alliance, order, event):
    return alliance.sandbox.post("/shops/orders", {"platform": NAME, "order_no": order["order_no"], "event": event})


def pull(alliance, start, end):
    async def pages(account):
        cursor, found = None, []
        for count in range(1, 50):
            page = await LINKS.changed(account, start, end, cursor)
            found += page.lines
            cursor = page.next_cursor
            if cursor is None:
                return found, count
        raise AssertionError("pages without end")

    return alliance.run(pages)


def around(alliance):
    alliance.clock.follow()
    now = alliance.clock.now()
    return now - HOUR, now + SECOND


def test_each_form_of_an_address_brings_its_mark_back(alliance, item):
    first = make(alliance, item["url"], "click0001")
    second = make(alliance, item["url"], "Z" * 40)
    assert len({first.url, first.app_url, first.share_code, second.url, second.app_url, second.share_code}) == 6
    assert first.url.startswith(
        "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=" + item["goods_id"]
    )
    assert first.app_url.startswith("snssdk1128://ec_goods_detail/?promotion_id=")
    bought = {
        buy(alliance, address, quantity=2)["order_no"]: mark
        for made, mark in ((first, "click0001"), (second, "Z" * 40))
        for address in (made.url, made.app_url, made.share_code)
    }
    lines, _ = pull(alliance, *around(alliance))
    assert {line.order_no: line.mark for line in lines} == bought
    assert {(line.goods_id, line.title, line.quantity) for line in lines} == {(item["goods_id"], "高山茶 & 水", 2)}
    # 2 x 19.99 at 15 %: 599.7 fen, half up.
    assert {(line.paid, line.commission) for line in lines} == {(Money.fen(3998), Money.fen(600))}


def test_an_orders_life(alliance, item):
    order = buy(alliance, make(alliance, item["url"], "a1").url, paid=False)
    assert pull(alliance, *around(alliance)) == ([], 1)
    seen = []
    for event in ("pay", "confirm", "settle"):
        move(alliance, order, event)
        ((line,), _) = pull(alliance, *around(alliance))
        seen.append((line.status, line.mark, line.order_no))
    words = (PromotedStatus.PAID, PromotedStatus.RECEIVED, PromotedStatus.SETTLED)
    assert seen == [(word, "a1", order["order_no"]) for word in words]
    assert line.commission == Money.fen(300)
    other = buy(alliance, make(alliance, item["url"], "b2").url)
    move(alliance, other, "refund")
    lines, _ = pull(alliance, *around(alliance))
    assert {line.mark: (line.status, line.commission) for line in lines} == {
        "a1": (PromotedStatus.SETTLED, Money.fen(300)),
        "b2": (PromotedStatus.VOID, Money.fen(0)),
    }


def test_pages_miss_nothing_while_rows_change(alliance, item):
    address = make(alliance, item["url"], "many").url
    numbers = {buy(alliance, address)["order_no"] for _ in range(203)}
    start, end = around(alliance)
    found, pages = pull(alliance, start, end)
    assert (len(found), {line.order_no for line in found}, pages) == (203, numbers, 2)
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": "rows_shift", "rate": 1, "limit": 1}])
    again, _ = pull(alliance, start, end)
    assert {line.order_no for line in again} == numbers


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=3636752471654793993", ErrorWord.NOT_FOUND),
        ("https://www.douyin.com/video/7123", ErrorWord.NOT_FOUND),
    ],
)
def test_what_nobody_promotes_is_not_found(alliance, item, url, word):
    with pytest.raises(PlatformRefused) as caught:
        make(alliance, url, "a")
    assert caught.value.word is word


def test_an_item_whose_promotion_is_closed_is_not_found(alliance, item):
    alliance.sandbox.post("/shops/stock", {"platform": NAME, "sku": "TEA", "promotable": False})
    with pytest.raises(PlatformRefused) as caught:
        make(alliance, item["url"], "a")
    assert caught.value.word is ErrorWord.NOT_FOUND


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"app_secret": "wrong"}, ErrorWord.BAD_SIGNATURE),
        ({"access_token": "wrong"}, ErrorWord.TOKEN_EXPIRED),
        ({"app_key": "1" * 19}, ErrorWord.BAD_SIGNATURE),
        ({"pid": "dy_1_2_3"}, ErrorWord.INVALID_REQUEST),
    ],
)
def test_wrong_credentials_are_named(alliance, item, change, word):
    with pytest.raises(PlatformRefused) as caught:
        make(alliance, item["url"], "a", **change)
    assert caught.value.word is word


@pytest.mark.parametrize(
    ("kind", "word"), [("throttled", ErrorWord.THROTTLED), ("token_expired", ErrorWord.TOKEN_EXPIRED)]
)
def test_faults_are_named(alliance, item, kind, word):
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": kind}])
    with pytest.raises(PlatformRefused) as caught:
        make(alliance, item["url"], "a")
    assert caught.value.word is word


@pytest.mark.parametrize("kind", ["server_error", "lost_answer", "slow"])
def test_faults_without_an_answer_are_unknown(alliance, item, kind):
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": kind, "seconds": 2}])
    with pytest.raises(PlatformUnknown):
        make(alliance, item["url"], "a", settings=HttpSettings(read_timeout_s=0.2))
