"""What is wrong with credentials, found before they are kept: each mistake at its own field, and nothing quoted."""

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hutong.connectors.alipay.examine import examine as alipay
from hutong.connectors.alipay.merchant import merchant_of
from hutong.connectors.taobao.examine import examine as taobao
from hutong.connectors.wechatpay.examine import examine as wechatpay
from hutong.platforms.credentials import Examiner, Flaw

NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
SERIAL = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def certificate(key, days=(-1, 365), serial=SERIAL, issuer=None, name="root"):
    issued_by, named = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in ("root", name))
    first, last = (NOW + dt.timedelta(days=day) for day in days)
    made = x509.CertificateBuilder(issued_by, named, key.public_key(), serial, first, last)
    return made.sign(issuer or key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def keys():
    return [rsa.generate_private_key(65537, 2048) for _ in range(2)]


@pytest.fixture(scope="module")
def wechat(keys):
    return {
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "app_secret": "0" * 32,
        "serial_no": f"{SERIAL:X}",
        "private_key": pem(keys[0]),
        "api_v3_key": "k" * 32,
        "api_key": "o" * 32,
        "client_certificate": certificate(keys[0]),
        "public_key_id": "PUB_KEY_ID_0119000001092024",
        "public_key": public(keys[1]),
    }


def flaws(examine, credentials):
    return {one.field: one.flaw for one in examine(credentials, NOW).flaws}


def test_whole_credentials_have_no_flaw_and_tell_their_end(wechat):
    found = wechatpay(wechat, NOW)
    assert found.flaws == ()
    assert found.valid_until == {"client_certificate": NOW + dt.timedelta(days=365)}


@pytest.mark.parametrize("field", ["mchid", "appid", "app_secret", "serial_no", "private_key", "api_v3_key"])
def test_what_is_needed_is_missed(wechat, field):
    assert flaws(wechatpay, {**wechat, field: "  "})[field] is Flaw.MISSING


@pytest.mark.parametrize(
    ("field", "value", "flaw"),
    [
        ("mchid", "19000001O9", Flaw.FORM),
        ("appid", "wx8888", Flaw.FORM),
        ("serial_no", "not hexadecimal", Flaw.FORM),
        ("serial_no", "AB", Flaw.OTHER_SERIAL),
        ("api_v3_key", "k" * 31, Flaw.LENGTH),
        ("api_v3_key", "密" * 32, Flaw.LENGTH),
        ("api_sign_type", "SHA1", Flaw.FORM),
        ("private_key", "-----BEGIN PRIVATE KEY-----", Flaw.NO_KEY),
        ("public_key", "x", Flaw.NO_KEY),
        ("public_key_id", "", Flaw.TOGETHER),
        ("client_certificate", "", Flaw.TOGETHER),
        ("client_certificate", "x", Flaw.NO_CERTIFICATE),
        ("platform_certificates", "x", Flaw.NO_CERTIFICATE),
    ],
)
def test_a_mistake_stands_at_its_field(wechat, field, value, flaw):
    assert flaws(wechatpay, {**wechat, field: value}) == {field: flaw}


SM2 = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAECenahOmuyx0shDk4nFKPNUKqmvGL
KLwtBLlLFmVVLdBRHzVFkSVOI1NKNcZNK5jEkZfMCRvVYMgkIiYOz5tyEg==
-----END PUBLIC KEY-----"""


def test_keys_of_another_kind_are_refused_and_nothing_breaks(wechat):
    assert flaws(wechatpay, {**wechat, "public_key": SM2}) == {"public_key": Flaw.NO_KEY}
    found = Examiner({}, NOW)

    class Sm2:
        def public_key(self):
            raise UnsupportedAlgorithm("SM2")

    found.pair("client_certificate", Sm2(), rsa.generate_private_key(65537, 2048))
    assert found.examined().flaws[0].flaw is Flaw.NO_PAIR


def test_certificates_are_read_in_every_form_that_is_used_later(wechat, keys):
    made = certificate(keys[1])
    for text in (made, json.dumps([made]), json.dumps({"5157": made})):
        assert flaws(wechatpay, {**wechat, "platform_certificates": text}) == {}
    for text in ("[]", "{", json.dumps(["x"])):
        assert flaws(wechatpay, {**wechat, "platform_certificates": text}) == {
            "platform_certificates": Flaw.NO_CERTIFICATE
        }


@pytest.mark.parametrize("field", ["private_key_pkcs8", "private_key_pkcs1"])
@pytest.mark.parametrize("kept_as", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_bare_key_is_read_under_either_name(keys, field, kept_as):
    text = keys[0].private_bytes(serialization.Encoding.PEM, kept_as, serialization.NoEncryption()).decode()
    credentials = {
        "app_id": "2021000000000001",
        field: "".join(text.splitlines()[1:-1]),
        "alipay_public_key": public(keys[1]),
    }
    assert flaws(alipay, credentials) == {}
    account = SimpleNamespace(platform="alipay", credentials=credentials, base_url="https://x", clock=None)
    assert merchant_of(account).signing_key.private_numbers() == keys[0].private_numbers()


def test_pairs_sizes_and_dates(wechat, keys):
    small = rsa.generate_private_key(65537, 1024)
    assert flaws(wechatpay, {**wechat, "private_key": pem(keys[1])}) == {"client_certificate": Flaw.NO_PAIR}
    assert flaws(wechatpay, {**wechat, "private_key": pem(small)})["private_key"] is Flaw.SHORT_KEY
    over = {**wechat, "client_certificate": certificate(keys[0], days=(-9, -1))}
    assert flaws(wechatpay, over) == {"client_certificate": Flaw.EXPIRED}
    early = {**wechat, "client_certificate": certificate(keys[0], days=(1, 9))}
    assert flaws(wechatpay, early) == {"client_certificate": Flaw.NOT_YET}


def test_alipay_in_both_modes(keys):
    app, theirs = keys
    key_mode = {"app_id": "2021000000000001", "private_key_pkcs8": pem(app), "alipay_public_key": public(theirs)}
    assert flaws(alipay, key_mode) == {}
    bare = "".join(public(theirs).splitlines()[1:-1])
    assert flaws(alipay, {**key_mode, "alipay_public_key": bare}) == {}, "as Alipay's tools write it"
    assert flaws(alipay, {**key_mode, "alipay_public_key": ""}) == {"alipay_public_key": Flaw.MISSING}
    assert flaws(alipay, {**key_mode, "private_key_pkcs8": ""}) == {"private_key_pkcs8": Flaw.MISSING}
    assert flaws(alipay, {**key_mode, "app_id": "2021"}) == {"app_id": Flaw.FORM}
    one_file = {**key_mode, "app_cert": certificate(app)}
    assert flaws(alipay, one_file) == {"alipay_cert": Flaw.TOGETHER, "alipay_root_cert": Flaw.TOGETHER}
    leaf = certificate(theirs, name="alipay", serial=2)
    whole = {**one_file, "alipay_cert": leaf, "alipay_root_cert": certificate(theirs)}
    assert flaws(alipay, whole) == {}
    assert flaws(alipay, {**whole, "app_cert": certificate(theirs)}) == {"app_cert": Flaw.NO_PAIR}
    forged = certificate(app, name="alipay", serial=2)
    assert flaws(alipay, {**whole, "alipay_cert": forged}).get("alipay_cert") is Flaw.NOT_ISSUED
    assert alipay(whole, NOW).valid_until.keys() == {"app_cert", "alipay_cert", "alipay_root_cert"}


def test_taobao_needs_all_of_it():
    given = dict.fromkeys(("app_secret", "access_token", "refresh_token"), "x") | {"app_key": "1", "shop_id": "2"}
    assert flaws(taobao, given) == {}
    assert flaws(taobao, {**given, "shop_id": "shop2"}) == {"shop_id": Flaw.FORM}
    assert flaws(taobao, {}) == dict.fromkeys(given, Flaw.MISSING)


def test_no_finding_quotes_what_was_typed(wechat):
    wrong = {name: f"secret-{name}-secret" for name in wechat}
    assert "secret-" not in str(wechatpay(wrong, NOW).flaws)
