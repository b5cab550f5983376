"""Merchants at WeChat Pay, the platform's certificates, and signed answers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from hutong_sandbox import keys
from hutong_sandbox.drbg import DIGITS, HEX, LETTERS
from hutong_sandbox.http import HttpRequest, Json
from hutong_sandbox.wechatpay import signing
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.line import Line, shown_by
from hutong_sandbox.world import World

MERCHANTS_MAX: Final = 1000
#: The certificate in use, the next one, and at most this many in all.
CERTIFICATES_SERVED_MAX: Final = 3
#: Whom a service provider acts for is named after it.
SUB_MERCHANT_SUFFIX: Final = "-sub"
PUBLIC_KEY_ID_PREFIX: Final = "PUB_KEY_ID_"


class Account:
    """One merchant: numbers, keys, and which clock it lives by."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"wechatpay merchant {merchant}")
        self.merchant = merchant
        self.mchid = "16" + drbg.text(8, DIGITS)
        self.appid = "wx" + drbg.text(16, HEX)
        self.app_secret = drbg.text(32, HEX)
        # Two bits are given away: a serial is positive, and forty digits long (RFC 5280 §4.1.2.2).
        self.serial_no = f"{(int(drbg.text(40, HEX), 16) >> 2) | (1 << 157):040X}"
        self.api_v3_key = drbg.text(32, LETTERS)
        self.key = keys.rsa_key(world.drbg(f"wechatpay key {merchant}"))
        self.public_key_id = PUBLIC_KEY_ID_PREFIX + "01" + self.mchid + drbg.text(20, DIGITS)
        self.public_key = keys.rsa_key(world.drbg(f"wechatpay public key {merchant}"))
        self.mini_appid = "wx" + drbg.text(16, HEX)
        self.api_key = drbg.text(32, LETTERS)
        self.mini_app_secret = drbg.text(32, HEX)
        #: Unmodified SDKs read the machine's clock, a hub may live by the virtual one: answers follow the asker.
        self.lives_in_real_time = False

    @property
    def apps(self) -> tuple[str, str]:
        """The official account and the mini-program that are bound to this number."""
        return self.appid, self.mini_appid


