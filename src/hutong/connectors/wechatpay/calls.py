"""One signed call: send, check the platform's signature on every 2xx answer, hand the rest on."""

from __future__ import annotations

from hutong.connectors.wechatpay.answers import succeeded
from hutong.connectors.wechatpay.certificates import refresh
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.signing import verify
from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response


async def call(account: Account, merchant: Merchant, request: Request) -> Response:
    """The answer; a 2xx one is surely the platform's.

    Raises:
        PlatformUnknown: no answer, or a 2xx answer whose signature does not verify: it may have taken effect.
    """
    response = await account.http.send(request)
    if not succeeded(response):
        return response
    try:
        keys = await refresh(account, merchant, response.headers.get("wechatpay-serial", ""))
        verify(response.headers, response.body, keys, account.clock.now())
    except HutongError as error:
        # Also when the download of certificates failed: the answer at hand cannot be trusted.
        raise PlatformUnknown(platform=merchant.platform) from error
    return response
