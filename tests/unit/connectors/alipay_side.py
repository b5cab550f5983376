"""The platform's side of Alipay, written from the documents for tests; all keys are made at run time."""

import base64
import datetime as dt
import hashlib
import json
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)  # 12:00 in China
FORM = {"content-type": "application/x-www-form-urlencoded; text/html; charset=utf-8"}


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key, form=serialization.PrivateFormat.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem_of(key) -> str:
    shape = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*shape).decode()


def name_of(common_name):
    parts = [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Test Ant"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Test Authority"),
        (NameOID.COMMON_NAME, common_name),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def certificate(subject, key, issuer, issuer_key, start=NOON - dt.timedelta(days=30), days=365):
    return (
        x509.CertificateBuilder(
            issuer_name=name_of(issuer),
            subject_name=name_of(subject),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=start + dt.timedelta(days=days),
        )
        .add_extension(x509.BasicConstraints(ca=subject.startswith("CA"), path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def text_of(*certificates) -> str:
    return "\n".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in certificates)


def sn_of(cert, issuer) -> str:
    """As the documents' Java program does it, with the issuer's name written by hand."""
    text = f"CN={issuer},OU=Test Authority,O=Test Ant,C=CN{cert.serial_number}"
    return hashlib.md5(text.encode()).hexdigest()


class AlipaySide:
    """Signs and answers as the platform does, in key mode or in certificate mode."""

    def __init__(self):
        self.clock = StandingClock(NOON)
        self.app_key, self.key, self.ca_key = new_key(), new_key(), new_key()
        self.root = certificate("CA Root", self.ca_key, "CA Root", self.ca_key)
        self.cert = certificate("Alipay", self.key, "CA Root", self.ca_key)
        self.app_cert = certificate("App", self.app_key, "CA Root", self.ca_key)
        self.credentials = {
            "app_id": "2021000000000001",
            "seller_id": "2088000000000001",
            "private_key_pkcs8": pem_of(self.app_key),
            "private_key_pkcs1": pem_of(self.app_key, serialization.PrivateFormat.TraditionalOpenSSL),
            "alipay_public_key": public_pem_of(self.key),
            "app_cert": "",
            "alipay_cert": "",
            "alipay_root_cert": "",
        }
        self.certificates = {
            "app_cert": text_of(self.app_cert),
            "alipay_cert": text_of(self.cert),
            "alipay_root_cert": text_of(self.root),
        }
        self.cert_sn = sn_of(self.cert, "CA Root")
        #: What answers name: the certificate's serial in certificate mode, nothing in key mode.
        self.mode_sn = ""

    def account(self, answer=lambda request: None, base_url="https://pay.example", **changes):
        return account_of("alipay", base_url, {**self.credentials, **changes}, self.clock, answer)

    def sign(self, message: bytes, key=None, digest=hashes.SHA256) -> str:
        return base64.b64encode((key or self.key).sign(message, padding.PKCS1v15(), digest())).decode()

    def answer(self, method, record=None, status=200, code="10000", raw=None, signed=None, cert_sn=None, key=None):
        """An answer to a method; ``raw`` is the object's text as it stands, ``signed`` what is signed instead of it."""
        head = {"code": code, "msg": "Success" if code == "10000" else "Business Failed"}
        content = raw or json.dumps({**head, **(record or {})}, ensure_ascii=False).encode()
        sign = self.sign(signed or content, key)
        serial = self.mode_sn if cert_sn is None else cert_sn
        serial = b',"alipay_cert_sn":"%s"' % serial.encode() if serial else b""
        name = method.replace(".", "_").encode() + b"_response"
        body = b'{"%s":%s%s,"sign":"%s"}' % (name, content, serial, sign.encode())
        return Response(status=status, headers={"content-type": "text/html;charset=utf-8"}, body=body)

    def refusal(self, method, sub_code, code="40004", message="不行"):
        return self.answer(method, {"sub_code": sub_code, "sub_msg": message}, code=code)

    def trade(self, **changes):
        return {
            "out_trade_no": "HT20261123000001",
            "trade_no": "2026112322001400000000000001",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "12.34",
            "buyer_logon_id": "159****5620",
            "buyer_user_id": "2088101117955611",
            "send_pay_date": "2026-11-23 11:59:58",
        } | changes

    def notice(self, key=None, without=("sign", "sign_type"), **changes) -> bytes:
        """A callback's body; a value of None leaves the parameter out."""
        parameters = {
            "notify_time": "2026-11-23 12:00:00",
            "notify_type": "trade_status_sync",
            "notify_id": "2026112300222120000000000000000001",
            "app_id": self.credentials["app_id"],
            "seller_id": self.credentials["seller_id"],
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            "trade_no": "2026112322001400000000000001",
            "out_trade_no": "HT20261123000001",
            "buyer_id": "2088101117955611",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "12.34",
            "receipt_amount": "12.34",
            "buyer_pay_amount": "12.34",
            "subject": "小面包 + 水",
            "gmt_create": "2026-11-23 11:59:50",
            "gmt_payment": "2026-11-23 11:59:58",
            "fund_bill_list": '[{"amount":"12.34","fundChannel":"ALIPAYACCOUNT"}]',
            "passback_params": "0123456789abcdef0123456789abcdef",
        } | changes
        parameters = {name: value for name, value in parameters.items() if value is not None}
        text = "&".join(f"{k}={v}" for k, v in sorted(parameters.items()) if k not in without)
        parameters["sign"] = self.sign(text.encode(), key)
        return "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in parameters.items()).encode()
