"""Orders and refunds: what is sent, and what is made of every kind of answer."""

import asyncio
import base64
import datetime as dt
import json
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from hutong.connectors.wechatpay import CONNECTOR
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RefundStatus, RequestRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

PAYMENTS = CONNECTOR.payments
NO = "HT20261123000001"
CREATE = CreatePayment(
    out_trade_no=NO,
    amount=Money.fen(100),
    description="可乐 330ml",
    method=PayMethod.JSAPI,
    notify_url="https://shop.example/callbacks/wechatpay/1",
    expires_at=dt.datetime(2026, 11, 23, 4, 30, tzinfo=dt.UTC),
    payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    client_ip="203.0.113.7",
)
REFUND = RequestRefund(
    out_trade_no=NO,
    out_refund_no="HTR20261123000001",
    amount=Money.fen(40),
    paid_amount=Money.fen(100),
    reason="七天无理由",
    notify_url="https://shop.example/callbacks/wechatpay/1",
)


def run(wechat, method, argument, *answers, **changes):
    """Call one method against scripted answers; gives the outcome (or error) and the requests."""
    script = list(answers)
    account, http = wechat.account(lambda request: script.pop(0), **changes)
    try:
        outcome = asyncio.run(getattr(PAYMENTS, method)(account, argument))
    except (PlatformUnknown, PlatformRefused, InvalidInput) as error:
        outcome = error
    return outcome, http.sent


def create_of(**changes):
    return CreatePayment(**{name: getattr(CREATE, name) for name in CREATE.__struct_fields__} | changes)


def test_jsapi_order_and_its_invocation(wechat):
    created, sent = run(wechat, "create", CREATE, wechat.answer({"prepay_id": "wx2014"}))
    assert sent[0].url == "https://pay.example/v3/pay/transactions/jsapi"
    assert json.loads(sent[0].body) == {
        "appid": "wxd678efh567hg6787",
        "mchid": "1900007291",
        "description": "可乐 330ml",
        "out_trade_no": NO,
        "time_expire": "2026-11-23T12:30:00+08:00",
        "notify_url": "https://shop.example/callbacks/wechatpay/1",
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    }
    assert sent[0].headers["Wechatpay-Serial"] == wechat.serial
    assert sent[0].repeatable
    invoke = dict(created.invoke)
    signed = base64.b64decode(invoke.pop("paySign"))
    assert invoke == {
        "appId": "wxd678efh567hg6787",
        "timeStamp": "1795406400",
        "nonceStr": invoke["nonceStr"],
        "package": "prepay_id=wx2014",
        "signType": "RSA",
    }
    message = f"{invoke['appId']}\n{invoke['timeStamp']}\n{invoke['nonceStr']}\n{invoke['package']}\n".encode()
    wechat.merchant_key.public_key().verify(signed, message, padding.PKCS1v15(), hashes.SHA256())
    assert invoke["nonceStr"] not in sent[0].headers["Authorization"]


def test_the_authorization_header_signs_what_goes_out(wechat):
    _, (request,) = run(wechat, "query", NO, wechat.answer(wechat.trade()))
    assert request.url == f"https://pay.example/v3/pay/transactions/out-trade-no/{NO}?mchid=1900007291"
    form = (
        r'WECHATPAY2-SHA256-RSA2048 mchid="1900007291",nonce_str="(\w{32})",signature="([^"]+)",'
        r'timestamp="1795406400",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"'
    )
    nonce, signed = re.fullmatch(form, request.headers["Authorization"]).groups()
    message = f"GET\n/v3/pay/transactions/out-trade-no/{NO}?mchid=1900007291\n1795406400\n{nonce}\n\n".encode()
    wechat.merchant_key.public_key().verify(base64.b64decode(signed), message, padding.PKCS1v15(), hashes.SHA256())


def test_a_number_with_every_allowed_sign_is_escaped_in_the_path(wechat):
    _, (request,) = run(wechat, "query", "a_b-c|d*e", wechat.answer(wechat.trade(out_trade_no="a_b-c|d*e")))
    assert "/out-trade-no/a_b-c%7Cd%2Ae?" in request.url


def test_native_and_h5_orders(wechat):
    created, sent = run(wechat, "create", create_of(method=PayMethod.NATIVE), wechat.answer({"code_url": "weixin://w"}))
    assert created.code_url == "weixin://w"
    assert sent[0].url.endswith("/v3/pay/transactions/native")
    assert "payer" not in json.loads(sent[0].body)
    created, sent = run(wechat, "create", create_of(method=PayMethod.H5), wechat.answer({"h5_url": "https://wx/h5"}))
    assert created.redirect_url == "https://wx/h5"
    assert json.loads(sent[0].body)["scene_info"] == {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"payer_id": None},
        {"method": PayMethod.H5, "client_ip": None},
        {"amount": Money.fen(0)},
        {"amount": Money(100, "HKD")},
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "with space 1"},
    ],
)
def test_what_the_platform_would_refuse_is_not_sent(wechat, changes):
    error, sent = run(wechat, "create", create_of(**changes))
    assert isinstance(error, InvalidInput)
    assert sent == []


