"""淘宝联盟 end to end: a place, an address, a buyer who comes by it, and what the order query tells of him."""

import datetime as dt

import pytest

from hutong.connectors.taobao import CONNECTOR as TAOBAO
from hutong.connectors.taobao.alliance import CONNECTOR as ALLIANCE
from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.links.destinations import read_target
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import DISPUTED, PromotedStatus, Promotion
from hutong.transport.client import HttpSettings

LINKS = ALLIANCE.jump_links
MARK = "Z" * 40
BREAD = {"sku": "BREAD-1", "title": "小面包", "price_fen": 1230, "quantity": 50, "commission_bps": 1234}


def stock(sandbox, **more):
    return sandbox.post("/shops/stock", {"platform": "taobao_alliance", **BREAD, **more})


def make(good, mark=MARK):
    promotion = Promotion(url=good["url"], names={"item": good["goods_id"]}, mark=mark)
    return lambda account: LINKS.make(account, promotion)


def buy(sandbox, address, **more):
    return sandbox.post("/buy", {"platform": "taobao_alliance", "address": address, **more})


def move(sandbox, order, event, platform="taobao_alliance"):
    body = {"platform": platform, "order_no": order["order_no"], "event": event}
    if platform == "taobao":
        body["shop_id"] = order["shop_id"]
    return sandbox.post("/shops/orders", body)


def pull(hub, *, ends_in_s=1):
    """Every line that changed in the last twenty minutes."""
    hub.clock.follow()
    end = hub.clock.now() + dt.timedelta(seconds=ends_in_s)
    start = end - LINKS.window_max

    async def pages(account):
        lines, cursor, read = [], None, 0
        while read == 0 or cursor is not None:
            page = await LINKS.changed(account, start, end, cursor)
            lines, cursor, read = [*lines, *page.lines], page.next_cursor, read + 1
        return lines, read

    return hub.run(pages)


def only(hub):
    (line,), _ = pull(hub)
    return line


def test_who_comes_by_an_address_is_told_by_its_place(sandbox, promoter):
    made = promoter.run(make(stock(sandbox)))
    assert read_target(made.url).destination == "taobao", "no link could lead there"
    assert "CZ3457" in made.share_code
    order = buy(sandbox, made.url, quantity=2)
    line = only(promoter)
    assert (line.order_no, line.line_id, line.mark) == (order["order_no"], order["order_no"], made.told_as)
    assert int(line.order_no) > 2**53
    assert (line.status, line.raw_status, line.quantity) == (PromotedStatus.PAID, "12", 2)
    assert (line.paid, line.title) == (Money.fen(2460), "小面包")
    # 12.34 % of 24.60 is 3.04; a tenth of it is the platform's.
    assert line.commission == Money.fen(304 - 30)
    assert line.clicked_at is not None
    assert line.clicked_at <= line.placed_at <= line.paid_at <= line.changed_at
    assert [event["detail"]["name"] for event in sandbox.get("/events") if event["kind"] == "place_made"] == [MARK]


def test_every_form_of_an_address_is_the_same_address(sandbox, promoter):
    made = promoter.run(make(stock(sandbox)))
    for form in (made.url, f" {made.share_code} "):
        buy(sandbox, form)
    lines, _ = pull(promoter)
    assert {line.mark for line in lines} == {made.told_as}
    assert len(lines) == 2


def test_links_have_places_of_their_own(sandbox, promoter):
    good = stock(sandbox)
    first, second = (promoter.run(make(good, mark)) for mark in ("AB1", "AB2"))
    assert first.told_as != second.told_as
    buy(sandbox, second.url)
    assert only(promoter).mark == second.told_as


def test_an_order_of_a_simulated_shop_is_a_trade_of_that_shop(sandbox, promoter, shop):
    sandbox.post("/shops/stock", {"platform": "taobao", "sku": "TEA-1", "title": "茶", "price_fen": 990, "quantity": 5})
    good = stock(sandbox, sku="TEA-1")
    assert (good["title"], good["price_fen"]) == ("茶", 990), "the shop's own figures count"
    order = buy(sandbox, promoter.run(make(good)).url, quantity=2, paid=False)
    assert only(promoter).status is PromotedStatus.UNPAID
    move(sandbox, order, "pay", "taobao")  # at the shop, as any buyer does
    line = only(promoter)
    trade = shop.run(lambda account: TAOBAO.orders.one(account, line.order_no))
    assert (trade.platform_order_id, trade.lines[0].line_id) == (line.order_no, line.line_id)
    assert (trade.lines[0].listing_id, trade.total) == (line.goods_id, line.paid)
    assert line.status is PromotedStatus.PAID
    move(sandbox, order, "refund")  # at the alliance: the shop hears of it
    assert only(promoter).status is PromotedStatus.VOID
    assert shop.run(lambda account: TAOBAO.orders.one(account, line.order_no)).raw_status == "TRADE_CLOSED"


