"""Callbacks of Alipay (RSA2 over a form), in key and certificate mode, and ways to get them wrong. From the documents.

Source: opendocs.alipay.com, 自行实现验签 and 异步通知说明: every parameter but ``sign`` and ``sign_type``,
sorted, decoded, joined.
"""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode

from callbacks import NOWHERE, STRANGER, Callback, Mistake, Scheme, cut, flip_base64, flip_body
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

BEIJING = timezone(timedelta(hours=8))
FORM = "application/x-www-form-urlencoded; charset=utf-8"
#: Longer ago than the last repetition, and sooner than any clock is wrong.
STALE_S = 27 * 3600
EARLY_S = 20 * 60
JUNK = (b"", b"&", b"=", b"a", b"{}", b"%", b"sign=%zz", b"\xff\xfe", b"a=1&a=1", b"<xml/>", b"&".join([b"a=1"] * 999))


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def certificate(subject: str, key: rsa.RSAPrivateKey, issuer: str, issuers_key: rsa.RSAPrivateKey) -> str:
    """A certificate that is valid now."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        names[1],
        names[0],
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=1),
        now + timedelta(days=30),
    ).add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
    return builder.sign(issuers_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Alipay:
    """The platform's side for one app and a stranger's."""

    platform = "alipay"

    def __init__(self, *, certificate_mode: bool) -> None:
        self.name = "alipay, certificate" if certificate_mode else "alipay, key"
        self._key, self._strangers_key, self._wrong_key, self._root = (new_key() for _ in range(4))
        self._root_pem = certificate("root", self._root, "root", self._root)
        self.own = self._credentials("2021000000000001", self._key, certificate_mode=certificate_mode)
        self.stranger = self._credentials("2021000000000002", self._strangers_key, certificate_mode=certificate_mode)

    def _credentials(self, app_id: str, key: rsa.RSAPrivateKey, *, certificate_mode: bool) -> dict[str, str]:
        app_key = new_key()
        common = {"app_id": app_id, "private_key_pkcs8": private_pem(app_key)}
        if not certificate_mode:
            return {**common, "alipay_public_key": public_pem(key)}
        return {
            **common,
            "app_cert": certificate(app_id, app_key, "root", self._root),
            "alipay_cert": certificate(f"alipay for {app_id}", key, "root", self._root),
            "alipay_root_cert": self._root_pem,
        }

    def genuine(self, number: int) -> Callback:
        return self._sent(self._signed(self._told(number)))

    def mistakes(self) -> Mapping[str, Mistake]:
        return {
            "body cut": lambda dice, n: cut(dice, self.genuine(n)),
            "a bit of the body": self._bit_of_body,
            "a bit of the signature": self._bit_of_signature,
            "a value changed": self._value_changed,
            "a parameter missing": self._parameter_missing,
            "a parameter added": lambda _, n: self._sent({**self._signed(self._told(n)), "extra": "1"}),
            "a parameter twice": lambda _, n: self._twice(n),
            "signature of another callback": lambda _, n: self._sent(
                {**self._signed(self._told(n)), "sign": self._signed(self._told(n + 1))["sign"]}
            ),
            "stale": lambda dice, n: self._sent(self._signed(self._told(n, age_s=STALE_S + dice.randrange(10**6)))),
            "from the future": lambda dice, n: self._sent(
                self._signed(self._told(n, age_s=-EARLY_S - dice.randrange(10**6)))
            ),
            "wrong key": lambda _, n: self._sent(self._signed(self._told(n), key=self._wrong_key)),
            "signed with SHA-1": lambda _, n: self._sent(self._signed(self._told(n), digest=hashes.SHA1())),
            "signed as a request": lambda _, n: self._sent(self._signed(self._told(n), with_type=True)),
            "another sign type": lambda dice, n: self._sent(
                self._signed({**self._told(n), "sign_type": dice.choice(("RSA", "rsa2", ""))})
            ),
            "another charset": lambda _, n: self._sent(self._signed({**self._told(n), "charset": "GBK"})),
            "another merchant's valid callback": lambda _, n: self._sent(
                self._signed(self._told(n, app_id=self.stranger["app_id"]), key=self._strangers_key)
            ),
            "sent to another merchant": lambda _, n: self.genuine(n)._replace(to=STRANGER),
            "sent to nobody": lambda _, n: self.genuine(n)._replace(to=NOWHERE),
            "no form": lambda _, n: self.genuine(n)._replace(headers={"content-type": "application/json"}),
            "junk": lambda dice, _: Callback({"content-type": FORM}, dice.choice(JUNK)),
            "rightly signed without an id": lambda _, n: self._sent(self._signed({**self._told(n), "notify_id": ""})),
            "rightly signed with an odd sum": lambda dice, n: self._sent(
                self._signed({**self._told(n), "total_amount": dice.choice(("1e3", "-1", "0.001", "NaN", "一"))})
            ),
            "too long": lambda dice, n: self._sent(
                self._signed({**self._told(n), "body": "x" * (70_000 + dice.randrange(1000))})
            ),
        }

    def _told(self, number: int, *, age_s: int = 0, app_id: str = "") -> dict[str, str]:
        now = datetime.now(BEIJING)
        return {
            "notify_time": f"{now - timedelta(seconds=age_s):%Y-%m-%d %H:%M:%S}",
            "notify_type": "trade_status_sync",
            "notify_id": f"proof{number:020}",
            "app_id": app_id or self.own["app_id"],
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            "trade_no": f"20261125{number:020}",
            "out_trade_no": f"PROOF{number:010}",
            "buyer_id": "2088000000000009",
            "subject": "小面包 & 可乐=1+1",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": f"{number // 100 + 1}.{number % 100:02}",
            "gmt_payment": f"{now:%Y-%m-%d %H:%M:%S}",
        }

    def _signed(
        self,
        told: Mapping[str, str],
        *,
        key: rsa.RSAPrivateKey | None = None,
        digest: hashes.HashAlgorithm | None = None,
        with_type: bool = False,
    ) -> dict[str, str]:
        kept = sorted((name, value) for name, value in told.items() if with_type or name != "sign_type")
        text = "&".join(f"{name}={value}" for name, value in kept).encode()
        made = (key or self._key).sign(text, padding.PKCS1v15(), digest or hashes.SHA256())
        return {**told, "sign": base64.b64encode(made).decode()}

    @staticmethod
    def _sent(parameters: Mapping[str, str]) -> Callback:
        return Callback({"content-type": FORM}, urlencode(parameters).encode())

    def _bit_of_body(self, dice: random.Random, number: int) -> Callback:
        """Another form, not the same one written differently (``%2f`` is ``%2F``)."""
        right = self.genuine(number)
        while True:
            wrong = flip_body(dice, right)
            if _parameters(wrong.body) != _parameters(right.body):
                return wrong

    def _bit_of_signature(self, dice: random.Random, number: int) -> Callback:
        told = self._signed(self._told(number))
        return self._sent({**told, "sign": flip_base64(dice, told["sign"])})

    def _value_changed(self, dice: random.Random, number: int) -> Callback:
        told = self._signed(self._told(number))
        name = dice.choice([name for name in told if name not in ("sign", "sign_type")])
        return self._sent({**told, name: told[name] + dice.choice("019 a+")})

    def _parameter_missing(self, dice: random.Random, number: int) -> Callback:
        told = self._signed(self._told(number))
        del told[dice.choice(list(told))]
        return self._sent(told)

    def _twice(self, number: int) -> Callback:
        right = self.genuine(number)
        return right._replace(body=right.body + b"&total_amount=" + os.urandom(2).hex().encode())


def _parameters(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("latin-1"), keep_blank_values=True)


def schemes() -> list[Scheme]:
    """Both key modes."""
    return [Alipay(certificate_mode=False), Alipay(certificate_mode=True)]
