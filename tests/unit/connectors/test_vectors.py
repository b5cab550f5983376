"""Signatures pinned to values from outside (vectors.json names each source); no simulator runs here.

Every check drives the connector's own path. Then each planted mutation swaps one function of the connector, as a
programmer might get it wrong, and at least the named check must fail.
"""

import base64
import datetime as dt
import json
import pathlib
import re
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from hutong.connectors.taobao import gateway
from hutong.connectors.taobao import signing as top
from hutong.connectors.wechatpay import CONNECTOR, certificates, orders, signing, v2
from hutong.connectors.wechatpay.certificates import Sealed
from hutong.connectors.wechatpay.keys import given_keys
from hutong.connectors.wechatpay.merchant import merchant_of
from hutong.connectors.wechatpay.sensitive import Sealer
from hutong.core.errors import InvalidInput, InvalidSignature
from hutong.core.money import Money
from hutong.crypto.digests import hmac_md5, md5
from hutong.crypto.rsa import sign_sha256
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.payments import CreatePayment, PayMethod

VECTORS = json.loads(pathlib.Path(__file__).with_name("vectors.json").read_text("utf-8"))
WECHAT, TAOBAO = VECTORS["wechatpay"], VECTORS["taobao"]


def moment(timestamp):
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)


def outside_verify(public_pem, signature, message):
    key = serialization.load_pem_public_key(public_pem.encode())
    key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())


class Bench:
    """A merchant whose key is made at run time, and a tap on what is really signed with it."""

    def __init__(self, wechat, monkeypatch):
        self.wechat = wechat
        self.tapped = []
        signer = signing.sign_sha256

        def tap(key, message):
            self.tapped.append(message)
            return signer(key, message)

        monkeypatch.setattr(signing, "sign_sha256", tap)

    def merchant(self, **changes):
        account, _ = self.wechat.account(**changes)
        return merchant_of(account)

    def signed(self, encoded):
        """The one message that was signed; and the signature over it must be ours, by an independent check."""
        (message,) = self.tapped
        self.tapped.clear()
        public = self.wechat.merchant_key.public_key()
        public.verify(base64.b64decode(encoded), message, padding.PKCS1v15(), hashes.SHA256())
        return message


# checks: each takes the bench and fails by any exception


def check_request(bench, vector):
    request = signing.signed_request(
        bench.merchant(),
        vector["method"],
        vector["path"],
        vector["body"].encode(),
        now=moment(vector["timestamp"]),
        nonce=vector["nonce"],
        repeatable=True,
    )
    scheme, _, rest = request.headers["Authorization"].partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (fields["timestamp"], fields["nonce_str"]) == (str(vector["timestamp"]), vector["nonce"])
    outside_verify(WECHAT["documents_key"]["public_key"], vector["signature"], bench.signed(fields["signature"]))


def check_request_post(bench):
    check_request(bench, WECHAT["requests"][0])


def check_request_get(bench):
    check_request(bench, WECHAT["requests"][1])


def check_request_query(bench):
    check_request(bench, WECHAT["requests"][2])


def check_invocation(bench):
    vector = WECHAT["invocation"]
    merchant = bench.merchant(appid=vector["appid"])
    invoke = orders.invocation(
        merchant, merchant.appid, vector["prepay_id"], moment(vector["timestamp"]), vector["nonce"]
    )
    message = bench.signed(invoke["paySign"])
    outside_verify(WECHAT["documents_key"]["public_key"], vector["signature"], message)
    assert invoke["package"] == f"prepay_id={vector['prepay_id']}"


def check_app_invocation(bench):
    vector = WECHAT["app_invocation"]
    merchant = bench.merchant(appid=vector["appid"])
    invoke = orders.app_invocation(merchant, vector["prepay_id"], moment(vector["timestamp"]), vector["nonce"])
    outside_verify(WECHAT["documents_key"]["public_key"], vector["signature"], bench.signed(invoke["sign"]))
    assert (invoke["prepayId"], invoke["packageValue"]) == (vector["prepay_id"], "Sign=WXPay")


def check_older_signature(bench):
    """The documents' example, with both digests, and as a message that was written and read again."""
    check_older(WECHAT["older"])


def check_older_names(bench):
    """Capitals stand before small letters."""
    check_older(WECHAT["older_names"])


