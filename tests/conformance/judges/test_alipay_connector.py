"""Both SDKs judge the connector itself: each signs callbacks that we verify, and verifies what we sign."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.util
import json
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization

from hutong.connectors.alipay import CONNECTOR
from hutong.core.errors import InvalidSignature
from hutong.core.money import Money
from hutong.platforms.payments import CreatePayment, PayMethod, TradeStatus

HERE = Path(__file__).parent
SIDE_FILE = HERE.parents[1] / "unit" / "connectors" / "alipay_side.py"
pytestmark = pytest.mark.judge


def _side():
    spec = importlib.util.spec_from_file_location("alipay_side", SIDE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIDE = _side()


#: Environment -> what speaks there.
SCRIPTS = {"alipay": "alipay_words.py", "alipay_second": "alipay_second_words.py"}


@pytest.fixture(scope="module")
def side():
    return SIDE.AlipaySide()


@pytest.fixture(scope="module", params=SCRIPTS)
def words(environments, side, request):
    """Ask an SDK. It signs with Alipay's key, and verifies with the app's."""

    def ask(*, sign=(), verify=(), key=None):
        given = {
            "private_key": SIDE.pem_of(key or side.key, serialization.PrivateFormat.TraditionalOpenSSL),
            "public_key": SIDE.public_pem_of(side.app_key),
            "sign": list(sign),
            "verify": list(verify),
        }
        command = [str(environments[request.param].python), str(HERE / SCRIPTS[request.param])]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    return ask


def content(side, **changes):
    """A callback's parameters without signature and sign type."""
    parameters = dict(parse_qsl(side.notice(**changes).decode()))
    return {name: value for name, value in parameters.items() if name not in ("sign", "sign_type")}


def form(parameters, sign) -> bytes:
    whole = {**parameters, "sign_type": "RSA2", "sign": sign}
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in whole.items()).encode()


def verify(side, body):
    return CONNECTOR.callbacks.verify(side.account()[0], SIDE.FORM, body)


def test_callbacks_that_the_sdk_signed_are_believed_and_changed_ones_are_not(side, words):
    variants = [
        content(side),
        content(side, subject="a=b&c%20d+é 饼干", trade_status="TRADE_FINISHED"),
        content(side, out_biz_no="R1", refund_fee="1.00", gmt_refund="2026-11-23 11:00:00.1"),
        content(side, app_id="2021000000000009"),
    ]
    signs = words(sign=variants)["signed"]
    notices = [verify(side, form(one, sign)) for one, sign in zip(variants, signs, strict=True)]
    assert notices[0].trade.status is TradeStatus.PAID
    assert notices[2].refund.out_refund_no == "R1"
    assert notices[3].trade.owner["app_id"] == "2021000000000009"  # another app's: the hub refuses it by its owner
    for one, sign in zip(variants, signs, strict=True):
        for name in one:
            with pytest.raises(InvalidSignature):
                verify(side, form({**one, name: one[name] + "0"}, sign))
        flipped = sign[:20] + ("A" if sign[20] != "A" else "B") + sign[21:]
        with pytest.raises(InvalidSignature):
            verify(side, form(one, flipped))
    with pytest.raises(InvalidSignature):
        verify(side, form(variants[0], signs[1]))


def test_callbacks_that_a_stranger_signed_or_that_are_stale_are_refused(side, words):
    with pytest.raises(InvalidSignature):
        verify(side, form(content(side), words(sign=[content(side)], key=SIDE.new_key())["signed"][0]))
    old = content(side, notify_time="2026-11-21 12:00:00")
    with pytest.raises(InvalidSignature):
        verify(side, form(old, words(sign=[old])["signed"][0]))


def test_what_the_connector_signs_the_sdk_verifies(side, words):
    """Requests, links and order texts, in both modes; and no changed one."""
    made = []
    for method in CONNECTOR.pay_methods:
        for mode in ({}, side.certificates):
            account, http = side.account(**mode)
            command = CreatePayment(
                out_trade_no="HT1",
                amount=Money.fen(1234),
                description="饼干 + a%b 'c'",
                method=method,
                notify_url="https://hub.example/callbacks/alipay/1?a=b&c=d",
                expires_at=side.clock.now() + dt.timedelta(minutes=5),
                payer_id="2088101117955611",
                return_url="https://hub.example/c/1",
                attach="0a",
            )
            try:
                created = asyncio.run(CONNECTOR.payments.create(account, command))
            except Exception:  # noqa: BLE001 (nobody answers here; what was sent is what counts)
                [request] = http.sent
                made.append(dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode())))
            else:
                text = created.invoke["orderStr"] if method is PayMethod.APP else urlsplit(created.redirect_url).query
                made.append(dict(parse_qsl(text)))
    assert len(made) == 2 * len(CONNECTOR.pay_methods)
    assert words(verify=[dict(one) for one in made])["verified"] == [True] * len(made)
    changed = [{**one, "biz_content": one["biz_content"].replace("12.34", "0.01")} for one in made]
    assert words(verify=changed)["verified"] == [False] * len(made)
