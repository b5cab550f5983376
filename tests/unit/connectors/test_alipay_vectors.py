"""Alipay's signatures and serials pinned to values from outside (alipay_vectors.json); no simulator runs here.

Every check drives the connector's own path. Each planted mutation swaps one function, as a programmer might get it
wrong, and the named check must fail.
"""

import base64
import datetime as dt
import importlib.util
import json
import pathlib
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from hutong.connectors.alipay import CONNECTOR, certificates, gateway, signing
from hutong.connectors.alipay.certificates import certificate_set
from hutong.connectors.alipay.merchant import merchant_of
from hutong.core.errors import HutongError, InvalidInput, InvalidSignature
from hutong.core.money import Money
from hutong.crypto.digests import md5
from hutong.platforms.payments import TradeStatus
from hutong.transport.messages import Response

HERE = pathlib.Path(__file__)
VECTORS = json.loads(HERE.with_name("alipay_vectors.json").read_text("utf-8"))


def _side():
    spec = importlib.util.spec_from_file_location("alipay_side", HERE.with_name("alipay_side.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIDE = _side()


@pytest.fixture(scope="module")
def side():
    return SIDE.AlipaySide()


def form(parameters) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items()).encode()


def check_request(side):
    vector = VECTORS["request"]
    given = {**vector["parameters"], "sign": "never signed", "empty": ""}
    assert signing.request_message(given).decode() == vector["text"]


def check_request_names(side):
    """Capitals stand before small letters; Chinese is UTF-8."""
    vector = VECTORS["request_names"]
    assert signing.request_message(vector["parameters"]) == vector["text"].encode()


def check_request_goes_out_as_it_was_signed(side):
    """What a request carries verifies with the app's public key over the text the documents describe."""
    account, _ = side.account()
    call = gateway.Call(method="alipay.trade.query", content={"out_trade_no": "饼干 1"}, common={"notify_url": ""})
    request = gateway.build(merchant_of(account), call, side.clock.now())
    sent = dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))
    sign = sent.pop("sign")
    text = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
    side.app_key.public_key().verify(base64.b64decode(sign), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert sent["biz_content"] == '{"out_trade_no":"饼干 1"}'
    assert sent["sign_type"] == "RSA2"
    assert sent["timestamp"] == "2026-11-23 12:00:00"


def check_answer(side):
    vector = VECTORS["answer"]
    account, _ = side.account(alipay_public_key=vector["public_key"])
    answer = gateway.read(
        merchant_of(account), vector["method"], Response(status=200, headers={}, body=vector["body"].encode())
    )
    assert answer.done
    assert json.loads(answer.content)["file_id"] == "CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr"


def check_changed_answers_are_refused(side):
    vector = VECTORS["answer"]
    account, _ = side.account(alipay_public_key=vector["public_key"])
    for old, new in (("10000", "10001"), ('","', '", "'), ("F+LD", "F+LE")):
        body = vector["body"].replace(old, new, 1).encode()
        with pytest.raises(HutongError):
            gateway.read(merchant_of(account), vector["method"], Response(status=200, headers={}, body=body))


def check_notice(side):
    vector = VECTORS["notice"]
    side.clock.moment, before = dt.datetime.fromisoformat(vector["sent_at"]), side.clock.moment
    try:
        account, _ = side.account(alipay_public_key=vector["public_key"])
        notice = CONNECTOR.callbacks.verify(account, SIDE.FORM, form(vector["parameters"]))
    finally:
        side.clock.moment = before
    assert notice.notice_id == vector["parameters"]["notify_id"]
    assert (notice.trade.status, notice.trade.amount) == (TradeStatus.PAID, Money.fen(10))
    assert notice.trade.owner == {"app_id": "2019073166072302", "seller_id": "2088531891668739"}
    assert notice.trade.paid_at == dt.datetime(2019, 8, 15, 7, 56, 24, tzinfo=dt.UTC)


def check_changed_notices_are_refused(side):
    vector = VECTORS["notice"]
    side.clock.moment, before = dt.datetime.fromisoformat(vector["sent_at"]), side.clock.moment
    account, _ = side.account(alipay_public_key=vector["public_key"])
    try:
        for change in ({"total_amount": "0.11"}, {"more": "x"}, {"sign_type": "RSA"}, {"charset": "gbk"}):
            with pytest.raises(InvalidSignature):
                CONNECTOR.callbacks.verify(account, SIDE.FORM, form({**vector["parameters"], **change}))
        side.clock.moment += dt.timedelta(hours=27)
        with pytest.raises(InvalidSignature):
            CONNECTOR.callbacks.verify(account, SIDE.FORM, form(vector["parameters"]))
    finally:
        side.clock.moment = before


def check_serials(side):
    """Alipay's real root file, two of whose four certificates count, and one of which a strict reader cannot read."""
    vector = VECTORS["certificates"]
    found = certificate_set(vector["app_cert"], vector["alipay_cert"], vector["alipay_root_cert"])
    assert (found.app_cert_sn, found.root_cert_sn) == (vector["app_cert_sn"], vector["alipay_root_cert_sn"])
    assert set(found.keys(dt.datetime.fromisoformat(vector["valid_at"]))) == {vector["alipay_cert_sn"]}


def check_certificates_that_ended_are_refused(side):
    vector = VECTORS["certificates"]
    found = certificate_set(vector["app_cert"], vector["alipay_cert"], vector["alipay_root_cert"])
    with pytest.raises(InvalidInput, match="not valid now"):
        found.keys(dt.datetime(2022, 5, 15, tzinfo=dt.UTC))


CHECKS = [
    check_request,
    check_request_names,
    check_request_goes_out_as_it_was_signed,
    check_answer,
    check_changed_answers_are_refused,
    check_notice,
    check_changed_notices_are_refused,
    check_serials,
    check_certificates_that_ended_are_refused,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_vector(check, side):
    certificate_set.cache_clear()
    check(side)


def _joined(outside, *, is_sorted=True, encode=str, separator="&"):
    def text(parameters):
        names = sorted(parameters) if is_sorted else list(parameters)
        kept = [(name, parameters[name]) for name in names if name not in outside and parameters[name]]
        return separator.join(f"{name}={encode(value)}" for name, value in kept).encode()

    return text


def _blind_to_case(parameters):
    names = sorted((name for name in parameters if name != "sign"), key=str.lower)
    return "&".join(f"{name}={parameters[name]}" for name in names if parameters[name]).encode()


def _in_gbk(parameters):
    return _joined(("sign",))(parameters).decode().encode("gbk")


def _sha1(key, message):
    return key.sign(message, padding.PKCS1v15(), hashes.SHA1())


def _pss(key, message):
    return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


VERIFY_ANSWER = signing.verify_answer


def _written_anew(merchant, content, encoded, serial):
    VERIFY_ANSWER(merchant, json.dumps(json.loads(content)).encode(), encoded, serial)


def _without_braces(merchant, content, encoded, serial):
    VERIFY_ANSWER(merchant, content[1:-1], encoded, serial)


#: (name, module, function, what replaces it, a check that must fail)
MUTATIONS = [
    ("request_unsorted", signing, "request_message", _joined(("sign",), is_sorted=False), check_request),
    ("request_sorted_blind_to_case", signing, "request_message", _blind_to_case, check_request_names),
    ("request_in_gbk", signing, "request_message", _in_gbk, check_request_names),
    ("request_without_sign_type", signing, "request_message", _joined(("sign", "sign_type")), check_request),
    ("request_with_sign", signing, "request_message", _joined(()), check_request),
    ("request_values_encoded", signing, "request_message", _joined(("sign",), encode=quote_plus), check_request),
    ("request_separator", signing, "request_message", _joined(("sign",), separator=""), check_request),
    ("request_sha1", signing, "sign_sha256", _sha1, check_request_goes_out_as_it_was_signed),
    ("request_pss", signing, "sign_sha256", _pss, check_request_goes_out_as_it_was_signed),
    (
        "request_time_in_utc",
        gateway,
        "wire_time",
        lambda now: now.strftime("%Y-%m-%d %H:%M:%S"),
        check_request_goes_out_as_it_was_signed,
    ),
    ("answer_written_anew", gateway, "verify_answer", _written_anew, check_answer),
    ("answer_without_braces", gateway, "verify_answer", _without_braces, check_answer),
    ("answer_not_checked", gateway, "verify_answer", lambda *_: None, check_changed_answers_are_refused),
    ("notice_with_sign_type", signing, "callback_message", _joined(("sign",)), check_notice),
    (
        "notice_unsorted",
        signing,
        "callback_message",
        _joined(("sign", "sign_type"), is_sorted=False),
        check_notice,
    ),
    (
        "notice_values_encoded",
        signing,
        "callback_message",
        _joined(("sign", "sign_type"), encode=quote_plus),
        check_notice,
    ),
    ("notice_not_checked", signing, "verify_sha256", lambda *_: True, check_changed_notices_are_refused),
    (
        "serial_in_hexadecimal",
        certificates,
        "serial_of",
        lambda c: md5(f"{c.issuer.rfc4514_string()}{c.serial_number:x}".encode()).hex(),
        check_serials,
    ),
    (
        "serial_of_the_subject",
        certificates,
        "serial_of",
        lambda c: md5(f"{c.subject.rfc4514_string()}{c.serial_number}".encode()).hex(),
        check_serials,
    ),
    ("roots_of_every_kind", certificates, "_rsa_only", lambda found: found, check_serials),
    ("certificates_never_end", certificates, "_valid", lambda *_: True, check_certificates_that_ended_are_refused),
]
CAUGHT = (AssertionError, HutongError, ValueError, Mismatch, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("module", "function", "mistake", "check"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS]
)
def test_planted_mutation_is_caught(module, function, mistake, check, side, monkeypatch):
    certificate_set.cache_clear()
    check(side)
    assert hasattr(module, function)
    monkeypatch.setattr(module, function, mistake)
    certificate_set.cache_clear()
    with pytest.raises(CAUGHT):
        check(side)
    certificate_set.cache_clear()


def test_a_slash_that_was_escaped_after_signing_still_verifies(side):
    r"""Some of Alipay's servers sign ``/`` and send ``\/``."""
    signed = b'{"code":"10000","msg":"Success","url":"https://a/b"}'
    sent = signed.replace(b"/", b"\\/")
    account, _ = side.account()
    response = side.answer("alipay.trade.query", raw=sent, signed=signed)
    assert gateway.read(merchant_of(account), "alipay.trade.query", response).content == sent
    wrong = side.answer("alipay.trade.query", raw=sent, signed=signed.replace(b"10000", b"10001"))
    with pytest.raises(HutongError):
        gateway.read(merchant_of(account), "alipay.trade.query", wrong)
