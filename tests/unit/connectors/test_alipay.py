"""Alipay's connector alone: what it builds, what it makes of answers, keys and certificates."""

import asyncio
import base64
import datetime as dt
import importlib.util
import pathlib
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from hutong.connectors.alipay import CONNECTOR, gateway
from hutong.connectors.alipay.certificates import certificate_set
from hutong.connectors.alipay.downloads import MEMORY
from hutong.connectors.alipay.downloads import METHOD as DOWNLOAD
from hutong.connectors.alipay.merchant import merchant_of
from hutong.connectors.alipay.values import moment, money, money_of, wire_time, yuan
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RefundStatus, RequestRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.sharing import ReceiverKind, ShareLine, ShareOut, ShareReceiver, ShareStatus
from hutong.transport.messages import Response

HERE = pathlib.Path(__file__)
NUMBER = "HT20261123000001"


def _side():
    spec = importlib.util.spec_from_file_location("alipay_side", HERE.with_name("alipay_side.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIDE = _side()


@pytest.fixture(scope="module")
def side():
    return SIDE.AlipaySide()


def run(side, call, answer, **changes):
    account, http = side.account(answer, **changes)
    return asyncio.run(call(account)), http.sent


def query(side, **trade):
    answer = side.answer("alipay.trade.query", side.trade(**trade))
    return run(side, lambda account: CONNECTOR.payments.query(account, NUMBER), lambda _: answer)[0]


def order(side, method=PayMethod.NATIVE, **more):
    values = {
        "out_trade_no": NUMBER,
        "amount": Money.fen(1),
        "description": "饼干",
        "method": method,
        "notify_url": "https://hub.example/callbacks/alipay/1",
        "expires_at": side.clock.now() + dt.timedelta(minutes=15),
    }
    return CreatePayment(**{**values, **more})


def sent_parameters(request):
    return dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))


# amounts and times


@pytest.mark.parametrize("fen", [1, 9, 10, 99, 100, 101, 1_230, 10_000_000_01])
def test_amounts_go_there_and_back_exactly(fen):
    text = yuan(Money.fen(fen))
    assert text.split(".")[1].isdigit()
    assert len(text.split(".")[1]) == 2
    assert money(text) == Money.fen(fen)


@pytest.mark.parametrize(
    "text", ["", "1.234", "-1.00", "+1", "1e3", "NaN", "１.00", "1.", ".5", " 1.00", "1,000.00", "0x1"]
)
def test_amounts_that_are_none_are_refused(text):
    with pytest.raises(HutongError):
        money(text)


@pytest.mark.parametrize("amount", [Money.fen(0), Money.fen(-1), Money(100, "USD")])
def test_sums_that_cannot_be_paid_are_refused(amount):
    with pytest.raises(InvalidInput):
        yuan(amount)


def test_an_amount_in_json_is_read_from_its_text():
    assert money_of(msgspec.Raw(b"0.07")) == money_of(msgspec.Raw(b'"0.07"')) == Money.fen(7)


def test_times_are_chinese_local_text():
    assert wire_time(dt.datetime(2026, 12, 31, 17, 0, 1, 999, tzinfo=dt.UTC)) == "2027-01-01 01:00:01"
    assert moment("2027-01-01 01:00:01.320") == dt.datetime(2026, 12, 31, 17, 0, 1, tzinfo=dt.UTC)
    for wrong in ("", "2027-01-01", "2027-13-01 01:00:01", "2027-01-01T01:00:01", "2027-01-01 01:00:01 "):
        with pytest.raises(ValueError, match=r"time|month"):
            moment(wrong)


# what is built


def test_a_code_is_asked_for_with_everything_that_ends_it(side):
    command = order(side, attach="a b", shared=True)
    answer = side.answer("alipay.trade.precreate", {"out_trade_no": NUMBER, "qr_code": "https://qr.alipay.com/x"})
    created, [request] = run(side, lambda account: CONNECTOR.payments.create(account, command), lambda _: answer)
    assert created.code_url == "https://qr.alipay.com/x"
    parameters = sent_parameters(request)
    assert parameters["method"] == "alipay.trade.precreate"
    assert parameters["notify_url"] == command.notify_url
    content = msgspec.json.decode(parameters["biz_content"])
    assert content == {
        "out_trade_no": NUMBER,
        "total_amount": "0.01",
        "subject": "饼干",
        "product_code": "FACE_TO_FACE_PAYMENT",
        "time_expire": "2026-11-23 12:15:00",
        "passback_params": "a%20b",
        "extend_params": {"royalty_freeze": "true"},
    }


