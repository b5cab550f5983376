"""The demo's day ends quietly when the shelves are empty: nobody tries to buy what is not there."""

from __future__ import annotations

import pytest

from hutong.cli import trading_day
from hutong.cli.trading_day import GOODS, TradingDay


class Shelves:
    """Stands for hub and sandbox: what is left of each product, and what was asked of them."""

    def __init__(self, left):
        self.left = left
        self.bought = []

    def get(self, path, **_):
        if path == "/stock":
            return {"items": [{"title": goods.title, "available": self.left[goods.seller_code]} for goods in GOODS]}
        if path == "/platforms":
            return {"taobao": {"credentials": {"shop_id": 1}}}
        return {"items": []}

    def post(self, path, body):
        if path == "/buy":
            assert self.left[body["sku"]] > 0
            self.left[body["sku"]] -= body["quantity"]
            self.bought.append(body["sku"])


def test_only_what_is_left_is_bought_and_then_the_day_ends(monkeypatch, capsys):
    monkeypatch.setattr(trading_day, "LATER_PAUSE_S", 0)
    shelves = Shelves({"CUP-01": 2, "TEA-250": 0, "BAG-03": 3})
    day = TradingDay(shelves, shelves, seed=1)
    monkeypatch.setattr(day, "_visit", lambda: None)
    day.later()
    assert sorted(shelves.bought) == ["BAG-03"] * 3 + ["CUP-01"] * 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "卖完了" in said[0]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_orders_from_a_post_whose_goods_are_gone(monkeypatch, seed):
    shelves = Shelves(dict.fromkeys((goods.seller_code for goods in GOODS), 0))
    day = TradingDay(shelves, shelves, seed)
    day._links = [("http://127.0.0.1:9/l/x", GOODS[1].title)]
    seen = []
    monkeypatch.setattr(trading_day, "open_in_wechat", lambda *_, **__: pytest.fail("ordered"))
    monkeypatch.setattr(trading_day.httpx.Client, "get", lambda _, url: seen.append(url))
    for _ in range(10):
        day._visit()
    assert len(seen) == 10
