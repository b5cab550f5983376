"""Callbacks: what verifies, what never does, and that nothing but InvalidSignature comes out."""

import asyncio
import base64
import datetime as dt
import json
import random

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.connectors.wechatpay import CONNECTOR, signing
from hutong.connectors.wechatpay.callbacks import BODY_BYTES_MAX
from hutong.core.errors import InvalidSignature
from hutong.core.money import Money
from hutong.platforms.payments import RefundStatus, TradeStatus

CALLBACKS = CONNECTOR.callbacks
MUTATIONS = 4_000


def verify(wechat, headers, body, **changes):
    account, _ = wechat.account(**changes)
    return CALLBACKS.verify(account, headers, body)


def refused(wechat, headers, body, **changes):
    with pytest.raises(InvalidSignature):
        verify(wechat, headers, body, **changes)


def test_payment_notice(wechat):
    body = wechat.notice(wechat.trade())
    notice = verify(wechat, wechat.headers(body), body)
    assert (notice.notice_id, notice.kind, notice.refund) == ("EV-2018022511223320873", "TRANSACTION.SUCCESS", None)
    assert notice.trade.status is TradeStatus.PAID
    assert notice.trade.amount == Money.fen(100)
    assert notice.trade.owner == {"mchid": "1900007291", "appid": "wxd678efh567hg6787"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("SUCCESS", RefundStatus.SUCCEEDED),
        ("CLOSED", RefundStatus.CLOSED),
        ("ABNORMAL", RefundStatus.ABNORMAL),
    ],
)
def test_refund_notice(wechat, kind, status):
    resource = {
        "mchid": "1900007291",
        "transaction_id": "1008450740201411110005820873",
        "out_trade_no": "HT20261123000001",
        "refund_id": "50200207182018070300011301001",
        "out_refund_no": "HTR20261123000001",
        "refund_status": kind,
        "success_time": "2026-11-23T12:00:00+08:00",
        "user_received_account": "招商银行信用卡0403",
        "amount": {"total": 999, "refund": 888, "payer_total": 999, "payer_refund": 888},
    }
    body = wechat.notice(resource, f"REFUND.{kind}")
    notice = verify(wechat, wechat.headers(body), body)
    assert notice.trade is None
    assert notice.refund.status is status
    assert notice.refund.amount == Money.fen(888)
    assert notice.refund.owner == {"mchid": "1900007291"}


def test_a_kind_we_do_not_use_is_verified_and_carries_no_report(wechat):
    body = wechat.notice({"x": 1}, "PAYSCORE.USER_PAID")
    notice = verify(wechat, wechat.headers(body), body)
    assert (notice.kind, notice.trade, notice.refund) == ("PAYSCORE.USER_PAID", None, None)


@pytest.mark.parametrize("off_s", [-301, 301, 86_400])
def test_stale_and_early_timestamps(wechat, off_s):
    body = wechat.notice(wechat.trade())
    moment = str(int(wechat.clock.now().timestamp()) + off_s)
    refused(wechat, wechat.headers(body, timestamp=moment), body)


def test_the_five_minutes_are_those_of_the_account_clock(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body)
    wechat.clock.advance(dt.timedelta(seconds=300))
    verify(wechat, headers, body)
    wechat.clock.advance(dt.timedelta(seconds=1))
    refused(wechat, headers, body)


def test_the_platforms_probes_are_refused(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body)
    for probe in (f"WECHATPAY/SIGNTEST/{headers['wechatpay-signature']}", "WECHATPAY/SIGNTEST/"):
        refused(wechat, {**headers, "wechatpay-signature": probe}, body)


def test_a_probe_is_refused_before_anything_is_verified(wechat, monkeypatch):
    """The platform judges by the answer: not even a verification that says yes to everything lets a probe in."""
    monkeypatch.setattr(signing, "verify_sha256", lambda *_: True)
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body)
    probe = "WECHATPAY/SIGNTEST/" + "A" * 345  # Base64 that decodes
    assert base64.b64decode(probe, validate=True)
    refused(wechat, {**headers, "wechatpay-signature": probe}, body)