@pytest.mark.parametrize(("payer", "field"), [("2088101117955611", "buyer_id"), ("074a1CcTG1LelxKe", "buyer_open_id")])
def test_a_buyer_is_named_by_the_kind_of_his_id(side, payer, field):
    command = order(side, PayMethod.JSAPI, payer_id=payer)
    answer = side.answer("alipay.trade.create", {"out_trade_no": NUMBER, "trade_no": "20261123"})
    created, [request] = run(side, lambda account: CONNECTOR.payments.create(account, command), lambda _: answer)
    assert created.invoke == {"tradeNO": "20261123"}
    assert msgspec.json.decode(sent_parameters(request)["biz_content"])[field] == payer


def test_what_cannot_be_opened_is_refused_before_anything_is_sent(side):
    wrong = [
        order(side, PayMethod.CODE),
        order(side, PayMethod.JSAPI),
        order(side, amount=Money.fen(0)),
        order(side, amount=Money(1, "USD")),
        order(side, out_trade_no="a-b"),
        order(side, description=" /=& "),
    ]
    for command in wrong:
        account, http = side.account()
        with pytest.raises(InvalidInput):
            asyncio.run(CONNECTOR.payments.create(account, command))
        assert not http.sent


def test_a_browsers_link_carries_where_to_go_back(side):
    command = order(side, PayMethod.H5, return_url="https://hub.example/c/1")
    created, sent = run(side, lambda account: CONNECTOR.payments.create(account, command), lambda _: None)
    parameters = dict(parse_qsl(urlsplit(created.redirect_url).query))
    assert not sent
    assert parameters["return_url"] == "https://hub.example/c/1"
    assert msgspec.json.decode(parameters["biz_content"])["quit_url"] == "https://hub.example/c/1"
    assert "notify_url" in parameters


# what is made of answers


@pytest.mark.parametrize(
    ("raw", "paid", "status"),
    [
        ("WAIT_BUYER_PAY", "", TradeStatus.PENDING),
        ("TRADE_SUCCESS", "2026-11-23 11:59:58", TradeStatus.PAID),
        ("TRADE_FINISHED", "2026-11-23 11:59:58", TradeStatus.PAID),
        ("TRADE_CLOSED", "", TradeStatus.CLOSED),
        ("TRADE_CLOSED", "2026-11-23 11:59:58", TradeStatus.REFUNDED),
        ("NEXT_YEARS_STATUS", "", TradeStatus.PENDING),
    ],
)
def test_states(side, raw, paid, status):
    report = query(side, trade_status=raw, send_pay_date=paid)
    assert (report.status, report.raw_status) == (status, raw)


@pytest.mark.parametrize(
    "trade",
    [
        {"out_trade_no": "ANOTHER"},
        {"total_amount": "12.345"},
        {"total_amount": 12.34},
        {"send_pay_date": "yesterday"},
        {"trade_status": ""},
    ],
)
def test_an_answer_that_does_not_fit_is_unknown(side, trade):
    with pytest.raises(PlatformUnknown):
        query(side, **trade)


def test_a_code_that_nobody_scanned_is_no_order_yet(side):
    answer = side.refusal("alipay.trade.query", "ACQ.TRADE_NOT_EXIST")
    report, _ = run(side, lambda account: CONNECTOR.payments.query(account, NUMBER), lambda _: answer)
    assert report.status is TradeStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("code", "sub_code", "word"),
    [
        ("40004", "ACQ.SYSTEM_ERROR", None),
        ("20000", "isp.unknow-error", None),
        ("10003", "", None),
        ("40004", "ACQ.NEVER_SEEN", ErrorWord.UNKNOWN),
        ("40002", "isv.never-seen", ErrorWord.INVALID_REQUEST),
        ("40002", "isv.invalid-signature", ErrorWord.BAD_SIGNATURE),
        ("40005", "isv.app-call-limited", ErrorWord.THROTTLED),
        ("20001", "aop.auth-token-time-out", ErrorWord.TOKEN_EXPIRED),
        ("40006", "isv.insufficient-isv-permissions", ErrorWord.NOT_PERMITTED),
    ],
)
def test_codes(side, code, sub_code, word):
    answer = side.answer("alipay.trade.query", {"sub_code": sub_code, "sub_msg": "不行"}, code=code)
    account, _ = side.account(lambda _: answer)
    with pytest.raises((PlatformRefused, PlatformUnknown)) as caught:
        asyncio.run(CONNECTOR.payments.query(account, NUMBER))
    assert getattr(caught.value, "word", None) is word