class Keyring:
    """Every merchant's account and the platform's own certificates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_merchant: dict[str, Account] = {}
        self._by_mchid: dict[str, Account] = {}
        self._made = 0
        self.line = Line(world)
        self.line_url = ""
        self.certificates = [self._new_certificate(), self._new_certificate()]
        self._active = self.certificates[0]

    def account(self, merchant: str) -> Account:
        """The merchant's account, made at first sight."""
        if merchant not in self._by_merchant:
            if len(self._by_merchant) >= MERCHANTS_MAX:
                raise WireError("FREQUENCY_LIMITED", f"more than {MERCHANTS_MAX} merchants")
            account = Account(self._world, merchant)
            self._by_merchant[merchant] = account
            self._by_mchid[account.mchid] = account
        return self._by_merchant[merchant]

    def by_mchid(self, mchid: str) -> Account | None:
        """The account with this number."""
        return self._by_mchid.get(mchid)

    def by_appid(self, appid: str) -> Account | None:
        """The account with this app."""
        return next((a for a in self._by_mchid.values() if a.appid == appid), None)

    def by_mini_appid(self, appid: str) -> Account | None:
        """The account with this mini-program."""
        return next((a for a in self._by_mchid.values() if a.mini_appid == appid), None)

    def sub_merchant(self, provider: Account) -> Account:
        """The merchant that a service provider acts for, made at first sight: each account has one."""
        return self.account(f"{provider.merchant}{SUB_MERCHANT_SUFFIX}")

    def acts_for(self, provider: Account, sub_mchid: str) -> Account | None:
        """The account with this number, if the provider may act for it."""
        found = self.by_mchid(sub_mchid)
        return found if found and found.merchant == f"{provider.merchant}{SUB_MERCHANT_SUFFIX}" else None

    def _new_certificate(self) -> keys.PlatformCertificate:
        self._made += 1
        drbg = self._world.drbg(f"wechatpay certificate {self._made}")
        return keys.PlatformCertificate(drbg, "Tenpay.com sign (sandbox)", self._made)

    def rotate(self) -> keys.PlatformCertificate:
        """Sign with the next certificate from now on; the old one is still served, and a further one is made."""
        self._active = self.certificates[self.certificates.index(self._active) + 1]
        self.certificates.append(self._new_certificate())
        del self.certificates[:-CERTIFICATES_SERVED_MAX]
        return self._active

    def pems(self) -> str:
        """All served certificates, the one in use first."""
        rest = [c for c in self.certificates if c is not self._active]
        return "".join(c.pem for c in [self._active, *rest])

    def credentials(self, account: Account) -> Json:
        """What a merchant knows of its account, as text fields."""
        return {
            "mchid": account.mchid,
            "appid": account.appid,
            "app_secret": account.app_secret,
            "serial_no": account.serial_no,
            "private_key": keys.private_pem(account.key),
            "api_v3_key": account.api_v3_key,
            "platform_certificates": self.pems(),
            "public_key_id": account.public_key_id,
            "public_key": keys.public_pem(account.public_key.public_key()),
            "mini_appid": account.mini_appid,
            "mini_app_secret": account.mini_app_secret,
        }

    def more_credentials(self, account: Account) -> Json:
        """What puts the account into another mode: the older API's key with what its reversal wants, and the merchant
        it may act for.
        """
        sub_merchant = self.sub_merchant(account)
        return {
            "api_key": account.api_key,
            "client_certificate": self.line.certificate(account.key.public_key(), account.mchid, account.serial_no),
            "line_url": self.line_url,
            "line_authority": self.line.authority,
            "sub_mchid": sub_merchant.mchid,
            "sub_appid": sub_merchant.appid,
        }

    def shows_itself(self, account: Account, certificate: bytes) -> bool:
        """Whether the certificate on the line is this account's."""
        return shown_by(certificate) == (account.mchid, account.serial_no)

    def opened(self, account: Account, serial: str, sealed: str) -> str:
        """A field that was encrypted for the platform, in the clear.

        Raises:
            WireError: no key of this serial, or not encrypted with it.
        """
        by_serial = {c.serial_no: c.key for c in self.certificates} | {account.public_key_id: account.public_key}
        if serial not in by_serial:
            raise WireError("PARAM_ERROR", "加密敏感字段的Wechatpay-Serial有误")
        return signing.unsealed_field(by_serial[serial], sealed)

    def signer(self, account: Account, wanted_serial: str) -> tuple[str, rsa.RSAPrivateKey]:
        """Serial and key to answer with: the public-key mode when asked for it, else the certificate in use."""
        if wanted_serial == account.public_key_id:
            return account.public_key_id, account.public_key
        return self._active.serial_no, self._active.key

    def signing_time(self, account: Account) -> datetime:
        """The present moment of the clock that this merchant lives by."""
        return self._world.clock.real() if account.lives_in_real_time else self._world.clock.now()

    def headers(self, account: Account, wanted_serial: str, body: bytes, *, age_s: int = 0) -> dict[str, str]:
        """The five signature headers over a body; ``age_s`` makes them stale."""
        serial, key = self.signer(account, wanted_serial)
        timestamp = str(int(self.signing_time(account).timestamp()) - age_s)
        nonce = signing.fresh_nonce()
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": signing.signature(key, signing.answer_text(timestamp, nonce, body)),
            "Wechatpay-Signature-Type": signing.SCHEME,
        }

    def authenticate(self, request: HttpRequest) -> Account:
        """The merchant that signed the request.

        Raises:
            WireError: 401 SIGN_ERROR for whatever is wrong with the signature.
        """
        given = signing.parse_authorization(request.headers.get("authorization", ""))
        if given is None:
            raise WireError("SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        account = self.by_mchid(given.mchid)
        if account is None or given.serial_no != account.serial_no:
            raise WireError("SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
        self._check_time(account, given.timestamp)
        text = signing.request_text(request.method, request.target, given.timestamp, given.nonce_str, request.body)
        if not signing.verifies(account.key.public_key(), given.signature, text):
            raise WireError("SIGN_ERROR", "错误的签名，验签失败")
        return account

    def _check_time(self, account: Account, timestamp: str) -> None:
        try:
            given_s = int(timestamp)
        except ValueError:
            raise WireError("SIGN_ERROR", "Http头Authorization的timestamp有误") from None
        clock = self._world.clock
        far_real = abs(given_s - clock.real().timestamp()) > signing.TIMESTAMP_S_MAX
        far_virtual = abs(given_s - clock.now().timestamp()) > signing.TIMESTAMP_S_MAX
        if far_real and far_virtual:
            raise WireError("SIGN_ERROR", "Http头Authorization的timestamp与发起请求的时间不得超过5分钟")
        account.lives_in_real_time = far_virtual
