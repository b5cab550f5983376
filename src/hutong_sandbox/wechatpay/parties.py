"""Who stands in a request: the merchant that signed it, or a service provider and the merchant it acts for.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/pay/{transactions,partner/transactions} at 4d6325b.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hutong_sandbox.buyers import Buyers
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter
from hutong_sandbox.wechatpay.fields import BodyReader, check_mchid

_NOT_YOURS = "特约子商户商户号未授权服务商的产品权限"


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """``account`` signed; the money is ``seller``'s. Without a service provider they are the same."""

    account: Account
    seller: Account
    appid: str
    sub_appid: str = ""

    @property
    def is_provider(self) -> bool:
        """Whether one acts for another here."""
        return self.account is not self.seller

    def wire(self) -> Json:
        """The fields that name them in answers and notices."""
        if not self.is_provider:
            return {"mchid": self.account.mchid, "appid": self.appid}
        named = {"sp_mchid": self.account.mchid, "sp_appid": self.appid, "sub_mchid": self.seller.mchid}
        return named | ({"sub_appid": self.sub_appid} if self.sub_appid else {})

    def payer(self, buyers: Buyers, buyer: int) -> Json:
        """How this buyer is named to them."""
        if not self.is_provider:
            return {"openid": buyers.openid(self.appid, buyer)}
        named = {"sp_openid": buyers.openid(self.appid, buyer)}
        return named | ({"sub_openid": buyers.openid(self.sub_appid, buyer)} if self.sub_appid else {})

    def apps(self) -> dict[str, str]:
        """Field of an openid -> the app under which it is one."""
        if not self.is_provider:
            return {"openid": self.appid}
        return {"sp_openid": self.appid} | ({"sub_openid": self.sub_appid} if self.sub_appid else {})


def read_parties(body: BodyReader, account: Account, keyring: Keyring, *, provider: bool) -> Parties:
    """The parties of a request that names accounts and apps."""
    if not provider:
        check_mchid(body.text("mchid", limit=32), account, "body")
        return Parties(account=account, seller=account, appid=_app(body.text("appid", limit=32), account))
    seller = sub_merchant(keyring, account, body.text("sub_mchid", limit=32), body.text("sp_mchid", limit=32))
    sub_appid = body.text("sub_appid", limit=32, required=False)
    return Parties(
        account=account,
        seller=seller,
        appid=_app(body.text("sp_appid", limit=32), account),
        sub_appid=_app(sub_appid, seller) if sub_appid else "",
    )


def read_accounts(named: Mapping[str, str], account: Account, keyring: Keyring, *, provider: bool) -> Account:
    """The seller of a request that names accounts only."""
    if not provider:
        check_mchid(named.get("mchid", ""), account, "query")
        return account
    return sub_merchant(keyring, account, named.get("sub_mchid", ""), named.get("sp_mchid", ""))


def optional_sub_merchant(sub_mchid: str, account: Account, keyring: Keyring) -> Account:
    """The seller of a call beside orders, which names the sub-merchant where there is one."""
    return sub_merchant(keyring, account, sub_mchid, account.mchid) if sub_mchid else account


def sub_merchant(keyring: Keyring, provider: Account, sub_mchid: str, sp_mchid: str) -> Account:
    """The merchant that a provider acts for, or a refusal."""
    if sp_mchid != provider.mchid:
        raise bad_parameter("body", "/sp_mchid", "与签名的商户号不一致", sp_mchid)
    seller = keyring.acts_for(provider, sub_mchid)
    if seller is None:
        raise WireError("NO_AUTH", _NOT_YOURS)
    return seller


def _app(appid: str, account: Account) -> str:
    if appid not in account.apps:
        raise WireError("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    return appid
