"""Runs in the judge's own environment: the unmodified SDK ``taobao-openapi`` drives the simulated TOP gateway."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import datetime
from typing import Any

import top.api.rest as rest
import verdicts
from top import appinfo
from top.api.base import RestApi
from top_words import CHINA, TopJudge
from verdicts import expect

FIELDS = "tid,tid_str,status,payment,modified,orders"
SKU = "判-BREAD 1"


class SkusQuantityUpdateRequest(RestApi):
    """The SDK leaves this method out; its own base class signs and sends it like every other."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.num_iid = self.type = self.skuid_quantities = None

    def getapiname(self) -> str:
        return "taobao.skus.quantity.update"


class LogisticsOfflineSendRequest(RestApi):
    """As above."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.tid = self.out_sid = self.company_code = None

    def getapiname(self) -> str:
        return "taobao.logistics.offline.send"


class Judge(TopJudge):
    """The SDK's request classes against the simulated shops."""

    def __init__(self, setting: dict[str, Any]) -> None:
        credentials = setting["platform"]["credentials"]
        named = {"platform": "taobao", "shop_id": credentials["shop_id"]}
        super().__init__(setting, credentials["access_token"], named)
        self.sku = SKU + uuid.uuid4().hex

    # The checks, in order.

    def time(self) -> None:
        found = datetime.strptime(self.call(rest.TimeGetRequest)["time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        expect(abs((found - datetime.now(CHINA)).total_seconds()) < 60, True)

    def goods(self) -> None:
        self.row = self.post("/shops/stock", sku=self.sku, quantity=50, title="小面包 & 水", price_fen=1230)
        found = self.call(rest.SkusCustomGetRequest, outer_id=self.sku, fields="sku_id,num_iid,quantity,price")
        [sku] = found["skus"]["sku"]
        expect((str(sku["sku_id"]), sku["quantity"], sku["price"]), (self.row["sku_id"], 50, "12.30"))
        found = self.call(rest.ItemSkusGetRequest, num_iids=self.row["num_iid"], fields="sku_id,num_iid,quantity,price")
        expect(found["skus"]["sku"], [sku])
        found = self.call(rest.ItemsOnsaleGetRequest, fields="num_iid,title", page_no=1, page_size=100)
        expect(int(self.row["num_iid"]) in [item["num_iid"] for item in found["items"]["item"]], True)

    def orders(self) -> None:
        """Seven orders on pages of three, read from the last page to the first."""
        start = self.now(-1)
        bought = {self.post("/buy", sku=self.sku, quantity=2)["order_no"] for _ in range(7)}
        window = {"start_modified": start, "end_modified": self.now(1), "fields": FIELDS, "page_size": 3}
        total = self.call(rest.TradesSoldIncrementGetRequest, page_no=1, **window)["total_results"]
        expect(total, 7)
        seen: list[str] = []
        for page_no in (3, 2, 1):
            page = self.call(rest.TradesSoldIncrementGetRequest, page_no=page_no, **window)
            rows = page["trades"]["trade"]
            expect({row["payment"] for row in rows}, {"24.60"})
            expect([row["orders"]["order"][0]["outer_sku_id"] for row in rows], [self.sku] * len(rows))
            seen += [row["tid_str"] for row in rows]
        expect((len(seen), set(seen)), (7, bought))
        last = self.call(rest.TradesSoldIncrementGetRequest, page_no=3, use_has_next="true", **window)
        expect(last["has_next"], False)
        created = self.call(rest.TradesSoldGetRequest, fields="tid_str", page_size=100)
        expect(bought <= {row["tid_str"] for row in created["trades"]["trade"]}, True)
        self.tid = min(bought)

    def full_info(self) -> None:
        trade = self.call(rest.TradeFullinfoGetRequest, tid=self.tid, fields=FIELDS)["trade"]
        expect((str(trade["tid"]), trade["status"]), (self.tid, "WAIT_SELLER_SEND_GOODS"))

    def stock(self) -> None:
        quantities = f"{self.row['sku_id']}:8"
        where = {"num_iid": self.row["num_iid"], "type": 1}
        item = self.call(SkusQuantityUpdateRequest, skuid_quantities=quantities, **where)["item"]
        expect(item["skus"]["sku"][0]["quantity"], 8)

    def ship(self) -> None:
        parcel = {"tid": self.tid, "out_sid": "SF 1/顺丰", "company_code": "SF"}
        expect(self.call(LogisticsOfflineSendRequest, **parcel)["shipping"]["is_success"], True)
        error = self.refused(15, LogisticsOfflineSendRequest, **parcel)
        expect(error.subcode, "isv.logistics-offline-service-error:B04")

    def wrong_secret(self) -> None:
        other = appinfo(self.credentials["app_key"], "0" * 32)
        expect(self.refused(25, rest.TimeGetRequest, app=other).message, "Invalid signature")

    def wrong_session(self) -> None:
        self.refused(27, rest.ItemsOnsaleGetRequest, session="6100nobody", fields="num_iid")

    def wrong_arguments(self) -> None:
        window = {"start_modified": self.now(-90_000), "end_modified": self.now(), "fields": "tid"}
        self.refused(41, rest.TradesSoldIncrementGetRequest, **window)
        self.refused(40, rest.ItemsOnsaleGetRequest)


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ["time", "goods", "orders", "full_info", "stock", "ship"]
    names += ["wrong_secret", "wrong_session", "wrong_arguments"]
    checks = [(name, getattr(judge, name)) for name in names]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