def unsigned(method, code):
    body = b'{"%s_response":{"code":"%s","msg":"m","sub_code":"isv.x"}}' % (method.replace(".", "_").encode(), code)
    return Response(status=200, headers={}, body=body)


@pytest.mark.parametrize("code", [b"40002", b"40005", b"40006"])
def test_only_a_gateways_refusal_may_come_unsigned(side, code):
    account, _ = side.account(lambda _: unsigned("alipay.trade.query", code))
    with pytest.raises(PlatformRefused):
        asyncio.run(CONNECTOR.payments.query(account, NUMBER))


@pytest.mark.parametrize("code", [b"10000", b"40004", b"20000"])
def test_an_unsigned_outcome_is_unknown(side, code):
    account, _ = side.account(lambda _: unsigned("alipay.trade.query", code))
    with pytest.raises(PlatformUnknown):
        asyncio.run(CONNECTOR.payments.query(account, NUMBER))


def test_an_answer_of_another_key_or_method_is_unknown(side):
    for answer in (
        side.answer("alipay.trade.query", side.trade(), key=SIDE.new_key()),
        side.answer("alipay.trade.close", side.trade()),
        side.answer("alipay.trade.query", side.trade(), cert_sn="00"),
    ):
        account, _ = side.account(lambda _, answer=answer: answer)
        with pytest.raises(PlatformUnknown):
            asyncio.run(CONNECTOR.payments.query(account, NUMBER))


def test_a_refund_is_done_only_where_money_moved(side):
    command = RequestRefund(
        out_trade_no=NUMBER,
        out_refund_no="R1",
        amount=Money.fen(34),
        paid_amount=Money.fen(1234),
        reason="",
        notify_url="",
    )
    moved = {"out_trade_no": NUMBER, "fund_change": "Y", "refund_fee": "5.00", "gmt_refund_pay": "2026-11-23 12:00:00"}
    answer = side.answer("alipay.trade.refund", moved)
    report, _ = run(side, lambda account: CONNECTOR.payments.refund(account, command), lambda _: answer)
    assert (report.status, report.amount) == (RefundStatus.SUCCEEDED, None)  # 5.00 is the order's sum, not this one's
    answers = iter(
        [
            side.answer("alipay.trade.refund", {**moved, "fund_change": "N"}),
            side.answer("alipay.trade.fastpay.refund.query", {"out_trade_no": NUMBER}),
        ]
    )
    report, sent = run(side, lambda account: CONNECTOR.payments.refund(account, command), lambda _: next(answers))
    assert (report.status, len(sent)) == (RefundStatus.PENDING, 2)
    with pytest.raises(InvalidInput):
        run(
            side,
            lambda account: CONNECTOR.payments.refund(
                account, msgspec.structs.replace(command, amount=Money.fen(1235))
            ),
            lambda _: None,
        )