def test_a_long_description_is_cut_to_what_the_platform_takes(wechat):
    _, sent = run(wechat, "create", create_of(description="乐" * 200), wechat.answer({"prepay_id": "wx1"}))
    assert json.loads(sent[0].body)["description"] == "乐" * 127


@pytest.mark.parametrize("credential", ["mchid", "appid", "serial_no", "private_key", "api_v3_key"])
def test_missing_credentials_are_named(wechat, credential):
    error, sent = run(wechat, "query", NO, **{credential: ""})
    assert isinstance(error, InvalidInput)
    assert error.details["field"] == credential
    assert sent == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("SUCCESS", TradeStatus.PAID),
        ("REFUND", TradeStatus.REFUNDED),
        ("NOTPAY", TradeStatus.PENDING),
        ("CLOSED", TradeStatus.CLOSED),
        ("REVOKED", TradeStatus.CLOSED),
        ("USERPAYING", TradeStatus.PENDING),
        ("SOMETHING_NEW", TradeStatus.PENDING),
    ],
)
def test_states(wechat, raw, status):
    report, _ = run(wechat, "query", NO, wechat.answer(wechat.trade(trade_state=raw)))
    assert (report.status, report.raw_status) == (status, raw)


def test_a_paid_order_is_read_whole(wechat):
    report, _ = run(wechat, "query", NO, wechat.answer(wechat.trade()))
    assert report.amount == Money.fen(100)
    assert report.owner == {"mchid": "1900007291", "appid": "wxd678efh567hg6787"}
    assert report.payer_id == "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    assert report.paid_at == dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
    assert report.transaction_id == "1217752501201407033233368018"


def test_an_unpaid_order_has_none_of_it(wechat):
    bare = {"mchid": "1900007291", "appid": "wx1", "out_trade_no": NO, "trade_state": "NOTPAY", "amount": {"total": 1}}
    report, _ = run(wechat, "query", NO, wechat.answer(bare))
    assert (report.payer_id, report.paid_at, report.transaction_id) == (None, None, None)


def test_an_unknown_order_reports_not_found(wechat):
    for code in ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "BRAND_NEW_CODE"):
        report, _ = run(wechat, "query", NO, wechat.refusal(404, code))
        assert report.status is TradeStatus.NOT_FOUND


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "ANOTHER"},
        {"amount": {"total": 1.5, "currency": "CNY"}},
        {"amount": {"total": "100", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 100, "currency": "XXX"}},
        {"amount": {"total": 2**70, "currency": "CNY"}},
        {"success_time": "2026-11-23T12:00:00"},
        {"trade_state": 5},
    ],
)
def test_an_answer_that_cannot_be_right_is_unknown(wechat, changes):
    error, _ = run(wechat, "query", NO, wechat.answer(wechat.trade(**changes)))
    assert isinstance(error, PlatformUnknown)


def test_close(wechat):
    report, (request,) = run(wechat, "close", NO, wechat.answer(None, status=204))
    assert report.status is TradeStatus.CLOSED
    assert (request.url, json.loads(request.body)) == (
        f"https://pay.example/v3/pay/transactions/out-trade-no/{NO}/close",
        {"mchid": "1900007291"},
    )


def test_close_of_a_paid_order_reports_the_payment(wechat):
    for code in ("ORDERPAID", "ORDER_PAID"):
        report, sent = run(wechat, "close", NO, wechat.refusal(400, code), wechat.answer(wechat.trade()))
        assert report.status is TradeStatus.PAID
        assert report.amount == Money.fen(100)
        assert [request.method for request in sent] == ["POST", "GET"]


def test_close_of_a_closed_and_of_an_unknown_order(wechat):
    closed = wechat.answer(wechat.trade(trade_state="CLOSED"))
    report, _ = run(wechat, "close", NO, wechat.refusal(400, "ORDER_CLOSED"), closed)
    assert report.status is TradeStatus.CLOSED
    report, _ = run(wechat, "close", NO, wechat.refusal(404, "ORDER_NOT_EXIST"))
    assert report.status is TradeStatus.NOT_FOUND


