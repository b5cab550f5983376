"""Notices of the simulated WeChat Pay: true, retried, spoilt, struck by faults."""

from __future__ import annotations

import asyncio
import json

import pytest

RETRY_S = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600]


def pay(sandbox, number: str = "order-0001") -> dict:
    answer = sandbox.post("/pay", platform="wechatpay", out_trade_no=number)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_payment_notice_is_signed_sealed_and_true(sandbox, wechat, receiver):
    wechat.order("order-0001", notify_url=receiver.url, attach="table 7")
    trade = pay(sandbox)
    [(headers, body)] = receiver.got
    wechat.verify(headers, body)
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    notice = wechat.open_notice(body)
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    assert notice["resource"] == trade
    assert trade["attach"] == "table 7"


def test_notice_follows_the_mode_of_the_order(sandbox, wechat_by_public_key, receiver):
    wechat_by_public_key.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    [(headers, body)] = receiver.got
    assert headers["Wechatpay-Serial"] == wechat_by_public_key.credentials["public_key_id"]
    wechat_by_public_key.verify(headers, body)


def test_refund_notice(sandbox, wechat, receiver):
    wechat.order("order-0001", 500)
    pay(sandbox)
    wechat.refund("order-0001", "r1", 200, 500, notify_url=receiver.url)
    assert receiver.got == []
    sandbox.post("/clock/advance", seconds=10)
    [(headers, body)] = receiver.got
    wechat.verify(headers, body)
    notice = wechat.open_notice(body)
    assert notice["event_type"] == "REFUND.SUCCESS"
    assert notice["resource"]["refund_status"] == "SUCCESS"
    assert notice["resource"]["amount"] == {"total": 500, "refund": 200, "payer_total": 500, "payer_refund": 200}


def test_refused_notices_are_retried_over_a_day_and_then_no_more(sandbox, wechat, receiver):
    receiver.status = 500
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    for count, wait_s in enumerate(RETRY_S, start=1):
        assert len(receiver.got) == count
        sandbox.post("/clock/advance", seconds=wait_s - 1)
        assert len(receiver.got) == count
        sandbox.post("/clock/advance", seconds=1)
    sandbox.post("/clock/advance", seconds=86_400)
    assert len(receiver.got) == 1 + len(RETRY_S)
    assert sum(RETRY_S) == 24 * 3600 + 4 * 60
    assert len({body for _, body in receiver.got}) == 1
    assert len({json.loads(body)["id"] for _, body in receiver.got}) == 1


def test_one_advance_runs_the_whole_schedule(sandbox, wechat, receiver):
    receiver.status = 500
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    assert sandbox.post("/clock/advance", seconds=sum(RETRY_S)).json()["fired"] == len(RETRY_S)


def test_acknowledged_notice_is_not_sent_again(sandbox, wechat, receiver):
    receiver.answers = [500, 200]
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    sandbox.post("/clock/advance", seconds=86_400)
    assert len(receiver.got) == 2


def test_replay_sends_the_same_bytes(sandbox, wechat, receiver):
    wechat.order("order-0001", notify_url=receiver.url)
    assert sandbox.post("/callbacks/replay", out_trade_no="order-0001").status_code == 404
    pay(sandbox)
    receiver.status = 409
    assert sandbox.post("/callbacks/replay", out_trade_no="order-0001").json()["status"] == 409
    first, second = receiver.got
    signed = ("Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial")
    assert first[1] == second[1]
    assert [first[0][name] for name in signed] == [second[0][name] for name in signed]


@pytest.mark.parametrize("change", ["body", "signature", "timestamp", "serial", "nonce", "probe"])
def test_spoilt_notices_do_not_verify(sandbox, wechat, receiver, change):
    wechat.order("order-0001", notify_url=receiver.url)
    receiver.status = 401
    assert sandbox.post("/callbacks/tamper", out_trade_no="order-0001", change=change).json()["status"] == 401
    [(headers, body)] = receiver.got
    with pytest.raises(Exception):  # noqa: B017, PT011 (each change breaks another step)
        wechat.verify(headers, body)
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"
    assert sandbox.http.get("/books").json() == []