def check_older(vector):
    for sign_type in v2.SignType:
        assert v2.signature(vector["fields"], vector["key"], sign_type) == vector[sign_type.value]
        message = {**vector["fields"], "attach": "", "sign": vector[sign_type.value]}
        assert v2.verified(v2.read(v2.write(message)), vector["key"], sign_type)
        assert not v2.verified({**message, "body": "tesT"}, vector["key"], sign_type)
        assert not v2.verified(message, vector["key"][::-1], sign_type)
        assert not v2.verified({**message, "sign": ""}, vector["key"], sign_type)


def check_provider_request(bench):
    """Names of fields and addresses as the published field lists have them."""
    merchant = bench.merchant(sub_mchid="1900000109", sub_appid="wxd678efh567hg6999")
    command = CreatePayment(
        out_trade_no="1217752501201407033233368018",
        amount=Money.fen(100),
        description="Image形象店-深圳腾大-QQ公仔",
        method=PayMethod.JSAPI,
        notify_url="https://www.weixin.qq.com/wxpay/pay.php",
        expires_at=moment(1554208460),
        payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    )
    request = orders.build_create(merchant, command, moment(1554208460), "N")
    assert urlsplit(request.url).path == "/v3/pay/partner/transactions/jsapi"
    parties = {
        "sp_appid": merchant.appid,
        "sp_mchid": merchant.mchid,
        "sub_appid": "wxd678efh567hg6999",
        "sub_mchid": "1900000109",
    }
    sent = json.loads(request.body)
    assert {name: sent.get(name) for name in parties} == parties
    assert "mchid" not in sent
    assert sent["payer"] == {"sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
    query = urlsplit(orders.build_query(merchant, command.out_trade_no, moment(1554208460), "N").url)
    assert query.path == f"/v3/pay/partner/transactions/out-trade-no/{command.out_trade_no}"
    assert query.query == f"sp_mchid={merchant.mchid}&sub_mchid=1900000109"


def signed_headers(vector, serial):
    return {
        "wechatpay-timestamp": str(vector["timestamp"]),
        "wechatpay-nonce": vector["nonce"],
        "wechatpay-serial": serial,
        "wechatpay-signature": vector["signature"],
    }


def check_answer(bench):
    vector = WECHAT["answer"]
    keys = given_keys("", "PUB_KEY_ID_1", vector["public_key"])
    headers, body = signed_headers(vector, "PUB_KEY_ID_1"), vector["body"].encode()
    signing.verify(headers, body, keys, moment(vector["timestamp"]))


def check_answer_tampered_or_stale(bench):
    vector = WECHAT["answer"]
    keys = given_keys("", "PUB_KEY_ID_1", vector["public_key"])
    headers, body = signed_headers(vector, "PUB_KEY_ID_1"), vector["body"].encode()
    for changed, at in ((body + b" ", 0), (body, 301), (body, -301)):
        with pytest.raises(InvalidSignature):
            signing.verify(headers, changed, keys, moment(vector["timestamp"] + at))


def check_notice(bench):
    vector = WECHAT["notice"]
    account, _ = account_of(
        "wechatpay",
        "https://pay.example",
        {
            **bench.wechat.credentials,
            "api_v3_key": vector["api_v3_key"],
            "platform_certificates": vector["certificate"],
            "public_key_id": "",
        },
        StandingClock(moment(vector["timestamp"])),
        lambda request: None,
    )
    body = vector["body"].encode()
    notice = CONNECTOR.callbacks.verify(account, signed_headers(vector, vector["serial"]), body)
    assert notice.notice_id == "3119dfba-e649-5eec-ab1e-3412bc4d2e17"
    assert notice.kind == "PAYSCORE.USER_OPEN_SERVICE"
    resource = json.loads(body)["resource"]
    opened = Sealed(resource["algorithm"], resource["nonce"], resource["ciphertext"], resource["associated_data"]).open(
        vector["api_v3_key"].encode()
    )
    assert opened.decode() == vector["plaintext"]


def check_sealed(bench):
    for vector in WECHAT["sealed"]:
        sealed = Sealed("AEAD_AES_256_GCM", vector["nonce"], vector["ciphertext"], vector["associated_data"])
        assert sealed.open(vector["key"].encode()).decode() == vector["plaintext"]


def check_top_call(bench):
    """The documents' example, as a call that this connector builds from an account, a clock and business fields."""
    vector = TAOBAO["calls"][0]
    given = vector["parameters"]
    clock = StandingClock(dt.datetime(2016, 1, 1, 4, 0, tzinfo=dt.UTC))
    credentials = {"app_key": given["app_key"], "app_secret": vector["secret"], "access_token": given["session"]}
    account, _ = account_of("taobao", "https://gw.example", credentials, clock, lambda request: None)
    business = {"fields": given["fields"], "num_iid": given["num_iid"], "outer_id": ""}
    request = gateway.build(account, given["method"], business, repeatable=True)
    sent = dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))
    assert sent == {**given, "sign": vector["sign"]}


