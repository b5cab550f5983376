"""Douyin's alliance, simulated: signatures, addresses and what they carry, orders and their pages, refusals, faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hutong_sandbox.douyin import signing

NAME = "douyin_alliance"
CHINA = timezone(timedelta(hours=8))
DAY_S = 86_400


class Promoter:
    """A promoter's client, by hand: it shares no line with the simulator."""

    def __init__(self, platform: dict[str, Any]) -> None:
        self.credentials = platform["credentials"]
        self.base_url = platform["base_url"]
        self.http = httpx.Client(trust_env=False, verify=False, timeout=30)

    def send(self, method: str, body: str, *, secret: str = "", md5: bool = False, headers: Any = None, **common: str):
        query = {
            "app_key": self.credentials["app_key"],
            "method": method,
            "access_token": self.credentials["access_token"],
            "timestamp": str(int(time.time())),
            "v": "2",
            "sign_method": "md5" if md5 else "hmac-sha256",
            **common,
        }
        key = secret or self.credentials["app_secret"]
        text = f"{key}app_key{query['app_key']}method{query['method']}param_json{body}"
        text += f"timestamp{query['timestamp']}v{query['v']}{key}"
        keyed = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        query.setdefault("sign", hashlib.md5(text.encode()).hexdigest() if md5 else keyed)
        path = method.replace(".", "/")
        answer = self.http.post(f"{self.base_url}/{path}", params=query, content=body.encode(), headers=headers)
        assert answer.status_code == 200
        return answer.json()

    def call(self, method: str, arguments: dict[str, Any], **how: Any):
        body = json.dumps(dict(sorted(arguments.items())), ensure_ascii=False, separators=(",", ":"))
        return self.send(method, body, **how)

    def share(self, url: str, mark: str = "mark_1", **arguments: Any):
        wanted = {"product_url": url, "pid": self.credentials["pid"], "external_info": mark, "need_share_link": True}
        return self.call("buyin.kolProductShare", {**wanted, **arguments})

    def orders(self, sandbox: Any, **arguments: Any):
        window = {"start_time": china(sandbox, -3600), "end_time": china(sandbox, 1), "time_type": "update"}
        return self.call("buyin.doukeOrderAds", {**window, "size": 20, "cursor": "0", **arguments})