@pytest.mark.parametrize(
    ("change", "place", "right"),
    [
        ("other_appid", ("appid",), None),
        ("other_mchid", ("mchid",), None),
        ("other_order", ("out_trade_no",), "order-0001"),
        ("other_amount", ("amount", "total"), 990),
        ("other_currency", ("amount", "currency"), "CNY"),
    ],
)
def test_validly_signed_lies(sandbox, wechat, receiver, change, place, right):
    wechat.order("order-0001", notify_url=receiver.url)
    sandbox.post("/callbacks/tamper", out_trade_no="order-0001", change=change)
    [(headers, body)] = receiver.got
    wechat.verify(headers, body)
    value = wechat.open_notice(body)["resource"]
    assert value["trade_state"] == "SUCCESS"
    for name in place:
        value = value[name]
    assert value != (right or wechat.credentials[place[-1]])
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"


def test_stale_notice_is_rightly_signed(sandbox, wechat, receiver):
    wechat.order("order-0001", notify_url=receiver.url)
    sandbox.post("/callbacks/tamper", out_trade_no="order-0001", change="stale")
    [(headers, body)] = receiver.got
    wechat.verify(headers, body)
    now = sandbox.http.get("/clock").json()["now"]
    from datetime import datetime

    assert datetime.fromisoformat(now).timestamp() - int(headers["Wechatpay-Timestamp"]) > 600


def test_callbacks_stay_on_this_machine(sandbox, wechat):
    wechat.order("order-0001", notify_url="https://example.com/notify")
    pay(sandbox)
    [event] = sandbox.events("callback_sent")
    assert event["detail"]["status"] == 0


def rule(kind: str, **extra) -> dict:
    return {"platform": "wechatpay", "kind": kind, "rate": 1, **extra}


def test_lost_callback(sandbox, wechat, receiver):
    sandbox.faults(rule("callback_lost"))
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    sandbox.post("/clock/advance", seconds=86_400)
    assert receiver.got == []
    assert wechat.query("order-0001").json()["trade_state"] == "SUCCESS"


def test_duplicate_callbacks(sandbox, wechat, receiver):
    sandbox.faults(rule("callback_duplicate", count=5))
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    assert len(receiver.got) == 5
    assert len({body for _, body in receiver.got}) == 1


def test_reordered_callbacks(sandbox, wechat, receiver):
    sandbox.faults(rule("callback_reordered"))
    wechat.order("order-0001", 500, notify_url=receiver.url)
    pay(sandbox)
    assert receiver.got == []
    wechat.refund("order-0001", "r1", 500, 500, notify_url=receiver.url)
    sandbox.post("/clock/advance", seconds=10)
    kinds = [wechat.open_notice(body)["event_type"] for _, body in receiver.got]
    assert kinds == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


def test_delayed_callback(sandbox, wechat, receiver):
    sandbox.faults(rule("callback_delayed", seconds=900))
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    sandbox.post("/clock/advance", seconds=890)
    assert receiver.got == []
    sandbox.post("/clock/advance", seconds=10)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("kind", ["callback_tampered", "callback_stale", "sign_probe"])
def test_bad_copy_precedes_the_good_one(sandbox, wechat, receiver, kind):
    sandbox.faults(rule(kind))
    wechat.order("order-0001", notify_url=receiver.url)
    pay(sandbox)
    bad, good = receiver.got
    assert bad != good
    wechat.verify(*good)


@pytest.mark.parametrize(
    "kind", ["amount_mismatch", "foreign_appid", "foreign_mchid", "foreign_order", "foreign_currency"]
)
def test_wrong_content_while_the_query_stays_right(sandbox, wechat, receiver, kind):
    sandbox.faults(rule(kind))
    wechat.order("order-0001", notify_url=receiver.url)
    trade = pay(sandbox)
    [(headers, body)] = receiver.got
    wechat.verify(headers, body)
    assert wechat.open_notice(body)["resource"] != trade
    assert wechat.query("order-0001").json() == trade


def test_create_times_out_though_the_order_exists(sandbox, wechat):
    sandbox.faults(rule("create_timeout", limit=1))
    import httpx

    with pytest.raises(httpx.RemoteProtocolError):
        wechat.order("order-0001")
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"
    assert wechat.order("order-0001").status_code == 200