def check_top_old_example(bench):
    vector = TAOBAO["calls"][1]
    assert top.sign(vector["parameters"], vector["secret"], top.SignMethod.MD5) == vector["sign"]


def check_top_hmac(bench):
    vector = TAOBAO["calls"][2]
    assert top.sign(vector["parameters"], vector["secret"], top.SignMethod.HMAC) == vector["sign"]


def top_call(name):
    (vector,) = [call for call in TAOBAO["calls"] if call["name"] == name]
    return vector


def check_top_chinese(bench):
    """Chinese text is signed as UTF-8, and is sent as it was signed: each digest, over what really goes out."""
    for name in (
        "chinese_text",
        "chinese_text_hmac",
        "chinese_text_hmac-sha256",
        "letters_beyond_gbk",
        "blanks_and_marks",
    ):
        vector = top_call(name)
        given = vector["parameters"]
        credentials = {
            "app_key": given["app_key"],
            "app_secret": vector["secret"],
            "access_token": given["session"],
            "sign_method": vector["method"],
        }
        clock = StandingClock(dt.datetime(2016, 1, 1, 4, 0, tzinfo=dt.UTC))
        account, _ = account_of("taobao", "https://gw.example", credentials, clock, lambda request: None)
        business = {"tid": given["tid"], "memo": given["memo"]}
        request = gateway.build(account, given["method"], business, repeatable=True)
        sent = dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode("ascii")))
        assert sent == {**given, "sign": vector["sign"]}


def check_top_plain(name):
    def check(bench):
        vector = top_call(name)
        method = top.SignMethod(vector["method"])
        assert top.sign(vector["parameters"], vector["secret"], method) == vector["sign"]

    check.__name__ = f"check_top_{name}"
    return check


check_top_capitals = check_top_plain("names_with_capitals")
check_top_old_signature = check_top_plain("with_an_old_signature")


def check_sealed_by_another_algorithm(bench):
    """What opens with the key is refused all the same where it says that it was sealed in another way."""
    vector = WECHAT["sealed"][0]
    for algorithm in ("AEAD_AES_128_GCM", "AEAD_SM4_GCM", "aead_aes_256_gcm", "AES-256-CBC", "none", ""):
        sealed = Sealed(algorithm, vector["nonce"], vector["ciphertext"], vector["associated_data"])
        with pytest.raises(InvalidSignature):
            sealed.open(vector["key"].encode())


CHECKS = [
    check_request_post,
    check_request_get,
    check_request_query,
    check_invocation,
    check_app_invocation,
    check_older_signature,
    check_older_names,
    check_provider_request,
    check_answer,
    check_answer_tampered_or_stale,
    check_notice,
    check_sealed,
    check_top_call,
    check_top_old_example,
    check_top_hmac,
    check_top_chinese,
    check_top_capitals,
    check_top_old_signature,
    check_sealed_by_another_algorithm,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_vector(check, wechat, monkeypatch):
    check(Bench(wechat, monkeypatch))


def _no_last_newline_in_request(method, target, timestamp, nonce, body):
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body


def _nonce_before_timestamp(method, target, timestamp, nonce, body):
    return f"{method}\n{target}\n{nonce}\n{timestamp}\n".encode() + body + b"\n"


def _lower_case_method(method, target, timestamp, nonce, body):
    return f"{method.lower()}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def _body_dropped(method, target, timestamp, nonce, body):
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n\n".encode()


def _body_written_anew(method, target, timestamp, nonce, body):
    rewritten = json.dumps(json.loads(body)).encode() if body else body
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + rewritten + b"\n"


def _sha1(key, message):
    return key.sign(message, padding.PKCS1v15(), hashes.SHA1())


def _pss(key, message):
    return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def _verify_sha512(key, signature, data):
    try:
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA512())
    except Mismatch:
        return False
    return True