def test_shares_are_decided_line_by_line(side):
    people = [ShareReceiver(kind=ReceiverKind.PERSON, account_ref=f"208800000000000{n}") for n in range(3)]
    command = ShareOut(
        out_trade_no=NUMBER,
        transaction_id="2026",
        out_share_no="S1",
        lines=tuple(ShareLine(receiver=one, amount=Money.fen(100), description="") for one in people),
        finish=False,
    )

    def asked(*states):
        details = [
            {"operation_type": kind, "trans_in": person.account_ref, "amount": 1.00, "state": state}
            for person, (kind, state) in zip(people, states, strict=False)
        ]
        record = {"out_request_no": "S1", "royalty_detail_list": details}
        answer = side.answer("alipay.trade.order.settle.query", record)
        return run(side, lambda account: CONNECTOR.sharing.query(account, command), lambda _: answer)[0]

    good, bad, open_ = ("transfer", "SUCCESS"), ("transfer", "FAIL"), ("transfer", "PROCESSING")
    assert asked(good, good, good).status is ShareStatus.SUCCEEDED
    assert asked(good, bad, good).status is ShareStatus.SUCCEEDED
    assert asked(bad, bad, bad).status is ShareStatus.FAILED
    assert asked(good, open_, good).status is ShareStatus.PENDING
    assert asked(good, good).status is ShareStatus.PENDING  # a line that is not named is not decided
    assert asked(good, good, ("transfer_refund", "SUCCESS")).status is ShareStatus.PENDING
    twice = msgspec.structs.replace(command, lines=(*command.lines, command.lines[0]))
    for wrong in (msgspec.structs.replace(command, lines=()), twice):
        account, http = side.account()
        with pytest.raises(InvalidInput):
            asyncio.run(CONNECTOR.sharing.share(account, wrong))
        assert not http.sent


# keys and certificates


def test_keys_are_taken_as_alipays_tools_write_them(side):
    def bare(pem):
        return "".join(line for line in pem.splitlines() if "-----" not in line)

    given = side.credentials
    forms = [
        {"private_key_pkcs1": "", "private_key_pkcs8": bare(given["private_key_pkcs8"])},
        {"private_key_pkcs8": "", "private_key_pkcs1": bare(given["private_key_pkcs1"])},
        {"private_key_pkcs8": "", "alipay_public_key": bare(given["alipay_public_key"]) + "\n"},
    ]
    for form in forms:
        merchant = merchant_of(side.account(**form)[0])
        assert merchant.signing_key.private_numbers() == side.app_key.private_numbers()
        assert merchant.platform_keys[""].public_numbers() == side.key.public_key().public_numbers()
    assert merchant_of(side.account()[0]).signing_key is merchant_of(side.account()[0]).signing_key  # loaded once


def test_certificates_win_and_name_themselves(side):
    account, _ = side.account(**side.certificates)
    merchant = merchant_of(account)
    assert merchant.app_cert_sn == SIDE.sn_of(side.app_cert, "CA Root")
    assert merchant.root_cert_sn == SIDE.sn_of(side.root, "CA Root")
    assert set(merchant.platform_keys) == {side.cert_sn}
    request = gateway.build(merchant, gateway.Call(method="m"), side.clock.now())
    assert sent_parameters(request)["app_cert_sn"] == merchant.app_cert_sn


@pytest.mark.parametrize("field", ["app_cert", "alipay_cert", "alipay_root_cert"])
def test_a_certificate_mode_is_whole_or_none(side, field):
    for wrong in ({field: ""}, {field: "no certificate"}):
        account, _ = side.account(**{**side.certificates, **wrong})
        with pytest.raises(InvalidInput) as caught:
            merchant_of(account)
        assert caught.value.details["field"] == field


def test_a_certificate_that_is_not_valid_now_is_refused(side):
    for days in (-31, 400):
        side.clock.advance(dt.timedelta(days=days))
        try:
            with pytest.raises(InvalidInput, match="not valid now"):
                merchant_of(side.account(**side.certificates)[0])
        finally:
            side.clock.advance(-dt.timedelta(days=days))


def test_an_issuer_in_between_counts_with_its_own_times(side):
    between_key = SIDE.new_key()
    between = SIDE.certificate("CA Between", between_key, "CA Root", side.ca_key, days=60)
    leaf = SIDE.certificate("Alipay", side.key, "CA Between", between_key, days=300)
    files = {**side.certificates, "alipay_cert": SIDE.text_of(leaf, between)}
    found = certificate_set(files["app_cert"], files["alipay_cert"], files["alipay_root_cert"])
    assert [len(chain) for chain in found.chains] == [3]
    assert set(found.keys(side.clock.now())) == {SIDE.sn_of(leaf, "CA Between")}
    with pytest.raises(InvalidInput, match="not valid now"):
        found.keys(side.clock.now() + dt.timedelta(days=40))


