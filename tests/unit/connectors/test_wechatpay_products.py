"""Readers and builders of what came after orders by page and QR: strict on answers, silent about what is private."""

import asyncio
import base64
import datetime as dt
import hmac
import json
import random

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.connectors.wechatpay import v2
from hutong.connectors.wechatpay.micropay import REVERSE_SENDS_MAX
from hutong.core.errors import InvalidInput, PlatformFailure, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.codes import ChargeCode
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import RescueRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.sharing import ReceiverKind, ShareLine, ShareOut, ShareReceiver, ShareStatus
from hutong.transport.messages import Response

NUMBER = "HT20261123000001"
KEY = "made-at-run-time-key-of-the-old-api"
ROUNDS = 300
AGENT = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="1900000109", name="互通测试商户")

BOMB = b'<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><xml><a>&b;</a></xml>'
FILE = b'<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/hostname">]><xml><return_code>&e;</return_code></xml>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        FILE,
        b"<!DOCTYPE xml><xml><a>1</a></xml>",
        b"",
        b"<xml>",
        b"<html><a>1</a></html>",
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><a><b>1</b></a></xml>",
        b"<xml>" + b"<a>" * 10_000,
        b"\xff\xfe<xml/>",
        b'<?xml version="1.0" encoding="none-such"?><xml><a>1</a></xml>',
        b"<xml><a>" + b"1" * v2.XML_BYTES_MAX + b"</a></xml>",
    ],
)
def test_only_flat_xml_without_a_document_type_is_read(body):
    with pytest.raises(ValueError, match=r".+"):
        v2.read(body)


def test_what_is_written_is_read():
    fields = {"body": "a<b & c>d ]]> 中", "attach": "'\""}
    assert v2.read(v2.write(fields)) == fields
    assert v2.read(b"<xml><a><![CDATA[1 < 2]]></a><b/></xml>") == {"a": "1 < 2", "b": ""}


def old(side, key=None):
    """What puts an account's payment codes to the older API; ``key``: another key's certificate."""
    return {"api_key": KEY, "client_certificate": side.certificate(key or side.merchant_key)[1]}


def old_answer(side, fields, *, key=KEY, **spoilt) -> Response:
    told = {
        "return_code": "SUCCESS",
        "return_msg": "OK",
        "appid": side.credentials["appid"],
        "mch_id": side.credentials["mchid"],
        "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
        "result_code": "SUCCESS",
        **fields,
    }
    text = "&".join([*(f"{name}={told[name]}" for name in sorted(told) if told[name]), f"key={key}"])
    told |= {"sign": hmac.new(key.encode(), text.encode(), "sha256").hexdigest().upper(), **spoilt}
    return Response(status=200, headers={}, body=v2.write(told))


PAID = {
    "out_trade_no": NUMBER,
    "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "total_fee": "990",
    "transaction_id": "4200001234",
    "time_end": "20261123120000",
}


def charge(side, **changes):
    command = ChargeCode(
        out_trade_no=NUMBER,
        amount=Money.fen(990),
        description="可乐",
        auth_code="134567890123456789",
        expires_at=side.clock.now() + dt.timedelta(minutes=5),
        notify_url="https://shop.example/n",
    )
    return lambda account: WECHAT.codes.charge(account, command)


def outcome(side, response, call, **credentials):
    account, http = side.account(lambda request: response, **credentials)
    try:
        return asyncio.run(call(account)), http
    except (PlatformFailure, PlatformUnknown) as error:
        return error, http


def test_an_old_answer_counts_only_with_its_signature(wechat):
    report, http = outcome(wechat, old_answer(wechat, PAID), charge(wechat), **old(wechat))
    assert (report.status, report.amount, report.transaction_id) == (TradeStatus.PAID, Money.fen(990), "4200001234")
    assert report.paid_at == dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
    assert http.sent[0].url == "https://pay.example/pay/micropay"
    for response in (
        old_answer(wechat, PAID, key="another"),
        old_answer(wechat, PAID, total_fee="1"),
        old_answer(wechat, PAID, sign=""),
        old_answer(wechat, {**PAID, "mch_id": "1900000000"}),
        old_answer(wechat, {**PAID, "sub_mch_id": "1900000000"}),
        old_answer(wechat, {**PAID, "out_trade_no": "ANOTHER001"}),
        old_answer(wechat, {**PAID, "total_fee": "-1"}),
        old_answer(wechat, {**PAID, "total_fee": "９"}),
        old_answer(wechat, {**PAID, "total_fee": "9" * 40}),
        old_answer(wechat, {**PAID, "time_end": "20261323120000"}),
        old_answer(wechat, {"result_code": ""}),
        old_answer(wechat, {"result_code": "FAIL"}),
        old_answer(wechat, {"result_code": "FAIL", "err_code": "SYSTEMERROR"}),
    ):
        found, _ = outcome(wechat, response, charge(wechat), **old(wechat))
        assert isinstance(found, PlatformUnknown), (found, response.body)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("AUTH_CODE_INVALID", ErrorWord.INVALID_REQUEST),
        ("AUTHCODEEXPIRE", ErrorWord.INVALID_REQUEST),
        ("NOTENOUGH", ErrorWord.INSUFFICIENT_FUNDS),
        ("ORDERPAID", ErrorWord.ALREADY_DONE),
        ("NEVER_SEEN", ErrorWord.UNKNOWN),
    ],
)
def test_old_refusals_are_named(wechat, code, word):
    response = old_answer(wechat, {"result_code": "FAIL", "err_code": code, "err_code_des": "不行"})
    found, _ = outcome(wechat, response, charge(wechat), **old(wechat))
    assert (type(found), found.word) == (PlatformRefused, word)


