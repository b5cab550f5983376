"""Callbacks of WeChat Pay APIv3, in both key modes, and ways to get them wrong. Written from the documents.

Source: pay.weixin.qq.com, APIv3 接口规则 (签名验证, 证书和回调报文解密).
"""

from __future__ import annotations

import base64
import json
import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from callbacks import NOWHERE, STRANGER, Callback, Mistake, Scheme, cut, flip_base64, flip_body
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

TYPE = "WECHATPAY2-SHA256-RSA2048"
SKEW_S = 300
DEEP = 20_000
SIGNED = ("timestamp", "nonce", "signature", "serial")
JUNK = (b"{}", b"[]", b"null", b"0", b"", b"\xff\xfe", b"<xml/>", b'{"id":1}', b"[" * DEEP, b'{"a":' * DEEP)


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def certificate(key: rsa.RSAPrivateKey) -> tuple[str, str]:
    """Serial and PEM of a certificate that is valid now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    serial, now = x509.random_serial_number(), datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), serial, now - timedelta(days=1), now + timedelta(days=30)
    )
    made = builder.sign(key, hashes.SHA256())
    return f"{serial:X}", made.public_bytes(serialization.Encoding.PEM).decode()


class WechatPay:
    """The platform's side for one merchant and one stranger."""

    platform = "wechatpay"

    def __init__(self, *, public_key_mode: bool) -> None:
        self.name = "wechatpay, public key" if public_key_mode else "wechatpay, certificate"
        self._key, self._strangers_key, self._wrong_key = new_key(), new_key(), new_key()
        serial, pem = certificate(self._key)
        self._serial = "PUB_KEY_ID_0116000000012026" if public_key_mode else serial
        mode = (
            {"public_key_id": self._serial, "public_key": public_pem(self._key)}
            if public_key_mode
            else {"platform_certificates": pem}
        )
        self.own = self._credentials("1600000001", mode)
        other = {"public_key_id": "PUB_KEY_ID_0116000000022026", "public_key": public_pem(self._strangers_key)}
        self.stranger = self._credentials("1600000002", {**mode, **other} if not public_key_mode else other)

    @staticmethod
    def _credentials(mchid: str, mode: Mapping[str, str]) -> dict[str, str]:
        return {
            "mchid": mchid,
            "appid": f"wx{mchid}abcdef",
            "app_secret": os.urandom(16).hex(),
            "serial_no": os.urandom(20).hex().upper(),
            "private_key": private_pem(new_key()),
            "api_v3_key": os.urandom(16).hex(),
            **mode,
        }

    def genuine(self, number: int) -> Callback:
        return self._signed(self._envelope(number))

    def mistakes(self) -> Mapping[str, Mistake]:
        return {
            "body cut": lambda dice, n: cut(dice, self.genuine(n)),
            "a bit of the body": lambda dice, n: flip_body(dice, self.genuine(n)),
            "a bit of the signature": self._bit_of_signature,
            "a header changed": self._header_changed,
            "a header missing": self._header_missing,
            "headers of another callback": lambda dice, n: self.genuine(n)._replace(
                headers=self.genuine(n + dice.randrange(1, 9)).headers
            ),
            "stale": lambda dice, n: self._signed(self._envelope(n), age_s=SKEW_S + 5 + dice.randrange(10**6)),
            "from the future": lambda dice, n: self._signed(
                self._envelope(n), age_s=-SKEW_S - 5 - dice.randrange(10**6)
            ),
            "wrong key": lambda _, n: self._signed(self._envelope(n), key=self._wrong_key),
            "unknown serial": lambda dice, n: self._signed(self._envelope(n), serial=f"{dice.getrandbits(159):040X}"),
            "signature probe": self._probe,
            "another signature type": self._other_type,
            "sealed for another merchant": lambda _, n: self._signed(self._envelope(n, owner=self.stranger)),
            "another merchant's valid callback": self._strangers,
            "sent to another merchant": lambda _, n: self.genuine(n)._replace(to=STRANGER),
            "sent to nobody": lambda _, n: self.genuine(n)._replace(to=NOWHERE),
            "sealed with other associated data": lambda _, n: self._signed(self._envelope(n, told_data="refund")),
            "another algorithm": lambda _, n: self._signed(self._envelope(n, algorithm="AEAD_SM4_GCM")),
            "rightly signed junk": lambda dice, _: self._signed(dice.choice(JUNK)),
            "rightly sealed junk": lambda dice, n: self._signed(self._envelope(n, content=dice.choice(JUNK))),
            "too long": lambda dice, n: self._signed(self._envelope(n) + b" " * (70_000 + dice.randrange(1000))),
        }

    def _content(self, number: int, owner: Mapping[str, str]) -> bytes:
        told = {
            "mchid": owner["mchid"],
            "appid": owner["appid"],
            "out_trade_no": f"PROOF{number:010}",
            "transaction_id": f"42000000{number:020}",
            "trade_state": "SUCCESS",
            "success_time": datetime.now(UTC).isoformat(timespec="seconds"),
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": {"total": 100 + number, "payer_total": 100 + number, "currency": "CNY"},
        }
        return json.dumps(told).encode()

    def _envelope(
        self,
        number: int,
        *,
        owner: Mapping[str, str] | None = None,
        told_data: str = "transaction",
        algorithm: str = "AEAD_AES_256_GCM",
        content: bytes | None = None,
    ) -> bytes:
        owner = owner or self.own
        nonce = os.urandom(6).hex()
        plain = self._content(number, owner) if content is None else content
        sealed = AESGCM(owner["api_v3_key"].encode()).encrypt(nonce.encode(), plain, b"transaction")
        envelope = {
            "id": f"proof-{number}",
            "create_time": datetime.now(UTC).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": algorithm,
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": told_data,
                "nonce": nonce,
            },
        }
        return json.dumps(envelope, ensure_ascii=False).encode()

    def _signed(
        self, body: bytes, *, key: rsa.RSAPrivateKey | None = None, serial: str = "", age_s: int = 0
    ) -> Callback:
        timestamp, nonce = str(int(time.time()) - age_s), os.urandom(16).hex()
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = (key or self._key).sign(text, padding.PKCS1v15(), hashes.SHA256())
        headers = {
            "content-type": "application/json",
            "wechatpay-timestamp": timestamp,
            "wechatpay-nonce": nonce,
            "wechatpay-serial": serial or self._serial,
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-signature-type": TYPE,
        }
        return Callback(headers, body)

    def _with(self, callback: Callback, **changed: str) -> Callback:
        headers = {**callback.headers, **{f"wechatpay-{name.replace('_', '-')}": v for name, v in changed.items()}}
        return callback._replace(headers=headers)

    def _bit_of_signature(self, dice: random.Random, number: int) -> Callback:
        right = self.genuine(number)
        return self._with(right, signature=flip_base64(dice, right.headers["wechatpay-signature"]))

    def _header_changed(self, dice: random.Random, number: int) -> Callback:
        right = self.genuine(number)
        name = dice.choice(("timestamp", "nonce"))
        text = right.headers[f"wechatpay-{name}"]
        at = dice.randrange(len(text))
        other = dice.choice([digit for digit in "0123456789" if digit != text[at]])
        return self._with(right, **{name: text[:at] + other + text[at + 1 :]})

    def _header_missing(self, dice: random.Random, number: int) -> Callback:
        right = self.genuine(number)
        gone = f"wechatpay-{dice.choice(SIGNED)}"
        return right._replace(headers={name: value for name, value in right.headers.items() if name != gone})

    def _probe(self, _dice: random.Random, number: int) -> Callback:
        right = self.genuine(number)
        return self._with(right, signature="WECHATPAY/SIGNTEST/" + right.headers["wechatpay-signature"])

    def _other_type(self, dice: random.Random, number: int) -> Callback:
        return self._with(
            self.genuine(number), signature_type=dice.choice(("WECHATPAY2-SM2-WITH-SM3", "none", TYPE.lower()))
        )

    def _strangers(self, _dice: random.Random, number: int) -> Callback:
        """Genuine for the stranger: signed with the key of his account, sealed for him."""
        serial = self.stranger["public_key_id"]
        return self._signed(self._envelope(number, owner=self.stranger), key=self._strangers_key, serial=serial)


def schemes() -> list[Scheme]:
    """Both key modes."""
    return [WechatPay(public_key_mode=True), WechatPay(public_key_mode=False)]
