"""Reads the body of an answer, strictly: what cannot be read is unknown, never a guess."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from hutong.connectors.wechatpay.errors import error_of
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.core.errors import PlatformUnknown
from hutong.transport.messages import Response

SUCCESS_MIN: Final = 200
SUCCESS_END: Final = 300

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


def succeeded(response: Response) -> bool:
    """Whether the status is 2xx."""
    return SUCCESS_MIN <= response.status < SUCCESS_END


def decode(merchant: Merchant, response: Response, kind: type[RecordT]) -> RecordT:
    """A 2xx body as a record.

    Raises:
        PlatformUnknown: a body that cannot be read: the request may have taken effect.
        PlatformRefused: the status is not 2xx.
    """
    if not succeeded(response):
        raise error_of(merchant.platform, response)
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def aware(moment: datetime | None) -> datetime | None:
    """A time of the wire, which always carries its offset."""
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a time without offset")
    return moment
