"""Alipay's callbacks: payments, refunds and closed orders, and everything that must not be believed."""

import datetime as dt
import importlib.util
import pathlib
import random
import re
from urllib.parse import quote_plus

import pytest

from hutong.connectors.alipay import CONNECTOR
from hutong.connectors.alipay.callbacks import form
from hutong.core.errors import InvalidSignature
from hutong.core.money import Money
from hutong.platforms.payments import RefundStatus, TradeStatus

HERE = pathlib.Path(__file__)
MUTATIONS = 20_000
VALID_EVERY = 100


def _side():
    spec = importlib.util.spec_from_file_location("alipay_side", HERE.with_name("alipay_side.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIDE = _side()


@pytest.fixture(scope="module")
def side():
    return SIDE.AlipaySide()


def verify(side, body, headers=SIDE.FORM, **changes):
    return CONNECTOR.callbacks.verify(side.account(**changes)[0], headers, body)


def test_a_payment(side):
    notice = verify(side, side.notice())
    assert (notice.notice_id, notice.kind) == ("2026112300222120000000000000000001", "trade_status_sync TRADE_SUCCESS")
    trade = notice.trade
    assert (trade.status, trade.amount, trade.out_trade_no) == (TradeStatus.PAID, Money.fen(1234), "HT20261123000001")
    assert trade.owner == {"app_id": side.credentials["app_id"], "seller_id": side.credentials["seller_id"]}
    assert trade.attach == "0123456789abcdef0123456789abcdef"
    assert trade.paid_at == dt.datetime(2026, 11, 23, 3, 59, 58, tzinfo=dt.UTC)


def test_in_certificate_mode_too(side):
    assert verify(side, side.notice(), **side.certificates).trade.status is TradeStatus.PAID


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"trade_status": "WAIT_BUYER_PAY", "gmt_payment": None}, TradeStatus.PENDING),
        ({"trade_status": "TRADE_FINISHED"}, TradeStatus.PAID),
        ({"trade_status": "TRADE_CLOSED", "gmt_payment": None}, TradeStatus.CLOSED),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "0.00", "gmt_payment": None}, TradeStatus.CLOSED),
        (
            {"trade_status": "TRADE_CLOSED", "refund_fee": "12.34", "gmt_refund": "2026-11-23 12:00:00.1"},
            TradeStatus.REFUNDED,
        ),
        (
            {"trade_status": "TRADE_SUCCESS", "refund_fee": "1.00", "gmt_refund": "2026-11-23 12:00:00"},
            TradeStatus.REFUNDED,
        ),
        ({"trade_status": "NEXT_YEARS"}, TradeStatus.PENDING),
    ],
)
def test_states(side, changes, status):
    assert verify(side, side.notice(**changes)).trade.status is status


@pytest.mark.parametrize("state", ["TRADE_SUCCESS", "TRADE_CLOSED"])
def test_a_refund_comes_to_the_payments_address_and_is_no_payment(side, state):
    body = side.notice(trade_status=state, out_biz_no="R1", refund_fee="5.00", gmt_refund="2026-11-23 11:59:59.320")
    notice = verify(side, body)
    assert notice.trade is None
    refund = notice.refund
    assert (refund.out_refund_no, refund.status, refund.out_trade_no) == (
        "R1",
        RefundStatus.SUCCEEDED,
        "HT20261123000001",
    )
    assert refund.amount is None  # 5.00 is the sum of all refunds of the order
    assert refund.refunded_at == dt.datetime(2026, 11, 23, 3, 59, 59, tzinfo=dt.UTC)
    assert refund.owner == {"app_id": side.credentials["app_id"], "seller_id": side.credentials["seller_id"]}


def test_an_account_that_does_not_know_its_seller_number_checks_the_app_alone(side):
    assert verify(side, side.notice(), seller_id="").trade.owner == {"app_id": side.credentials["app_id"]}


def test_another_kind_verifies_and_says_nothing(side):
    body = side.notice(
        notify_type=None, notify_time=None, msg_method="alipay.trade.order.settle.notify", utc_timestamp="1795406400000"
    )
    notice = verify(side, body)
    assert (notice.kind, notice.trade, notice.refund) == ("alipay.trade.order.settle.notify", None, None)


