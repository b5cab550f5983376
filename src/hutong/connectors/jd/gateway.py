"""One call of JD's gateway: system parameters and signature around it, two envelopes off its answer.

Source: union.jd.com/helpcenter/13246-13312-108188 (the address that took the place of router.jd.com) and
https://jos.jd.com/commondoc?listId=33, as in logerzhu/typed-jd-union-api. Business parameters are one JSON text in
``360buy_param_json``; the answer holds its result as JSON text once more. Times are Beijing's, without an offset.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec

from hutong.connectors.jd.errors import GatewayError, error_of
from hutong.connectors.jd.signing import sign
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

PATH: Final = "/routerjson"
VERSION: Final = "1.0"
BUSINESS: Final = "360buy_param_json"
BEIJING: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
HTTP_OK: Final = 200
#: What the alliance's result calls success.
RESULT_OK: Final = "200"


class Result(msgspec.Struct, frozen=True):
    """The inner envelope, as far as every call has it."""

    code: int | str
    message: str | None = ""


ResultT = TypeVar("ResultT", bound=Result)


def build(account: Account, method: str, business: object) -> Request:
    """A signed request; ``business`` is what the method calls its arguments, by their name.

    Every call we make may be repeated: a second address for a mark carries the same mark.

    Raises:
        InvalidInput: a credential is missing.
    """
    fields = {
        "method": method,
        "app_key": _needed(account, "app_key"),
        "timestamp": time_text(account.clock.now()),
        "format": "json",
        "v": VERSION,
        "sign_method": "md5",
        BUSINESS: msgspec.json.encode(business).decode(),
    }
    fields["sign"] = sign(fields, _needed(account, "app_secret"))
    return Request(
        method="POST",
        url=f"{account.base_url.rstrip('/')}{PATH}",
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "Accept": "application/json"},
        body=urlencode(fields).encode(),
        repeatable=True,
    )


def read(account: Account, method: str, response: Response, kind: type[ResultT]) -> ResultT:
    """The result inside ``<method, dots to underscores>_responce`` (their spelling; ``_response`` in the documents).

    Raises:
        PlatformUnknown: no envelope, or not this one: nobody knows what the call did.
        PlatformRefused: the gateway or the alliance says no.
    """
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform=account.platform, platform_code=f"http_{response.status}")
    try:
        envelope = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
        if "error_response" in envelope:
            refused = msgspec.json.decode(envelope["error_response"], type=GatewayError)
            raise error_of(account.platform, str(refused.code), refused.zh_desc or refused.en_desc)
        result = _result(envelope, method)
        told = msgspec.json.decode(result, type=Result)
        if str(told.code) != RESULT_OK:
            raise error_of(account.platform, str(told.code), told.message or "")
        return msgspec.json.decode(result, type=kind)
    except (msgspec.MsgspecError, KeyError, RecursionError) as error:
        raise PlatformUnknown(platform=account.platform) from error


async def call(account: Account, method: str, business: object, kind: type[ResultT]) -> ResultT:
    """Build, send, read."""
    return read(account, method, await account.http.send(build(account, method, business)), kind)


def time_text(moment: datetime) -> str:
    """A moment as the gateway writes it; below a second it is cut."""
    return moment.astimezone(BEIJING).strftime(TIME_FORMAT)


def time_of(text: str) -> datetime:
    """A moment of the gateway, aware. Raises ValueError for anything else."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=BEIJING)


def _result(envelope: dict[str, msgspec.Raw], method: str) -> bytes:
    """The result's JSON: ``getResult`` of a ``….get``, ``queryResult`` of a ``….query``; text, or the object itself."""
    name = method.replace(".", "_")
    inner = envelope[f"{name}_responce"] if f"{name}_responce" in envelope else envelope[f"{name}_response"]
    raw = msgspec.json.decode(inner, type=dict[str, msgspec.Raw])[f"{method.rpartition('.')[2]}Result"]
    held = bytes(raw)
    return msgspec.json.decode(held, type=str).encode() if held.startswith(b'"') else held


def _needed(account: Account, field: str) -> str:
    value = account.credentials.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="credentials")
    return value
