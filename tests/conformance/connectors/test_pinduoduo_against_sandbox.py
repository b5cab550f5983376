"""The connector of 多多进宝 against the simulated one: addresses carry marks, and orders tell them."""

import datetime as dt

import pytest

from hutong.connectors.pinduoduo.alliance import CONNECTOR
from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused

LINKS = CONNECTOR.jump_links
NAME = "pinduoduo_alliance"
MARK = "0J8w7Zk3bQ5xN2vT6yR1mC4hL9pD7sGaBcDeFaB3"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def alliance(hub_of):
    return hub_of(NAME)


@pytest.fixture
def item(alliance):
    record = {"platform": NAME, "sku": "TEA-1", "title": "龙井 & 茶", "quantity": 500, "price_fen": 1999}
    return alliance.sandbox.post("/shops/stock", {**record, "commission_bps": 1500, "goods_id": "939144832144"})


def promotion(item, mark=MARK, **changes):
    parts = {"url": item["url"], "names": {"goods": item["goods_id"]}, "mark": mark, **changes}
    return Promotion(**parts)


def make(alliance, promoted, **more):
    return alliance.run(lambda account: LINKS.make(account, promoted), **more)


def buy(alliance, address, **more):
    return alliance.sandbox.post("/buy", {"platform": NAME, "address": address, **more})


def move(alliance, order, event):
    return alliance.sandbox.post("/shops/orders", {"platform": NAME, "order_no": order["order_no"], "event": event})


def lines(alliance, span=HOUR, **more):
    """Everything that changed up to a second from now."""
    alliance.clock.follow()
    end = alliance.clock.now() + dt.timedelta(seconds=2)
    found, cursor, pages = [], None, 0
    while pages < 10:
        page = alliance.run(lambda account, at=cursor: LINKS.changed(account, end - span, end, at), **more)
        found += page.lines
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            return found, pages
    raise AssertionError("it does not end")


def test_a_mark_goes_out_with_an_address_and_comes_back_with_its_order(alliance, item):
    made = make(alliance, promotion(item))
    assert made.url.startswith("https://p.pinduoduo.com/")
    assert made.app_url.startswith("pinduoduo://com.xunmeng.pinduoduo/duo_coupon_landing.html?goods_id=939144832144&")
    assert made.told_as == MARK
    for address, quantity, commission in ((made.url, 2, 540), (made.app_url, 1, 270)):
        order = buy(alliance, address, quantity=quantity)
        [line] = [line for line in lines(alliance)[0] if line.order_no == order["order_no"]]
        assert line.mark == MARK
        assert (line.goods_id, line.title, line.quantity) == ("939144832144", "龙井 & 茶", quantity)
        assert (line.paid, line.commission) == (Money.fen(1999 * quantity), Money.fen(commission))
        assert order["commission_fen"] == commission, "fifteen per cent, less a tenth for the alliance"
        assert line.status is PromotedStatus.PAID
        assert line.paid_at is not None
        assert abs(line.paid_at - alliance.clock.now()) < dt.timedelta(minutes=1)


def test_an_order_is_told_again_with_each_change(alliance, item):
    order = buy(alliance, make(alliance, promotion(item)).url, paid=False)
    told = []
    for event in ("", "pay", "group", "confirm", "approve", "settle", "punish"):
        if event:
            alliance.sandbox.post("/clock/advance", {"seconds": 60})
            move(alliance, order, event)
        [line] = lines(alliance)[0]
        told.append(line)
    assert [line.raw_status for line in told] == ["-1", "0", "1", "2", "3", "5", "10"]
    assert [line.status.value for line in told] == ["unpaid", "paid", "paid", "received", "settled", "settled", "void"]
    assert len({line.line_id for line in told}) == 1
    assert [line.changed_at for line in told] == sorted({line.changed_at for line in told})
    assert told[-1].commission == Money.fen(0)


