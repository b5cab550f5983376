"""Many at once: refunds stay within the capture, stock is never oversold, pulls count each order once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from hutong.cli.story import check
from hutong.cli.story_steps import StoryPlan

pytestmark = pytest.mark.slow

REFUNDS = 20
BUYERS = 16
STOCK = 5


def test_concurrent_refunds_never_exceed_the_capture(market, until):
    """Twenty times ten yuan of a hundred: ten can be given."""
    sale = market.sale(price_fen=10_000).paid()
    path = f"/orders/{sale.order_id}/refunds"
    with ThreadPoolExecutor(REFUNDS) as pool:
        answers = list(pool.map(lambda _: market.send(path, {"amount_fen": 1000, "reason": "x"}), range(REFUNDS)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 10 + [409] * 10
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["code"] == "refund_too_large"
    until("refunded", lambda: sale.payment()["refunded_minor"] == 10_000, 60)
    market.world.settle()
    assert sale.payment()["state"] == sale.order()["state"] == "refunded"
    book = next(row for row in market.world.sandbox.get("/books").json() if row["order_no"] == sale.out_trade_no)
    assert (book["amount_fen"], book["refunded_fen"]) == (10_000, 10_000)
    assert sum(item["amount_minor"] for item in sale.booked()) == 0
    assert sale.goods.level()["available"] == 10


def test_the_same_idempotency_key_refunds_once(market):
    sale = market.sale(price_fen=10_000).paid()
    path, body = f"/orders/{sale.order_id}/refunds", {"amount_fen": 1000, "reason": "x"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: market.send(path, body, "one-refund" + sale.order_id), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["refund_id"] for answer in answers}) == 1
    assert len(sale.payment()["refunds"]) == 1
    other = market.send(path, {"amount_fen": 2000, "reason": "x"}, "one-refund" + sale.order_id)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_sixteen_buyers_and_five_pieces(market):
    goods = market.goods(stock=STOCK)
    visits = [goods.visit() for _ in range(BUYERS)]

    def press(visit, language: str = "zh-CN"):
        url = f"{market.world.url}/c/{visit.checkout_id}/pay"
        headers = {"accept-language": language, "accept": "application/json"}
        return httpx.post(url, json={"method": "jsapi"}, headers=headers, trust_env=False, timeout=60)

    with ThreadPoolExecutor(BUYERS) as pool:
        answers = list(pool.map(press, visits))
    assert sorted(answer.status_code for answer in answers) == [200] * STOCK + [409] * (BUYERS - STOCK)
    level = goods.level()
    assert (level["on_hand"], level["reserved"], level["available"]) == (STOCK, STOCK, 0)
    late = next(visit for visit, answer in zip(visits, answers, strict=True) if answer.status_code == 409)
    for language, sentence in (("zh-CN", "库存不足"), ("en", "Out of stock")):
        refused = press(late, language)
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
        assert sentence in refused.text
    for visit in visits:
        visit.close()


def test_a_buyer_who_presses_many_times_has_one_order(market):
    goods = market.goods(stock=STOCK)
    visit = goods.visit()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: market.press_pay(visit, "jsapi"), range(8)))
    visit.close()
    assert {answer.status_code for answer in answers} == {200}
    assert goods.level()["reserved"] == 1
    mine = [item for item in market.items("/payments") if item["amount_minor"] == 5900]
    assert len(mine[0]["attempts"]) == 1


def test_concurrent_pulls_take_each_order_once(market, until):
    goods = market.goods(stock=30)
    shop = {"platform": "taobao", "sku": goods.seller_code}
    market.world.post_sandbox("/shops/stock", **shop, quantity=30, title="并发", price_fen=1000)
    for _ in range(6):
        market.world.post_sandbox("/buy", **shop, quantity=2)
    path = f"/connections/{market.connection('taobao')}/pull"
    before = market.world.count("sales_order", "source = 'taobao'")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: market.send(path, {}), range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}, [answer.text for answer in answers]
    assert 201 in {answer.status_code for answer in answers}
    until("six orders", lambda: market.world.count("sales_order", "source = 'taobao'") == before + 6, 10)
    market.world.settle()
    assert goods.level()["on_hand"] == 30 - 12
    numbers = [item["order_no"] for item in market.items("/orders", source="taobao")]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("seed", "price_fen", "commission_bps", "stock"),
    [
        (2, 1, 0, 3),
        pytest.param(3, 99_999_999, 10_000, 4, marks=pytest.mark.long),
        pytest.param(4, 333, 1234, 1000, marks=pytest.mark.long),
    ],
)
def test_the_story_adds_up_for_any_figures(tell_story, seed, price_fen, commission_bps, stock):
    plan = StoryPlan(price_fen=price_fen, commission_bps=commission_bps, stock=stock, seed=seed)
    figures = tell_story(plan)
    check(plan, figures)
    assert figures["balances"] == figures["sandbox_books"]