def test_the_life_of_an_order(sandbox, promoter):
    order = buy(sandbox, promoter.run(make(stock(sandbox))).url, paid=False)
    unpaid = only(promoter)
    assert (unpaid.status, unpaid.paid, unpaid.commission) == (PromotedStatus.UNPAID, Money.fen(0), Money.fen(0))
    seen = []
    for event in ("pay", "confirm", "settle", "refund"):
        sandbox.post("/clock/advance", {"seconds": 60})
        move(sandbox, order, event)
        line = only(promoter)
        seen.append((line.status, line.raw_status))
        assert line.commission == Money.fen(152 - 15)
    assert seen == [
        (PromotedStatus.PAID, "12"),
        (PromotedStatus.RECEIVED, "14"),
        (PromotedStatus.SETTLED, "3"),
        (PromotedStatus.SETTLED, f"3{DISPUTED}"),
    ]
    assert line.changed_at > unpaid.changed_at
    (book,) = [row for row in sandbox.get("/books") if row["platform"] == "taobao_alliance"]
    assert (book["shared_fen"], book["refunded_fen"]) == (137, 1230)


def test_pages_are_followed_by_position_though_rows_move(sandbox, promoter):
    made = promoter.run(make(stock(sandbox, quantity=1000)))
    bought = {buy(sandbox, made.url)["order_no"] for _ in range(102)}
    sandbox.put("/faults", [{"platform": "taobao_alliance", "kind": "rows_shift"}])
    lines, pages = pull(promoter)
    assert pages == 2
    assert {line.order_no for line in lines} == bought


def test_what_cannot_be_promoted_is_named(sandbox, promoter):
    good = stock(sandbox)
    nobodys = {"url": "https://item.taobao.com/item.htm?id=123456789012", "goods_id": "123456789012"}
    assert promoter.fails(make(nobodys)).word is ErrorWord.NOT_FOUND
    sandbox.put("/faults", [{"platform": "taobao_alliance", "kind": "not_permitted"}])
    refused = promoter.fails(make(good))
    assert (refused.word, refused.details["platform_code"]) == (ErrorWord.NOT_PERMITTED, "1001")
    assert not [event for event in sandbox.get("/events") if event["kind"] == "place_made"], "a place for nothing"


def test_a_medium_of_somebody_else_is_not_permitted(sandbox, promoter):
    assert promoter.fails(make(stock(sandbox)), pid="mm_1_2_3").word is ErrorWord.NOT_PERMITTED


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"app_secret": "0" * 32}, ErrorWord.BAD_SIGNATURE), ({"access_token": "6102nobody"}, ErrorWord.TOKEN_EXPIRED)],
)
def test_wrong_credentials_are_named(sandbox, promoter, changes, word):
    good = stock(sandbox)
    assert promoter.fails(make(good), **changes).word is word
    assert promoter.fails(lambda account: LINKS.changed(account, *_window(promoter), None), **changes).word is word


def test_a_session_may_be_there(sandbox, promoter):
    session = sandbox.platform("taobao_alliance")["more_credentials"]["access_token"]
    assert promoter.run(make(stock(sandbox)), access_token=session, sign_method="hmac").told_as


def test_faults_are_unknown_or_named_and_a_place_is_asked_for_once(sandbox, promoter):
    good = stock(sandbox)

    def strike(kind):
        sandbox.put("/faults", [{"platform": "taobao_alliance", "kind": kind, "limit": 1}])

    for kind in ("throttled", "account_limited"):
        strike(kind)
        assert promoter.fails(lambda account: LINKS.changed(account, *_window(promoter), None)).word is (
            ErrorWord.THROTTLED
        )
    strike("lost_answer")
    assert isinstance(promoter.fails(make(good), settings=HttpSettings(read_timeout_s=2)), PlatformUnknown)
    made = [event for event in sandbox.get("/events") if event["kind"] == "place_made"]
    assert len(made) == 1, "a lost answer was asked for again by itself"
    again = promoter.run(make(good))
    assert again.told_as != made[0]["detail"]["adzone_id"], (
        "nothing finds a place by its name: the second call makes another"
    )
    buy(sandbox, again.url)
    assert only(promoter).mark == again.told_as


def test_every_window_is_taken_in_a_big_sale(sandbox, promoter):
    sandbox.put("/faults", [{"platform": "taobao_alliance", "kind": "big_sale"}])
    assert pull(promoter) == ([], 1)


def _window(hub):
    end = hub.clock.now()
    return end - dt.timedelta(minutes=5), end
