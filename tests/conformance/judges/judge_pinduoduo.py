"""Runs in the judge's own environment: the unmodified SDK ``pdd-sdk`` drives the simulated gateway of 多多进宝."""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

import verdicts
from pdd_sdk import appinfo
from pdd_sdk.api.base import DdkException, sign
from pdd_sdk.api.rest.DdkGoodsDetail import DdkGoodsDetail
from pdd_sdk.api.rest.DdkGoodsPidGenerate import DdkGoodsPidGenerate
from pdd_sdk.api.rest.DdkGoodsPidQuery import DdkGoodsPidQuery
from pdd_sdk.api.rest.DdkGoodsPromotionUrlGenerate import DdkGoodsPromotionUrlGenerate
from pdd_sdk.api.rest.DdkGoodsSearch import DdkGoodsSearch
from pdd_sdk.api.rest.DdkOrderDetailGet import DdkOrderDetailGet
from pdd_sdk.api.rest.DdkOrderListIncrementGet import DdkOrderListIncrementGet
from pdd_sdk.api.rest.DdkRpPromUrlGenerate import DdkRpPromUrlGenerate
from verdicts import Disagreement, expect

SKU = "判-TEA 1"
CUSTOM = '{"uid":"判 & 官"}'


class Judge:
    """The SDK's request classes against the simulator."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.control = setting["control"]
        self.credentials = setting["platform"]["credentials"]
        self.base_url = setting["platform"]["base_url"]
        place = urlsplit(self.base_url)
        self.place = (place.hostname, place.port)
        self.app = appinfo(self.credentials["client_id"], self.credentials["client_secret"])
        self.pid = self.credentials["pid"]
        self.sku = SKU + uuid.uuid4().hex

    def call(self, kind: type, *, app: Any = None, session: str | None = None, **arguments: Any) -> dict[str, Any]:
        request = kind(*self.place)
        request.set_app_info(app or self.app)
        for name, value in arguments.items():
            if not hasattr(request, name):
                raise Disagreement(f"the SDK knows no {name}")
            setattr(request, name, value)
        [(envelope, answer)] = request.getResponse(session, timeout=10).items()
        if not envelope.endswith("_response"):
            raise Disagreement(envelope)
        return answer

    def refused(self, sub_code: str | None, kind: type, **arguments: Any) -> DdkException:
        """The SDK reads a refusal's sub code: the name of the code itself was another one when it was written."""
        try:
            self.call(kind, **arguments)
        except DdkException as error:
            expect(error.subcode, sub_code)
            return error
        raise Disagreement(f"not refused with {sub_code}")

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"platform": "pinduoduo_alliance", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    # The checks, in order.

    def positions(self) -> None:
        made = self.call(DdkGoodsPidGenerate, number=2, p_id_name_list='["一", "two & three"]')
        self.fresh = made["p_id_list"][0]["p_id"]
        expect([row["pid_name"] for row in made["p_id_list"]], ["一", "two & three"])
        known = self.call(DdkGoodsPidQuery, page=1, page_size=100)
        expect({self.pid, self.fresh} <= {row["p_id"] for row in known["p_id_list"]}, True)

    def filing(self) -> None:
        """A new position is filed on the page that the call answers, by a person."""
        asked = {"p_id_list": json.dumps([self.fresh]), "channel_type": 10, "custom_parameters": CUSTOM}
        address = self.call(DdkRpPromUrlGenerate, **asked)["url_list"][0]["mobile_url"]
        self.row = self.post("/shops/stock", sku=self.sku, quantity=50, title="龙井 & 茶", price_fen=1230)
        search = {"keyword": self.row["goods_id"], "pid": self.fresh, "custom_parameters": CUSTOM}
        self.refused("60001", DdkGoodsSearch, **search)
        self.post("/shops/orders", event="file", address=address)
        expect(self.call(DdkGoodsSearch, **search)["total_count"], 1)

    def goods(self) -> None:
        for keyword in (self.row["goods_id"], self.row["url"], "龙井 & 茶"):
            found = self.call(DdkGoodsSearch, keyword=keyword, pid=self.pid, page_size=10)
            expect([row["goods_sign"] for row in found["goods_list"]], [self.row["goods_sign"]])
            expect(found["goods_list"][0]["min_group_price"], 1230)
        found = self.call(DdkGoodsDetail, goods_sign=self.row["goods_sign"], pid=self.pid)
        expect(found["goods_details"][0]["goods_name"], "龙井 & 茶")

    def promote(self) -> None:
        asked = {"p_id": self.pid, "goods_sign_list": json.dumps([self.row["goods_sign"]])}
        forms = {"generate_short_url": "true", "generate_schema_url": "true", "generate_we_app": True}
        made = self.call(DdkGoodsPromotionUrlGenerate, custom_parameters=CUSTOM, **asked, **forms)
        [self.addresses] = made["goods_promotion_url_list"]
        expect(urlsplit(self.addresses["mobile_short_url"]).hostname, "p.pinduoduo.com")
        expect(urlsplit(self.addresses["mobile_url"]).hostname, "mobile.yangkeduo.com")
        expect(urlsplit(self.addresses["schema_url"]).scheme, "pinduoduo")

    def orders(self) -> None:
        """Twelve orders by each kind of address, on pages of ten, read from the last page to the first."""
        start = int(time.time()) - 5
        forms = [self.addresses[name] for name in ("short_url", "mobile_url", "schema_url", "url")]
        forms = [*forms, self.addresses["we_app_info"]["page_path"]] * 3
        bought = {self.post("/buy", address=address)["order_no"] for address in forms[:12]}
        window = {"start_update_time": start, "end_update_time": int(time.time()) + 5, "page_size": 10}
        expect(self.call(DdkOrderListIncrementGet, page=1, **window)["total_count"], 12)
        seen: list[str] = []
        for page in (2, 1):
            rows = self.call(DdkOrderListIncrementGet, page=page, return_count="false", **window)["order_list"]
            expect({(row["order_amount"], row["promotion_amount"]) for row in rows}, {(1230, 123)})
            expect({(row["custom_parameters"], row["p_id"]) for row in rows}, {(CUSTOM, self.pid)})
            seen += [row["order_sn"] for row in rows]
        expect((len(seen), set(seen)), (12, bought))
        self.order_sn = seen[0]

    def order_detail(self) -> None:
        found = self.call(DdkOrderDetailGet, order_sn=self.order_sn, session="of nobody")
        expect((found["order_sn"], found["order_status"]), (self.order_sn, 0))

    def unfiled(self) -> None:
        asked = {"goods_sign_list": json.dumps([self.row["goods_sign"]]), "p_id": self.fresh}
        error = self.refused("60001", DdkGoodsPromotionUrlGenerate, **asked)
        expect("备案" in error.submsg, True)

    def wrong_secret(self) -> None:
        other = appinfo(self.credentials["client_id"], "0" * 40)
        self.refused("20004", DdkGoodsPidQuery, app=other)
        self.refused("10016", DdkGoodsPidQuery, app=appinfo("0" * 32, "0" * 40))

    def wrong_arguments(self) -> None:
        now = int(time.time())
        self.refused("21001", DdkOrderListIncrementGet, start_update_time=now - 86_401, end_update_time=now)
        self.refused("21002", DdkOrderListIncrementGet)
        asked = {"p_id": self.pid, "goods_sign_list": json.dumps([self.row["goods_sign"]])}
        self.refused("21001", DdkGoodsPromotionUrlGenerate, custom_parameters='{"uid":"' + "x" * 55 + '"}', **asked)

    def spoilt_requests(self) -> None:
        """What the SDK's own function signed is taken, and is refused with any character changed."""
        parameters = {
            "type": "pdd.ddk.goods.search",
            "client_id": self.credentials["client_id"],
            "timestamp": str(int(time.time())),
            "data_type": "JSON",
            "keyword": "龙井 & 茶",
            "pid": self.pid,
        }
        good = {**parameters, "sign": sign(self.credentials["client_secret"], parameters)}
        expect(self.raw(good)["goods_search_response"]["total_count"], 1)
        spoilt = [{**good, "keyword": "龙井 & 茶 "}, {**good, "page": "1"}, {**good, "sign": good["sign"].lower()}]
        spoilt += [{**good, "sign": good["sign"][:-1] + ("0" if good["sign"][-1] != "0" else "1")}]
        spoilt += [{name: value for name, value in good.items() if name != "pid"}]
        for parameters in spoilt:
            expect(self.raw(parameters)["error_response"]["error_code"], 20004)

    def raw(self, parameters: dict[str, str]) -> dict[str, Any]:
        body = urllib.parse.urlencode(parameters).encode()
        with urllib.request.urlopen(self.base_url + "/api/router", body, timeout=20) as answer:
            return json.load(answer)


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ["positions", "filing", "goods", "promote", "orders", "order_detail"]
    names += ["unfiled", "wrong_secret", "wrong_arguments", "spoilt_requests"]
    checks = [(name, getattr(judge, name)) for name in names]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