def test_another_scheme_key_or_account(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body)
    refused(wechat, {**headers, "wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}, body)
    refused(wechat, wechat.headers(body, key=wechat.merchant_key), body)
    refused(wechat, {**headers, "wechatpay-serial": wechat.cert_serial}, body)
    refused(wechat, headers, body, api_v3_key="another-key-of-the-right-length!")
    refused(wechat, headers, body, private_key="")
    refused(wechat, headers, body, platform_certificates="not a certificate")
    refused(wechat, headers, body, public_key="")


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"null",
        b"[]",
        b'{"id":"1"}',
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"\xff\xfe",
        b'{"id":1,"event_type":"TRANSACTION.SUCCESS","resource":{}}',
        b'{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"","ciphertext":""}}',
        b'{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"none","nonce":"a","ciphertext":"b"}}',
    ],
)
def test_even_signed_nonsense_is_refused(wechat, envelope):
    refused(wechat, wechat.headers(envelope), envelope)


@pytest.mark.parametrize(
    "resource",
    [
        {},
        [],
        {"out_trade_no": "x", "trade_state": "SUCCESS"},
        {"out_trade_no": "x", "trade_state": "SUCCESS", "mchid": "1", "amount": {"total": "1"}},
        {"out_trade_no": "x", "trade_state": "SUCCESS", "mchid": "1", "success_time": "yesterday"},
    ],
)
def test_a_resource_that_is_no_trade_is_refused(wechat, resource):
    body = wechat.notice(resource)
    refused(wechat, wechat.headers(body), body)


@pytest.mark.parametrize(
    "amount", [{"total": 1, "currency": "ZZZ"}, {"total": 1, "currency": "cny"}, {"total": 2**63}, {"total": 2**90}]
)
def test_a_sum_that_is_no_money_we_know_is_told_without_it(wechat, amount):
    """The platform said it: whoever compares finds that it fits no order, and a person decides."""
    body = wechat.notice({**wechat.trade(), "amount": amount})
    trade = verify(wechat, wechat.headers(body), body).trade
    assert (trade.status, trade.amount) == (TradeStatus.PAID, None)


@pytest.mark.parametrize("amount", [{"total_amount": 1, "currency": "ZZZ"}, {"total_amount": 2**90}])
def test_a_part_of_a_combined_order_with_such_a_sum_is_told_without_it(wechat, amount):
    trade = wechat.trade()
    part = {"mchid": trade["mchid"], "trade_state": "SUCCESS", "success_time": trade["success_time"]}
    parts = [
        {**part, "out_trade_no": "A1", "amount": {"total_amount": 12}},
        {**part, "out_trade_no": "A2", "amount": amount},
    ]
    combined = {"combine_appid": trade["appid"], "combine_mchid": trade["mchid"], "combine_out_trade_no": "C1"}
    body = wechat.notice({**combined, "sub_orders": parts})
    told = verify(wechat, wechat.headers(body), body).parts
    assert [(one.out_trade_no, one.amount) for one in told] == [("A1", Money.fen(12)), ("A2", None)]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z"]
)
def test_a_time_in_which_nobody_pays_is_refused(wechat, moment):
    """No database keeps the ends of the calendar: stored, it would be worked in vain again and again."""
    body = wechat.notice({**wechat.trade(), "success_time": moment})
    refused(wechat, wechat.headers(body), body)


def test_a_body_beyond_the_limit_is_refused_before_any_work(wechat):
    body = b" " * BODY_BYTES_MAX + wechat.notice(wechat.trade())
    refused(wechat, wechat.headers(body), body)


def test_thousands_of_mutations_never_verify_and_never_break(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body)
    dice = random.Random(20261123)
    signed = [name for name in headers if name.startswith("wechatpay-") and name != "wechatpay-signature-type"]
    tried = 0
    for _ in range(MUTATIONS):
        changed_headers, changed_body = dict(headers), body
        if dice.random() < 0.5:
            changed_body = mutated(dice, body)
        else:
            name = dice.choice(signed)
            new = mutated(dice, headers[name].encode()).decode("latin-1")
            if name == "wechatpay-serial" and new.upper().lstrip("0") == headers[name].upper():
                continue
            changed_headers[name] = new
        if (changed_headers, changed_body) == (headers, body) or same_signature(
            changed_headers, headers, changed_body, body
        ):
            continue
        tried += 1
        refused(wechat, changed_headers, changed_body)
    assert tried > MUTATIONS * 0.9
    verify(wechat, headers, body)


def same_signature(changed, headers, changed_body, body):
    """Base64 has several spellings of the same bytes (unused bits of the last letter): that is no other signature."""
    name = "wechatpay-signature"
    if changed_body != body or {**changed, name: ""} != {**headers, name: ""}:
        return False
    try:
        return base64.b64decode(changed[name], validate=True) == base64.b64decode(headers[name])
    except ValueError:
        return False


