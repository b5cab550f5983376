"""Runs in the judge's own environment: the unmodified SDK ``jdu`` drives the simulated 京东联盟, older address."""

from __future__ import annotations

import json
import sys
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import verdicts
from shims import jdu_client
from verdicts import expect

CHINA = timezone(timedelta(hours=8))
BY_CHANGE = 3


class Judge:
    """The SDK's client against the simulator."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.control = setting["control"]
        self.base_url = setting["platform"]["base_url"]
        self.credentials = setting["platform"]["credentials"]
        self.site_id = setting["platform"]["more_credentials"]["site_id"]
        self.client = self.connected()
        self.goods = self.post("/shops/stock", sku="判-BREAD 1" + uuid.uuid4().hex, quantity=50, price_fen=5400)

    def connected(self, **changes: Any) -> Any:
        given = {"app_key": self.credentials["app_key"], "app_secret": self.credentials["app_secret"]}
        return jdu_client(self.base_url, **{**given, "site_id": self.site_id, "timeout": 10, **changes})

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"platform": "jd_alliance", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def now(self, ahead_s: int = 0) -> str:
        with urllib.request.urlopen(self.control + "/clock", timeout=20) as answer:
            moment = datetime.fromisoformat(json.load(answer)["now"]) + timedelta(seconds=ahead_s)
        return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")

    def made(self, mark: str, **more: Any) -> dict[str, Any]:
        """The SDK leaves this answer as it comes: the envelope, with JSON text inside."""
        answer = self.client.promotion.common_get(self.goods["url"], sub_union_id=mark, **more)
        envelope = answer["jd_union_open_promotion_common_get_response"]
        expect(envelope["code"], "0")
        return json.loads(envelope["result"])

    # The checks, in order.

    def promotion(self) -> None:
        made = self.made("Judge0Mark", position_id=7)
        expect((made["code"], made["message"], list(made["data"])), (200, "success", ["clickURL"]))
        self.address = made["data"]["clickURL"].replace("http://", "https://")
        expect(self.address.startswith("https://union-click.jd.com/jdc?"), True)

    def rows(self) -> None:
        """Seven orders on pages of three; the SDK reads both envelopes of this answer itself."""
        start = self.now(-1)
        bought = {self.post("/buy", address=self.address, quantity=2)["order_no"] for _ in range(7)}
        window = {"query_type": BY_CHANGE, "start_time": start, "end_time": self.now(1), "page_size": 3}
        seen, more = [], []
        for page_index in (1, 2, 3):
            page = self.client.order.row_query(page_index=page_index, **window)
            expect(page["code"], 200)
            more.append(page["hasMore"])
            seen += page["data"]
        expect(more, [True, True, False])
        expect((len(seen), {str(row["orderId"]) for row in seen}), (7, bought))
        for row in seen:
            expect((row["subUnionId"], row["positionId"], row["siteId"]), ("Judge0Mark", 7, int(self.site_id)))
            expect((row["skuId"], row["skuNum"], row["validCode"]), (int(self.goods["goods_id"]), 2, 16))
            expect((row["price"], row["estimateCosPrice"], row["estimateFee"]), (54.0, 108.0, 5.4))
        empty = self.client.order.row_query(page_index=4, **window)
        expect((empty["hasMore"], "data" in empty), (False, False))
        by_order = self.client.order.row_query(**{**window, "query_type": 1, "page_size": 500, "fields": "goodsInfo"})
        expect(all(row["goodsInfo"]["shopId"] == row["popId"] for row in by_order["data"]), True)

    def wrong_arguments(self) -> None:
        long = {"query_type": BY_CHANGE, "start_time": self.now(-3700), "end_time": self.now()}
        expect(self.client.order.row_query(**long)["code"], 2002453)
        expect(self.client.order.row_query(BY_CHANGE, self.now(), self.now(), page_size=501)["code"], 2002400)
        expect(self.client.order.row_query(BY_CHANGE, "yesterday", self.now())["code"], 2002400)
        expect(self.made("a b")["code"], 2001208)
        expect(self.made("Judge0Mark", pid="618_618_6018")["code"], 2001214)

    def wrong_site(self) -> None:
        expect(self.made("Judge0Mark", site_id="618")["code"], 2001610)

    def wrong_secret(self) -> None:
        client = self.connected(app_secret="0" * 32)
        expect(client.order.row_query(BY_CHANGE, self.now(), self.now())["error_response"]["code"], "12")
        client = self.connected(app_key="0" * 32)
        expect(client.order.row_query(BY_CHANGE, self.now(), self.now())["error_response"]["code"], "21")

    def wrong_version(self) -> None:
        client = self.connected(version="2.0")
        expect(client.order.row_query(BY_CHANGE, self.now(), self.now())["error_response"]["code"], "5")


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ["promotion", "rows", "wrong_arguments", "wrong_site", "wrong_secret", "wrong_version"]
    checks = [(name, getattr(judge, name)) for name in names]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