def china(sandbox: Any, ahead_s: int = 0) -> str:
    now = datetime.fromisoformat(sandbox.http.get("/clock").json()["now"]) + timedelta(seconds=ahead_s)
    return now.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def error_of(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["code"], answer["sub_code"]


def refusal(number: int, kind: str = "parameter-invalid") -> tuple[int, str]:
    return 40004 if kind == "parameter-invalid" else 50002, f"isv.{kind}:{number}"


def stock(sandbox: Any, **more: Any) -> dict[str, Any]:
    entry = {"sku": "TEA", "title": "高山茶", "price_fen": 1999, "quantity": 10, "commission_bps": 1500, **more}
    answer = sandbox.post("/shops/stock", platform=NAME, **entry)
    assert answer.status_code == 200, answer.text
    return answer.json()


def buy(sandbox: Any, address: str, **more: Any) -> dict[str, Any]:
    answer = sandbox.post("/buy", platform=NAME, address=address, **more)
    return answer.json() if answer.status_code == 200 else {"refused": answer.status_code}


def move(sandbox: Any, order: dict[str, Any], event: str) -> dict[str, Any]:
    answer = sandbox.post("/shops/orders", platform=NAME, order_no=order["order_no"], event=event)
    return answer.json() if answer.status_code == 200 else {"refused": answer.status_code}


@pytest.fixture
def promoter(sandbox) -> Iterator[Promoter]:
    promoter = Promoter(sandbox.platform(NAME))
    yield promoter
    promoter.http.close()


def test_the_call_guides_own_example():
    # op.jinritemai.com, API调用指南 (guide 130), the worked example; two public clients pin it to this value.
    given = {
        "app_key": "6844048284663924231",
        "method": "product.list",
        "param_json": '{"page":"0","size":"20"}',
        "timestamp": "2020-07-05 22:33:59",
        "v": "2",
        "sign_method": "hmac-sha256",
        "sign": "a84fc5747114e63196565192a19f80d9d78819b8c8f5940eeb282bf78260901d",
    }
    secret = "749698a6-fcb3-4358-b241-ec1d93cf9c1f"
    assert signing.verifies(secret, given)
    assert signing.verifies(secret, {**given, "access_token": "x"})
    assert not signing.verifies(secret, {**given, "sign": given["sign"].upper()})
    assert not signing.verifies(secret[::-1], given)
    for name in ("app_key", "method", "param_json", "timestamp", "v", "sign_method", "sign"):
        assert not signing.verifies(secret, {**given, name: "x"}), name


def test_addresses_are_on_the_platforms_hosts_and_each_brings_its_mark(sandbox, promoter):
    item = stock(sandbox)
    made = promoter.share(item["url"], need_qr_code=True)["data"]
    page, zlink, app = (urlsplit(made[name]) for name in ("share_link", "dy_zlink", "dy_deeplink"))
    assert (page.scheme, page.netloc, parse_qs(page.query)["id"]) == (
        "https",
        "haohuo.jinritemai.com",
        [item["goods_id"]],
    )
    assert (zlink.scheme, zlink.netloc, parse_qs(zlink.query)["scheme"]) == (
        "https",
        "z.douyin.com",
        [made["dy_deeplink"]],
    )
    assert (app.scheme, app.netloc) == ("snssdk1128", "ec_goods_detail")
    assert made["qr_code"]["url"].startswith("https://")
    assert promoter.share(item["url"], platform=1)["data"]["dy_deeplink"].startswith("snssdk2329://")
    for address in (made["share_link"], made["dy_zlink"], made["dy_deeplink"], made["dy_password"]):
        order = buy(sandbox, address)
        assert order["row"]["pid_info"]["external_info"] == "mark_1"
        assert (order["amount_fen"], order["status"]) == (1999, "PAY_SUCC")
    assert {row["order_id"] for row in promoter.orders(sandbox)["data"]["orders"]} == {
        row["order_no"] for row in sandbox.http.get("/books").json()
    }
    assert buy(sandbox, item["url"]) == {"refused": 404}  # nobody's address: no order of the alliance
    lean = promoter.share(item["url"], need_share_link=False, need_zlink=False)["data"]
    assert (lean["share_link"], lean["dy_zlink"], "qr_code" in lean) == ("", "", False)


def test_a_zlink_ends_after_sixty_days_and_the_page_does_not(sandbox, promoter):
    made = promoter.share(stock(sandbox)["url"])["data"]
    sandbox.post("/clock/advance", seconds=60 * DAY_S - 60)
    assert buy(sandbox, made["dy_zlink"])["status"] == "PAY_SUCC"
    sandbox.post("/clock/advance", seconds=DAY_S)
    assert buy(sandbox, made["dy_zlink"]) == {"refused": 404}
    assert buy(sandbox, made["share_link"])["status"] == "PAY_SUCC"


def test_items_are_named_in_each_way_the_document_says(sandbox, promoter):
    item = stock(sandbox, goods_id="3636752471654793993")
    other = promoter.share(item["url"])["data"]
    ways = (
        "3636752471654793993",
        "https://haohuo.jinritemai.com/views/product/item2?id=3636752471654793993",
        other["dy_password"],
    )
    for way in ways:
        assert promoter.share(way, "x")["code"] == 10000, way
    assert sandbox.post("/shops/stock", platform=NAME, sku="B", goods_id=item["goods_id"]).status_code == 400


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"external_info": "a-b"}, refusal(4101)),
        ({"external_info": "x" * 41}, refusal(4101)),
        ({"external_info": "编号"}, refusal(4101)),
        ({"pid": "dy_1_2_3"}, refusal(4102)),
        ({"platform": 2}, refusal(4122)),
        ({"platform": "0"}, refusal(4097)),
        ({"need_zlink": "true"}, refusal(4097)),
        ({"product_url": "https://www.douyin.com/video/7123"}, refusal(4134)),
        ({"product_url": "http://haohuo.jinritemai.com/views/product/item2?id=1"}, refusal(4134)),
        ({"product_url": ""}, refusal(4134)),
        ({"product_url": "3636752471654793990"}, refusal(4349)),
    ],
)
def test_what_share_refuses(sandbox, promoter, arguments, wanted):
    assert error_of(promoter.share(stock(sandbox)["url"], **arguments)) == wanted


def test_an_item_whose_promotion_is_closed_is_refused(sandbox, promoter):
    item = stock(sandbox)
    stock(sandbox, promotable=False)
    assert error_of(promoter.share(item["url"])) == refusal(4354, "business-failed")
    stock(sandbox, promotable=True)
    assert promoter.share(item["url"])["code"] == 10000


