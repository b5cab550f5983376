"""Runs in the judge's own environment: the unmodified SDK ``jd-sdk`` drives JD's simulated gateway, newer address."""

from __future__ import annotations

import json
import sys
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit

import jd
import verdicts
from jd.api.base import RestApi, sign
from verdicts import expect

CHINA = timezone(timedelta(hours=8))


class UnionOpenPromotionBysubunionidGetRequest(RestApi):
    """The SDK leaves the alliance out; its own base class signs and sends this like every other."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.promotionCodeReq = None

    def getapiname(self) -> str:
        return "jd.union.open.promotion.bysubunionid.get"


class UnionOpenOrderRowQueryRequest(RestApi):
    """As above."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.orderReq = None

    def getapiname(self) -> str:
        return "jd.union.open.order.row.query"


class Judge:
    """The SDK's base class against the simulator."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.control = setting["control"]
        self.credentials = setting["platform"]["credentials"]
        place = urlsplit(setting["platform"]["base_url"])
        self.place = (place.hostname, place.port)
        self.app = jd.appinfo(self.credentials["app_key"], self.credentials["app_secret"])
        self.goods = self.post("/shops/stock", sku="判-BREAD 1" + uuid.uuid4().hex, quantity=50, price_fen=5400)

    def sent(self, kind: type, app: Any = None, version: str = "1.0", **arguments: Any) -> dict[str, Any]:
        request = kind(*self.place)
        request.set_app_info(app or self.app)
        for name, value in arguments.items():
            setattr(request, name, value)
        return request.getResponse(version=version, timeout=10)

    def promoted(self, **asked: Any) -> dict[str, Any]:
        answer = self.sent(UnionOpenPromotionBysubunionidGetRequest, promotionCodeReq=asked)
        return json.loads(answer["jd_union_open_promotion_bysubunionid_get_responce"]["getResult"])

    def told(self, **asked: Any) -> dict[str, Any]:
        answer = self.sent(UnionOpenOrderRowQueryRequest, orderReq=asked)
        return json.loads(answer["jd_union_open_order_row_query_responce"]["queryResult"])

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"platform": "jd_alliance", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def now(self, ahead_s: int = 0) -> str:
        with urllib.request.urlopen(self.control + "/clock", timeout=20) as answer:
            moment = datetime.fromisoformat(json.load(answer)["now"]) + timedelta(seconds=ahead_s)
        return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")

    # The checks, in order.

    def promotion(self) -> None:
        made = self.promoted(materialId=self.goods["url"], subUnionId="Judge1Mark", chainType=1)
        expect((made["code"], list(made["data"])), (200, ["clickURL"]))
        self.address = made["data"]["clickURL"]
        both = self.promoted(materialId=self.goods["url"], chainType=3)["data"]
        expect(set(both), {"clickURL", "shortURL"})

    def rows(self) -> None:
        start = self.now(-1)
        bought = [self.post("/buy", address=self.address)["order_no"] for _ in range(3)]
        window = {"type": 3, "startTime": start, "endTime": self.now(1), "pageSize": 2}
        first, second = self.told(pageIndex=1, **window), self.told(pageIndex=2, **window)
        expect((first["hasMore"], second["hasMore"]), (True, False))
        seen = first["data"] + second["data"]
        expect(sorted(str(row["orderId"]) for row in seen), sorted(bought))
        expect({row["subUnionId"] for row in seen}, {"Judge1Mark"})

    def wrong_arguments(self) -> None:
        expect(self.promoted(materialId="https://item.jd.com/1.html")["code"], 2001104)
        expect(self.promoted(subUnionId="Judge1Mark")["code"], 2001212)
        long = {"type": 3, "startTime": self.now(-3700), "endTime": self.now()}
        expect(self.told(pageIndex=1, pageSize=2, **long)["code"], 2002453)
        nothing = self.sent(UnionOpenOrderRowQueryRequest)["jd_union_open_order_row_query_responce"]
        expect(json.loads(nothing["queryResult"])["code"], 2002400)

    def wrong_secret(self) -> None:
        other = jd.appinfo(self.credentials["app_key"], "0" * 32)
        expect(self.sent(UnionOpenOrderRowQueryRequest, other)["error_response"]["code"], "12")

    def spoilt(self) -> None:
        """What the SDK signed is taken as it is, and with one character changed on the way it is not."""
        window = {"type": 3, "startTime": self.now(-60), "endTime": self.now(), "pageIndex": 1, "pageSize": 2}
        fields = {
            "app_key": self.credentials["app_key"],
            "v": "1.0",
            "method": "jd.union.open.order.row.query",
            "timestamp": self.now(),
            "360buy_param_json": json.dumps({"orderReq": window}),
        }
        signed = {**fields, "sign": sign(self.credentials["app_secret"], fields)}
        expect("jd_union_open_order_row_query_responce" in self.line(signed), True)
        later = {"timestamp": self.now(ahead_s=7), "360buy_param_json": signed["360buy_param_json"] + " "}
        others = {name: value[:-1] + "~" for name, value in signed.items() if name != "app_key"} | later
        for name, value in others.items():
            expect((name, self.line({**signed, name: value})["error_response"]["code"]), (name, "12"))

    def line(self, fields: dict[str, str]) -> dict[str, Any]:
        host, port = self.place
        with urllib.request.urlopen(f"http://{host}:{port}/routerjson?{urlencode(fields)}", timeout=20) as answer:
            return json.load(answer)

    def wrong_version(self) -> None:
        """2.0, which the SDK sends by itself, is none of the alliance's."""
        expect(self.sent(UnionOpenOrderRowQueryRequest, version="2.0")["error_response"]["code"], "5")


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ["promotion", "rows", "wrong_arguments", "wrong_secret", "spoilt", "wrong_version"]
    checks = [(name, getattr(judge, name)) for name in names]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
