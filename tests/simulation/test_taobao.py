"""The simulated TOP gateway: signatures, windows and pages, stock, parcels, faults."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from datetime import datetime, timedelta, timezone

import pytest

CHINA = timezone(timedelta(hours=8))
FIELDS = "tid,status,payment,modified,orders"


def stock(sandbox, quantity: int = 10, sku: str = "BREAD-1", **extra) -> dict:
    answer = sandbox.post(
        "/shops/stock", platform="taobao", sku=sku, quantity=quantity, title="小面包", price_fen=1230, **extra
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def buy(sandbox, quantity: int = 1, sku: str = "BREAD-1", **extra) -> dict:
    answer = sandbox.post("/buy", platform="taobao", sku=sku, quantity=quantity, **extra)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(sandbox, sku: str = "BREAD-1") -> int:
    shop = next(s for s in sandbox.http.get("/shops").json() if s["merchant"] == "default")
    return next(row["quantity"] for row in shop["skus"] if row["sku"] == sku)


def china(sandbox, *, ahead_s: int = 0) -> str:
    now = datetime.fromisoformat(sandbox.http.get("/clock").json()["now"]) + timedelta(seconds=ahead_s)
    return now.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def increment(seller, sandbox, **arguments) -> dict:
    window = {"start_modified": china(sandbox, ahead_s=-3600), "end_modified": china(sandbox)}
    answer = seller.call("taobao.trades.sold.increment.get", **{"fields": FIELDS, **window, **arguments})
    return answer.get("trades_sold_increment_get_response", answer)


def error_of(answer: dict) -> tuple[int, str]:
    return answer["error_response"]["code"], answer["error_response"].get("sub_code", "")


def test_a_paid_order_is_pulled_and_the_shops_own_stock_goes_down(sandbox, seller):
    stock(sandbox)
    order = buy(sandbox, 2)
    assert shown(sandbox) == 8
    body = increment(seller, sandbox)
    [row] = body["trades"]["trade"]
    assert str(row["tid"]) == order["order_no"]
    assert row["tid"] > 2**53
    assert row["payment"] == "24.60"
    assert row["status"] == "WAIT_SELLER_SEND_GOODS"
    [line] = row["orders"]["order"]
    assert (line["outer_sku_id"], line["num"], line["price"]) == ("BREAD-1", 2, "12.30")
    assert body["total_results"] == 1
    assert set(row) == set(FIELDS.split(","))


def test_the_platform_never_sells_more_than_it_shows(sandbox):
    stock(sandbox, 1)
    buy(sandbox, 1)
    assert sandbox.post("/buy", platform="taobao", sku="BREAD-1", quantity=1).status_code == 409
    assert sandbox.post("/buy", platform="taobao", sku="NONE", quantity=1).status_code == 404
    stock(sandbox, 5, sku="A")
    lines = [{"sku": "A", "quantity": 2}, {"sku": "BREAD-1", "quantity": 1}]
    assert sandbox.post("/buy", platform="taobao", lines=lines).status_code == 409
    assert shown(sandbox, "A") == 5


def test_empty_page_has_no_trades_at_all(sandbox, seller):
    body = increment(seller, sandbox)
    assert body["total_results"] == 0
    assert "trades" not in body
    assert increment(seller, sandbox, use_has_next="true")["has_next"] is False


def test_buyers_are_masked(sandbox, seller):
    stock(sandbox)
    tid = buy(sandbox)["order_no"]
    fields = "tid,receiver_name,receiver_mobile,receiver_address,oaid,buyer_nick"
    row = seller.call("taobao.trade.fullinfo.get", tid=tid, fields=fields)["trade_fullinfo_get_response"]["trade"]
    assert re.fullmatch(r".\*\*", row["receiver_name"])
    assert re.fullmatch(r"\d{3}\*{4}\d{4}", row["receiver_mobile"])
    assert "oaid" not in row
    again = seller.call("taobao.trade.fullinfo.get", tid=tid, fields=fields, include_oaid="true")
    assert len(again["trade_fullinfo_get_response"]["trade"]["oaid"]) == 32


def test_windows_and_pages_are_limited(sandbox, seller):
    start = china(sandbox, ahead_s=-90_000)
    assert error_of(increment(seller, sandbox, start_modified=start))[0] == 41
    assert error_of(increment(seller, sandbox, page_size=101))[0] == 41
    assert error_of(increment(seller, sandbox, page_no=0))[0] == 41
    assert error_of(increment(seller, sandbox, end_modified="tomorrow"))[0] == 41
    assert error_of(seller.call("taobao.trades.sold.increment.get", fields="tid"))[0] == 40
    assert error_of(increment(seller, sandbox, fields=""))[0] == 40


def pages_of(seller, sandbox, order: list[int], window: dict) -> set[str]:
    seen: set[str] = set()
    for page_no in order:
        body = increment(seller, sandbox, page_no=page_no, page_size=2, **window)
        seen |= {str(row["tid"]) for row in body.get("trades", {}).get("trade", [])}
    return seen


def test_paging_forward_loses_a_row_when_rows_move_and_backward_does_not(sandbox, seller):
    stock(sandbox)
    window = {"start_modified": china(sandbox)}
    for _ in range(6):
        buy(sandbox)
        sandbox.post("/clock/advance", seconds=2)
    window["end_modified"] = china(sandbox)
    everything = pages_of(seller, sandbox, [1, 2, 3], window)
    assert len(everything) == 6
    shift = {"platform": "taobao", "kind": "rows_shift", "rate": 1, "limit": 1}
    sandbox.faults(shift)
    assert len(pages_of(seller, sandbox, [3, 2, 1], window)) == 6
    sandbox.faults(shift)
    assert len(pages_of(seller, sandbox, [1, 2, 3], window)) < 6


def test_stock_is_written_whole_or_by_difference(sandbox, seller):
    row = stock(sandbox, 10)
    where = {"num_iid": row["num_iid"]}
    answer = seller.call("taobao.skus.quantity.update", **where, skuid_quantities=f"{row['sku_id']}:7")
    item = answer["skus_quantity_update_response"]["item"]
    assert item["skus"]["sku"][0]["quantity"] == 7
    assert item["num"] == 7
    seller.call("taobao.skus.quantity.update", **where, outerid_quantities="BREAD-1:-2", type=2)
    assert shown(sandbox) == 5
    seller.call("taobao.item.quantity.update", **where, sku_id=row["sku_id"], quantity=4, type=1)
    assert shown(sandbox) == 4
    bad = seller.call("taobao.skus.quantity.update", **where, outerid_quantities="BREAD-1:-9", type=2)
    assert error_of(bad)[0] == 15
    assert error_of(seller.call("taobao.skus.quantity.update", **where, skuid_quantities="1:1"))[0] == 15
    assert error_of(seller.call("taobao.skus.quantity.update", num_iid=1, skuid_quantities="1:1"))[0] == 15
    assert shown(sandbox) == 4


def test_goods_are_found_by_the_sellers_code(sandbox, seller):
    row = stock(sandbox, 10)
    fields = "sku_id,num_iid,outer_id,quantity,price"
    answer = seller.call("taobao.skus.custom.get", outer_id="BREAD-1", fields=fields)
    [sku] = answer["skus_custom_get_response"]["skus"]["sku"]
    assert (str(sku["sku_id"]), sku["quantity"], sku["price"]) == (row["sku_id"], 10, "12.30")
    answer = seller.call("taobao.item.skus.get", num_iids=row["num_iid"], fields=fields)
    assert answer["item_skus_get_response"]["skus"]["sku"] == [sku]
    assert "skus" not in seller.call("taobao.skus.custom.get", outer_id="X", fields=fields)["skus_custom_get_response"]
    items = seller.call("taobao.items.onsale.get", fields="num_iid,title,num")["items_onsale_get_response"]
    assert items["items"]["item"] == [{"num_iid": int(row["num_iid"]), "title": "小面包", "num": 10}]


def test_shipping(sandbox, seller):
    stock(sandbox)
    stock(sandbox, sku="CAKE")
    tid = buy(sandbox)["order_no"]
    parcel = {"company_code": "SF", "out_sid": "SF1"}
    answer = seller.call("taobao.logistics.offline.send", tid=tid, **parcel)
    assert answer["logistics_offline_send_response"]["shipping"]["is_success"] is True
    again = seller.call("taobao.logistics.offline.send", tid=tid, **parcel)
    assert error_of(again) == (15, "isv.logistics-offline-service-error:B04")
    unknown = seller.call("taobao.logistics.offline.send", tid="1", **parcel)
    assert error_of(unknown) == (15, "isv.logistics-offline-service-error:B01")

    lines = [{"sku": "BREAD-1", "quantity": 1}, {"sku": "CAKE", "quantity": 1}]
    order = sandbox.post("/buy", platform="taobao", lines=lines).json()
    tid, first = order["order_no"], order["trade"]["orders"]["order"][0]["oid_str"]
    seller.call("taobao.logistics.offline.send", tid=tid, sub_tid=first, **parcel)

    def status() -> list[str]:
        answer = seller.call("taobao.trade.fullinfo.get", tid=tid, fields="status,orders")
        row = answer["trade_fullinfo_get_response"]["trade"]
        return [row["status"], *(line["status"] for line in row["orders"]["order"])]

    assert status() == ["SELLER_CONSIGNED_PART", "WAIT_BUYER_CONFIRM_GOODS", "WAIT_SELLER_SEND_GOODS"]
    seller.call("taobao.logistics.online.send", tid=tid, **parcel)
    assert status() == ["WAIT_BUYER_CONFIRM_GOODS"] * 3


def test_envelope_of_refusals(sandbox, seller):
    call = seller.call
    assert error_of(call("taobao.time.get", secret="wrong"))[0] == 25
    assert error_of(call("taobao.items.onsale.get", fields="title", system={"session": "6100bad"}))[0] == 27
    assert error_of(call("taobao.items.onsale.get", fields="title", system={"session": ""}))[0] == 26
    assert error_of(call("taobao.no.such.method"))[0] == 22
    assert error_of(call("taobao.time.get", system={"app_key": "1"}))[0] == 29
    assert error_of(call("taobao.time.get", system={"v": "1.0"}))[0] == 33
    assert error_of(call("taobao.time.get", system={"timestamp": "1000000000000"}))[0] == 31
    assert error_of(call("taobao.trade.fullinfo.get", tid="77", fields="tid"))[0] == 15
    body = call("taobao.time.get", secret="wrong")["error_response"]
    assert body["msg"] == "Invalid signature"
    assert body["request_id"]


def test_both_spellings_of_time_and_all_signatures(sandbox, seller):
    text_time = datetime.now(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    assert "time_get_response" in seller.call("taobao.time.get", system={"timestamp": text_time})
    for sign_method, digest in (("hmac", "md5"), ("hmac-sha256", "sha256")):
        parameters = {
            "method": "taobao.time.get",
            "app_key": seller.credentials["app_key"],
            "timestamp": str(int(time.time() * 1000)),
            "format": "json",
            "v": "2.0",
            "sign_method": sign_method,
        }
        text = "".join(k + v for k, v in sorted(parameters.items()))
        keyed = hmac.new(seller.credentials["app_secret"].encode(), text.encode(), getattr(hashlib, digest))
        sent = {**parameters, "sign": keyed.hexdigest().upper()}
        assert "time_get_response" in seller.http.get(seller.base_url + "/router/rest", params=sent).json()
        sent["sign"] = keyed.hexdigest()
        assert error_of(seller.http.get(seller.base_url + "/router/rest", params=sent).json())[0] == 25


def test_shops_of_other_merchants_are_apart(sandbox, seller):
    stock(sandbox)
    other = sandbox.platform("taobao", "other")["credentials"]
    assert other["app_key"] != seller.credentials["app_key"]
    stock(sandbox, 3, shop_id=other["shop_id"])
    buy(sandbox, 1, shop_id=other["shop_id"])
    assert shown(sandbox) == 10
    assert increment(seller, sandbox)["total_results"] == 0
    stolen = seller.call("taobao.items.onsale.get", fields="title", system={"session": other["access_token"]})
    assert error_of(stolen)[0] == 27


def test_token_refresh_gives_a_new_session(sandbox, seller):
    token = seller.credentials["refresh_token"]
    answer = seller.call("taobao.top.auth.token.refresh", refresh_token=token, system={"session": ""})
    import json

    fresh = json.loads(answer["top_auth_token_refresh_response"]["token_result"])
    assert fresh["access_token"] != seller.credentials["access_token"]
    fine = seller.call("taobao.items.onsale.get", fields="title", system={"session": fresh["access_token"]})
    assert "items_onsale_get_response" in fine
    again = seller.call("taobao.top.auth.token.refresh", refresh_token=token, system={"session": ""})
    assert error_of(again)[0] == 15


def test_faults(sandbox, seller):
    row = stock(sandbox, 10)

    def fault(kind: str) -> None:
        sandbox.faults({"platform": "taobao", "kind": kind, "rate": 1, "limit": 1})

    for kind, code in (("throttled", 7), ("invalid_session", 27), ("server_error", 15)):
        fault(kind)
        assert error_of(increment(seller, sandbox))[0] == code
        assert increment(seller, sandbox)["total_results"] == 0
    fault("lost_answer")
    import httpx

    with pytest.raises(httpx.RemoteProtocolError):
        seller.call("taobao.skus.quantity.update", num_iid=row["num_iid"], skuid_quantities=f"{row['sku_id']}:3")
    assert shown(sandbox) == 3


def test_books_hold_the_orders(sandbox):
    stock(sandbox)
    order = buy(sandbox, 2)
    [row] = sandbox.http.get("/books").json()
    assert (row["platform"], row["order_no"], row["amount_fen"]) == ("taobao", order["order_no"], 2460)


def test_buyers_pay_late_give_up_confirm_and_get_refunds(sandbox, seller):
    stock(sandbox)

    def move(order: dict, event: str) -> dict:
        answer = sandbox.post("/shops/orders", platform="taobao", order_no=order["order_no"], event=event)
        return answer.json() if answer.status_code == 200 else {"refused": answer.status_code}

    unpaid = buy(sandbox, 3, paid=False)
    assert (unpaid["status"], shown(sandbox)) == ("WAIT_BUYER_PAY", 7)
    assert "pay_time" not in unpaid["trade"]
    assert sandbox.http.get("/books").json() == []
    assert error_of(
        seller.call("taobao.logistics.offline.send", tid=unpaid["order_no"], out_sid="1", company_code="SF")
    )
    assert move(unpaid, "abandon")["status"] == "TRADE_CLOSED_BY_TAOBAO"
    assert shown(sandbox) == 10
    assert move(unpaid, "pay") == {"refused": 409}

    order = buy(sandbox, 1, paid=False)
    assert move(order, "pay")["trade"]["pay_time"]
    seller.call("taobao.logistics.offline.send", tid=order["order_no"], out_sid="1", company_code="SF")
    assert move(order, "confirm")["status"] == "TRADE_FINISHED"

    order = buy(sandbox, 1)
    closed = move(order, "refund")["trade"]
    assert (closed["status"], closed["orders"]["order"][0]["refund_status"]) == ("TRADE_CLOSED", "SUCCESS")
    assert [row["refunded_fen"] for row in sandbox.http.get("/books").json()] == [0, 1230]
    assert move(order, "nonsense") == {"refused": 400}


def test_what_buyer_and_shop_wrote_comes_with_the_order(sandbox, seller):
    stock(sandbox)
    order = buy(sandbox, buyer_message="暗号K7Q2")
    plain = buy(sandbox)
    wanted = {"fields": "tid,modified,buyer_message,seller_memo"}
    rows = {str(row["tid"]): row for row in increment(seller, sandbox, **wanted)["trades"]["trade"]}
    assert rows[order["order_no"]]["buyer_message"] == "暗号K7Q2"
    assert not {"buyer_message", "seller_memo"} & set(rows[plain["order_no"]])
    memo = {"platform": "taobao", "order_no": plain["order_no"], "event": "memo"}
    assert sandbox.post("/shops/orders", **memo, text="客服：暗号 Z9X8").status_code == 200
    assert sandbox.post("/shops/orders", **memo).status_code == 400
    again = {str(row["tid"]): row for row in increment(seller, sandbox, **wanted)["trades"]["trade"]}
    assert again[plain["order_no"]]["seller_memo"] == "客服：暗号 Z9X8"
