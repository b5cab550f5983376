"""The platform's side of WeChat Pay, written from the documents for tests; all keys are made at run time."""

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from hutong.connectors.wechatpay.certificates import MEMORY
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
API_V3_KEY = "0123456789abcdefghijklmnopqrstuv"


def pem_of(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem_of(key) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class WechatSide:
    """Signs, seals and answers as the platform does."""

    def __init__(self):
        self.clock = StandingClock(NOON)
        self.merchant_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.cert_serial, self.cert_pem = self.certificate(self.key)
        self.serial = "PUB_KEY_ID_0114232134912410000000000000"
        self.credentials = {
            "mchid": "1900007291",
            "appid": "wxd678efh567hg6787",
            "app_secret": "made-at-run-time-app-secret",
            "serial_no": "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
            "private_key": pem_of(self.merchant_key),
            "api_v3_key": API_V3_KEY,
            "platform_certificates": "",
            "public_key_id": self.serial,
            "public_key": public_pem_of(self.key),
        }

    def certificate(self, key, start=NOON - dt.timedelta(days=1), days=365):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(name, name, key.public_key(), serial, start, start + dt.timedelta(days=days))
        cert = builder.sign(key, hashes.SHA256())
        return f"{serial:040X}", cert.public_bytes(serialization.Encoding.PEM).decode()

    def account(self, answer=lambda request: None, base_url="https://pay.example", **changes):
        return account_of("wechatpay", base_url, {**self.credentials, **changes}, self.clock, answer)

    def headers(self, body: bytes, key=None, serial=None, timestamp=None, nonce="NONCE1234567890"):
        timestamp = str(int(self.clock.now().timestamp())) if timestamp is None else timestamp
        signed = (key or self.key).sign(
            b"%s\n%s\n%s\n" % (timestamp.encode(), nonce.encode(), body), padding.PKCS1v15(), hashes.SHA256()
        )
        return {
            "wechatpay-timestamp": timestamp,
            "wechatpay-nonce": nonce,
            "wechatpay-serial": serial or self.serial,
            "wechatpay-signature": base64.b64encode(signed).decode(),
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
            "content-type": "application/json",
        }

    def answer(self, record=None, status=200, **how) -> Response:
        body = b"" if record is None else json.dumps(record, ensure_ascii=False).encode()
        return Response(status=status, headers=self.headers(body, **how), body=body)

    def refusal(self, status, code, message="不行") -> Response:
        body = json.dumps({"code": code, "message": message}).encode()
        return Response(status=status, headers={"content-type": "application/json"}, body=body)

    def sealed(self, plaintext: bytes, associated_data="transaction", nonce="fdasflkja484"):
        ciphertext = AESGCM(API_V3_KEY.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
        return {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "associated_data": associated_data,
            "nonce": nonce,
        }

    def notice(self, resource, event_type="TRANSACTION.SUCCESS", notice_id="EV-2018022511223320873") -> bytes:
        envelope = {
            "id": notice_id,
            "create_time": "2026-11-23T12:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": self.sealed(json.dumps(resource, ensure_ascii=False).encode()),
        }
        return json.dumps(envelope, ensure_ascii=False).encode()

    def trade(self, **changes):
        return {
            "transaction_id": "1217752501201407033233368018",
            "amount": {"payer_total": 100, "total": 100, "currency": "CNY", "payer_currency": "CNY"},
            "mchid": self.credentials["mchid"],
            "appid": self.credentials["appid"],
            "out_trade_no": "HT20261123000001",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "trade_type": "JSAPI",
            "bank_type": "CMC",
            "success_time": "2026-11-23T12:00:00+08:00",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            **changes,
        }

    def refund(self, **changes):
        return {
            "refund_id": "50000000382019052709732678859",
            "out_refund_no": "HTR20261123000001",
            "transaction_id": "1217752501201407033233368018",
            "out_trade_no": "HT20261123000001",
            "channel": "ORIGINAL",
            "user_received_account": "招商银行信用卡0403",
            "create_time": "2026-11-23T12:00:00+08:00",
            "status": "PROCESSING",
            "amount": {"total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40, "currency": "CNY"},
            **changes,
        }

    def certificates(self, *pairs):
        """The answer of /v3/certificates for (serial, PEM) pairs."""
        return {
            "data": [
                {
                    "serial_no": serial,
                    "effective_time": "2026-06-08T10:34:56+08:00",
                    "expire_time": "2031-06-08T10:34:56+08:00",
                    "encrypt_certificate": self.sealed(pem.encode(), "certificate", "61f9c719728a"),
                }
                for serial, pem in pairs
            ]
        }


@pytest.fixture(scope="session")
def wechat_keys():
    return WechatSide()


@pytest.fixture
def wechat(wechat_keys):
    wechat_keys.clock.moment = NOON
    MEMORY.forget_all()
    return wechat_keys
