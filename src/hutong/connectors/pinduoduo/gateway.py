"""One call of Pinduoduo's gateway: system parameters and signature around it, the envelope off its answer.

Source: 公共参数 of every call's page, for one
https://open.pinduoduo.com/application/document/api?id=pdd.ddk.goods.promotion.url.generate. Everything is one flat
form; lists and objects go in it as JSON text. The timestamp is in seconds and may be ten minutes off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from hutong.connectors.pinduoduo.errors import ErrorAnswer, error_of
from hutong.connectors.pinduoduo.signing import sign
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

LIVE_BASE_URL: Final = "https://gw-api.pinduoduo.com"
PATH: Final = "/api/router"
VERSION: Final = "V1"
HTTP_OK: Final = 200

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


def build(account: Account, method: str, business: Mapping[str, str]) -> Request:
    """A signed request. ``method`` is the API's full name; empty business values are left out.

    Every call we make is a read, or makes one more address of the same meaning: it may be repeated.

    Raises:
        InvalidInput: a credential is missing.
    """
    secret = needed(account, "client_secret")
    fields = {
        **{name: value for name, value in business.items() if value},
        "type": method,
        "client_id": needed(account, "client_id"),
        "timestamp": str(int(account.clock.now().timestamp())),
        "data_type": "JSON",
        "version": VERSION,
    }
    fields["sign"] = sign(fields, secret)
    return Request(
        method="POST",
        url=f"{account.base_url.rstrip('/')}{PATH}",
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "Accept": "application/json"},
        body=urlencode(fields).encode(),
        repeatable=True,
    )


def read(account: Account, envelope: str, response: Response, kind: type[AnswerT]) -> AnswerT:
    """What stands inside the envelope; its name does not follow from the call's.

    Raises:
        PlatformUnknown: no envelope, or not this one: the call may have taken effect.
        PlatformRefused: an error answer.
    """
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform=account.platform, platform_code=f"http_{response.status}")
    try:
        answer = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
        if "error_response" in answer:
            raise error_of(account.platform, msgspec.json.decode(answer["error_response"], type=ErrorAnswer))
        return msgspec.json.decode(answer[envelope], type=kind)
    except (msgspec.MsgspecError, KeyError, RecursionError) as error:
        raise PlatformUnknown(platform=account.platform) from error


async def call(
    account: Account, method: str, business: Mapping[str, str], envelope: str, kind: type[AnswerT]
) -> AnswerT:
    """Build, send, read."""
    return read(account, envelope, await account.http.send(build(account, method, business)), kind)


def needed(account: Account, field: str) -> str:
    """A credential.

    Raises:
        InvalidInput: it is not there.
    """
    value = account.credentials.get(field, "").strip()
    if not value:
        raise InvalidInput(field=field, problem="credentials")
    return value
