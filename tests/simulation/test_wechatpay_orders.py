"""Orders, queries, closes and refunds at the simulated WeChat Pay."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_native_order_is_paid_and_read_back(sandbox, wechat):
    code_url = wechat.order("order-0001", 1230).json()["code_url"]
    assert code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    before = wechat.query("order-0001").json()
    assert before["trade_state"] == "NOTPAY"
    assert "transaction_id" not in before

    paid = sandbox.post("/pay", platform="wechatpay", code_url=code_url).json()

    after = wechat.query("order-0001").json()
    assert after == paid
    assert after["trade_state"] == "SUCCESS"
    assert after["amount"] == {"total": 1230, "payer_total": 1230, "currency": "CNY", "payer_currency": "CNY"}
    assert after["trade_type"] == "NATIVE"
    mchid = wechat.credentials["mchid"]
    by_id = wechat.call("GET", f"/v3/pay/transactions/id/{after['transaction_id']}?mchid={mchid}")
    assert by_id.json() == after


def test_both_signature_modes_live_side_by_side(wechat, wechat_by_public_key):
    assert wechat.order("order-0001").headers["Wechatpay-Serial"] != wechat.credentials["public_key_id"]
    answer = wechat_by_public_key.order("order-0002")
    assert answer.headers["Wechatpay-Serial"] == wechat.credentials["public_key_id"]
    assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert answer.headers["Request-ID"]


def test_certificates_rotate(sandbox, wechat):
    first = wechat.order("order-0001").headers["Wechatpay-Serial"]
    rows = wechat.call("GET", "/v3/certificates").json()["data"]
    assert first in [row["serial_no"] for row in rows]
    assert len(rows) >= 2
    second = sandbox.post("/certificates/rotate").json()["serial_no"]
    assert second != first
    assert second in [row["serial_no"] for row in rows], "the next certificate is served before it is used"
    assert wechat.order("order-0002").headers["Wechatpay-Serial"] == second
    later = [row["serial_no"] for row in wechat.call("GET", "/v3/certificates").json()["data"]]
    assert first in later


def test_signature_covers_the_body(wechat):
    body = {"mchid": wechat.credentials["mchid"]}
    answer = wechat.call("POST", "/v3/pay/transactions/out-trade-no/nothing-1/close", body, spoil="mchid>mchie")
    assert code_of(answer) == (401, "SIGN_ERROR")
    assert "Wechatpay-Signature" not in answer.headers


def test_unsigned_request_is_refused(wechat):
    answer = wechat.http.get(wechat.base_url + "/v3/certificates")
    assert code_of(answer) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"amount": {"total": 0, "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": 1.0, "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": "1", "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
        ({"notify_url": "http://127.0.0.1/x?y=1"}, "PARAM_ERROR"),
        ({"notify_url": None}, "PARAM_ERROR"),
        ({"description": "长" * 128}, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, "PARAM_ERROR"),
        ({"out_trade_no": "has space"}, "PARAM_ERROR"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "PARAM_ERROR"),
        ({"time_expire": "tomorrow"}, "PARAM_ERROR"),
        ({"mchid": "1600000000"}, "PARAM_ERROR"),
        ({"appid": "wx0000000000000000"}, "APPID_MCHID_NOT_MATCH"),
    ],
)
def test_bad_parameters_are_refused(wechat, extra, code):
    assert code_of(wechat.order("order-0001", **extra)) == (400, code)
    assert code_of(wechat.query("order-0001")) == (404, "ORDER_NOT_EXIST")


def test_h5_needs_its_scene_and_its_page_lives_five_minutes(sandbox, wechat):
    assert code_of(wechat.order("order-0001", method="h5")) == (400, "PARAM_ERROR")
    scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
    h5_url = wechat.order("order-0001", method="h5", scene_info=scene).json()["h5_url"]
    sandbox.post("/clock/advance", seconds=301)
    assert sandbox.post("/pay", platform="wechatpay", h5_url=h5_url).status_code == 400
    h5_url = wechat.order("order-0001", method="h5", scene_info=scene).json()["h5_url"]
    assert sandbox.post("/pay", platform="wechatpay", h5_url=h5_url).json()["trade_type"] == "MWEB"


def test_same_number_again(sandbox, wechat):
    first = wechat.order("order-0001", 100).json()["code_url"]
    assert wechat.order("order-0001", 100).json()["code_url"] == first
    assert code_of(wechat.order("order-0001", 200)) == (400, "INVALID_REQUEST")
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001")
    assert code_of(wechat.order("order-0001", 100)) == (400, "ORDERPAID")


def test_close(sandbox, wechat):
    wechat.order("order-0001")
    wechat.order("order-0002")
    target, body = "/v3/pay/transactions/out-trade-no/{}/close", {"mchid": wechat.credentials["mchid"]}
    closed = wechat.call("POST", target.format("order-0001"), body)
    assert (closed.status_code, closed.content) == (204, b"")
    assert wechat.query("order-0001").json()["trade_state"] == "CLOSED"
    assert sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001").status_code == 409
    assert code_of(wechat.order("order-0001")) == (400, "ORDER_CLOSED")
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0002")
    assert code_of(wechat.call("POST", target.format("order-0002"), body)) == (400, "ORDERPAID")
    assert code_of(wechat.call("POST", target.format("order-0009"), body)) == (404, "ORDER_NOT_EXIST")


def test_time_expire_closes_on_the_virtual_clock(sandbox, wechat):
    expires = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    wechat.order("order-0001", time_expire=expires)
    sandbox.post("/clock/advance", seconds=299 - 5)
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"
    sandbox.post("/clock/advance", seconds=10)
    assert wechat.query("order-0001").json()["trade_state"] == "CLOSED"


def test_refunds(sandbox, wechat):
    assert code_of(wechat.refund("order-0001", "r1", 1, 100)) == (404, "RESOURCE_NOT_EXISTS")
    wechat.order("order-0001", 1000)
    assert code_of(wechat.refund("order-0001", "r1", 1, 1000)) == (400, "INVALID_REQUEST")
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001")
    first = wechat.refund("order-0001", "r1", 300, 1000).json()
    assert (first["status"], first["amount"]["refund"]) == ("PROCESSING", 300)
    assert wechat.refund("order-0001", "r1", 300, 1000).json()["refund_id"] == first["refund_id"]
    assert code_of(wechat.refund("order-0001", "r1", 301, 1000)) == (400, "INVALID_REQUEST")
    assert code_of(wechat.refund("order-0001", "r2", 701, 1000)) == (400, "INVALID_REQUEST")
    assert code_of(wechat.refund("order-0001", "r2", 700, 999)) == (400, "INVALID_REQUEST")
    [row] = sandbox.http.get("/books").json()
    assert (row["refunded_fen"], row["refunding_fen"]) == (0, 300)
    sandbox.post("/clock/advance", seconds=10)
    settled = wechat.call("GET", "/v3/refund/domestic/refunds/r1").json()
    assert settled["status"] == "SUCCESS"
    assert wechat.query("order-0001").json()["trade_state"] == "REFUND"
    [row] = sandbox.http.get("/books").json()
    assert row == {
        "platform": "wechatpay",
        "merchant": "default",
        "seller": "",
        "order_no": "order-0001",
        "amount_fen": 1000,
        "refunded_fen": 300,
        "status": "REFUND",
        "fee_fen": 6,
        "refunded_fee_fen": 2,
        "refunding_fen": 0,
        "shared_fen": 0,
        "returned_fen": 0,
    }
    assert code_of(wechat.call("GET", "/v3/refund/domestic/refunds/none")) == (404, "RESOURCE_NOT_EXISTS")


def test_fifty_partial_refunds_and_no_more(sandbox, wechat):
    wechat.order("order-0001", 1000)
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001")
    for i in range(50):
        assert wechat.refund("order-0001", f"r{i}", 1, 1000).status_code == 200
    assert code_of(wechat.refund("order-0001", "r50", 1, 1000)) == (400, "INVALID_REQUEST")


def test_merchants_do_not_see_each_other(sandbox, wechat, other_wechat):
    wechat.order("order-0001", 100)
    other_wechat.order("order-0001", 200)
    assert other_wechat.query("order-0001").json()["amount"]["total"] == 200
    assert sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001").status_code == 400
    paid = sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001", merchant="other").json()
    assert paid["mchid"] == other_wechat.credentials["mchid"]
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"
    target = f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={wechat.credentials['mchid']}"
    assert code_of(wechat.call("GET", target)) == (404, "ORDER_NOT_EXIST")


def test_time_also_passes_by_itself(sandbox, wechat):
    """A refund settles after two seconds without anybody moving the clock."""
    wechat.order("order-0001", 1000)
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001")
    wechat.refund("order-0001", "r1", 1000, 1000)
    deadline = time.monotonic() + 8
    while wechat.call("GET", "/v3/refund/domestic/refunds/r1").json()["status"] == "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    [row] = sandbox.http.get("/books").json()
    assert row["refunded_fen"] == 1000


@pytest.mark.parametrize("age_s", [330, -330, 86_400])
def test_a_rightly_signed_request_with_a_stale_clock_is_refused(wechat, age_s):
    target = f"/v3/pay/transactions/out-trade-no/order-0001?mchid={wechat.credentials['mchid']}"
    assert code_of(wechat.call("GET", target, age_s=age_s)) == (401, "SIGN_ERROR")
    assert code_of(wechat.call("GET", target, age_s=age_s // abs(age_s) * 200)) == (404, "ORDER_NOT_EXIST")
