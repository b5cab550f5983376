"""``wechatpayv3`` judges the connector itself: it signs callbacks that we verify, and verifies what we sign."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib.util
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hutong.connectors.wechatpay import CONNECTOR
from hutong.core.errors import HutongError, InvalidSignature
from hutong.core.money import Money
from hutong.platforms.payments import CreatePayment, PayMethod, RequestRefund, TradeStatus

HERE = Path(__file__).parent
SIDE_FILE = HERE.parents[1] / "unit" / "connectors" / "conftest.py"
FIELD = re.compile(r'(\w+)="([^"]*)"')
SKEW_S = 300
pytestmark = pytest.mark.judge


def _side():
    spec = importlib.util.spec_from_file_location("wechat_side", SIDE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIDE = _side()


@pytest.fixture(scope="module")
def side():
    return SIDE.WechatSide()


@pytest.fixture(scope="module")
def words(environments, side):
    """Ask the SDK. It signs with the platform's key unless told otherwise, and verifies with the merchant's."""

    def ask(*, sign=(), verify=(), key=None, public_key=None):
        given = {
            "private_key": SIDE.pem_of(key or side.key),
            "public_key": SIDE.public_pem_of(public_key or side.merchant_key),
            "sign": list(sign),
            "verify": list(verify),
        }
        command = [str(environments["wechatpay"].python), str(HERE / "wechatpay_words.py")]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    return ask


def signed_by_sdk(side, words, bodies, *, age_s=0, key=None, nonce="NONCE1234567890"):
    """Headers over each body as the platform sends them, with a signature of the SDK's."""
    stamp = str(int(side.clock.now().timestamp()) - age_s)
    signs = words(sign=[f"{stamp}\n{nonce}\n{body.decode()}\n" for body in bodies], key=key)["signed"]
    return [
        {**side.headers(body, timestamp=stamp, nonce=nonce), "wechatpay-signature": sign}
        for body, sign in zip(bodies, signs, strict=True)
    ]


def verify(side, headers, body):
    return CONNECTOR.callbacks.verify(side.account()[0], headers, body)


def refused(side, headers, body):
    with pytest.raises(InvalidSignature):
        verify(side, headers, body)


def flipped(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def test_callbacks_that_the_sdk_signed_are_believed_and_changed_ones_are_not(side, words):
    bodies = [
        side.notice(side.trade()),
        side.notice(side.trade(attach="饼干 é %20 +", trade_state="CLOSED")),
        side.notice(
            side.refund(
                mchid=side.credentials["mchid"],
                refund_status="SUCCESS",
                success_time="2026-11-23T12:00:00+08:00",
                amount={"total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40},
            ),
            "REFUND.SUCCESS",
        ),
    ]
    headers = signed_by_sdk(side, words, bodies)
    notices = [verify(side, head, body) for head, body in zip(headers, bodies, strict=True)]
    assert notices[0].trade.status is TradeStatus.PAID
    assert notices[2].refund.out_refund_no == "HTR20261123000001"
    for head, body in zip(headers, bodies, strict=True):
        for place in range(0, len(body), 37):
            refused(side, head, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        for name in ("wechatpay-signature", "wechatpay-nonce", "wechatpay-timestamp", "wechatpay-serial"):
            refused(side, {**head, name: flipped(head[name], 8)}, body)
    refused(side, headers[1], bodies[0])


@pytest.mark.parametrize("age_s", [SKEW_S + 1, -SKEW_S - 1, 86_400])
def test_callbacks_that_the_sdk_signed_too_early_or_too_long_ago_are_refused(side, words, age_s):
    body = side.notice(side.trade())
    refused(side, signed_by_sdk(side, words, [body], age_s=age_s)[0], body)
    verify(side, signed_by_sdk(side, words, [body], age_s=age_s // abs(age_s) * SKEW_S)[0], body)


def test_callbacks_that_a_stranger_signed_are_refused(side, words):
    body = side.notice(side.trade())
    refused(side, signed_by_sdk(side, words, [body], key=side.merchant_key)[0], body)


def sent(side, ask):
    """What the connector sends: nobody answers, what was signed is what counts."""
    account, http = side.account()
    with contextlib.suppress(HutongError):
        asyncio.run(ask(account))
    [request] = http.sent
    given = dict(FIELD.findall(request.headers["Authorization"]))
    parts = urlsplit(request.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = f"{request.method}\n{path}\n{given['timestamp']}"
    return [head, given["nonce_str"], request.body.decode(), given["signature"]]


def requests_of(side):
    soon = side.clock.now() + dt.timedelta(minutes=5)
    for method in (PayMethod.NATIVE, PayMethod.H5, PayMethod.JSAPI):
        command = CreatePayment(
            out_trade_no="HT000001",
            amount=Money.fen(1234),
            description="饼干 + a%b 'c'",
            method=method,
            notify_url="https://hub.example/callbacks/wechatpay/1?a=b&c=d",
            expires_at=soon,
            payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            client_ip="127.0.0.1",
            attach="0a",
        )
        yield sent(side, lambda account, command=command: CONNECTOR.payments.create(account, command))
    yield sent(side, lambda account: CONNECTOR.payments.query(account, "HT000001"))
    yield sent(side, lambda account: CONNECTOR.payments.close(account, "HT000001"))
    yield sent(side, lambda account: CONNECTOR.payments.query_refund(account, "HTR000001", "HT000001"))
    refund = RequestRefund(
        out_trade_no="HT000001",
        out_refund_no="HTR000001",
        amount=Money.fen(40),
        paid_amount=Money.fen(1234),
        reason="退货",
        notify_url="https://hub.example/n",
    )
    yield sent(side, lambda account: CONNECTOR.payments.refund(account, refund))


def test_what_the_connector_signs_the_sdk_verifies(side, words):
    """Requests with and without a body or a query; and no changed one, nor by another key."""
    made = list(requests_of(side))
    assert words(verify=made)["verified"] == [True] * len(made)
    changed = [
        [
            head.replace("000001", "000002"),
            nonce,
            body.replace("1234", "1").replace("000001", "000002"),
            sign,
        ]
        for head, nonce, body, sign in made
    ]
    assert all(one != other for one, other in zip(made, changed, strict=True))
    for wrong in (
        changed,
        [[head, flipped(nonce, 3), body, sign] for head, nonce, body, sign in made],
        [[head, nonce, body, flipped(sign, 20)] for head, nonce, body, sign in made],
        [[head[:-1] + ("1" if head[-1] != "1" else "2"), *rest] for head, *rest in made],
    ):
        assert words(verify=wrong)["verified"] == [False] * len(made)
    assert words(verify=made, public_key=side.key)["verified"] == [False] * len(made)


def test_what_the_buyers_page_invokes_is_signed_as_the_sdk_verifies(side, words):
    account, _ = side.account(lambda _: side.answer({"prepay_id": "wx201410272009395522657a690389285100"}))
    command = CreatePayment(
        out_trade_no="HT000001",
        amount=Money.fen(1234),
        description="饼干",
        method=PayMethod.JSAPI,
        notify_url="https://hub.example/n",
        expires_at=side.clock.now() + dt.timedelta(minutes=5),
        payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    )
    told = asyncio.run(CONNECTOR.payments.create(account, command)).invoke
    parts = [f"{told['appId']}\n{told['timeStamp']}", told["nonceStr"], told["package"], told["paySign"]]
    assert words(verify=[parts, [parts[0], parts[1], parts[2] + "0", parts[3]]])["verified"] == [True, False]
