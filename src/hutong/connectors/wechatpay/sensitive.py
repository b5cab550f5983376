"""Names and card numbers on the wire: encrypted for the platform, RSA-OAEP with SHA-1 and MGF1-SHA-1, in Base64.

Source: as github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0 encrypts (WXPayUtility); the request names the key in
``Wechatpay-Serial``.
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from hutong.connectors.wechatpay.certificates import refresh
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.crypto.rsa import encrypt_oaep_sha1
from hutong.platforms.account import Account

#: What 2048-bit OAEP with SHA-1 takes.
PLAIN_BYTES_MAX: Final = 214
#: A serial that no certificate has: asking for it downloads the present ones.
NO_SERIAL: Final = "0"


class Sealer(msgspec.Struct, frozen=True):
    """Encrypts for one key of the platform."""

    serial: str
    key: rsa.RSAPublicKey

    def seal(self, text: str, field: str) -> str:
        """The field as it travels.

        Raises:
            InvalidInput: longer than the key takes.
        """
        plain = text.encode()
        if len(plain) > PLAIN_BYTES_MAX:
            raise InvalidInput(field=field, problem=f"> {PLAIN_BYTES_MAX}")
        return base64.b64encode(encrypt_oaep_sha1(self.key, plain)).decode()


async def sealer_of(account: Account, merchant: Merchant) -> Sealer:
    """The platform's present key, downloaded where none is known yet.

    Raises:
        PlatformUnknown: there is none; nothing was asked for.
    """
    keys = await refresh(account, merchant, "")
    found = keys.newest(account.clock.now())
    if found is None:
        found = (await refresh(account, merchant, NO_SERIAL)).newest(account.clock.now())
    if found is None:
        raise PlatformUnknown(platform=merchant.platform)
    return Sealer(*found)