def test_a_certificate_that_its_issuer_did_not_sign_is_refused(side):
    forged = SIDE.certificate("Alipay", side.key, "CA Root", SIDE.new_key())
    files = {**side.certificates, "alipay_cert": SIDE.text_of(forged)}
    with pytest.raises(InvalidInput, match="not issued"):
        merchant_of(side.account(**files)[0])


def test_two_certificates_are_known_by_their_serials(side):
    second_key = SIDE.new_key()
    second = SIDE.certificate("Alipay 2", second_key, "CA Root", side.ca_key)
    files = {**side.certificates, "alipay_cert": SIDE.text_of(side.cert, second)}
    for key, cert in ((side.key, side.cert), (second_key, second)):
        answer = side.answer("alipay.trade.query", side.trade(), key=key, cert_sn=SIDE.sn_of(cert, "CA Root"))
        account, _ = side.account(lambda _, answer=answer: answer, **files)
        assert asyncio.run(CONNECTOR.payments.query(account, NUMBER)).status is TradeStatus.PAID
    swapped = side.answer("alipay.trade.query", side.trade(), key=second_key, cert_sn=side.cert_sn)
    account, _ = side.account(lambda _: swapped, **files)
    with pytest.raises(PlatformUnknown):
        asyncio.run(CONNECTOR.payments.query(account, NUMBER))


def test_a_key_of_another_form_is_named(side):
    for wrong in ({"private_key_pkcs8": "AAAA"}, {"alipay_public_key": "AAAA"}):
        with pytest.raises(InvalidInput):
            merchant_of(side.account(**wrong)[0])


# a certificate that changes


def changing(side, pem, *, signed_by=None, serial=None):
    """A gateway that signs with a new certificate, and hands out ``pem`` when it is asked for it."""
    key = SIDE.new_key()
    cert = SIDE.certificate("Alipay new", key, "CA Root", side.ca_key)
    sn = serial or SIDE.sn_of(cert, "CA Root")

    def answer(request):
        method = sent_parameters(request)["method"]
        if method == DOWNLOAD:
            content = base64.b64encode((pem or SIDE.text_of(cert)).encode()).decode()
            return side.answer(method, {"alipay_cert_content": content}, key=signed_by or key, cert_sn=sn)
        return side.answer(method, side.trade(), key=key, cert_sn=sn)

    return answer


def asked(side, answer):
    MEMORY.forget_all()
    account, http = side.account(answer, **side.certificates)
    try:
        return asyncio.run(CONNECTOR.payments.query(account, NUMBER)).status, len(http.sent)
    except PlatformUnknown:
        return None, len(http.sent)


def test_a_certificate_that_an_answer_names_is_fetched_once_and_remembered(side):
    answer = changing(side, "")
    assert asked(side, answer) == (TradeStatus.PAID, 2)
    account, http = side.account(answer, **side.certificates)
    assert asyncio.run(CONNECTOR.payments.query(account, NUMBER)).status is TradeStatus.PAID
    assert len(http.sent) == 1
    MEMORY.forget_all()


def test_a_fetched_certificate_must_lead_to_the_root(side):
    stranger, between_key = SIDE.new_key(), SIDE.new_key()
    forged = SIDE.certificate("Alipay new", stranger, "CA Root", stranger)
    gap = SIDE.certificate("Alipay new", stranger, "CA Between", between_key)
    for wrong, issuer in ((forged, "CA Root"), (gap, "CA Between")):
        answer = changing(side, SIDE.text_of(wrong), signed_by=stranger, serial=SIDE.sn_of(wrong, issuer))
        assert asked(side, answer) == (None, 2)
    assert asked(side, changing(side, SIDE.text_of(side.cert))) == (None, 2)  # another certificate than was asked for
    assert asked(side, changing(side, "no certificate")) == (None, 2)
    assert asked(side, changing(side, "", signed_by=SIDE.new_key())) == (None, 2)


def test_strange_serials_make_one_download_a_minute(side):
    MEMORY.forget_all()
    sent = 0
    for n in range(5):
        answer = side.answer("alipay.trade.query", side.trade(), cert_sn=f"{n:032x}")
        account, http = side.account(lambda _, answer=answer: answer, **side.certificates)
        with pytest.raises(PlatformUnknown):
            asyncio.run(CONNECTOR.payments.query(account, NUMBER))
        sent += len(http.sent)
    assert sent == 6
    MEMORY.forget_all()
