"""The connector of 京东联盟 against its simulator: a mark goes out with an address and comes back with the order."""

import datetime as dt

import pytest

from hutong.connectors.jd.alliance import CONNECTOR
from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.links.destinations import read_target
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused

LINKS = CONNECTOR.jump_links
HOUR = dt.timedelta(hours=1)
MARK = "0Hk3vQ7Zb1"


@pytest.fixture
def goods(jd_alliance):
    entry = {"platform": "jd_alliance", "sku": "BREAD-1", "title": "小面包", "price_fen": 5400, "quantity": 2000}
    return jd_alliance.sandbox.post("/shops/stock", {**entry, "commission_bps": 450})


def made(hub, goods, mark=MARK, **changes):
    target = read_target(goods["url"])
    promotion = Promotion(url=target.url, names=target.names, mark=mark)
    return hub.run(lambda account: LINKS.make(account, promotion), **changes)


def buy(hub, address, **more):
    return hub.sandbox.post("/buy", {"platform": "jd_alliance", "address": address, **more})


def move(hub, order, event):
    hub.sandbox.post("/shops/orders", {"platform": "jd_alliance", "order_no": order["order_no"], "event": event})


def told(hub, ahead=dt.timedelta(seconds=1), **changes):
    """Everything that changed within the hour, page by page."""
    hub.clock.follow()
    end = hub.clock.now() + ahead
    lines, cursor = [], None
    for _ in range(50):
        page = hub.run(lambda account, at=cursor: LINKS.changed(account, end - HOUR, end, at), **changes)
        lines += page.lines
        cursor = page.next_cursor
        if cursor is None:
            return lines
    raise AssertionError("no end of pages")


@pytest.mark.parametrize("has_site", [False, True])
def test_the_mark_comes_back_with_the_order(jd_alliance, goods, has_site):
    more = jd_alliance.sandbox.platform("jd_alliance")["more_credentials"] if has_site else {}
    address = made(jd_alliance, goods, **more)
    assert address.told_as == MARK
    assert read_target(address.url).destination == "jd"
    order = buy(jd_alliance, address.url, quantity=2)
    buy(jd_alliance, made(jd_alliance, goods, mark="Another1", **more).url)
    first, second = told(jd_alliance)
    assert {first.mark, second.mark} == {MARK, "Another1"}
    line = first if first.mark == MARK else second
    assert (line.order_no, line.goods_id, line.quantity) == (order["order_no"], goods["goods_id"], 2)
    assert (line.paid, line.commission) == (Money.fen(10800), Money.fen(order["commission_fen"]))
    assert line.status is PromotedStatus.PAID
    assert abs(line.placed_at - jd_alliance.clock.now()) < dt.timedelta(minutes=1)


def test_each_step_of_an_order_is_told(jd_alliance, goods):
    address = made(jd_alliance, goods).url
    order = buy(jd_alliance, address, paid=False)
    seen = []

    def look():
        (line,) = told(jd_alliance)
        seen.append((line.status, line.commission.amount_minor))

    look()
    for event in ("pay", "confirm", "settle", "refund"):
        move(jd_alliance, order, event)
        look()
    assert seen == [
        (PromotedStatus.UNPAID, 243),
        (PromotedStatus.PAID, 243),
        (PromotedStatus.RECEIVED, 243),
        (PromotedStatus.SETTLED, 243),
        (PromotedStatus.VOID, 0),
    ]
    refused = buy(jd_alliance, address)
    move(jd_alliance, refused, "refuse")
    line = next(one for one in told(jd_alliance) if one.order_no == refused["order_no"])
    assert (line.status, line.raw_status, line.commission) == (PromotedStatus.VOID, "27", Money.fen(0))


def test_no_row_is_missed_though_rows_move_while_pages_are_read(jd_alliance, goods):
    address = made(jd_alliance, goods).url
    bought = {buy(jd_alliance, address)["order_no"] for _ in range(501)}
    assert {line.order_no for line in told(jd_alliance)} == bought
    jd_alliance.sandbox.put("/faults", [{"platform": "jd_alliance", "kind": "rows_shift", "rate": 1, "limit": 1}])
    assert {line.order_no for line in told(jd_alliance)} == bought


@pytest.mark.parametrize(
    ("kind", "word"),
    [("throttled", ErrorWord.THROTTLED), ("no_permission", ErrorWord.NOT_PERMITTED)],
)
def test_faults_have_their_words(jd_alliance, goods, kind, word):
    jd_alliance.sandbox.put("/faults", [{"platform": "jd_alliance", "kind": kind, "rate": 1}])
    for call in (lambda: made(jd_alliance, goods), lambda: told(jd_alliance)):
        with pytest.raises(PlatformRefused) as caught:
            call()
        assert caught.value.word is word


@pytest.mark.parametrize("kind", ["server_error", "degraded", "lost_answer"])
def test_a_platform_that_fails_is_unknown(jd_alliance, goods, kind):
    jd_alliance.sandbox.put("/faults", [{"platform": "jd_alliance", "kind": kind, "rate": 1}])
    with pytest.raises(PlatformUnknown):
        made(jd_alliance, goods)


def test_marks_that_nobody_may_see_are_empty(jd_alliance, goods):
    buy(jd_alliance, made(jd_alliance, goods).url)
    jd_alliance.sandbox.put("/faults", [{"platform": "jd_alliance", "kind": "marks_hidden", "rate": 1}])
    assert [line.mark for line in told(jd_alliance)] == [""]


def test_goods_that_nobody_promotes_and_a_wrong_secret_are_refused(jd_alliance, goods):
    error = jd_alliance.fails(
        lambda account: LINKS.make(account, Promotion(url="https://item.jd.com/1.html", names={"item": "1"}, mark=MARK))
    )
    assert (error.word, error.details["platform_code"]) == (ErrorWord.NOT_FOUND, "2001104")
    error = jd_alliance.fails(
        lambda account: LINKS.changed(account, (now := account.clock.now()) - HOUR, now, None), app_secret="0" * 32
    )
    assert error.word is ErrorWord.BAD_SIGNATURE


def test_the_longest_window_is_taken(jd_alliance, goods):
    buy(jd_alliance, made(jd_alliance, goods).url)
    assert len(told(jd_alliance, ahead=HOUR - dt.timedelta(seconds=5))) == 1
