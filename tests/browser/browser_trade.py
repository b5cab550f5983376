"""Sales that a test makes for itself through the API, bought inside the simulated WeChat."""

from __future__ import annotations

from typing import Any

from browser_hub import RunningHub

from hutong.cli.buyers import look_at_desk, open_in_wechat

SALES = 2


def sale(hub: RunningHub) -> dict[str, Any]:
    """A paid order of our own that no other test has touched: those of the demo may be refunded by now."""
    sku = max(hub.api("/stock"), key=lambda row: row["available"])
    channel = {"kind": "post", "platform": "weibo", "name": "今天刚到的货"}
    link = hub.post("/links", {"title": sku["title"], "channel": channel, "sku_id": sku["sku_id"]})
    _buy(hub, link["url"], 1)

    def paid() -> list[dict[str, Any]]:
        orders = hub.api("/orders", source="own")
        return [one for one in orders if (one["channel_id"], one["state"]) == (link["channel_id"], "paid")]

    return hub.wait(paid, "the order, which follows its payment")[0]


def _buy(hub: RunningHub, url: str, buyer: int) -> None:
    visit = open_in_wechat(url, buyer=buyer)
    try:
        hub.sandbox("/bridge/pay", {"invoke": visit.press_pay()})
        hub.wait(lambda: visit.state() == "paid", "a paid order")
    finally:
        visit.close()


def creator_with_sales(hub: RunningHub) -> dict[str, Any]:
    """A party whose post was looked at once more than bought by; its commissions have arrived."""
    sku = max(hub.api("/stock"), key=lambda row: row["available"])
    party = hub.post("/parties", {"name": "小周（爱喝茶）", "kind": "creator"})["party_id"]
    channel = {"kind": "post", "platform": "xiaohongshu", "name": "一只好杯子值多少钱"}
    link = hub.post("/links", {"title": "好杯子", "channel": channel, "sku_id": sku["sku_id"]})
    hub.post(f"/parties/{party}/facts", {"channel_id": link["channel_id"]})
    hub.post("/split-rules", {"party_id": party, "rate_bps": 1_000, "channel_id": link["channel_id"]})
    look_at_desk(link["url"])
    for buyer in range(1, SALES + 1):
        _buy(hub, link["url"], buyer)
    hub.wait(lambda: len(hub.api("/commissions", party_id=party)) == SALES, "what the creator earned")
    hub.settle()
    return {"party_id": party, "channel_id": link["channel_id"], "link": link}