def test_a_reversal_that_must_be_repeated_is_unknown(wechat):
    for response in (
        old_answer(wechat, {"recall": "Y"}),
        old_answer(wechat, {"result_code": "FAIL", "err_code": "USERPAYING", "recall": "Y"}),
    ):
        found, http = outcome(wechat, response, lambda account: WECHAT.codes.reverse(account, NUMBER), **old(wechat))
        assert isinstance(found, PlatformUnknown)
        assert len(http.sent) == REVERSE_SENDS_MAX
        for request in http.sent:
            assert "BEGIN CERTIFICATE" in request.client_certificate.certificate
            assert "PRIVATE" in request.client_certificate.key
            assert "PRIVATE" not in repr(request)
    waiting = wechat.refusal(400, "USERPAYING")
    found, _ = outcome(wechat, waiting, lambda account: WECHAT.codes.reverse(account, NUMBER))
    assert isinstance(found, PlatformUnknown)


def test_what_could_not_be_undone_by_the_older_api_is_not_charged_by_it(wechat):
    """A certificate that is none, another key's or over is noticed before money is taken, not on the line after it."""
    over = wechat.certificate(wechat.merchant_key, start=wechat.clock.now() - dt.timedelta(days=9), days=1)[1]
    for certificate in ("no PEM", old(wechat, wechat.key)["client_certificate"], over):
        shown = {"api_key": KEY, "client_certificate": certificate}
        for call in (charge(wechat), lambda account: WECHAT.codes.reverse(account, NUMBER)):
            found, http = outcome(wechat, wechat.refusal(400, "USERPAYING"), call, **shown)
            assert "/v3/" in http.sent[0].url, found


def test_waiting_for_the_password_is_pending_however_it_is_told(wechat):
    told = wechat.answer(wechat.trade(out_trade_no=NUMBER, trade_state="USERPAYING"))
    for response in (told, wechat.refusal(400, "USERPAYING"), wechat.refusal(202, "USERPAYING")):
        found, _ = outcome(wechat, response, charge(wechat))
        if response.status == 202:  # a 2xx must be signed
            assert isinstance(found, PlatformUnknown)
        else:
            assert (found.status, found.raw_status) == (TradeStatus.PENDING, "USERPAYING")


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("100000000000000000", True),
        ("159999999999999999", True),
        ("099999999999999999", False),
        ("160000000000000000", False),
        ("13456789012345678", False),
        ("1345678901234567890", False),
        ("13456789012345678a", False),
        ("134567890123456789\n", False),
        ("１34567890123456789", False),
    ],
)
def test_whose_code_it_is(code, ours):
    assert WECHAT.codes.takes(code) is ours


def opened(side, sealed):
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    return side.key.decrypt(base64.b64decode(sealed), oaep).decode()


@pytest.mark.parametrize("certificates", [False, True], ids=["public key", "certificate"])
def test_private_fields_travel_sealed_for_the_key_that_is_named(wechat, certificates):
    credentials = (
        {"public_key_id": "", "public_key": "", "platform_certificates": wechat.cert_pem} if certificates else {}
    )
    command = RescueRefund(
        out_refund_no="R1", refund_id="50000", card_bank="CMB_DEBIT", card_number="6225760012345678", card_holder="张三"
    )
    _, http = outcome(wechat, None, lambda account: WECHAT.refund_rescue.rescue(account, command), **credentials)
    [request] = http.sent
    serial = wechat.cert_serial.lstrip("0") if certificates else wechat.serial
    assert request.headers["Wechatpay-Serial"] == serial
    body = json.loads(request.body)
    assert opened(wechat, body["bank_account"]) == "6225760012345678"
    assert opened(wechat, body["real_name"]) == "张三"
    assert b"6225760012345678" not in request.body
    _, http = outcome(wechat, None, lambda account: WECHAT.share_receivers.add(account, AGENT), **credentials)
    assert opened(wechat, json.loads(http.sent[0].body)["name"]) == AGENT.name


