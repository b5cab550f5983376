"""One call of the TOP gateway: system parameters and signature around it, the envelope off its answer.

Source: https://open.taobao.com/doc.htm?docId=101617&docType=1. System parameters travel in the query, business ones in
a form body; both are signed. Times are Beijing's, without an offset. Shops and the alliance speak with it alike; what
differs is their manner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from hutong.connectors.taobao.errors import ERROR_WORDS, ErrorAnswer, error_of
from hutong.connectors.taobao.signing import SignMethod, sign
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.transport.messages import Request, Response

PATH: Final = "/router/rest"
VERSION: Final = "2.0"
BEIJING: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
HTTP_OK: Final = 200

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of app speaks with the gateway: what its error codes mean, and whether a session must be there."""

    words: Mapping[str, ErrorWord]
    needs_session: bool


SHOP: Final = Manner(words=ERROR_WORDS, needs_session=True)


def build(
    account: Account, method: str, business: Mapping[str, str], *, repeatable: bool, manner: Manner = SHOP
) -> Request:
    """A signed request. ``method`` is the API's full name; empty business values are left out.

    Raises:
        InvalidInput: a credential is missing, or ``sign_method`` is none of the gateway's.
    """
    system = {
        "method": method,
        "app_key": _needed(account, "app_key"),
        **_session(account, manner),
        "timestamp": time_text(account.clock.now()),
        "format": "json",
        "v": VERSION,
        "sign_method": sign_method_of(account).value,
    }
    fields = {name: value for name, value in business.items() if value}
    system["sign"] = sign({**fields, **system}, _needed(account, "app_secret"), sign_method_of(account))
    return Request(
        method="POST",
        url=f"{account.base_url.rstrip('/')}{PATH}?{urlencode(system)}",
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "Accept": "application/json"},
        body=urlencode(fields).encode(),
        repeatable=repeatable,
    )


def read(account: Account, method: str, response: Response, kind: type[AnswerT], manner: Manner = SHOP) -> AnswerT:
    """What stands inside the envelope ``<method without taobao., dots to underscores>_response``.

    Raises:
        PlatformUnknown: no envelope, or not this one: the call may have taken effect.
        PlatformRefused: an error answer.
    """
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform=account.platform, platform_code=f"http_{response.status}")
    try:
        envelope = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
        if "error_response" in envelope:
            refused = msgspec.json.decode(envelope["error_response"], type=ErrorAnswer)
            raise error_of(account.platform, refused, manner.words)
        return msgspec.json.decode(envelope[envelope_name(method)], type=kind)
    except (msgspec.MsgspecError, KeyError, RecursionError) as error:
        raise PlatformUnknown(platform=account.platform) from error


async def call(
    account: Account,
    method: str,
    business: Mapping[str, str],
    kind: type[AnswerT],
    *,
    repeatable: bool = True,
    manner: Manner = SHOP,
) -> AnswerT:
    """Build, send, read. A call that is a read or sets an absolute state may be repeated: most are."""
    response = await account.http.send(build(account, method, business, repeatable=repeatable, manner=manner))
    return read(account, method, response, kind, manner)


def envelope_name(method: str) -> str:
    """``taobao.trade.fullinfo.get`` answers in ``trade_fullinfo_get_response``."""
    return f"{method.removeprefix('taobao.').replace('.', '_')}_response"


def time_text(moment: datetime) -> str:
    """A moment as the gateway writes it; below a second it is cut."""
    return moment.astimezone(BEIJING).strftime(TIME_FORMAT)


def time_of(text: str) -> datetime:
    """A moment of the gateway, aware. Raises ValueError for anything else."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=BEIJING)


def sign_method_of(account: Account) -> SignMethod:
    """MD5 unless the connection's optional ``sign_method`` says otherwise."""
    chosen = account.credentials.get("sign_method") or SignMethod.MD5.value
    try:
        return SignMethod(chosen)
    except ValueError as error:
        raise InvalidInput(field="sign_method", problem="md5 | hmac | hmac-sha256") from error


def _session(account: Account, manner: Manner) -> dict[str, str]:
    """The session; left out, not empty, where there is none and none is needed: the platform signs what is sent."""
    if not manner.needs_session and not account.credentials.get("access_token"):
        return {}
    return {"session": _needed(account, "access_token")}


def _needed(account: Account, field: str) -> str:
    value = account.credentials.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="credentials")
    return value