def test_an_orders_life_in_fen_and_in_chinese_time(sandbox, promoter):
    made = promoter.share(stock(sandbox)["url"])["data"]
    order = buy(sandbox, made["share_link"], quantity=2, paid=False)
    assert (order["status"], promoter.orders(sandbox)["data"]["orders"]) == ("CREATED", [])
    assert sandbox.http.get("/books").json() == []
    assert move(sandbox, order, "settle") == {"refused": 409}
    assert move(sandbox, order, "nonsense") == {"refused": 400}
    seen = []
    for event in ("pay", "confirm", "settle"):
        move(sandbox, order, event)
        [row] = promoter.orders(sandbox)["data"]["orders"]
        times = [bool(row[name]) for name in ("pay_success_time", "confirm_time", "settle_time", "refund_time")]
        seen.append((row["flow_point"], row["ads_estimated_commission"], row["ads_real_commission"], times))
    assert seen == [
        ("PAY_SUCC", 600, 0, [True, False, False, False]),
        ("CONFIRM", 600, 0, [True, True, False, False]),
        ("SETTLE", 600, 600, [True, True, True, False]),
    ]
    assert (row["total_pay_amount"], row["item_num"], row["ads_promotion_rate"]) == (3998, 2, 1500)
    assert int(row["order_id"]) > 2**53
    assert move(sandbox, order, "refund") == {"refused": 409}
    other = buy(sandbox, made["share_link"])
    refunded = move(sandbox, other, "refund")["row"]
    assert (refunded["flow_point"], refunded["ads_real_commission"], bool(refunded["refund_time"])) == (
        "REFUND",
        0,
        True,
    )
    assert [row["refunded_fen"] for row in sandbox.http.get("/books").json()] == [0, 1999]
    unpaid = buy(sandbox, made["share_link"], quantity=7, paid=False)
    assert buy(sandbox, made["share_link"]) == {"refused": 409}  # sold out
    assert move(sandbox, unpaid, "abandon")["status"] == "CLOSED"
    assert buy(sandbox, made["share_link"])["status"] == "PAY_SUCC"


def pages_of(sandbox: Any, promoter: Promoter, window: dict[str, str]) -> list[str]:
    seen: list[str] = []
    cursor = "0"
    for _ in range(10):
        data = promoter.orders(sandbox, size=2, cursor=cursor, **window)["data"]
        seen += [row["order_id"] for row in data["orders"]]
        cursor = data["cursor"]
        if not cursor:
            return seen
    raise AssertionError("pages without end")


def test_pages_lead_on_by_cursor_while_rows_move(sandbox, promoter):
    made = promoter.share(stock(sandbox)["url"])["data"]
    window = {"start_time": china(sandbox)}
    bought = []
    for _ in range(5):
        bought.append(buy(sandbox, made["share_link"])["order_no"])
        sandbox.post("/clock/advance", seconds=2)
    window["end_time"] = china(sandbox)
    assert pages_of(sandbox, promoter, window) == bought  # oldest change first
    sandbox.faults({"platform": NAME, "kind": "rows_shift", "rate": 1, "limit": 1})
    assert pages_of(sandbox, promoter, window) == bought
    assert pages_of(sandbox, promoter, window) == bought[1:]  # the one that moved is told by a later window
    later = {"start_time": window["end_time"], "end_time": china(sandbox, 5)}
    assert pages_of(sandbox, promoter, later) == bought[:1]
    paid = promoter.orders(sandbox, time_type="pay", **window)["data"]["orders"]
    assert [row["order_id"] for row in paid] == bought


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"size": 0}, refusal(4246)),
        ({"size": 201}, refusal(4246)),
        ({"size": "20"}, refusal(4097)),
        ({"order_ids": "1,x"}, refusal(4247)),
        ({"order_ids": ",".join("12345678901")}, refusal(4247)),
        ({"start_time": ""}, refusal(4248)),
        ({"start_time": "1700000000"}, refusal(4249)),
        ({"end_time": "2026/11/23 12:00:00"}, refusal(4250)),
        ({"end_time": "2020-01-01 00:00:00"}, refusal(4251)),
        ({"start_time": "2020-01-01 00:00:00"}, refusal(4251)),
        ({"time_type": "create"}, refusal(4252)),
        ({"pid": "dy_1_2_3"}, refusal(4102, "business-failed")),
        ({"cursor": "next"}, refusal(4097)),
    ],
)
def test_what_orders_refuse(sandbox, promoter, arguments, wanted):
    assert error_of(promoter.orders(sandbox, **arguments)) == wanted


