"""Whether credentials work, with harmless questions: an order that nobody has, and the platform's certificates.

What is proved: number, serial and private key by being answered; what the answer is signed with, where it carries a
signature; the APIv3 key where no public key is given, because the certificates are sealed with it. With a public key
the APIv3 key opens the first notice and nothing before.
"""

from __future__ import annotations

from hutong.connectors.wechatpay.certificates import HTTP_OK, build_download, read_download
from hutong.connectors.wechatpay.errors import error_of
from hutong.connectors.wechatpay.keys import PlatformKeys, given_keys
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.orders import build_query
from hutong.connectors.wechatpay.payments import query_order
from hutong.connectors.wechatpay.signing import verify
from hutong.core.errors import InvalidSignature, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.credentials import CredentialFlaw, CredentialsRefused, Flaw


async def trial(account: Account, out_trade_no: str) -> None:
    """Ask, and check what comes back.

    Raises:
        PlatformRefused: the platform refuses the credentials.
        CredentialsRefused: it answered, but the answer does not fit what was entered.
        PlatformUnknown: nothing can be told.
    """
    merchant = merchant_of(account)
    await query_order(account, merchant, out_trade_no)
    keys = given_keys(merchant.platform_certificates, merchant.public_key_id, merchant.public_key)
    if not merchant.public_key:
        keys = keys.joined(await _certificates(account, merchant))
    response = await account.http.send(build_query(merchant, out_trade_no, account.clock.now(), account.nonce()))
    if "wechatpay-signature" not in response.headers:
        return
    try:
        verify(response.headers, response.body, keys, account.clock.now())
    except InvalidSignature as error:
        raise _unfit(_field(merchant, keys, response.headers.get("wechatpay-serial", ""))) from error


async def _certificates(account: Account, merchant: Merchant) -> PlatformKeys:
    """What the platform signs with, sealed with the APIv3 key.

    Raises:
        PlatformRefused, PlatformUnknown: it hands out none; without a public key no answer could be checked.
        CredentialsRefused: the APIv3 key does not open them.
    """
    response = await account.http.send(build_download(merchant, account.clock.now(), account.nonce()))
    if response.status != HTTP_OK:
        raise error_of(merchant.platform, response)
    try:
        return read_download(merchant, response, account.clock.now())
    except PlatformUnknown as error:
        if isinstance(error.__cause__, InvalidSignature):
            raise _unfit("api_v3_key") from error
        raise


def _field(merchant: Merchant, keys: PlatformKeys, serial: str) -> str:
    if not merchant.public_key:
        return "platform_certificates"
    return "public_key" if serial in keys else "public_key_id"


def _unfit(field: str) -> CredentialsRefused:
    return CredentialsRefused((CredentialFlaw(field=field, flaw=Flaw.UNFIT),))
