"""Apps at Alipay, Alipay's own keys, and who signed a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import serialization

from hutong_sandbox import keys
from hutong_sandbox.alipay import signing
from hutong_sandbox.alipay.certificates import Authority, Certified
from hutong_sandbox.alipay.errors import WireError
from hutong_sandbox.alipay.fields import is_wire_time
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

MERCHANTS_MAX: Final = 1000
CERTIFICATES_MAX: Final = 3
USERS_MAX: Final = 1_000_000
_REQUIRED: Final = ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version")


class Account:
    """One app with its seller."""

    def __init__(self, world: World, authority: Authority, merchant: str) -> None:
        drbg = world.drbg(f"alipay merchant {merchant}")
        self.merchant = merchant
        self.app_id = "2021" + drbg.text(12, DIGITS)
        self.seller_id = "2088" + drbg.text(12, DIGITS)
        self.key = keys.rsa_key(world.drbg(f"alipay key {merchant}"))
        self.certificate = authority.issue(self.key, f"{self.seller_id}-{self.app_id}")


class Keyring:
    """Every app, and the keys that Alipay signs with. Key mode keeps its one key; certificates may be rotated."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._authority = Authority(world.drbg)
        self._by_merchant: dict[str, Account] = {}
        self._by_app_id: dict[str, Account] = {}
        self._made = 0
        self._first = self._new_certificate()
        self.certificates = [self._first]

    @property
    def root(self) -> Certified:
        """The root certificate."""
        return self._authority.root

    @property
    def active(self) -> Certified:
        """What Alipay signs with for apps in certificate mode."""
        return self.certificates[-1]

    def account(self, merchant: str) -> Account:
        """The merchant's app, made at first sight."""
        if merchant not in self._by_merchant:
            if len(self._by_merchant) >= MERCHANTS_MAX:
                raise WireError("isv.app-call-limited", f"more than {MERCHANTS_MAX} merchants", "40005")
            account = Account(self._world, self._authority, merchant)
            self._by_merchant[merchant] = account
            self._by_app_id[account.app_id] = account
        return self._by_merchant[merchant]

    def by_app_id(self, app_id: str) -> Account | None:
        """The app with this id."""
        return self._by_app_id.get(app_id)

    def rotate(self) -> Certified:
        """Sign with a new certificate from now on; the old ones stay good."""
        self.certificates = [*self.certificates, self._new_certificate()][-CERTIFICATES_MAX:]
        return self.active

    def credentials(self, account: Account) -> Json:
        """Everything that an app's owner holds: both forms of his key, and both modes."""
        return {
            "app_id": account.app_id,
            "seller_id": account.seller_id,
            "private_key_pkcs1": account.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ).decode(),
            "private_key_pkcs8": keys.private_pem(account.key),
            "alipay_public_key": keys.public_pem(self._first.key.public_key()),
            "app_cert": account.certificate.pem,
            "alipay_cert": "\n".join(certificate.pem for certificate in reversed(self.certificates)),
            "alipay_root_cert": self.root.pem,
        }

    def signed(self, parameters: Mapping[str, str], *, by_certificate: bool) -> dict[str, str]:
        """A notice's parameters with Alipay's signature; one key signs for every app."""
        key = self.active.key if by_certificate else self._first.key
        return {**parameters, "sign": signing.signature(key, signing.notice_text(parameters))}

    def answer(self, account: Account | None, method: str, content: bytes, *, by_certificate: bool) -> bytes:
        """The body of an answer; nobody in particular gets an unsigned one."""
        if account is None:
            return signing.envelope(method, content, "", "")
        certificate = self.active if by_certificate else self._first
        sign = signing.signature(certificate.key, signing.answer_text(content))
        return signing.envelope(method, content, sign, certificate.sn if by_certificate else "")

    def authenticate(self, parameters: Mapping[str, str]) -> Account:
        """The app that signed these parameters.

        Raises:
            WireError: whatever is wrong with the common parameters or the signature.
        """
        for name in _REQUIRED:
            if not parameters.get(name):
                suffix = "signature" if name == "sign" else name.replace("_", "-")
                raise WireError(f"isv.missing-{suffix}", f"缺少{name}参数", "40001")
        if parameters["sign_type"] != signing.SIGN_TYPE:
            raise WireError("isv.invalid-signature-type", "无效的签名类型", "40002")
        if parameters["charset"].lower() != signing.CHARSET:
            raise WireError("isv.invalid-charset", "编码错误", "40002")
        account = self.by_app_id(parameters["app_id"])
        if account is None:
            raise WireError("isv.invalid-app-id", "无效的AppID参数", "40002")
        self._check_certificates(account, parameters)
        if not signing.verifies(account.key.public_key(), parameters["sign"], signing.request_text(parameters)):
            raise WireError(
                "isv.invalid-signature", "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配", "40002"
            )
        if not is_wire_time(parameters["timestamp"]):
            raise WireError("isv.invalid-timestamp", "非法的时间戳参数", "40002")
        return account

    def _check_certificates(self, account: Account, parameters: Mapping[str, str]) -> None:
        """Both serials or none; they must be those of the app and of the root."""
        given = parameters.get("app_cert_sn", ""), parameters.get("alipay_root_cert_sn", "")
        if given != ("", "") and given != (account.certificate.sn, self.root.sn):
            raise WireError("isv.invalid-app-cert-sn", "无效的应用公钥证书序列号", "40002")

    def _new_certificate(self) -> Certified:
        self._made += 1
        key = keys.rsa_key(self._world.drbg(f"alipay certificate {self._made}"))
        return self._authority.issue(key, f"Alipay sandbox {self._made}")