def test_a_window_of_many_pages_is_read_backwards_though_rows_move(alliance, item):
    address = make(alliance, promotion(item)).url
    bought = {buy(alliance, address)["order_no"] for _ in range(120)}
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": "rows_shift", "rate": 1}])
    found, pages = lines(alliance)
    assert pages == 3
    assert {line.order_no for line in found} == bought


def test_a_filed_uid_stays_and_the_mark_goes_beside_it(alliance, item):
    more = alliance.sandbox.platform(NAME)["more_credentials"]
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": "filed_uid_only", "rate": 1}])
    with pytest.raises(PlatformRefused) as refused:
        make(alliance, promotion(item))
    assert refused.value.word is ErrorWord.NOT_PERMITTED
    assert "备案" in refused.value.text("zh-Hans").fix
    made = make(alliance, promotion(item), **more)
    order = buy(alliance, made.url)
    assert order["row"]["custom_parameters"] == f'{{"uid":"hub01","sid":"{MARK}"}}'
    assert [line.mark for line in lines(alliance)[0]] == [made.told_as] == [MARK]


def test_a_position_that_is_not_filed_is_told_of_when_it_is_tried(alliance, item):
    alliance.run(lambda account: CONNECTOR.trial(account, "x"))
    alliance.run(lambda account: CONNECTOR.trial(account, "x"), uid="hub01")
    with pytest.raises(PlatformRefused) as refused:
        alliance.run(lambda account: CONNECTOR.trial(account, "x"), uid="none1")
    assert refused.value.word is ErrorWord.NOT_PERMITTED
    assert "filing link" in refused.value.text("en").fix


def test_only_promoted_goods_can_be_promoted(alliance, item):
    for other in (
        {"names": {"goods": "1"}},
        {"names": {}, "url": "https://mobile.yangkeduo.com/goods.html?goods_id=2"},
    ):
        with pytest.raises(PlatformRefused) as refused:
            make(alliance, promotion(item, **other))
        assert refused.value.word is ErrorWord.NOT_FOUND
    made = make(alliance, promotion(item, names={}))
    assert buy(alliance, made.url)["row"]["goods_id"] == 939144832144, "an address alone names its item, too"
    again = make(alliance, promotion(item, names={}, url=made.url, mark="another"))
    order = buy(alliance, again.url)
    assert (order["row"]["goods_id"], order["row"]["custom_parameters"]) == (939144832144, '{"uid":"another"}')


def test_an_item_that_a_search_brought_by_mistake_is_not_promoted(alliance, item):
    record = {"platform": NAME, "sku": "CUP-1", "title": "杯子", "quantity": 5, "price_fen": 100}
    alliance.sandbox.post("/shops/stock", record)
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": "search_strays", "rate": 1}])
    with pytest.raises(PlatformRefused) as refused:
        make(alliance, promotion(item))
    assert refused.value.word is ErrorWord.NOT_FOUND


@pytest.mark.parametrize(
    ("kind", "word"),
    [("throttled", ErrorWord.THROTTLED), ("not_filed", ErrorWord.NOT_PERMITTED), ("server_error", None)],
)
def test_faults_are_named_or_unknown(alliance, item, kind, word):
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": kind, "rate": 1}])
    error = alliance.fails(lambda account: LINKS.make(account, promotion(item)))
    if word is None:
        assert isinstance(error, PlatformUnknown)
    else:
        assert error.word is word


def test_a_lost_answer_is_unknown_and_made_anew(alliance, item):
    alliance.sandbox.put("/faults", [{"platform": NAME, "kind": "lost_answer", "rate": 1, "limit": 1}])
    made = make(alliance, promotion(item))
    assert buy(alliance, made.url)["row"]["custom_parameters"] == f'{{"uid":"{MARK}"}}'


@pytest.mark.parametrize(("field", "value"), [("client_secret", "0" * 40), ("client_id", "0" * 32)])
def test_wrong_credentials_are_named(alliance, item, field, value):
    error = alliance.fails(lambda account: LINKS.make(account, promotion(item)), **{field: value})
    assert error.word is ErrorWord.BAD_SIGNATURE