def test_orders_are_found_by_number_and_are_their_promoters_own(sandbox, promoter):
    made = promoter.share(stock(sandbox)["url"])["data"]
    order = buy(sandbox, made["share_link"])
    found = promoter.call("buyin.doukeOrderAds", {"order_ids": f"{order['order_no']},1"})["data"]
    assert [row["order_id"] for row in found["orders"]] == [order["order_no"]]
    other = Promoter(sandbox.platform(NAME, "other"))
    try:
        assert other.credentials["app_key"] != promoter.credentials["app_key"]
        assert other.call("buyin.doukeOrderAds", {"order_ids": order["order_no"]})["data"]["orders"] == []
        assert error_of(other.share(order["row"]["product_id"])) == refusal(4349)
        stolen = other.call("buyin.doukeOrderAds", {}, access_token=promoter.credentials["access_token"])
        assert error_of(stolen) == (40003, "isv.access-token-invalid")
    finally:
        other.http.close()


def test_the_gateways_own_refusals(sandbox, promoter):
    def told(body: str = "{}", method: str = "buyin.doukeOrderAds", **how: Any) -> tuple[int, str]:
        return error_of(promoter.send(method, body, **how))

    assert told() == refusal(4248)
    assert told(md5=True) == refusal(4248)
    assert told(timestamp=datetime.now(CHINA).strftime("%Y-%m-%d %H:%M:%S")) == refusal(4248)
    assert told(method="buyin.noSuchThing") == (70000, "isp.api-service-off")
    assert told(app_key="") == (40001, "isv.app-id-missing")
    assert told(app_key="1" * 19) == (40003, "isv.app-id-invalid")
    assert told(sign="") == (40001, "isv.signature-missing")
    assert told(sign="0" * 64) == (40003, "isv.signature-invalid")
    assert told(secret="wrong") == (40003, "isv.signature-invalid")
    assert told(v="1") == (40003, "isv.signature-invalid")
    assert told('{"size":20,"cursor":"0"}') == (40003, "isv.signature-invalid")  # names are not sorted
    assert told("[]") == (40003, "isv.parameter-format-invalid")
    assert told(timestamp="yesterday") == (40003, "isv.timestamp-format-error")
    assert told(timestamp=str(int(time.time()) - 700)) == (40003, "isv.timestamp-invalid")
    assert told(access_token="") == (40001, "isv.access-token-missing")
    assert told(access_token="nobody's") == (40003, "isv.access-token-no-existed")
    sandbox.post("/clock/advance", seconds=7 * DAY_S)
    assert told() == (40003, "isv.access-token-expired")


def test_every_answer_has_its_envelope(promoter):
    answer = promoter.send("buyin.doukeOrderAds", "{}")
    assert set(answer) == {"code", "msg", "sub_code", "sub_msg", "log_id", "err_no", "message"}
    assert (answer["msg"], answer["sub_msg"]) == ("非法的参数", "参数校验失败: 请指定时间范围或订单号")
    plain = promoter.send("buyin.doukeOrderAds", "{}", headers={"x-open-no-old-err-code": "1"})
    assert set(plain) == {"code", "msg", "sub_code", "sub_msg", "log_id"}


def test_a_token_is_refreshed_in_its_last_hour(sandbox, promoter):
    given = {"grant_type": "refresh_token", "refresh_token": promoter.credentials["refresh_token"]}

    def refresh() -> dict[str, Any]:
        return promoter.call("token.refresh", given, access_token="")

    assert refresh()["data"]["access_token"] == promoter.credentials["access_token"]
    sandbox.post("/clock/advance", seconds=7 * DAY_S - 1800)
    fresh = refresh()["data"]
    assert fresh["access_token"] != promoter.credentials["access_token"]
    for token in (fresh["access_token"], promoter.credentials["access_token"]):
        assert error_of(promoter.call("buyin.doukeOrderAds", {}, access_token=token)) == refusal(4248)
    assert error_of(refresh())[0] == 50001


def test_faults(sandbox, promoter):
    item = stock(sandbox)

    def fault(kind: str, **more: Any) -> None:
        sandbox.faults({"platform": NAME, "kind": kind, "rate": 1, "limit": 1, **more})

    for kind, code in (("throttled", 60000), ("token_expired", 40003), ("server_error", 20000)):
        fault(kind)
        assert promoter.share(item["url"])["code"] == code
        assert promoter.share(item["url"])["code"] == 10000
    fault("lost_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        promoter.share(item["url"])
    fault("slow", seconds=0)
    assert promoter.share(item["url"])["code"] == 10000


def test_the_same_calls_give_the_same_numbers(sandbox):
    def run() -> tuple[str, str]:
        promoter = Promoter(sandbox.platform(NAME))
        made = promoter.share(stock(sandbox)["url"])["data"]["share_link"]
        promoter.http.close()
        return made, buy(sandbox, made)["order_no"]

    first = run()
    sandbox.post("/reset")
    assert run() == first