class _Whatever(str):
    """Equal to everything: a comparison that was forgotten."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def _gbk(parameters, secret, method):
    text, key = CANONICAL(parameters).encode("gbk"), secret.encode()
    return top._DIGESTS[method](key, text).hex().upper()


def _canonical_by(key):
    def canonical(parameters):
        kept = [(name, value) for name, value in parameters.items() if name and value and name != "sign"]
        return "".join(f"{name}{value}" for name, value in sorted(kept, key=key))

    return canonical


DECRYPT = certificates.decrypt
V2_CANONICAL = v2.canonical
SIGN = top.sign
CANONICAL = top.canonical

#: How a check fails: by its own words, or because the connector refuses the outside value.
CAUGHT = (AssertionError, Mismatch, InvalidSignature, ValueError, pytest.fail.Exception)

#: (name, module, function, what replaces it, a check that must fail)
MUTATIONS = [
    ("request_last_newline", signing, "request_message", _no_last_newline_in_request, check_request_post),
    ("request_nonce_timestamp_swapped", signing, "request_message", _nonce_before_timestamp, check_request_get),
    ("request_method_case", signing, "request_message", _lower_case_method, check_request_get),
    ("request_body_dropped", signing, "request_message", _body_dropped, check_request_post),
    ("request_body_written_anew", signing, "request_message", _body_written_anew, check_request_post),
    ("request_query_dropped", signing, "target_of", lambda url: urlsplit(url).path, check_request_query),
    ("request_whole_url", signing, "target_of", lambda url: url, check_request_get),
    ("request_milliseconds", signing, "unix_text", lambda now: str(int(now.timestamp() * 1000)), check_request_get),
    ("request_sha1", signing, "sign_sha256", _sha1, check_request_post),
    ("request_pss", signing, "sign_sha256", _pss, check_request_post),
    (
        "invocation_prepay_id_bare",
        orders,
        "invocation_message",
        lambda appid, ts, nonce, package: f"{appid}\n{ts}\n{nonce}\n{package[10:]}\n".encode(),
        check_invocation,
    ),
    (
        "invocation_order",
        orders,
        "invocation_message",
        lambda appid, ts, nonce, package: f"{appid}\n{nonce}\n{ts}\n{package}\n".encode(),
        check_invocation,
    ),
    (
        "app_invocation_with_a_name",
        orders,
        "app_invocation_message",
        lambda appid, ts, nonce, prepay_id: f"{appid}\n{ts}\n{nonce}\nprepay_id={prepay_id}\n".encode(),
        check_app_invocation,
    ),
    (
        "app_invocation_of_the_package",
        orders,
        "app_invocation_message",
        lambda appid, ts, nonce, prepay_id: f"{appid}\n{ts}\n{nonce}\nSign=WXPay\n".encode(),
        check_app_invocation,
    ),
    (
        "older_not_sorted",
        v2,
        "canonical",
        lambda fields, key: "&".join([*(f"{n}={v}" for n, v in fields.items() if v), f"key={key}"]).encode(),
        check_older_signature,
    ),
    (
        "older_with_empty_fields",
        v2,
        "canonical",
        lambda fields, key: "&".join(
            [*(f"{n}={v}" for n, v in sorted({"attach": "", **fields}.items()) if n != "sign"), f"key={key}"]
        ).encode(),
        check_older_signature,
    ),
    (
        "older_key_without_name",
        v2,
        "canonical",
        lambda f, k: V2_CANONICAL(f, "")[:-4] + k.encode(),
        check_older_signature,
    ),
    (
        "older_sorted_blind_to_case",
        v2,
        "canonical",
        lambda fields, key: "&".join(
            [*(f"{n}={fields[n]}" for n in sorted(fields, key=str.lower) if fields[n] and n != "sign"), f"key={key}"]
        ).encode(),
        check_older_names,
    ),
    ("older_hmac_is_md5", v2, "hmac_sha256", hmac_md5, check_older_signature),
    ("older_any_signature_is_good", v2, "same", lambda *_: True, check_older_signature),
    (
        "provider_without_the_sub_merchant",
        orders,
        "parties",
        lambda merchant, appid=None: {"sp_appid": merchant.appid, "sp_mchid": merchant.mchid},
        check_provider_request,
    ),
    (
        "provider_as_a_merchant",
        orders,
        "accounts",
        lambda merchant: {"mchid": merchant.mchid, "sub_mchid": merchant.sub_mchid},
        check_provider_request,
    ),
    (
        "provider_at_a_merchants_address",
        orders,
        "transactions_path",
        lambda _: "/v3/pay/transactions",
        check_provider_request,
    ),
    (
        "answer_last_newline",
        signing,
        "response_message",
        lambda ts, nonce, body: f"{ts}\n{nonce}\n".encode() + body,
        check_answer,
    ),
    (
        "answer_nonce_timestamp_swapped",
        signing,
        "response_message",
        lambda ts, nonce, body: f"{nonce}\n{ts}\n".encode() + body + b"\n",
        check_notice,
    ),
    ("answer_digest", signing, "verify_sha256", _verify_sha512, check_answer),
    ("answer_not_checked", signing, "verify_sha256", lambda *_: True, check_answer_tampered_or_stale),
    ("answer_never_stale", signing, "CLOCK_SKEW_MAX_S", 10**9, check_answer_tampered_or_stale),
    (
        "sealed_associated_data_dropped",
        certificates,
        "decrypt",
        lambda key, nonce, text, data: DECRYPT(key, nonce, text, b""),
        check_sealed,
    ),
    (
        "sealed_nonce_as_base64",
        certificates,
        "decrypt",
        lambda key, nonce, text, data: DECRYPT(key, base64.b64decode(nonce), text, data),
        check_notice,
    ),
    ("sealed_algorithm_not_checked", certificates, "ALGORITHM", _Whatever(), check_sealed_by_another_algorithm),
    (
        "top_values_trimmed",
        top,
        "canonical",
        lambda p: CANONICAL({name: value.strip() for name, value in p.items()}),
        check_top_chinese,
    ),
    ("top_text_in_gbk", gateway, "sign", _gbk, check_top_chinese),
    (
        "top_text_in_ascii_only",
        top,
        "canonical",
        lambda p: CANONICAL(p).encode("ascii", "ignore").decode(),
        check_top_chinese,
    ),
    (
        "top_form_in_gbk",
        gateway,
        "urlencode",
        lambda fields: urlencode(fields, encoding="gbk", errors="replace"),
        check_top_chinese,
    ),
    ("top_sorted_blind_to_case", top, "canonical", _canonical_by(lambda pair: pair[0].lower()), check_top_capitals),
    (
        "top_old_signature_signed",
        top,
        "canonical",
        lambda p: "".join(f"{name}{value}" for name, value in sorted(p.items()) if value),
        check_top_old_signature,
    ),
    ("top_hmac_sha256_is_md5", top, "hmac_sha256", hmac_md5, check_top_chinese),
    ("top_secret_at_the_start_only", top, "_sign_md5", lambda secret, text: md5(secret + text), check_top_call),
    ("top_secret_at_the_end_only", top, "_sign_md5", lambda secret, text: md5(text + secret), check_top_old_example),
    ("top_hmac_for_md5", top, "_sign_md5", hmac_md5, check_top_call),
    ("top_lower_case", gateway, "sign", lambda *args: SIGN(*args).lower(), check_top_call),
    (
        "top_not_sorted",
        top,
        "canonical",
        lambda parameters: "".join(f"{name}{value}" for name, value in parameters.items()),
        check_top_call,
    ),
    (
        "top_with_separators",
        top,
        "canonical",
        lambda parameters: "&".join(f"{name}={value}" for name, value in sorted(parameters.items())),
        check_top_call,
    ),
    (
        "top_values_encoded",
        top,
        "canonical",
        lambda parameters: CANONICAL({name: quote_plus(value) for name, value in parameters.items()}),
        check_top_call,
    ),
    (
        "top_session_not_signed",
        top,
        "canonical",
        lambda parameters: CANONICAL({name: value for name, value in parameters.items() if name != "session"}),
        check_top_call,
    ),
    (
        "top_time_in_utc",
        gateway,
        "time_text",
        lambda at: at.astimezone(dt.UTC).strftime(gateway.TIME_FORMAT),
        check_top_call,
    ),
]


#: Digests are held in a table, by their way of signing.
DIGESTS = {"_sign_md5": top.SignMethod.MD5, "hmac_sha256": top.SignMethod.HMAC_SHA256}


@pytest.mark.parametrize(
    ("name", "module", "function", "mutated", "check"), MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS]
)
def test_planted_mutation_is_caught(name, module, function, mutated, check, wechat, monkeypatch):
    check(Bench(wechat, monkeypatch))
    monkeypatch.undo()
    if module is top and function in DIGESTS:
        monkeypatch.setitem(top._DIGESTS, DIGESTS[function], mutated)
    else:
        assert hasattr(module, function)
        monkeypatch.setattr(module, function, mutated)
    with pytest.raises(CAUGHT):
        check(Bench(wechat, monkeypatch))


def test_sign_sha256_is_what_the_connector_uses():
    assert signing.sign_sha256 is sign_sha256


def test_a_name_that_the_key_cannot_take_is_refused_by_its_bytes(wechat):
    """214 bytes are 71 characters of Chinese."""
    sealer = Sealer("1", wechat.key.public_key())
    assert sealer.seal("杯" * 71, "name")
    with pytest.raises(InvalidInput):
        sealer.seal("杯" * 72, "name")
