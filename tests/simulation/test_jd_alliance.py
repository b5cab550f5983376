"""The simulated 京东联盟: signatures, addresses and their marks, orders that tell them, windows and pages, faults."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta, timezone

import httpx
import pytest

CHINA = timezone(timedelta(hours=8))
COMMON = "jd.union.open.promotion.common.get"
BY_SUB_UNION = "jd.union.open.promotion.bysubunionid.get"
ROWS = "jd.union.open.order.row.query"
MARK = "0Hk3vQ7Zb1"


class Promoter:
    """Signs by itself, as the documents say, and reads both envelopes."""

    def __init__(self, sandbox, merchant="default"):
        told = sandbox.platform("jd_alliance", merchant)
        self.sandbox = sandbox
        self.base_url = told["base_url"]
        self.credentials = told["credentials"]
        self.more = told["more_credentials"]
        self.http = httpx.Client(trust_env=False, timeout=20)

    def post(self, fields, path="/routerjson"):
        answer = self.http.post(self.base_url + path, data=fields)
        assert answer.status_code == 200
        return answer.json()

    def signed(self, fields, secret=None):
        key = secret or self.credentials["app_secret"]
        text = "".join(name + value for name, value in sorted(fields.items()))
        return {**fields, "sign": hashlib.md5(f"{key}{text}{key}".encode()).hexdigest().upper()}

    def fields(self, method, name, asked, business="360buy_param_json", **system):
        return {
            "method": method,
            "app_key": self.credentials["app_key"],
            "timestamp": china(self.sandbox),
            "format": "json",
            "v": "1.0",
            "sign_method": "md5",
            business: json.dumps({name: asked}, ensure_ascii=False),
            **system,
        }

    def call(self, method, name, asked, secret=None, **system):
        body = self.post(self.signed(self.fields(method, name, asked, **system), secret))
        if "error_response" in body:
            return {"gateway": int(body["error_response"]["code"])}
        inner = body[method.replace(".", "_") + "_responce"]
        return json.loads(inner[method.rpartition(".")[2] + "Result"])

    def make(self, material, mark=MARK, method=BY_SUB_UNION, **more):
        return self.call(method, "promotionCodeReq", {"materialId": material, "subUnionId": mark, **more})

    def rows(self, start_s=-3599, end_s=1, page=1, size=500, kind=3, **more):
        window = {"startTime": china(self.sandbox, start_s), "endTime": china(self.sandbox, end_s)}
        asked = {"pageIndex": page, "pageSize": size, "type": kind, **window, **more}
        return self.call(ROWS, "orderReq", asked)


@pytest.fixture
def promoter(sandbox):
    made = Promoter(sandbox)
    yield made
    made.http.close()


def china(sandbox, ahead_s=0):
    now = datetime.fromisoformat(sandbox.http.get("/clock").json()["now"]) + timedelta(seconds=ahead_s)
    return now.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def stock(sandbox, sku="BREAD-1", quantity=50, price_fen=5400, **more):
    entry = {"platform": "jd_alliance", "sku": sku, "title": "小面包", "price_fen": price_fen, "quantity": quantity}
    answer = sandbox.post("/shops/stock", **entry, commission_bps=450, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def buy(sandbox, address, **more):
    answer = sandbox.post("/buy", platform="jd_alliance", address=address, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def move(sandbox, order, event):
    answer = sandbox.post("/shops/orders", platform="jd_alliance", order_no=order["order_no"], event=event)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fault(sandbox, kind, **more):
    sandbox.faults({"platform": "jd_alliance", "kind": kind, "rate": 1, **more})


def test_an_order_tells_what_its_address_carried(sandbox, promoter):
    page = stock(sandbox)["url"]
    made = promoter.make(page, chainType=3, positionId=7)["data"]
    assert re.fullmatch(r"https://union-click\.jd\.com/jdc\?e=\w+&p=\w+", made["clickURL"])
    assert re.fullmatch(r"https://u\.jd\.com/\w{7}", made["shortURL"])
    order = buy(sandbox, made["shortURL"], quantity=2)
    [row] = promoter.rows()["data"]
    assert (row["subUnionId"], row["positionId"], row["validCode"]) == (MARK, 7, 16)
    assert str(row["orderId"]) == order["order_no"]
    assert row["orderId"] > 2**53
    assert (row["price"], row["estimateCosPrice"], row["estimateFee"], row["actualFee"]) == (54.0, 108.0, 4.86, 0.0)
    assert row["skuId"] == int(page.rpartition("/")[2].removesuffix(".html"))
    assert row == order["row"]
    plain = promoter.make(page, mark="")["data"]
    assert set(plain) == {"shortURL"}
    assert "" in [row["subUnionId"] for row in [buy(sandbox, plain["shortURL"])["row"]]]


def test_the_sums_are_numbers_with_decimals_inside_a_text(sandbox, promoter):
    made = promoter.make(stock(sandbox)["url"])["data"]
    buy(sandbox, made["shortURL"])
    window = {"startTime": china(sandbox, -10), "endTime": china(sandbox, 10)}
    asked = {"pageIndex": 1, "pageSize": 10, "type": 3, **window}
    body = promoter.post(promoter.signed(promoter.fields(ROWS, "orderReq", asked)))
    text = body["jd_union_open_order_row_query_responce"]["queryResult"]
    assert '"estimateFee":2.43,' in text
    assert '"commissionRate":4.50,' in text


def test_the_call_for_sites_wants_the_promoters_own_site(sandbox, promoter):
    page = stock(sandbox)["url"]
    made = promoter.make(page, method=COMMON, siteId=promoter.more["site_id"])["data"]
    assert made["clickURL"].startswith("http://union-click.jd.com/")
    buy(sandbox, made["clickURL"].replace("http://", "https://"))
    order = buy(sandbox, made["clickURL"])
    assert order["row"]["siteId"] == int(promoter.more["site_id"])
    assert promoter.make(page, method=COMMON)["code"] == 2001501
    assert promoter.make(page, method=COMMON, siteId="1")["code"] == 2001610


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mark": "a b"}, 2001208),
        ({"mark": "M" * 81}, 2001208),
        ({"mark": "编号"}, 2001208),
        ({"pid": "618_618_6018"}, 2001214),
        ({"couponUrl": "http://coupon.jd.com/x"}, 2001701),
        ({"chainType": 4}, 2001212),
        ({"positionId": "x"}, 2001212),
        ({"material": "100010793716"}, 2001101),
        ({"material": "https://[item.jd.com/1.html"}, 2001101),
        ({"material": "https://www.jd.com/"}, 2001102),
        ({"material": "https://item.jd.com/1.html"}, 2001104),
        ({"material": ""}, 2001212),
    ],
)
def test_wrong_arguments_have_codes_of_their_own(sandbox, promoter, changes, code):
    page = stock(sandbox)["url"]
    assert promoter.make(**{"material": page, **changes})["code"] == code


def test_goods_may_have_a_given_number_and_both_pages_are_theirs(sandbox, promoter):
    stock(sandbox, goods_id="100010793716")
    for page in ("https://item.jd.com/100010793716.html", "https://item.m.jd.com/product/100010793716.html"):
        again = promoter.make(promoter.make(page)["data"]["shortURL"], mark="again")
        assert again["code"] == 200
    taken = sandbox.post("/shops/stock", platform="jd_alliance", sku="OTHER", goods_id="100010793716")
    assert taken.status_code == 400
    assert sandbox.post("/buy", platform="jd_alliance", address="https://u.jd.com/none").status_code == 404
    address = again["data"]["shortURL"]
    assert sandbox.post("/buy", platform="jd_alliance", address=address, quantity=51).status_code == 409


def test_short_addresses_end_and_long_ones_do_not(sandbox, promoter):
    made = promoter.make(stock(sandbox)["url"], chainType=3)["data"]
    sandbox.post("/clock/advance", seconds=60 * 86_400)
    assert sandbox.post("/buy", platform="jd_alliance", address=made["shortURL"]).status_code == 400
    buy(sandbox, made["clickURL"])


def test_an_orders_life(sandbox, promoter):
    address = promoter.make(stock(sandbox)["url"])["data"]["shortURL"]
    order = buy(sandbox, address, paid=False)
    assert order["row"]["validCode"] == 15
    assert move(sandbox, order, "pay")["row"]["validCode"] == 16
    done = move(sandbox, order, "confirm")["row"]
    assert (done["validCode"], done["actualCosPrice"], done["actualFee"]) == (17, 54.0, 2.43)
    assert re.fullmatch(r"20\d{4}20", done["payMonth"])
    assert done["payMonth"] > china(sandbox)[:10].replace("-", "")
    settled = move(sandbox, order, "settle")["row"]
    assert settled["payMonth"] < china(sandbox)[:10].replace("-", "")
    returned = move(sandbox, order, "refund")["row"]
    assert (returned["validCode"], returned["skuReturnNum"], returned["actualFee"]) == (17, 1, 0.0)
    for before, event, code in (("pay", "refund", 3), ("pay", "refuse", 27), (None, "abandon", 3)):
        order = buy(sandbox, address, paid=before is not None)
        row = move(sandbox, order, event)["row"]
        assert (row["validCode"], row["estimateFee"]) == (code, 0.0)
    for number, event, status in ((order["order_no"], "confirm", 409), ("9" * 5000, "pay", 404), ("1", "lose", 400)):
        wrong = sandbox.post("/shops/orders", platform="jd_alliance", order_no=number, event=event)
        assert wrong.status_code == status, event
    books = [row for row in sandbox.http.get("/books").json() if row["platform"] == "jd_alliance"]
    assert [(row["amount_fen"], row["refunded_fen"]) for row in books] == [(5400, 5400), (5400, 5400), (5400, 0)]


def test_windows_and_pages_are_limited(sandbox, promoter):
    assert promoter.rows(start_s=-3600, end_s=1)["code"] == 2002453
    assert promoter.rows(start_s=-3600, end_s=0)["code"] == 200
    assert promoter.rows(start_s=1, end_s=0)["code"] == 2002400
    for wrong in ({"size": 501}, {"page": 0}, {"kind": 4}, {"size": None}, {"kind": None}):
        assert promoter.rows(**wrong)["code"] == 2002400, wrong
    empty = promoter.rows()
    assert (empty["code"], empty["hasMore"], "data" in empty) == (200, False, False)


def test_rows_are_found_by_each_time_and_by_number(sandbox, promoter):
    address = promoter.make(stock(sandbox)["url"])["data"]["shortURL"]
    order = buy(sandbox, address)
    sandbox.post("/clock/advance", seconds=7200)
    assert promoter.rows(kind=1)["hasMore"] is False
    assert "data" not in promoter.rows(kind=1)
    move(sandbox, order, "confirm")
    for kind, count in ((1, 0), (2, 1), (3, 1)):
        assert len(promoter.rows(kind=kind).get("data", [])) == count, kind
    [row] = promoter.call(ROWS, "orderReq", {"orderId": int(order["order_no"]), "fields": "goodsInfo"})["data"]
    assert row["goodsInfo"]["shopId"] == row["popId"]


def test_reading_forward_skips_a_row_that_moves_up(sandbox, promoter):
    address = promoter.make(stock(sandbox)["url"])["data"]["shortURL"]
    for _ in range(5):
        buy(sandbox, address)
        sandbox.post("/clock/advance", seconds=2)
    start, end = china(sandbox, -3000), china(sandbox)

    def pages(order):
        asked = {"pageSize": 2, "type": 3, "startTime": start, "endTime": end}
        got = [promoter.call(ROWS, "orderReq", {**asked, "pageIndex": page}).get("data", []) for page in order]
        return {row["id"] for rows in got for row in rows}

    assert len(pages([1, 2, 3])) == 5
    fault(sandbox, "rows_shift", limit=1)
    assert len(pages([1, 2, 3])) == 4
    fault(sandbox, "rows_shift", limit=1)
    assert len(pages([2, 1])) == 4  # all that is left in the window


def test_the_gateway_refuses_in_its_own_envelope(sandbox, promoter):
    asked = {"pageIndex": 1, "pageSize": 10, "type": 3}

    def code(secret=None, **system):
        body = promoter.post(promoter.signed({**promoter.fields(ROWS, "orderReq", asked), **system}, secret))
        return int(body["error_response"]["code"])

    assert code(secret="0" * 32) == 12
    assert code(app_key="0" * 32) == 21
    assert code(method="jd.union.open.none") == 15
    assert code(v="2.0") == 5
    assert code(sign_method="hmac") == 12
    assert code(timestamp="2020-01-01 00:00:00") == 8
    assert code(timestamp=china(sandbox, 361 + 5)) == 8
    assert code(timestamp="now") == 8
    fields = promoter.fields(ROWS, "orderReq", asked)
    for name, missing in (("method", 14), ("app_key", 20), ("timestamp", 7), ("v", 4)):
        body = promoter.post(promoter.signed({key: value for key, value in fields.items() if key != name}))
        assert body["error_response"]["code"] == str(missing)
    assert promoter.post(fields)["error_response"]["zh_desc"] == "缺少签名参数"
    spoilt = {**promoter.signed(fields), "360buy_param_json": fields["360buy_param_json"] + " "}
    assert promoter.post(spoilt)["error_response"]["code"] == "12"
    broken = promoter.signed({**fields, "360buy_param_json": "{"})
    assert promoter.post(broken)["error_response"]["code"] == "62"
    assert promoter.http.post(promoter.base_url + "/other").status_code == 404


def test_the_older_address_has_names_of_its_own(sandbox, promoter):
    page = stock(sandbox)["url"]
    asked = {"materialId": page, "subUnionId": MARK, "couponUrl": None}
    fields = promoter.fields(BY_SUB_UNION, "promotionCodeReq", asked, business="param_json")
    del fields["sign_method"]
    body = promoter.post(promoter.signed(fields), path="/api")
    result = json.loads(body["jd_union_open_promotion_bysubunionid_get_response"]["result"])
    assert result["data"]["shortURL"].startswith("https://u.jd.com/")
    newer = promoter.post(promoter.signed(fields))
    assert newer["error_response"]["code"] == "62"


def test_faults(sandbox, promoter):
    page = stock(sandbox)["url"]
    address = promoter.make(page)["data"]["shortURL"]
    buy(sandbox, address)
    for kind, made, told in (
        ("throttled", ("code", 429), ("gateway", 2)),
        ("server_error", ("gateway", 67), ("gateway", 67)),
        ("degraded", ("code", 2001609), ("code", 2002408)),
        ("no_permission", ("code", 2001403), ("code", 2002403)),
    ):
        fault(sandbox, kind)
        assert promoter.make(page)[made[0]] == made[1], kind
        assert promoter.rows()[told[0]] == told[1], kind
    fault(sandbox, "marks_hidden")
    assert promoter.rows()["data"][0]["subUnionId"] == ""
    fault(sandbox, "slow", seconds=0)
    assert promoter.rows()["data"][0]["subUnionId"] == MARK
    fault(sandbox, "lost_answer")
    with pytest.raises(httpx.HTTPError):
        promoter.make(page, mark="lost")
    assert sandbox.events("address_made")[-1]["detail"]["mark"] == "lost"


@pytest.mark.long
def test_orders_of_others_are_not_told(sandbox, promoter):
    buy(sandbox, promoter.make(stock(sandbox)["url"])["data"]["shortURL"])
    other = Promoter(sandbox, "other")
    assert "data" in promoter.rows()
    assert "data" not in other.rows()
    other.http.close()


@pytest.mark.long
def test_old_orders_are_not_told(sandbox, promoter):
    order = buy(sandbox, promoter.make(stock(sandbox)["url"])["data"]["shortURL"])
    asked = {"orderId": order["order_no"]}
    assert len(promoter.call(ROWS, "orderReq", asked)["data"]) == 1
    sandbox.post("/clock/advance", seconds=91 * 86_400)
    assert "data" not in promoter.call(ROWS, "orderReq", asked)


@pytest.mark.long
def test_a_seed_gives_the_same_again(new_sandbox):
    told = []
    for _ in range(2):
        sandbox = new_sandbox(7)
        promoter = Promoter(sandbox)
        made = promoter.make(stock(sandbox)["url"], chainType=3)["data"]
        told.append((promoter.credentials, promoter.more, made, buy(sandbox, made["shortURL"])["order_no"]))
        promoter.http.close()
    assert told[0] == told[1]
