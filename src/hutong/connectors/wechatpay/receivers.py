"""Capability ShareReceivers: who may receive shares of this merchant's orders.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/profitsharing/receivers at 4d6325b; adding twice is no error
(github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 分账常见问题). A name travels encrypted; a merchant's
is asked for.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hutong.connectors.wechatpay.answers import decode
from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import refusal
from hutong.connectors.wechatpay.merchant import Merchant, merchant_of
from hutong.connectors.wechatpay.parties import sub_merchant
from hutong.connectors.wechatpay.sensitive import sealer_of
from hutong.connectors.wechatpay.signing import signed_request
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.sharing import ReceiverKind, ShareReceiver
from hutong.transport.messages import Response

ADD_PATH: Final = "/v3/profitsharing/receivers/add"
DELETE_PATH: Final = "/v3/profitsharing/receivers/delete"
TYPES: Final = {ReceiverKind.MERCHANT: "MERCHANT_ID", ReceiverKind.PERSON: "PERSONAL_OPENID"}
RELATIONS: Final = frozenset(
    {
        "SERVICE_PROVIDER",
        "STORE",
        "STAFF",
        "STORE_OWNER",
        "PARTNER",
        "HEADQUARTER",
        "BRAND",
        "DISTRIBUTOR",
        "USER",
        "SUPPLIER",
    }
)
RELATION_DEFAULT: Final = "DISTRIBUTOR"
CUSTOM: Final = "CUSTOM"
CUSTOM_CHARS_MAX: Final = 10


class _Receiver(msgspec.Struct, frozen=True):
    type: str
    account: str


class WechatReceivers:
    """``hutong.platforms.sharing.ShareReceivers`` for WeChat Pay."""

    async def add(self, account: Account, receiver: ShareReceiver) -> None:
        """Allow a receiver; a relation that the platform has no word for is passed on as the merchant's own.

        Raises:
            InvalidInput: a merchant without its full name.
        """
        merchant = merchant_of(account)
        if receiver.kind is ReceiverKind.MERCHANT and not receiver.name:
            raise InvalidInput(field="name", problem="MERCHANT_ID")
        body, serial = {**identity(merchant, receiver), **_relation(receiver.relation)}, ""
        if receiver.name:
            sealer = await sealer_of(account, merchant)
            body["name"], serial = sealer.seal(receiver.name, "name"), sealer.serial
        response = await _send(account, merchant, ADD_PATH, body, serial)
        _check(merchant, receiver, response)

    async def remove(self, account: Account, receiver: ShareReceiver) -> None:
        """Allow no more."""
        merchant = merchant_of(account)
        response = await _send(account, merchant, DELETE_PATH, identity(merchant, receiver), "")
        if refusal(response, ErrorWord.NOT_FOUND) is None:
            _check(merchant, receiver, response)


def identity(merchant: Merchant, receiver: ShareReceiver) -> dict[str, Any]:
    """The fields that name a receiver and under whose app an openid is."""
    if not receiver.account_ref:
        raise InvalidInput(field="account_ref", problem="required")
    return {
        **sub_merchant(merchant),
        "appid": merchant.appid,
        "type": TYPES[receiver.kind],
        "account": receiver.account_ref,
    }


def _relation(word: str) -> dict[str, str]:
    if word in RELATIONS:
        return {"relation_type": word}
    if not word:
        return {"relation_type": RELATION_DEFAULT}
    return {"relation_type": CUSTOM, "custom_relation": word[:CUSTOM_CHARS_MAX]}


async def _send(account: Account, merchant: Merchant, path: str, body: dict[str, Any], serial: str) -> Response:
    now, nonce, encoded = account.clock.now(), account.nonce(), msgspec.json.encode(body)
    request = signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True, sealed_for=serial)
    return await call(account, merchant, request)


def _check(merchant: Merchant, receiver: ShareReceiver, response: Response) -> None:
    told = decode(merchant, response, _Receiver)
    if (told.type, told.account) != (TYPES[receiver.kind], receiver.account_ref):
        raise PlatformUnknown(platform=merchant.platform)
