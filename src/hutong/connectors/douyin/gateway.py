"""One call of Douyin's gateway for shops: common parameters and signature around it, the envelope off its answer.

Source: op.jinritemai.com, API调用指南 (guide 130): ``POST {gateway}/{method with / for .}``, common parameters in the
query, the business ones as JSON in the body. Times are Beijing's, without an offset.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from hutong.connectors.douyin.errors import CODES, SUCCESS, Envelope, error_of
from hutong.connectors.douyin.signing import SIGN_METHOD, VERSION, Value, canonical, param_json, sign
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

BEIJING: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
HTTP_OK: Final = 200

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


def build(account: Account, method: str, business: dict[str, Value]) -> Request:
    """A signed request. ``method`` is the API's name. Every call we make may be repeated.

    Raises:
        InvalidInput: a credential is missing.
    """
    body = param_json(business)
    app_key, timestamp = needed(account, "app_key"), time_text(account.clock.now())
    query = {
        "app_key": app_key,
        "method": method,
        "access_token": needed(account, "access_token"),
        "timestamp": timestamp,
        "v": VERSION,
        "sign_method": SIGN_METHOD,
        "sign": sign(needed(account, "app_secret"), canonical(app_key, method, body.decode(), timestamp)),
    }
    return Request(
        method="POST",
        # A blank is %20: the documents write it so, and "+" is read by some as itself.
        url=f"{account.base_url.rstrip('/')}/{method.replace('.', '/')}?{urlencode(query, quote_via=quote)}",
        headers={"Content-Type": "application/json;charset=utf-8", "Accept": "application/json"},
        body=body,
        repeatable=True,
    )


def read(account: Account, response: Response, kind: type[AnswerT]) -> AnswerT:
    """What stands in ``data``.

    Raises:
        PlatformUnknown: no envelope, or no ``data`` of this form in it: the call may have taken effect.
        PlatformRefused: an error answer.
    """
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform=account.platform, platform_code=f"http_{response.status}")
    try:
        envelope = msgspec.json.decode(response.body, type=Envelope)
        if envelope.code not in CODES:
            raise PlatformUnknown(platform=account.platform, platform_code=str(envelope.code))
        if envelope.code != SUCCESS:
            raise error_of(account.platform, envelope)
        return msgspec.json.decode(envelope.data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PlatformUnknown(platform=account.platform) from error


async def call(account: Account, method: str, business: dict[str, Value], kind: type[AnswerT]) -> AnswerT:
    """Build, send, read."""
    return read(account, await account.http.send(build(account, method, business)), kind)


def time_text(moment: datetime) -> str:
    """A moment as the gateway writes it; below a second it is cut."""
    return moment.astimezone(BEIJING).strftime(TIME_FORMAT)


def time_of(text: str) -> datetime:
    """A moment of the gateway, aware. Raises ValueError for anything else."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=BEIJING)


def needed(account: Account, field: str) -> str:
    """A credential.

    Raises:
        InvalidInput: it is not there.
    """
    value = account.credentials.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="credentials")
    return value
