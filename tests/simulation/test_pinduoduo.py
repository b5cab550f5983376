"""The simulated 多多进宝: signatures, filing, addresses, orders that came by them, windows and pages, faults."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime
from typing import Any

import httpx
import pytest

NAME = "pinduoduo_alliance"
SEARCH = "pdd.ddk.goods.search"
GENERATE = "pdd.ddk.goods.promotion.url.generate"
INCREMENT = "pdd.ddk.order.list.increment.get"
CUSTOM = '{"uid":"m1","sid":"s1"}'


class Promoter:
    """A promoter's client, by hand: it shares no line with the simulator."""

    def __init__(self, platform: dict[str, Any]) -> None:
        self.credentials = platform["credentials"]
        self.base_url = platform["base_url"]
        self.http = httpx.Client(trust_env=False, verify=False, timeout=30)

    def call(self, method: str, *, secret: str | None = None, system: dict[str, str] | None = None, **arguments: Any):
        parameters = {
            "type": method,
            "client_id": self.credentials["client_id"],
            "timestamp": str(int(time.time())),
            "data_type": "JSON",
            **{name: str(value) for name, value in arguments.items()},
            **(system or {}),
        }
        parameters = {name: value for name, value in parameters.items() if value != "(left out)"}
        key = secret or self.credentials["client_secret"]
        text = "".join(name + value for name, value in sorted(parameters.items()))
        parameters.setdefault("sign", hashlib.md5(f"{key}{text}{key}".encode()).hexdigest().upper())
        answer = self.http.post(self.base_url + "/api/router", data=parameters)
        assert answer.status_code == 200
        return answer.json()

    def promote(self, row: dict[str, Any], **more: Any) -> dict[str, Any]:
        forms = {"generate_short_url": "true", "generate_schema_url": "true", "generate_we_app": "true"}
        signs = json.dumps([row["goods_sign"]])
        asked = {"p_id": self.credentials["pid"], "custom_parameters": CUSTOM, "goods_sign_list": signs, **forms}
        answer = self.call(GENERATE, **{**asked, **more})
        return answer["goods_promotion_url_generate_response"]["goods_promotion_url_list"][0]


@pytest.fixture
def promoter(sandbox):
    made = Promoter(sandbox.platform(NAME))
    yield made
    made.http.close()