def mutated(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    choice = dice.randrange(6)
    if choice == 0:
        return data[:at]
    if choice == 1:
        return data[:at] + bytes([dice.randrange(256)]) + data[at:]
    if choice == 2:
        return data[:at] + data[at + 1 :]
    if choice == 3 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
    if choice == 4:
        return data[at:] + data[:at]
    return dice.randbytes(dice.randrange(64))


@settings(max_examples=300, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "wechatpay-timestamp",
                "wechatpay-nonce",
                "wechatpay-serial",
                "wechatpay-signature",
                "wechatpay-signature-type",
            ]
        ),
        st.one_of(st.text(max_size=40), st.from_regex(r"[0-9]{1,14}", fullmatch=True), st.just("1795406400")),
    ),
    body=st.binary(max_size=100),
)
def test_anything_at_all_is_refused(wechat_keys, headers, body):
    refused(wechat_keys, headers, body)


def test_non_text_headers_are_refused(wechat):
    body = wechat.notice(wechat.trade())
    for name in ("wechatpay-timestamp", "wechatpay-serial"):
        for value in (None, 5, b"bytes"):
            refused(wechat, {**wechat.headers(body), name: value}, body)


def test_answers_to_the_platform(wechat):
    good = CALLBACKS.acknowledge()
    assert (good.status, good.body) == (204, b"")
    assert CALLBACKS.refuse("invalid_signature").status == 401
    assert CALLBACKS.refuse("disk full").status == 500
    assert json.loads(CALLBACKS.refuse("x").body) == {"code": "FAIL", "message": "x"}


# certificates


def cert_mode(wechat, **changes):
    return {"public_key_id": "", "public_key": "", **changes}


def test_every_written_form_of_given_certificates(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body, serial=wechat.cert_serial)
    other_serial, other_pem = wechat.certificate(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    for written in (
        wechat.cert_pem,
        other_pem + wechat.cert_pem,
        json.dumps([other_pem, wechat.cert_pem]),
        json.dumps({wechat.cert_serial: wechat.cert_pem, other_serial: other_pem}),
        {wechat.cert_serial.lower(): wechat.cert_pem},
        [wechat.cert_pem],
    ):
        notice = verify(wechat, headers, body, **cert_mode(wechat, platform_certificates=written))
        assert notice.trade.status is TradeStatus.PAID


def test_both_modes_stand_side_by_side_during_the_change_over(wechat):
    body = wechat.notice(wechat.trade())
    for serial in (wechat.cert_serial, wechat.serial):
        verify(wechat, wechat.headers(body, serial=serial), body, platform_certificates=wechat.cert_pem)


def test_certificates_have_their_time(wechat):
    body = wechat.notice(wechat.trade())
    for start in (wechat.clock.now() + dt.timedelta(hours=2), wechat.clock.now() - dt.timedelta(days=30)):
        serial, pem = wechat.certificate(wechat.key, start, days=20)
        changes = cert_mode(wechat, platform_certificates=pem)
        refused(wechat, wechat.headers(body, serial=serial), body, **changes)


def prepare(wechat, serial, *answers, **changes):
    script = list(answers)
    account, http = wechat.account(lambda request: script.pop(0), **cert_mode(wechat, **changes))
    asyncio.run(CALLBACKS.prepare(account, {"wechatpay-serial": serial} if serial else {}))
    return http.sent


def test_unknown_certificates_are_downloaded_once_and_then_known(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body, serial=wechat.cert_serial)
    refused(wechat, headers, body, **cert_mode(wechat))
    download = wechat.answer(wechat.certificates((wechat.cert_serial, wechat.cert_pem)), serial=wechat.cert_serial)
    (request,) = prepare(wechat, wechat.cert_serial, download)
    assert request.url == "https://pay.example/v3/certificates"
    assert verify(wechat, headers, body, **cert_mode(wechat)).trade.status is TradeStatus.PAID
    assert prepare(wechat, wechat.cert_serial) == []


def test_what_one_account_downloaded_another_does_not_trust(wechat):
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body, serial=wechat.cert_serial)
    download = wechat.answer(wechat.certificates((wechat.cert_serial, wechat.cert_pem)), serial=wechat.cert_serial)
    prepare(wechat, wechat.cert_serial, download)
    refused(wechat, headers, body, **cert_mode(wechat), base_url="https://api.mch.weixin.qq.com")
    refused(wechat, headers, body, **cert_mode(wechat, mchid="1900007292"))