def test_close_without_a_signature_is_unknown(wechat):
    error, _ = run(wechat, "close", NO, Response(status=204, headers={}, body=b""))
    assert isinstance(error, PlatformUnknown)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("SUCCESS", RefundStatus.SUCCEEDED),
        ("PROCESSING", RefundStatus.PENDING),
        ("CLOSED", RefundStatus.CLOSED),
        ("ABNORMAL", RefundStatus.ABNORMAL),
        ("SOMETHING_NEW", RefundStatus.PENDING),
    ],
)
def test_refund_states(wechat, raw, status):
    for method, argument in (("refund", REFUND), ("query_refund", REFUND.out_refund_no)):
        report, _ = run(wechat, method, argument, wechat.answer(wechat.refund(status=raw)))
        assert (report.status, report.raw_status, report.amount) == (status, raw, Money.fen(40))


def test_refund_request(wechat):
    _, (request,) = run(wechat, "refund", REFUND, wechat.answer(wechat.refund()))
    assert request.url == "https://pay.example/v3/refund/domestic/refunds"
    assert json.loads(request.body) == {
        "out_trade_no": NO,
        "out_refund_no": "HTR20261123000001",
        "notify_url": "https://shop.example/callbacks/wechatpay/1",
        "amount": {"refund": 40, "total": 100, "currency": "CNY"},
        "reason": "七天无理由",
    }
    assert request.repeatable


def test_more_than_was_paid_is_not_asked_for(wechat):
    for amount in (Money.fen(101), Money.fen(0), Money.fen(-1), Money(40, "USD")):
        greedy = RequestRefund(
            out_trade_no=NO, out_refund_no="R1", amount=amount, paid_amount=Money.fen(100), reason="", notify_url="h"
        )
        error, sent = run(wechat, "refund", greedy)
        assert isinstance(error, InvalidInput)
        assert sent == []


def test_unknown_refund_and_refund_of_an_unknown_order(wechat):
    report, _ = run(wechat, "query_refund", "R1", wechat.refusal(404, "RESOURCE_NOT_EXISTS"))
    assert report.status is RefundStatus.NOT_FOUND
    error, _ = run(wechat, "refund", REFUND, wechat.refusal(404, "RESOURCE_NOT_EXISTS"))
    assert (type(error), error.word) == (PlatformRefused, ErrorWord.NOT_FOUND)


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, "SIGN_ERROR", ErrorWord.BAD_SIGNATURE),
        (429, "FREQUENCY_LIMITED", ErrorWord.THROTTLED),
        (429, "SOMETHING_NEW", ErrorWord.THROTTLED),
        (403, "NOT_ENOUGH", ErrorWord.INSUFFICIENT_FUNDS),
        (403, "NO_AUTH", ErrorWord.NOT_PERMITTED),
        (400, "INVALID_REQUEST", ErrorWord.INVALID_REQUEST),
        (400, "SOMETHING_NEW", ErrorWord.UNKNOWN),
    ],
)
def test_refusals_carry_code_word_and_hint(wechat, status, code, word):
    error, _ = run(wechat, "refund", REFUND, wechat.refusal(status, code, "余额不足"))
    assert isinstance(error, PlatformRefused)
    assert error.word is word
    assert code in error.text("zh-Hans").sentence
    assert "余额不足" in error.text("en").sentence
    assert error.text("zh-Hans").fix != error.text("en").fix


@pytest.mark.parametrize(
    "answer",
    [
        lambda w: w.refusal(500, "SYSTEM_ERROR"),
        lambda w: Response(status=502, headers={}, body=b"<html>"),
        lambda w: Response(status=404, headers={}, body=b"<html>nginx</html>"),
        lambda w: w.answer({"nothing": "here"}),
        lambda w: None,
    ],
)
def test_server_errors_and_strange_answers_are_unknown(wechat, answer):
    for method, argument in (("create", CREATE), ("query", NO), ("close", NO), ("refund", REFUND)):
        reply = answer(wechat)
        if method == "close" and reply is not None and reply.status == 200:
            continue
        error, _ = run(wechat, method, argument, reply)
        assert isinstance(error, PlatformUnknown), method


def test_a_2xx_answer_must_be_signed_by_the_platform_now(wechat):
    good = wechat.answer(wechat.trade())
    stale = str(int(wechat.clock.now().timestamp()) - 301)
    tampered = [
        Response(status=200, headers=good.headers, body=good.body.replace(b"SUCCESS", b"NOTPAY")),
        Response(status=200, headers={}, body=good.body),
        wechat.answer(wechat.trade(), timestamp=stale),
        wechat.answer(wechat.trade(), key=wechat.merchant_key),
        wechat.answer(wechat.trade(), serial="PUB_KEY_ID_OTHER"),
    ]
    for answer in tampered:
        error, _ = run(wechat, "query", NO, answer, wechat.refusal(500, "SYSTEM_ERROR"))
        assert isinstance(error, PlatformUnknown)
    report, _ = run(wechat, "query", NO, good)
    assert report.status is TradeStatus.PAID