def test_refund_times_out_though_the_refund_exists(sandbox, wechat):
    wechat.order("order-0001", 500)
    pay(sandbox)
    sandbox.faults(rule("refund_timeout", limit=1))
    import httpx

    with pytest.raises(httpx.RemoteProtocolError):
        wechat.refund("order-0001", "r1", 500, 500)
    assert wechat.refund("order-0001", "r1", 500, 500).json()["status"] == "PROCESSING"
    sandbox.post("/clock/advance", seconds=10)
    [row] = sandbox.http.get("/books").json()
    assert row["refunded_fen"] == 500
    assert row["refunded_fee_fen"] == row["fee_fen"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("server_error", 500, "SYSTEM_ERROR"), ("rate_limited", 429, "FREQUENCY_LIMITED")],
)
def test_refusals_do_nothing(sandbox, wechat, kind, status, code):
    sandbox.faults(rule(kind, limit=1))
    answer = wechat.order("order-0001")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert wechat.query("order-0001").status_code == 404


def test_refund_gets_stuck_and_abnormal(sandbox, wechat, receiver):
    sandbox.faults(rule("refund_stuck", seconds=600))
    wechat.order("order-0001", 500)
    pay(sandbox)
    wechat.refund("order-0001", "r1", 500, 500, notify_url=receiver.url)
    sandbox.post("/clock/advance", seconds=590)
    assert wechat.call("GET", "/v3/refund/domestic/refunds/r1").json()["status"] == "PROCESSING"
    sandbox.post("/clock/advance", seconds=20)
    assert wechat.call("GET", "/v3/refund/domestic/refunds/r1").json()["status"] == "ABNORMAL"
    assert wechat.open_notice(receiver.got[0][1])["event_type"] == "REFUND.ABNORMAL"
    [row] = sandbox.http.get("/books").json()
    assert row["refunded_fen"] == 0


def test_balance_too_small_for_a_refund(sandbox, wechat):
    sandbox.faults(rule("not_enough"))
    wechat.order("order-0001", 500)
    pay(sandbox)
    answer = wechat.refund("order-0001", "r1", 500, 500)
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ENOUGH")


def test_unknown_faults_are_refused(sandbox):
    assert sandbox.http.put("/faults", json=[rule("nonsense")]).status_code == 400
    assert sandbox.http.put("/faults", json=[rule("slow", rate=2)]).status_code == 400


def test_same_seed_same_calls_same_log(new_sandbox, receiver):
    logs = []
    for seed in (11, 11, 12):
        sandbox = new_sandbox(seed)
        from_platform = sandbox.platform("wechatpay")
        logs.append((from_platform["credentials"], asyncio.run(_story(sandbox, receiver))))
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]


async def _story(sandbox, receiver) -> list[dict]:
    from importlib import import_module

    merchant = import_module(type(sandbox).__module__).WechatMerchant(sandbox.platform("wechatpay"))
    sandbox.faults(rule("callback_lost", rate=0.5), rule("callback_duplicate", rate=0.5))
    receiver.status = 500
    for i in range(20):
        merchant.order(f"order-{i:04}", notify_url=receiver.url)
        pay(sandbox, f"order-{i:04}")
    merchant.refund("order-0003", "r1", 5, 990)
    sandbox.post("/clock/advance", seconds=3600)
    merchant.http.close()
    return sandbox.events()


def test_slow_answers_and_slow_merchants(sandbox, wechat):
    import time

    sandbox.faults(rule("slow", seconds=1, limit=1))
    began = time.monotonic()
    assert wechat.order("order-0001").status_code == 200
    assert time.monotonic() - began >= 1
    began = time.monotonic()
    assert wechat.order("order-0002").status_code == 200
    assert time.monotonic() - began < 1


def test_a_merchant_that_never_answers_is_given_five_seconds(sandbox, wechat):
    import socket
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        wechat.order("order-0001", notify_url=f"http://127.0.0.1:{silent.getsockname()[1]}/notify")
        began = time.monotonic()
        pay(sandbox)
        assert 4 < time.monotonic() - began < 8
    [event] = sandbox.events("callback_sent")
    assert event["detail"]["status"] == 0
    assert sandbox.http.get("/clock").json()["due"] >= 1