def test_a_card_needs_bank_and_holder(wechat):
    for missing in ("card_bank", "card_holder"):
        given = {"card_bank": "CMB_DEBIT", "card_number": "6225760012345678", "card_holder": "张三", missing: ""}
        command = RescueRefund(out_refund_no="R1", refund_id="50000", **given)
        account, http = wechat.account()
        with pytest.raises(InvalidInput):
            asyncio.run(WECHAT.refund_rescue.rescue(account, command))
        assert not http.sent


SHARE = ShareOut(
    out_trade_no=NUMBER,
    transaction_id="4200001234",
    out_share_no="S1",
    lines=(ShareLine(receiver=AGENT, amount=Money.fen(100), description="分账"),),
    finish=True,
)


def share_answer(state="FINISHED", result="SUCCESS", **changes):
    line = {"type": "MERCHANT_ID", "account": AGENT.account_ref, "amount": 100, "result": result, "detail_id": "36"}
    own = {**line, "account": "1900007291", "amount": 800}
    return {"out_order_no": "S1", "order_id": "3008", "state": state, "receivers": [line, own], **changes}


@pytest.mark.parametrize(
    ("state", "result", "status"),
    [
        ("PROCESSING", "PENDING", ShareStatus.PENDING),
        ("PROCESSING", "SUCCESS", ShareStatus.PENDING),
        ("FINISHED", "PENDING", ShareStatus.PENDING),
        ("FINISHED", "SUCCESS", ShareStatus.SUCCEEDED),
        ("FINISHED", "CLOSED", ShareStatus.FAILED),
        ("FINISHED", "NEXT_YEARS", ShareStatus.PENDING),
        ("NEXT_YEARS", "SUCCESS", ShareStatus.PENDING),
    ],
)
def test_finished_says_only_that_all_were_worked_on(wechat, state, result, status):
    response = wechat.answer(share_answer(state, result))
    report, _ = outcome(wechat, response, lambda account: WECHAT.sharing.query(account, SHARE))
    assert (report.status, len(report.lines)) == (status, 1)


def test_a_share_of_something_else_is_unknown(wechat):
    for changes in ({"out_order_no": "S2"}, {"receivers": []}, {"receivers": share_answer()["receivers"][1:]}):
        found, _ = outcome(
            wechat, wechat.answer(share_answer(**changes)), lambda account: WECHAT.sharing.share(account, SHARE)
        )
        assert isinstance(found, PlatformUnknown), changes


ODD = (None, True, 0, -1, 2**70, 1.5, "", "x", "9" * 500, [], {}, [[]], [{}])


def mutated(dice, value):
    if isinstance(value, dict) and value and dice.random() < 0.85:
        name = dice.choice(list(value))
        return {**value, name: mutated(dice, value[name])}
    if isinstance(value, list) and value and dice.random() < 0.85:
        copy = list(value)
        at = dice.randrange(len(copy))
        copy[at] = mutated(dice, copy[at])
        return copy
    return dice.choice(ODD)


COMBINED = {
    "combine_appid": "wxd678efh567hg6787",
    "combine_mchid": "1900007291",
    "combine_out_trade_no": "COMBINED01",
    "sub_orders": [
        {
            "mchid": "1900007291",
            "out_trade_no": NUMBER,
            "trade_state": "SUCCESS",
            "transaction_id": "4200",
            "success_time": "2026-11-23T12:00:00+08:00",
            "amount": {"total_amount": 100, "currency": "CNY", "payer_amount": 100},
        }
    ],
    "combine_payer_info": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
}


@pytest.mark.parametrize("what", ["combined", "share", "charge"])
def test_almost_right_answers_give_a_result_or_one_of_our_errors(wechat, what):
    dice = random.Random(what)
    good, call = {
        "combined": (COMBINED, lambda account: WECHAT.combined.query(account, "COMBINED01")),
        "share": (share_answer(), lambda account: WECHAT.sharing.query(account, SHARE)),
        "charge": (wechat.trade(out_trade_no=NUMBER), charge(wechat)),
    }[what]
    unknown = 0
    for _ in range(ROUNDS):
        found, _ = outcome(wechat, wechat.answer(mutated(dice, good)), call)
        unknown += isinstance(found, PlatformUnknown)
    assert 0 < unknown < ROUNDS
