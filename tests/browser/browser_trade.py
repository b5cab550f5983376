"""Somebody with a post of his own who has brought sales: made through the API, bought inside the simulated WeChat."""

from __future__ import annotations

from typing import Any

from browser_hub import RunningHub

from hutong.cli.buyers import look_at_desk, open_in_wechat

SALES = 2


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
        visit = open_in_wechat(link["url"], buyer=buyer)
        try:
            hub.sandbox("/bridge/pay", {"invoke": visit.press_pay()})
            hub.wait(lambda visit=visit: visit.state() == "paid", "a paid order")
        finally:
            visit.close()
    hub.wait(lambda: len(hub.api("/commissions", party_id=party)) == SALES, "what the creator earned")
    hub.settle()
    return {"party_id": party, "channel_id": link["channel_id"], "link": link}