WRONG = {
    "no notify_id": {"notify_id": None},
    "no order": {"out_trade_no": None},
    "no time": {"notify_time": None},
    "a time that is none": {"notify_time": "now"},
    "a sum that is none": {"total_amount": "12.345"},
    "another charset": {"charset": "GBK"},
    "another sign type": {"sign_type": "RSA"},
    "no sign type": {"sign_type": None},
    "yesterday's before": {"notify_time": "2026-11-22 09:59:59"},
    "tomorrow's": {"notify_time": "2026-11-23 12:10:01"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_rightly_signed_and_wrong(side, changes):
    with pytest.raises(InvalidSignature):
        verify(side, side.notice(**changes))


def test_the_last_repetition_is_still_taken(side):
    assert verify(side, side.notice(notify_time="2026-11-22 11:00:00")).trade is not None


def test_signed_over_the_wrong_text(side):
    for without in (("sign",), ("sign", "sign_type", "subject"), ("sign", "sign_type", "charset")):
        with pytest.raises(InvalidSignature):
            verify(side, side.notice(without=without))
    with pytest.raises(InvalidSignature):
        verify(side, side.notice(key=SIDE.new_key()))


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "application/json"}, {"content-type": "multipart/form-data; boundary=x"}],
)
def test_what_is_no_form_is_not_read(side, headers):
    with pytest.raises(InvalidSignature):
        verify(side, side.notice(), headers)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body + b"&",
        lambda body: b"&" + body,
        lambda body: body + b"&x",
        lambda body: body + b"&=1",
        lambda body: body + b"&x=",
        lambda body: body + b"&total_amount=12.34",
        lambda body: b"total_amount=0.01&" + body,
        lambda body: body + b"&%74otal_amount=0.01",
        lambda body: body.replace(b"&charset=utf-8", b"&charset=utf-8&charset=utf-8"),
        lambda body: body + b"&x=%zz",
        lambda body: body + b"&x=%4",
        lambda body: body + b"&x=%FF",
        lambda body: body + "&x=饼".encode(),
        lambda body: body + b"\x00",
        lambda body: b"",
        lambda body: body * 40,
        lambda body: re.sub(rb"sign=[^&]*", b"sign=", body),
        lambda body: re.sub(rb"sign=([^&]*)", rb"sign=\1%0A", body),
        lambda body: re.sub(rb"sign=([^&]*)", rb"sign=+\1", body),
        lambda body: body.replace(b"%2B", b"+"),
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(side, change):
    body = side.notice()
    assert change(body) != body
    with pytest.raises(InvalidSignature):
        verify(side, change(body))


def test_the_answer_is_seven_letters():
    callbacks = CONNECTOR.callbacks
    assert (callbacks.acknowledge().status, callbacks.acknowledge().body) == (200, b"success")
    for reason in (InvalidSignature.code, "internal"):
        assert callbacks.refuse(reason).status >= 400
        assert callbacks.refuse(reason).body != b"success"


def mutated(dice, side, strangers, body):
    """A copy that must not be believed, of one of a dozen kinds."""
    kind = dice.randrange(12)
    at = dice.randrange(len(body))
    pairs = body.split(b"&")
    one, other = dice.sample(range(len(pairs)), 2)
    if kind == 0:
        return body[:at]
    if kind == 1:
        return body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :]
    if kind == 2:
        return body[:at] + bytes([dice.randrange(256)]) + body[at:]
    if kind == 3:
        return body[:at] + body[at + 1 :]
    if kind == 4:  # two parameters' values change places
        (name, _, value), (second, _, taken) = pairs[one].partition(b"="), pairs[other].partition(b"=")
        pairs[one], pairs[other] = name + b"=" + taken, second + b"=" + value
        return b"&".join(pairs)
    if kind == 5:  # a parameter twice
        return b"&".join([*pairs, pairs[one]])
    if kind == 6:  # a parameter left out
        return b"&".join(pairs[:one] + pairs[one + 1 :])
    if kind == 7:  # one more
        return body + f"&x{at}={at}".encode()
    if kind == 8:  # another app's key signed the whole of it
        return side.notice(key=dice.choice(strangers), notify_id=str(at))
    if kind == 9:
        return side.notice(sign_type=dice.choice(["RSA", "rsa2", "RSA3", "", "HMAC"]))
    if kind == 10:
        return side.notice(charset=dice.choice(["GBK", "gb2312", "latin-1", "utf-16"]))
    late = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC) + dt.timedelta(hours=dice.choice([-100, -27, 1, 50]))
    return side.notice(notify_time=late.strftime("%Y-%m-%d %H:%M:%S"))


def test_thousands_of_mutations_never_verify_and_never_break(side):
    """Each wrong one is InvalidSignature and nothing else; every hundredth is right and must pass."""
    dice = random.Random(20261125)
    strangers = [SIDE.new_key() for _ in range(3)]
    body = side.notice()
    account, _ = side.account()
    truth = form(body)
    believed = passed = refused = 0
    for n in range(MUTATIONS):
        if n % VALID_EVERY == 0:
            assert CONNECTOR.callbacks.verify(account, SIDE.FORM, body).trade is not None
            passed += 1
            continue
        wrong = mutated(dice, side, strangers, body)
        try:
            CONNECTOR.callbacks.verify(account, SIDE.FORM, wrong)
        except InvalidSignature:
            refused += 1
        else:
            # A percent escape written in other letters, or two equal values that changed places: the same content.
            believed += 1
            assert form(wrong) == truth, wrong
    assert passed == MUTATIONS // VALID_EVERY
    assert refused > MUTATIONS * 9 // 10
    assert believed < MUTATIONS // 20


def test_another_spelling_of_the_same_content_is_the_same(side):
    body = side.notice()
    lower = re.sub(rb"%[0-9A-F]{2}", lambda escape: escape[0].lower(), body)
    assert lower != body
    assert verify(side, lower) == verify(side, body)
    spaces = body.replace(b"+", b"%20")
    assert verify(side, spaces) == verify(side, body)
    assert quote_plus(" ") == "+"
