"""Answers that are almost right: whatever a platform changes, a reader gives a result or one of our errors."""

import asyncio
import datetime as dt
import json
import random

import pytest

from hutong.connectors.taobao import CONNECTOR as TAOBAO
from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.shops import StockTarget
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CERTIFICATE_PAUSE = dt.timedelta(seconds=61)
ROUNDS = 200
ODD = (
    None, True, False, 0, -1, 2**63, 2**70, 1.5, 1e400, "", "0", "-1", "x", "9" * 5000, "1e9", "NaN",
    "2026-13-01 00:00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "0001-01-01 00:00:00",
    [], {}, [[]], [{}], {"order": None},
)  # fmt: skip


def mutated(dice: random.Random, value):
    """A copy in which one place, at any depth, holds something odd or is gone."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        name = dice.choice(list(value))
        copy = dict(value)
        if dice.random() < 0.1:
            del copy[name]
        else:
            copy[name] = mutated(dice, value[name])
        return copy
    if isinstance(value, list) and value and dice.random() < 0.85:
        copy = list(value)
        at = dice.randrange(len(copy))
        copy[at] = mutated(dice, copy[at])
        return copy
    return dice.choice(ODD)


def outcome(call):
    """None for a result, the error otherwise; any other exception breaks the test."""
    try:
        asyncio.run(call)
    except (PlatformFailure, PlatformUnknown) as error:
        return error
    return None


@pytest.mark.parametrize("what", ["query", "query_refund", "refused", "certificates"])
def test_wechatpay(what, wechat):
    dice = random.Random(what)
    good = {
        "query": wechat.trade(),
        "query_refund": wechat.refund(),
        "refused": {"code": "PARAM_ERROR", "message": "参数错误", "detail": {"field": "amount"}},
        "certificates": wechat.certificates((wechat.cert_serial, wechat.cert_pem)),
    }[what]
    results = 0
    for _ in range(ROUNDS):
        body = json.dumps(mutated(dice, good)).encode()
        signed = Response(status=400 if what == "refused" else 200, headers=wechat.headers(body), body=body)
        account, _ = wechat.account(lambda request, signed=signed: signed)
        if what == "query_refund":
            call = WECHAT.payments.query_refund(account, "HTR20261123000001")
        elif what == "certificates":
            call = WECHAT.callbacks.prepare(account, {"wechatpay-serial": "ABC"})
            wechat.clock.moment += CERTIFICATE_PAUSE
        else:
            call = WECHAT.payments.query(account, "HT20261123000001")
        results += outcome(call) is None
    assert results < ROUNDS or what == "certificates", "not one mutation mattered"


TRADE = {
    "trade": {
        "tid": 2231958349000000001,
        "status": "WAIT_SELLER_SEND_GOODS",
        "payment": "208.07",
        "post_fee": "8.00",
        "created": "2026-11-23 11:00:00",
        "modified": "2026-11-23 11:30:00",
        "pay_time": "2026-11-23 11:01:02",
        "receiver_name": "张**",
        "orders": {"order": [{"oid": 1, "num": 2, "price": "110.04", "divide_order_fee": "200.07", "sku_id": "4"}]},
    }
}
ENVELOPES = {
    "one": {"trade_fullinfo_get_response": TRADE},
    "changed": {
        "trades_sold_increment_get_response": {
            "total_results": 1,
            "has_next": False,
            "trades": {"trade": [TRADE["trade"]]},
        }
    },
    "read": {"item_skus_get_response": {"skus": {"sku": [{"sku_id": 4, "num_iid": 3, "quantity": 7}]}}},
    "write": {"skus_quantity_update_response": {"item": {"num_iid": 3}}},
    "refused": {"error_response": {"code": 15, "msg": "Remote service error", "sub_code": "isv.x", "sub_msg": "不行"}},
}


@pytest.mark.parametrize("what", ENVELOPES)
def test_taobao(what):
    dice = random.Random(what)
    clock = StandingClock(NOON)
    credentials = {"app_key": "1", "app_secret": "made-at-run-time", "access_token": "made-at-run-time"}
    target = StockTarget(listing_id="3", platform_sku_id="4")
    results = 0
    for _ in range(ROUNDS):
        answer = Response(status=200, headers={}, body=json.dumps(mutated(dice, ENVELOPES[what])).encode())
        account, _ = account_of("taobao", "https://gw.example", credentials, clock, lambda _, answer=answer: answer)
        call = {
            "one": lambda account: TAOBAO.orders.one(account, "2231958349000000001"),
            "changed": lambda account: TAOBAO.orders.changed(account, NOON - HOUR, NOON, "1"),
            "read": lambda account: TAOBAO.stock.read(account, target),
            "write": lambda account: TAOBAO.stock.write(account, target, 1),
            "refused": lambda account: TAOBAO.orders.one(account, "1"),
        }[what](account)
        results += outcome(call) is None
    assert results < ROUNDS, "not one mutation mattered"