def test_strange_serials_ask_the_platform_once_a_minute_at_most(wechat):
    nothing = wechat.refusal(500, "SYSTEM_ERROR")
    assert len(prepare(wechat, "ABC1", nothing)) == 1
    assert prepare(wechat, "ABC2") == []
    wechat.clock.advance(dt.timedelta(seconds=60))
    assert len(prepare(wechat, "ABC3", nothing)) == 1
    assert prepare(wechat, None) == []
    assert prepare(wechat, "PUB_KEY_ID_1") == []


def test_a_download_is_only_believed_when_one_of_its_certificates_signed_it(wechat):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    listed = wechat.certificates((wechat.cert_serial, wechat.cert_pem))
    body = wechat.notice(wechat.trade())
    headers = wechat.headers(body, serial=wechat.cert_serial)
    for answer in (
        wechat.answer(listed, serial=wechat.cert_serial, key=stranger),
        wechat.answer(listed, serial="ABCDEF"),
        wechat.answer({"data": []}, serial=wechat.cert_serial),
        wechat.answer({"data": [{"serial_no": "1"}]}, serial=wechat.cert_serial),
    ):
        prepare(wechat, wechat.cert_serial, answer)
        refused(wechat, headers, body, **cert_mode(wechat))
        wechat.clock.advance(dt.timedelta(seconds=60))
        headers = wechat.headers(body, serial=wechat.cert_serial)


def test_rotation_keeps_the_old_certificate_until_the_memory_is_stale(wechat):
    new_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    new_serial, new_pem = wechat.certificate(new_key)
    both = wechat.certificates((wechat.cert_serial, wechat.cert_pem), (new_serial, new_pem))
    prepare(wechat, new_serial, wechat.answer(both, serial=wechat.cert_serial))
    body = wechat.notice(wechat.trade())
    verify(wechat, wechat.headers(body, key=new_key, serial=new_serial), body, **cert_mode(wechat))
    verify(wechat, wechat.headers(body, serial=wechat.cert_serial), body, **cert_mode(wechat))
    wechat.clock.advance(dt.timedelta(hours=12))
    refused(wechat, wechat.headers(body, key=new_key, serial=new_serial), body, **cert_mode(wechat))


def test_a_payment_call_downloads_what_it_needs_to_check_its_answer(wechat):
    listed = wechat.certificates((wechat.cert_serial, wechat.cert_pem))
    script = {
        "/v3/certificates": lambda: wechat.answer(listed, serial=wechat.cert_serial),
        "/v3/pay": lambda: wechat.answer(wechat.trade(), serial=wechat.cert_serial),
    }
    account, http = wechat.account(
        lambda request: next(make() for path, make in script.items() if path in request.url), **cert_mode(wechat)
    )
    report = asyncio.run(CONNECTOR.payments.query(account, "HT20261123000001"))
    assert report.status is TradeStatus.PAID
    assert [request.url.split("/v3/")[1].split("/")[0] for request in http.sent] == ["pay", "certificates"]
    asyncio.run(CONNECTOR.payments.query(account, "HT20261123000001"))
    assert len(http.sent) == 3
    assert "Wechatpay-Serial" not in http.sent[0].headers


def test_calls_at_the_same_time_share_one_download(wechat):
    listed = wechat.certificates((wechat.cert_serial, wechat.cert_pem))

    class Http:
        sent = 0

        async def send(self, request):
            await asyncio.sleep(0)
            if "/v3/certificates" in request.url:
                Http.sent += 1
                return wechat.answer(listed, serial=wechat.cert_serial)
            return wechat.answer(wechat.trade(), serial=wechat.cert_serial)

    account, _ = wechat.account(**cert_mode(wechat))

    class Ticking:
        """Every look at the clock is a little later, as in life."""

        def now(self):
            wechat.clock.advance(dt.timedelta(milliseconds=1))
            return wechat.clock.now()

    account = msgspec.structs.replace(account, http=Http(), clock=Ticking())

    async def main():
        return await asyncio.gather(*(CONNECTOR.payments.query(account, "HT20261123000001") for _ in range(20)))

    assert {report.status for report in asyncio.run(main())} == {TradeStatus.PAID}
    assert Http.sent == 1