@pytest.fixture
def tea(sandbox):
    answer = sandbox.post(
        "/shops/stock", platform=NAME, sku="TEA", title="龙井 & 茶", price_fen=1999, quantity=20, commission_bps=1500
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def buy(sandbox, address: str, **more) -> dict:
    answer = sandbox.post("/buy", platform=NAME, address=address, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def window(sandbox, behind_s: int = 3600, ahead_s: int = 1) -> dict[str, int]:
    now_s = int(datetime.fromisoformat(sandbox.http.get("/clock").json()["now"]).timestamp())
    return {"start_update_time": now_s - behind_s, "end_update_time": now_s + ahead_s}


def orders(promoter, sandbox, **more) -> dict:
    answer = promoter.call(INCREMENT, **{**window(sandbox), **more})
    return answer.get("order_list_get_response", answer)


def error_of(answer: dict) -> tuple[int, str | None]:
    return answer["error_response"]["error_code"], answer["error_response"]["sub_code"]


def test_every_form_of_an_address_leads_to_an_order_with_its_parameters(sandbox, promoter, tea):
    made = promoter.promote(tea)
    pages = [made[name] for name in ("url", "short_url", "mobile_url", "mobile_short_url", "schema_url")]
    pages += [made["we_app_info"]["page_path"], made["mobile_short_url"] + "?from=x", made["url"] + "&cq=y"]
    assert all(page.startswith(("https://mobile.yangkeduo.com/", "https://p.pinduoduo.com/")) for page in pages[:4])
    bought = {buy(sandbox, page, quantity=2)["order_no"] for page in pages}
    rows = orders(promoter, sandbox)["order_list"]
    assert {row["order_sn"] for row in rows} == bought
    for row in rows:
        assert (row["custom_parameters"], row["p_id"]) == (CUSTOM, promoter.credentials["pid"])
        assert (row["order_amount"], row["promotion_amount"], row["promotion_rate"]) == (3998, 600, 150)
        assert (row["order_status"], row["goods_id"], row["goods_quantity"]) == (0, int(tea["goods_id"]), 2)
        assert row["order_pay_time"] >= row["order_create_time"]
        assert row["order_settle_time"] is None
    assert sandbox.post("/buy", platform=NAME, address="https://p.pinduoduo.com/none1234").status_code == 404
    assert sandbox.post("/buy", platform=NAME, address=pages[0], quantity=5).status_code == 409, "4 of 20 are left"


def test_another_item_may_be_bought_by_an_address(sandbox, promoter, tea):
    sandbox.post("/shops/stock", platform=NAME, sku="CUP", title="杯", price_fen=500, quantity=5, goods_id="77")
    order = buy(sandbox, promoter.promote(tea)["url"], sku="CUP")
    assert (order["row"]["goods_id"], order["amount_fen"]) == (77, 500)
    assert sandbox.post("/shops/stock", platform=NAME, sku="MUG", goods_id="77").status_code == 400


def test_goods_are_found_by_number_address_and_title(promoter, tea):
    for keyword in (tea["goods_id"], tea["url"], tea["url"] + "&x=1", "龙井"):
        answer = promoter.call(SEARCH, keyword=keyword, pid=promoter.credentials["pid"])
        assert [row["goods_sign"] for row in answer["goods_search_response"]["goods_list"]] == [tea["goods_sign"]]
    for keyword in ("1", "https://elsewhere.example/goods.html?goods_id=" + tea["goods_id"], "可乐"):
        answer = promoter.call(SEARCH, keyword=keyword, pid=promoter.credentials["pid"])["goods_search_response"]
        assert (answer["goods_list"], answer["total_count"]) == ([], 0)
    assert error_of(promoter.call(SEARCH, keyword="x", pid=promoter.credentials["pid"], page_size=9))[0] == 50001
    assert error_of(promoter.call(GENERATE, p_id=promoter.credentials["pid"], goods_sign_list='["x"]'))[0] == 50001


def test_a_position_has_to_be_filed(sandbox, promoter, tea):
    pid = promoter.call("pdd.ddk.goods.pid.generate", number=1)["p_id_generate_response"]["p_id_list"][0]["p_id"]

    def is_filed(**more) -> int:
        answer = promoter.call("pdd.ddk.member.authority.query", pid=pid, **more)
        return answer["authority_query_response"]["bind"]

    def file(**more) -> None:
        asked = {"p_id_list": json.dumps([pid]), "channel_type": 10, "generate_short_url": "true", **more}
        answer = promoter.call("pdd.ddk.rp.prom.url.generate", **asked)
        address = answer["rp_promotion_url_generate_response"]["url_list"][0]["mobile_short_url"]
        assert sandbox.post("/buy", platform=NAME, address=address).status_code == 400
        assert sandbox.post("/shops/orders", platform=NAME, event="file", address=address).status_code == 200

    unfiled = promoter.call(SEARCH, keyword="x", pid=pid)
    assert error_of(unfiled) == (50001, "60001")
    assert "未传入已经授权备案过的相关参数(pid/custom_parameters)" in unfiled["error_response"]["sub_msg"]
    assert error_of(promoter.call(SEARCH, keyword="x")) == (50001, "60001")
    file(custom_parameters='{"uid":"m1"}')
    assert (is_filed(), is_filed(custom_parameters=CUSTOM)) == (0, 1), "by its uid, whatever the sid"
    assert promoter.promote(tea, p_id=pid)["url"]
    other = promoter.call(SEARCH, keyword="x", pid=pid, custom_parameters='{"uid":"m2"}')
    assert error_of(other) == (50001, "60001")
    file()
    assert is_filed() == 1
    assert "goods_search_response" in promoter.call(SEARCH, keyword="x", pid=pid, custom_parameters='{"uid":"m2"}')
    sandbox.faults({"platform": NAME, "kind": "filed_uid_only", "rate": 1})
    other = promoter.call(SEARCH, keyword="x", pid=pid, custom_parameters='{"uid":"m2"}')
    assert error_of(other) == (50001, "60001")
    assert "goods_search_response" in promoter.call(SEARCH, keyword="x", pid=pid, custom_parameters=CUSTOM)


@pytest.mark.parametrize(
    ("custom", "is_taken"),
    [
        ('{"uid":"' + "x" * 54 + '"}', True),
        ('{"uid":"' + "x" * 55 + '"}', False),
        ('{"uid":"' + "编" * 18 + '"}', True),
        ('{"uid":"' + "编" * 19 + '"}', False),
        ('{"sid":"s1"}', False),
        ("6721102107", True),
    ],
)
def test_custom_parameters_have_a_size_in_bytes_and_a_uid(promoter, custom, is_taken):
    answer = promoter.call(SEARCH, keyword="x", pid=promoter.credentials["pid"], custom_parameters=custom)
    assert ("goods_search_response" in answer) is is_taken
    if not is_taken:
        assert error_of(answer) == (50001, "21001")


def test_the_gateways_own_checks_in_their_order(promoter):
    call, out = promoter.call, "(left out)"

    def system(**changes) -> dict:
        return call("pdd.ddk.goods.pid.query", system=changes)["error_response"]

    for changes, about in (
        ({"type": out, "timestamp": out}, "type"),
        ({"timestamp": out, "client_id": out}, "timestamp"),
        ({"timestamp": str(int(time.time()) - 700), "client_id": out}, "timestamp"),
        ({"timestamp": "2026-11-23 12:00:00"}, "timestamp"),
        ({"client_id": out}, "client_id"),
        ({"data_type": "XML"}, "data_type"),
    ):
        told = system(**changes)
        assert (told["error_code"], told["error_msg"], told["sub_code"]) == (10001, f"公共参数错误:{about}", None)
    assert error_of(call("pdd.ddk.goods.pid.query", system={"client_id": "1"}))[0] == 10016
    assert error_of(call("pdd.no.such.call"))[0] == 10017
    assert error_of(call("pdd.ddk.goods.pid.query", secret="wrong"))[0] == 20004
    assert error_of(call("pdd.ddk.goods.pid.query", system={"access_token": "1"}))[0] == 10019
    signed = call("pdd.ddk.goods.pid.query")
    assert signed["p_id_query_response"]["request_id"]


def test_windows_and_pages_are_limited(sandbox, promoter):
    for wrong in (
        window(sandbox, behind_s=86_400, ahead_s=1),
        window(sandbox, behind_s=-5, ahead_s=1),
        {**window(sandbox), "page_size": 9},
        {**window(sandbox), "page_size": 101},
        {**window(sandbox), "page": 0},
        {**window(sandbox), "page": 10_001},
        window(sandbox, behind_s=91 * 86_400, ahead_s=-91 * 86_400 + 60),
        {**window(sandbox), "start_update_time": "yesterday"},
    ):
        assert error_of(promoter.call(INCREMENT, **wrong)) == (50001, "21001"), wrong
    assert error_of(promoter.call(INCREMENT))[0] == 21002
    assert "order_list_get_response" in promoter.call(INCREMENT, **window(sandbox, behind_s=86_400, ahead_s=0))
    assert orders(promoter, sandbox)["total_count"] == 0
    assert "total_count" not in orders(promoter, sandbox, return_count="false")
    assert orders(promoter, sandbox, query_order_type=2)["order_list"] == []


def pages_of(promoter, sandbox, numbers: list[int], span: dict[str, int]) -> set[str]:
    seen: set[str] = set()
    for page in numbers:
        body = orders(promoter, sandbox, page=page, page_size=10, return_count="false", **span)
        seen |= {row["order_sn"] for row in body["order_list"]}
    return seen


def test_paging_forward_loses_a_row_when_rows_move_and_backward_does_not(sandbox, promoter, tea):
    sandbox.post("/shops/stock", platform=NAME, sku="TEA", quantity=100)
    address = promoter.promote(tea)["url"]
    for _ in range(30):
        buy(sandbox, address)
    span = window(sandbox)
    assert orders(promoter, sandbox, **span)["total_count"] == 30
    shift = {"platform": NAME, "kind": "rows_shift", "rate": 1, "limit": 1}
    sandbox.faults(shift)
    assert len(pages_of(promoter, sandbox, [3, 2, 1], span)) == 30
    sandbox.faults(shift)
    assert len(pages_of(promoter, sandbox, [1, 2, 3], span)) < 29, "one left the window, another was skipped"


def test_an_order_lives_and_is_told_at_the_time_of_its_change(sandbox, promoter, tea):
    order = buy(sandbox, promoter.promote(tea)["url"], paid=False)
    assert (order["status"], order["row"]["order_status"], order["row"]["order_pay_time"]) == ("unpaid", -1, None)
    assert sandbox.http.get("/books").json() == []

    def move(event: str) -> int:
        answer = sandbox.post("/shops/orders", platform=NAME, order_no=order["order_no"], event=event)
        return answer.json()["row"]["order_status"] if answer.status_code == 200 else -answer.status_code

    before = window(sandbox)
    sandbox.post("/clock/advance", seconds=7200)
    assert [move(event) for event in ("settle", "nonsense")] == [-409, -400]
    assert [move(event) for event in ("pay", "group", "confirm", "approve", "settle")] == [0, 1, 2, 3, 5]
    assert orders(promoter, sandbox, **before)["total_count"] == 0
    [row] = orders(promoter, sandbox)["order_list"]
    assert (row["order_status"], row["order_status_desc"]) == (5, "已结算")
    assert row["order_settle_time"] == row["order_modify_at"] > row["order_create_time"]
    detail = promoter.call("pdd.ddk.order.detail.get", order_sn=row["order_sn"])["order_detail_response"]
    assert detail["pid"] == row["p_id"]

    other = buy(sandbox, promoter.promote(tea)["url"])
    gone = sandbox.post("/shops/orders", platform=NAME, order_no=other["order_no"], event="refund").json()
    assert (gone["row"]["order_status"], gone["row"]["fail_reason"], gone["commission_fen"]) == (4, "订单退款", 0)
    books = {row["order_no"]: row for row in sandbox.http.get("/books").json()}
    assert [books[one["order_no"]]["refunded_fen"] for one in (order, other)] == [0, 1999]

    third = buy(sandbox, promoter.promote(tea)["url"], paid=False)
    left = sandbox.http.get("/shops").json()
    sandbox.post("/shops/orders", platform=NAME, order_no=third["order_no"], event="abandon")
    after = sandbox.http.get("/shops").json()
    shown = [next(s for s in shops if s["platform"] == NAME)["skus"][0]["quantity"] for shops in (left, after)]
    assert shown[1] == shown[0] + 1


def test_promoters_of_other_merchants_are_apart(sandbox, promoter, tea):
    order = buy(sandbox, promoter.promote(tea)["url"])
    other = Promoter(sandbox.platform(NAME, "other"))
    try:
        assert orders(other, sandbox)["total_count"] == 0
        assert "error_response" in other.call("pdd.ddk.order.detail.get", order_sn=order["order_no"])
        stolen = other.call(SEARCH, keyword="x", pid=promoter.credentials["pid"])
        assert error_of(stolen) == (50001, "21001")
    finally:
        other.http.close()


def test_faults(sandbox, promoter, tea):
    def fault(kind: str, **more) -> None:
        sandbox.faults({"platform": NAME, "kind": kind, "rate": 1, "limit": 1, **more})

    for kind, code in (("throttled", 52101), ("server_error", 52001)):
        fault(kind)
        assert error_of(orders(promoter, sandbox))[0] == code
        assert orders(promoter, sandbox)["total_count"] == 0
    fault("not_filed")
    assert error_of(promoter.call(SEARCH, keyword="x", pid=promoter.credentials["pid"])) == (50001, "60001")
    fault("lost_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        promoter.promote(tea)
    assert [event["kind"] for event in sandbox.events("promoted")] == ["promoted"], "it was made all the same"
    sandbox.post("/shops/stock", platform=NAME, sku="CUP", title="杯", price_fen=500)
    fault("search_strays")
    answer = promoter.call(SEARCH, keyword=tea["goods_id"], pid=promoter.credentials["pid"])
    assert [row["goods_name"] for row in answer["goods_search_response"]["goods_list"]] == ["杯", "龙井 & 茶"]
    fault("slow", seconds=0)
    assert orders(promoter, sandbox)["total_count"] == 0


def test_a_reset_gives_the_same_again(sandbox, promoter, tea):
    first = [promoter.promote(tea)["url"], buy(sandbox, promoter.promote(tea)["url"])["row"]["order_id"], tea]
    sandbox.post("/reset")
    assert orders(promoter, sandbox)["total_count"] == 0
    assert sandbox.platform(NAME)["credentials"] == promoter.credentials
    again = sandbox.post(
        "/shops/stock", platform=NAME, sku="TEA", title="龙井 & 茶", price_fen=1999, quantity=20, commission_bps=1500
    ).json()
    order_id = buy(sandbox, promoter.promote(again)["url"])["row"]["order_id"]
    assert first[1:] == [order_id, again]
